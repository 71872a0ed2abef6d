package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPack(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), t.TempDir()
	for name, content := range map[string]string{
		"swagger-ui-bundle.js":             "script()\n//# sourceMappingURL=swagger-ui-bundle.js.map\n",
		"swagger-ui.css":                   "a{}\n/*# sourceMappingURL=swagger-ui.css.map*/",
		"NOTICE":                           "the notice",
		"LICENSE":                          "the licence",
		"swagger-ui-bundle.js.LICENSE.txt": "the licences of its parts",
	} {
		if err := os.WriteFile(filepath.Join(from, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var first map[string][]byte
	for range 2 {
		if err := pack(from, to); err != nil {
			t.Fatal(err)
		}
		packed := read(t, to)
		for name, b := range packed {
			if first != nil && !bytes.Equal(first[name], b) {
				t.Errorf("%s differs the second time", name)
			}
		}
		first = packed
	}
	for name, want := range map[string]string{
		"swagger-ui-bundle.js.gz": "script()",
		"swagger-ui.css.gz":       "a{}",
		"licences.txt.gz":         "the notice\n\nthe licence\n\nthe licences of its parts",
	} {
		r, err := gzip.NewReader(bytes.NewReader(first[name]))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
}

func TestPackWithoutThePackage(t *testing.T) {
	t.Parallel()
	if err := pack(t.TempDir(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "npm ci") {
		t.Errorf("%v does not say what to do", err)
	}
}

func read(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, entry := range entries {
		if files[entry.Name()], err = os.ReadFile(filepath.Join(dir, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
