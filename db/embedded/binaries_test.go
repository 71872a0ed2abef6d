package embedded

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestExtractTogether(t *testing.T) {
	t.Parallel()
	if !Packed() {
		t.Skip("built without the archive")
	}
	dir := folder(t)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			got, err := Extract(dir)
			if err != nil {
				t.Error(err)
				return
			}
			if out, err := exec.Command(filepath.Join(got, "bin", exe("postgres")), "--version").CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	all.Wait()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("in the folder: %v %v", entries, err)
	}
	for _, text := range []string{"postgresql.txt", "openssl.txt", "icu.txt", "LICENSE.md"} {
		if _, err := os.Stat(filepath.Join(dir, entries[0].Name(), "licenses", text)); err != nil {
			t.Errorf("licence: %v", err)
		}
	}
}

// A program that cannot run here (another C library, say) is passed over, and the error says why.
func TestBrokenBinaries(t *testing.T) {
	t.Parallel()
	o := options(t, folder(t))
	o.Binaries = folder(t)
	bin := filepath.Join(o.Binaries, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ script, want string }{
		{"#!/bin/sh\necho 'postgres: libicu.so.60: cannot open' >&2; exit 127\n", "libicu.so.60: cannot open"},
		{"#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n", "version 14.9 is too old"},
		{"#!/bin/sh\necho hello\n", "says no version"},
		{"no program\n", "exec format error"},
	} {
		for _, name := range []string{"postgres", "initdb"} {
			if err := writeFile(filepath.Join(bin, exe(name)), c.script, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q in it", c.script, err, c.want)
		}
	}
}

func TestSystemFoldersNewestFirst(t *testing.T) {
	t.Parallel()
	last := 1 << 30
	for _, dir := range systemFolders() {
		if n := trailingNumber(dir); n > last {
			t.Errorf("%s comes late in %v", dir, systemFolders())
		} else {
			last = n
		}
	}
	for name, want := range map[string]int{"/usr/lib/postgresql/15": 15, "/usr/pgsql-18": 18, "/usr/local/pgsql": 0, "postgresql@16": 16} {
		if got := trailingNumber(name); got != want {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestSinkIsBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "postgres.log")
	var logged bytes.Buffer
	s, err := openSink(path, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("x", 1<<20) + "\n"
	for range 30 {
		s.add(line)
	}
	s.add("2026-01-02 03:04:05.000 UTC [7] PANIC:  no space\n")
	tail := s.tail()
	s.close()
	s.add("after the end\n") // a straggler does no harm
	for _, p := range []string{path, path + ".1"} {
		if info, err := os.Stat(p); err != nil || info.Size() > sinkLimit+2<<20 {
			t.Errorf("%s: %v %v", p, info, err)
		}
	}
	if !strings.Contains(tail, "PANIC:  no space") {
		t.Error("the last line is not in the tail")
	}
	if got := logged.String(); !strings.Contains(got, "level=ERROR") || strings.Contains(got, "xxx") {
		t.Errorf("logged above debug: %.200s", got)
	}
}
