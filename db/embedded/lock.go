package embedded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// lock is the right to run a server on the data folder. The system gives it back when the process ends, however
// it ends; what stands in the file is only for the message to a second instance.
type lock struct{ file *os.File }

// acquire takes the lock, or says who has it. It tries for a moment: a process that only asks (see held) has it
// for an instant.
func acquire(l layout) (*lock, error) {
	f, err := os.OpenFile(l.lockFile(), os.O_RDWR|os.O_CREATE|noFollow, 0o644)
	if err != nil {
		return nil, explainFolder(l.root, err)
	}
	for try := range 5 {
		if try > 0 {
			time.Sleep(10 * time.Millisecond)
		}
		if err = tryLock(f, true); err == nil {
			if err = errors.Join(f.Truncate(0), ownLike(l.lockFile(), l.root)); err == nil {
				_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
			}
			if err != nil {
				f.Close()
				return nil, err
			}
			return &lock{f}, nil
		}
	}
	defer f.Close()
	if !errors.Is(err, errLocked) {
		return nil, err
	}
	text, _ := io.ReadAll(io.LimitReader(f, 32))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return nil, &RunningError{PID: pid, DataDir: l.root}
}

func (k *lock) release() {
	if k != nil {
		k.file.Close()
	}
}

// held tells whether some process has the lock.
func (l layout) held() (bool, error) {
	f, err := os.Open(l.lockFile())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = tryLock(f, false)
	if errors.Is(err, errLocked) {
		return true, nil
	}
	return false, err
}

// explainFolder says whose the data folder is, where that is the reason.
func explainFolder(root string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("the database in %s belongs to another user: run this as that user or as root, "+
			"or choose another folder with ROSTER_DATA_DIR: %w", root, err)
	}
	return err
}
