package embedded

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// syncDir does nothing: Windows has no way to sync a folder's entries.
func syncDir(string) error { return nil }

const noFollow = 0

var errLocked error = windows.ERROR_LOCK_VIOLATION

// The byte that is locked lies far behind the text, which others must be able to read.
var lockedByte = windows.Overlapped{OffsetHigh: 1}

func tryLock(f *os.File, exclusive bool) error {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if exclusive {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	at := lockedByte
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_IO_PENDING) {
		return errLocked
	}
	return err
}
