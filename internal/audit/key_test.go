package audit_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/roster-api/roster/internal/audit"
)

func TestKeyFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	if _, err := audit.ReadKey(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no key: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("to read made the folder")
	}
	// Whoever comes first makes it, and all have the same.
	var group sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		group.Go(func() {
			if k, err := audit.MakeKey(dir); err != nil {
				t.Error(err)
			} else {
				ids[i] = k.ID()
			}
		})
	}
	group.Wait()
	for _, id := range ids {
		if id != ids[0] || len(id) != 16 {
			t.Fatalf("keys %q", ids)
		}
	}
	path := filepath.Join(dir, audit.KeyFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
	// What stands in the file may be given as the setting.
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if k := newKey(t, strings.TrimSpace(string(text))); k.ID() != ids[0] {
		t.Error("the text of the file is another key")
	}
	if strings.Contains(string(text), ids[0]) {
		t.Error("the id tells the key")
	}

	if err := os.WriteFile(path, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, read := range []func(string) (*audit.Key, error){audit.ReadKey, audit.MakeKey} {
		if _, err := read(dir); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("an empty file: %v", err)
		}
	}
}

func TestKeyWithoutFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.MakeKey(file); err == nil {
		t.Error("a key in a file")
	}
}
