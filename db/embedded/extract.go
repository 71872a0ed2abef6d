package embedded

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/klauspost/compress/zstd"
)

var archiveName = "archive/postgres-" + runtime.GOOS + "-" + runtime.GOARCH + ".tar.zst"

// Packed tells whether this program was built with PostgreSQL inside.
func Packed() bool {
	_, err := fs.Stat(archives, archiveName)
	return err == nil
}

// Extract unpacks the embedded archive into a folder below dir that is named for the archive's content, and
// returns it. A folder that is there already is used. It is whole or absent, also when two processes do this at
// once. fs.ErrNotExist when the program was built without the archive.
func Extract(dir string) (string, error) {
	archive, err := fs.ReadFile(archives, archiveName)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(archive)
	to := filepath.Join(dir, binariesPrefix+hex.EncodeToString(sum[:8]))
	if exists(to) {
		return to, nil
	}
	staging, err := os.MkdirTemp(dir, filepath.Base(to)+".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(staging)
	if err := unpack(archive, staging); err != nil {
		return "", fmt.Errorf("unpack PostgreSQL: %w", err)
	}
	if err := openFolders(staging); err != nil {
		return "", err
	}
	if err := syncTree(staging); err != nil {
		return "", err
	}
	if err := os.Rename(staging, to); err != nil && !exists(to) {
		return "", err
	}
	return to, nil
}

func unpack(archive []byte, to string) error {
	z, err := zstd.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	defer z.Close()
	root, err := os.OpenRoot(to) // refuses names that lead out of the folder
	if err != nil {
		return err
	}
	defer root.Close()
	for t := tar.NewReader(z); ; {
		head, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.FromSlash(head.Name)
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if head.Typeflag == tar.TypeSymlink {
			err = root.Symlink(head.Linkname, name)
		} else {
			err = writeEntry(root, name, t, head.FileInfo().Mode().Perm())
		}
		if err != nil {
			return err
		}
	}
}

func writeEntry(root *os.Root, name string, from io.Reader, mode fs.FileMode) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, from); err != nil {
		return err
	}
	if err := f.Chmod(mode); err != nil { // whatever the umask
		return err
	}
	return f.Close()
}

// openFolders lets every user enter, whatever the umask: PostgreSQL runs as another user when Roster is root.
func openFolders(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o755)
	})
}
