//go:build unix

package embedded

import (
	"os"
	"syscall"
)

// noFollow keeps root from writing through a link that the data folder's owner planted.
const noFollow = syscall.O_NOFOLLOW

var errLocked error = syscall.EWOULDBLOCK

func tryLock(f *os.File, exclusive bool) error {
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	return syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
}

// syncDir makes a rename in the folder last.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
