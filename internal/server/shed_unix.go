//go:build unix

package server

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Read is as that of any connection, and answers itself what is refused. After an answer it
// waits for the next request at once: [net.TCPConn.Read] would look first whether it is
// there, in vain, and that is a tenth of what a refusal costs.
func (c *shedConn) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	var failed error
	err = c.raw.Read(func(fd uintptr) (done bool) {
		n, failed = syscall.Read(int(fd), b)
		for errors.Is(failed, syscall.EINTR) {
			n, failed = syscall.Read(int(fd), b)
		}
		switch {
		case errors.Is(failed, syscall.EAGAIN):
			n, failed = 0, nil
			return false
		case failed != nil:
			n, failed = 0, c.opError(os.NewSyscallError("read", failed))
			return true
		case n == 0:
			failed = io.EOF
			return true
		}
		var refused bool
		if refused, failed = c.refused(b, n); failed != nil {
			n = 0
		}
		return !refused
	})
	if err == nil {
		return n, failed
	}
	var op *net.OpError
	if errors.As(err, &op) { // of the waiting, as net/http knows it
		err = c.opError(op.Err)
	}
	return 0, err
}

func (c *shedConn) opError(err error) error {
	return &net.OpError{Op: "read", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
