//go:build unix

package middleware

import (
	"errors"
	"os"
	"syscall"
)

// newPollerTurn makes a pipe of which the poller tells, as it does of connections, in the
// order in which things arrive.
func newPollerTurn() func() error {
	broken := func(err error) func() error { return func() error { return err } }
	reader, writer, err := os.Pipe()
	if err != nil {
		return broken(err)
	}
	from, err := reader.SyscallConn()
	if err != nil {
		return broken(err)
	}
	return func() error {
		var octet [1]byte
		sent, read := false, error(nil)
		err := from.Read(func(fd uintptr) bool {
			if !sent { // by now the poller takes note of it
				sent = true
				_, read = writer.Write(octet[:])
				return read != nil
			}
			_, read = syscall.Read(int(fd), octet[:])
			return !errors.Is(read, syscall.EAGAIN) && !errors.Is(read, syscall.EINTR)
		})
		if err == nil {
			err = read
		}
		return err
	}
}
