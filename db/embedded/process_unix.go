//go:build unix

package embedded

import (
	"os"
	"os/exec"
	"syscall"
)

// word is what one says to a server: PostgreSQL gives each of these signals a meaning of its own.
type word = syscall.Signal

const (
	interrupt = syscall.SIGINT  // fast shutdown: roll back what is open, leave the data clean
	quit      = syscall.SIGQUIT // immediate shutdown: the next start recovers
	kill      = syscall.SIGKILL
)

// tie gives the command its user, and its own process group: Ctrl-C on a terminal reaches the whole group, and
// the server must outlive the requests that Roster then still finishes.
func tie(cmd *exec.Cmd, as *account, onParentDeath word) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if as != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(as.uid), Gid: uint32(as.gid)}
	}
	tieToParent(cmd.SysProcAttr, onParentDeath)
}

func sendSignal(pid int, w word) error { return syscall.Kill(pid, w) }

// private tells whether dir is a folder, no link, of the server's user, closed to all others.
func private(dir string, as *account) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == as.id()
}
