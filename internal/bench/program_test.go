package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Where a create is measured less its hash, no file is left that makes one.
func TestWithoutHash(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	if _, err := withoutHash(t.TempDir(), root); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"internal/auth", "internal/bench/hand"} {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, path := range files {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			file := dir + "/" + filepath.Base(path)
			if !strings.HasSuffix(file, "_test.go") && strings.Contains(string(source), "argon2.IDKey") && !slices.Contains(hashing, file) {
				t.Errorf("%s makes hashes, and is not replaced", file)
			}
		}
	}
}
