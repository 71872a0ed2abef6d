//go:build !linux

package embedded

import (
	"io/fs"
	"os"
	"path/filepath"
)

// syncTree brings each file to the disk: only Linux can sync a whole file system.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		return f.Sync()
	})
}
