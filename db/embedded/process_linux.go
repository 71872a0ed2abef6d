package embedded

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func tieToParent(attr *syscall.SysProcAttr, onParentDeath word) { attr.Pdeathsig = onParentDeath }

// alive is false for a zombie too: it holds nothing any more, and only its parent can remove it.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	// The state follows the command's name, which stands in brackets and may hold anything.
	after := stat[bytes.LastIndexByte(stat, ')')+1:]
	return len(after) > 1 && after[1] != 'Z' && after[1] != 'X'
}

// serves tells whether the process is a PostgreSQL that works in this data folder: all its processes do.
func serves(pid int, data string) bool {
	if resolved, err := filepath.EvalSymlinks(data); err == nil {
		data = resolved
	}
	proc := "/proc/" + strconv.Itoa(pid)
	cwd, err := os.Readlink(proc + "/cwd")
	if err != nil || cwd != data {
		return false
	}
	program, err := os.Readlink(proc + "/exe")
	if errors.Is(err, fs.ErrNotExist) {
		return true // it is ending: its program is gone already, its shared memory perhaps not yet
	}
	return err == nil && strings.TrimSuffix(filepath.Base(program), " (deleted)") == "postgres"
}

// strays are the processes of a server on this data folder.
func strays(data string) []int {
	var pids []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && serves(pid, data) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// syncTree brings what was written to the disk, all of its file system at once.
func syncTree(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}
