package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zstd"
)

// format counts up when the packer itself changes what it writes, so that old archives are made again.
const format = "1"

// keyName is the archive's first entry: what it was made from. The packer compares it to skip work.
const keyName = "KEY"

// inputKey names the input: the npm package's version and checksum, and the licence texts.
func inputKey(dir, pkg, npm string) (string, error) {
	var meta struct{ Version string }
	if err := readJSON(filepath.Join(pkg, "package.json"), &meta); err != nil {
		return "", err
	}
	var lock struct {
		Packages map[string]struct{ Version, Integrity string }
	}
	if err := readJSON(filepath.Join(dir, "package-lock.json"), &lock); err != nil {
		return "", err
	}
	locked := lock.Packages["node_modules/"+npm]
	if locked.Version != meta.Version {
		return "", fmt.Errorf("%s is installed as %s and locked as %s: run npm ci in %s", npm, meta.Version, locked.Version, dir)
	}
	h := sha256.New()
	texts, err := filepath.Glob(filepath.Join(dir, "licenses", "*"))
	if err != nil {
		return "", err
	}
	for _, p := range texts {
		data, err := os.ReadFile(p)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", filepath.Base(p), len(data), data)
	}
	fmt.Fprintf(h, "%q", modules)
	return fmt.Sprintf("format %s\n%s %s\n%s\nrest %s\n", format, npm, meta.Version, locked.Integrity,
		hex.EncodeToString(h.Sum(nil))), nil
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// readKey returns the first entry of an archive that was written before.
func readKey(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		return "", err
	}
	defer z.Close()
	t := tar.NewReader(z)
	head, err := t.Next()
	if err != nil || head.Name != keyName {
		return "", fmt.Errorf("%s: no key", path)
	}
	key, err := io.ReadAll(io.LimitReader(t, 1<<16))
	return string(key), err
}

// writeArchive writes beside the target and renames, so that an interrupted run leaves no half archive.
func writeArchive(out, key string, files []file) (int64, error) {
	tmp, err := os.CreateTemp(filepath.Dir(out), ".pack-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	// One worker: more of them would make the bytes depend on the machine.
	z, err := zstd.NewWriter(tmp, zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
	if err != nil {
		return 0, err
	}
	t := tar.NewWriter(z)
	if err := writeEntry(t, file{name: keyName, mode: 0o644, size: int64(len(key))}, []byte(key)); err != nil {
		return 0, err
	}
	for _, f := range files {
		var data []byte
		if f.link == "" {
			if data, err = os.ReadFile(f.source); err != nil {
				return 0, err
			}
		}
		if err := writeEntry(t, f, data); err != nil {
			return 0, err
		}
	}
	if err := t.Close(); err != nil {
		return 0, err
	}
	if err := z.Close(); err != nil {
		return 0, err
	}
	size, err := tmp.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	if err := tmp.Chmod(0o644); err != nil {
		return 0, err
	}
	if err := tmp.Close(); err != nil {
		return 0, err
	}
	return size, os.Rename(tmp.Name(), out)
}

// writeEntry leaves out owner and time, which differ from machine to machine.
func writeEntry(t *tar.Writer, f file, data []byte) error {
	head := &tar.Header{Name: f.name, Mode: int64(f.mode.Perm()), Size: int64(len(data)),
		ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
	if f.link != "" {
		head.Typeflag, head.Linkname = tar.TypeSymlink, f.link
	}
	if err := t.WriteHeader(head); err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	_, err := t.Write(data)
	return err
}
