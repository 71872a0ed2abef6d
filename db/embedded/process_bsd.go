//go:build unix && !linux

package embedded

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// tieToParent does nothing: these systems have no parent death signal. A server that outlives Roster is ended by
// the next start.
func tieToParent(*syscall.SysProcAttr, word) {}

func alive(pid int) bool {
	state, _ := processStatus(pid)
	return state != "" && !strings.HasPrefix(state, "Z")
}

// serves goes by the program's name: the working directory of another process is not to be had here.
func serves(pid int, _ string) bool {
	state, command := processStatus(pid)
	return state != "" && !strings.HasPrefix(state, "Z") && strings.Contains(command, "postgres")
}

// strays finds none; PostgreSQL itself refuses to start while another process uses its shared memory.
func strays(string) []int { return nil }

func processStatus(pid int) (state, command string) {
	out, err := exec.Command("ps", "-o", "stat=", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return "", ""
	}
	state, command, _ = strings.Cut(strings.TrimSpace(string(out)), " ")
	return state, command
}
