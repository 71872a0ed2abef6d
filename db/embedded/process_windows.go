package embedded

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/windows"
)

// word is the name by which pg_ctl sends what is a signal elsewhere.
type word string

const (
	interrupt word = "INT"
	quit      word = "QUIT"
	kill      word = "KILL"
)

// tie keeps a Ctrl-C on the console from the server. A server that outlives Roster is ended by the next start.
func tie(cmd *exec.Cmd, _ *account, _ word) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

// sendSignal uses pg_ctl, which lies beside the program of that process: a signal is a message on a pipe here.
func sendSignal(pid int, w word) error {
	if w == kill {
		p, err := os.FindProcess(pid)
		if err != nil {
			return err
		}
		return p.Kill()
	}
	program := programOf(pid)
	if program == "" {
		return os.ErrProcessDone
	}
	return exec.Command(filepath.Join(filepath.Dir(program), "pg_ctl.exe"), "kill", string(w), strconv.Itoa(pid)).Run()
}

func alive(pid int) bool { return programOf(pid) != "" }

func serves(pid int, _ string) bool {
	return strings.EqualFold(filepath.Base(programOf(pid)), "postgres.exe")
}

// strays finds none; PostgreSQL itself refuses to start while another process uses its shared memory.
func strays(string) []int { return nil }

// programOf is the path of a running process's program, and empty when it does not run.
func programOf(pid int) string {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return ""
	}
	defer windows.CloseHandle(h)
	var code uint32
	if err := windows.GetExitCodeProcess(h, &code); err != nil || code != 259 { // STILL_ACTIVE
		return ""
	}
	buf := make([]uint16, windows.MAX_LONG_PATH)
	n := uint32(len(buf))
	if err := windows.QueryFullProcessImageName(h, 0, &buf[0], &n); err != nil {
		return ""
	}
	return windows.UTF16ToString(buf[:n])
}

// private is never asked: there is no socket folder on Windows.
func private(string, *account) bool { return false }
