package audit

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Key seals the log. All replicas on one database have the same.
type Key struct {
	entries []byte // seals the entries of the chain
	state   []byte // seals where the chain begins and ends
	id      []byte // tells one key from another, and is no secret
}

// shortest is how many octets a key has at least, as a guard against a word.
const shortest = 32

// NewKey makes a key of a text: ROSTER_AUDIT_KEY, or what a key file holds.
func NewKey(text string) (*Key, error) {
	text = strings.TrimSpace(text)
	if len(text) < shortest {
		return nil, fmt.Errorf("it is shorter than %d characters; openssl rand -hex 32 prints a good one", shortest)
	}
	part := func(name string, length int) []byte {
		b, err := hkdf.Key(sha256.New, []byte(text), nil, "roster audit "+name, length)
		if err != nil {
			panic(err) // only for lengths that are none
		}
		return b
	}
	return &Key{entries: part("entries", 32), state: part("state", 32), id: part("id", 8)}, nil
}

// ID names the key without telling it.
func (k *Key) ID() string { return hex.EncodeToString(k.id) }

// KeyFile is the name of the file in the data folder that holds the key.
const KeyFile = "audit.key"

// ReadKey reads the key of a data folder. It is fs.ErrNotExist when there is none.
func ReadKey(dir string) (*Key, error) {
	path := filepath.Join(dir, KeyFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	k, err := NewKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// MakeKey is [ReadKey], and makes the key where there is none.
func MakeKey(dir string) (*Key, error) {
	k, err := ReadKey(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := writeOnce(filepath.Join(dir, KeyFile), randomText()); err != nil {
		return nil, err
	}
	return ReadKey(dir) // another process may have been first
}

// randomText is 256 random bits, in a form that can be given as ROSTER_AUDIT_KEY too.
func randomText() []byte {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return append([]byte(base64.RawURLEncoding.EncodeToString(secret)), '\n')
}

// writeOnce makes a file, whole and on the disk, unless it is there: a key that was
// used and then lost could not be told from one that never was.
func writeOnce(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), KeyFile+".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	switch err := os.Link(f.Name(), path); {
	case err == nil:
		return syncFolder(filepath.Dir(path))
	case errors.Is(err, fs.ErrExist):
		return nil
	default:
		return createOnce(path, content)
	}
}

// createOnce is for file systems without links, where another process could see the
// file before its content.
func createOnce(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncFolder makes the name last; where folders cannot be synced, it does without.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}

func (k *Key) same(id []byte) bool { return bytes.Equal(k.id, id) }
