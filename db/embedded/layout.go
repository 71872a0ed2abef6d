package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// layout knows the names inside the data folder; see the package comment.
type layout struct{ root string }

const (
	stagingPrefix  = "postgres.new-"
	binariesPrefix = "postgres-bin-"
)

func (l layout) cluster() string      { return filepath.Join(l.root, "postgres") }
func (l layout) data() string         { return filepath.Join(l.cluster(), "data") }
func (l layout) passwordFile() string { return filepath.Join(l.cluster(), "password") }
func (l layout) run() string          { return filepath.Join(l.cluster(), "run") }
func (l layout) pidFile() string      { return filepath.Join(l.data(), "postmaster.pid") }
func (l layout) lockFile() string     { return filepath.Join(l.root, "postgres.lock") }
func (l layout) settings() string     { return filepath.Join(l.root, "postgres.conf") }
func (l layout) logFile() string      { return filepath.Join(l.root, "postgres.log") }

// makeRoot makes the data folder. Root's is enterable by others, since PostgreSQL runs as another user there;
// what lies inside has its own, closed modes.
func (l layout) makeRoot() error {
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.MkdirAll(l.root, mode); err != nil {
		return fmt.Errorf("make the data folder: %w; choose another with ROSTER_DATA_DIR", err)
	}
	return nil
}

// dataVersion returns the major version that made the data folder, and fs.ErrNotExist where there is none.
func (l layout) dataVersion() (int, error) {
	text, err := os.ReadFile(filepath.Join(l.data(), "PG_VERSION"))
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s: not a version: %w", l.data(), err)
	}
	return major, nil
}

func (l layout) readPassword() (string, error) {
	text, err := os.ReadFile(l.passwordFile())
	if err != nil {
		return "", err
	}
	password := strings.TrimSpace(string(text))
	if password == "" {
		return "", fmt.Errorf("%s is empty: put the database's password there", l.passwordFile())
	}
	return password, nil
}

// removeLeftovers removes what an interrupted start left: half-made folders that were never used. Only the holder
// of the lock may call it.
func (l layout) removeLeftovers() {
	for _, pattern := range []string{stagingPrefix + "*", binariesPrefix + "*.new-*"} {
		l.removeAll(pattern, "")
	}
}

// removeOldBinaries removes the binaries of earlier versions of Roster.
func (l layout) removeOldBinaries(now binaries) {
	if filepath.Dir(now.dir) == l.root {
		l.removeAll(binariesPrefix+"*", now.dir)
	}
}

func (l layout) removeAll(pattern, except string) {
	paths, _ := filepath.Glob(filepath.Join(escapeGlob(l.root), pattern))
	for _, p := range paths {
		if p != except {
			_ = os.RemoveAll(p) // a leftover costs space, nothing else
		}
	}
}

// escapeGlob keeps a folder name with brackets in it from being read as a pattern.
func escapeGlob(path string) string {
	if filepath.Separator == '\\' {
		return path // Windows has no escape character in patterns
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
