package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestFolderNames(t *testing.T) {
	t.Parallel()
	for name, below := range map[string]string{
		"long":        strings.Repeat("a-long-folder-name/", 8) + "end",
		"comma":       "a,b",
		"space":       "Application Support",
		"quote":       `it's "here"`,
		"percent":     "100%41",
		"brackets":    "[a-z]*",
		"not English": "база",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, filepath.Join(folder(t), below))
			if err := os.MkdirAll(o.DataDir, 0o755); err != nil {
				t.Fatal(err)
			}
			s := start(t, o)
			if s.address.dir == s.layout.run() {
				t.Fatalf("the socket is in %s", s.address.dir)
			}
			if _, err := os.ReadDir(s.address.dir); err != nil {
				t.Fatal(err)
			}
			mustAsk(t, s.URL(""), "SELECT 'yes'")
			p := runOther(t, "attach", o)
			mustAsk(t, p.url, "SELECT 'attached'")
			stop(t, s)
			if exists(s.address.dir) {
				t.Errorf("the socket's folder %s was left", s.address.dir)
			}
		})
	}
}

func TestPrivateFolderOfAStranger(t *testing.T) {
	t.Parallel()
	root := filepath.Join(folder(t), "data") // only its name counts
	first, err := privateFolder(root, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(first)
	if again, err := privateFolder(root, nil); err != nil || again != first {
		t.Errorf("the same folder again: %s %v, want %s", again, err, first)
	}
	if err := os.Chmod(first, 0o777); err != nil {
		t.Fatal(err)
	}
	other, err := privateFolder(root, nil)
	if err != nil || other == first {
		t.Errorf("an open folder was trusted: %s %v", other, err)
	}
	os.RemoveAll(other)
}

func TestVersionMismatchIsRefused(t *testing.T) {
	t.Parallel()
	o := prepared(t)
	s := start(t, o)
	stop(t, s)
	file := filepath.Join(s.layout.data(), "PG_VERSION")
	now, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("14\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := tree(t, s.layout.cluster())
	_, err = Start(t.Context(), o)
	var mismatch *VersionError
	if !errors.As(err, &mismatch) || mismatch.Data != 14 || len(mismatch.Found) != 1 || mismatch.Found[0] != s.binaries.major {
		t.Errorf("start on version 14: %v", err)
	} else if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("not a clear line: %q", err)
	}
	if tree(t, s.layout.cluster()) != before {
		t.Error("the folder was changed")
	}
	// The refusal gave the lock back, and with the right version the data is there.
	if err := os.WriteFile(file, now, 0o600); err != nil {
		t.Fatal(err)
	}
	mustAsk(t, start(t, o).URL(""), "SELECT 'here'")
}

func TestForeignFolderIsRefused(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{"somebody's files": "letters/mother.txt", "half a database": "data/base/1/1259"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, folder(t))
			path := filepath.Join(o.DataDir, "postgres", file)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("dear"), 0o600); err != nil {
				t.Fatal(err)
			}
			before := tree(t, filepath.Join(o.DataDir, "postgres"))
			if s, err := Start(t.Context(), o); err == nil {
				stop(t, s)
				t.Error("it was taken for a database")
			}
			if tree(t, filepath.Join(o.DataDir, "postgres")) != before {
				t.Error("the folder was changed")
			}
		})
	}
}

// A crash in the middle of initdb leaves only a folder that the next start removes.
func TestInterruptedInitdb(t *testing.T) {
	t.Parallel()
	o := options(t, folder(t))
	p := startOther(t, "start", o)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	staged := func() []string {
		found, _ := filepath.Glob(filepath.Join(o.DataDir, stagingPrefix+"*", "data", "base"))
		return found
	}
	eventually(t, 20*time.Second, "initdb is at work", func() bool { return len(staged()) > 0 })
	p.kill(t)
	if exists(filepath.Join(o.DataDir, "postgres")) {
		t.Skip("initdb was quicker")
	}
	if runtime.GOOS == "linux" {
		eventually(t, 10*time.Second, "initdb ends with its parent", func() bool { return len(serversBelow(o.DataDir)) == 0 })
	}
	s := start(t, o)
	mustAsk(t, s.URL(""), "SELECT 'made'")
	if left := staged(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestNoBinaries(t *testing.T) {
	t.Parallel()
	o := options(t, folder(t))
	o.Binaries = folder(t)
	_, err := Start(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "DATABASE_URL") || strings.Contains(err.Error(), "\n") {
		t.Errorf("no clear line: %v", err)
	}
	entries, err := os.ReadDir(o.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 { // the lock file
		t.Errorf("left: %v", entries)
	}
}

func TestReadPIDFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]pidState{
		"12\n/d\n1\n5432\n/run\n\n 1 2\nready   \n":     {12, address{"/run", "", 5432}, true},
		"12\n/d\n1\n5432\n/run\n\n 1 2\nstarting\n":     {12, address{"/run", "", 5432}, false},
		"12\n/d\n1\n7000\n\n127.0.0.1\n 1 2\nready  \n": {12, address{"", "127.0.0.1", 7000}, true},
		"-12\n/d\n":    {pid: 12},
		"12":           {pid: 12},
		"":             {},
		"0\n":          {},
		"x\n/d\n":      {},
		"\x00\x00\x00": {},
	} {
		path := filepath.Join(t.TempDir(), "postmaster.pid")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := readPIDFile(path); got != want || (err == nil) != (want.pid != 0) {
			t.Errorf("%q: %+v %v, want %+v", text, got, err, want)
		}
	}
}

func TestFitsSocket(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]bool{
		"/var/lib/roster/postgres/run": true,
		"/" + strings.Repeat("a", 88):  true,
		"/" + strings.Repeat("a", 89):  false,
		"/a,b":                         false,
		"/a b":                         false,
		"/a'b":                         false,
		"/é":                           false,
	} {
		if got := fitsSocket(dir); got != want {
			t.Errorf("%s (%s): %t", dir, strconv.Itoa(len(dir)), got)
		}
	}
}
