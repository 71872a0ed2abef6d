package testkit

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// roomInMemory is how many bytes are free on the file system in memory.
func roomInMemory() uint64 {
	var s unix.Statfs_t
	if err := unix.Statfs("/dev/shm", &s); err != nil {
		return 0
	}
	return s.Bavail * uint64(s.Bsize)
}

// keepOwner gives a copy to the owner of what was copied. Only root can, and only root needs it.
func keepOwner(original fs.FileInfo, copied string) error {
	stat, ok := original.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Lchown(copied, int(stat.Uid), int(stat.Gid))
}
