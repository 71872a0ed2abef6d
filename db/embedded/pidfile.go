package embedded

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// pidState is what PostgreSQL writes into postmaster.pid: who runs, where it listens, how far it is.
type pidState struct {
	pid     int
	address address
	ready   bool
}

// readPIDFile reads the lines by their place: 1 process id, 2 data folder, 3 start time, 4 port, 5 socket folder,
// 6 listen address, 7 shared memory, 8 status. While a server starts, the later lines are missing.
func readPIDFile(path string) (pidState, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return pidState{}, err
	}
	line := strings.Split(string(text), "\n")
	for i := range line {
		line[i] = strings.TrimSpace(line[i])
	}
	line = append(line, make([]string, 8)...)
	s := pidState{ready: line[7] == "ready"}
	// A standalone server (a rescue by hand) writes its id as a negative number.
	if s.pid, err = strconv.Atoi(strings.TrimPrefix(line[0], "-")); err != nil || s.pid <= 0 {
		return pidState{}, fmt.Errorf("%s: no process id in it: %w", path, errors.Join(err))
	}
	s.address = address{dir: line[4], host: line[5]}
	s.address.port, _ = strconv.Atoi(line[3])
	return s, nil
}
