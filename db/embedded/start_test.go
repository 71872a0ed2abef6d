package embedded

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestStartMakesEverythingAndKeepsIt(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(folder(t), "not", "there", "yet")
	o := options(t, dir)
	if os.Geteuid() == 0 { // root's folders above the data folder are the administrator's to open
		if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, o)

	for _, c := range []struct{ name, sql, want string }{
		{"the database", "SELECT current_database()", "roster"},
		{"its owner is no superuser", "SELECT current_user || ' ' || rolsuper FROM pg_roles WHERE rolname = current_user", "roster false"},
		{"encoding", "SHOW server_encoding", "UTF8"},
		{"lower-casing", "SELECT lower('É')", "é"},
		{"order by code point", "SELECT string_agg(x, '' ORDER BY x) FROM unnest(array['b','A','a','B']) x", "ABab"},
		{"checksums", "SHOW data_checksums", "on"},
		{"an extension that Roster needs", "CREATE EXTENSION pg_trgm; SELECT similarity('abc', 'abc')::text", "1"},
		{"Roster's settings", "SHOW jit", "off"},
		{"the caller's settings", "SHOW shared_buffers", "16MB"},
		{"no network", "SHOW listen_addresses", ""},
		{"an own table", "CREATE TABLE kept (x text); INSERT INTO kept VALUES ('yes'); SELECT x FROM kept", "yes"},
		{"version", "SHOW server_version", s.Version()},
	} {
		got := mustAsk(t, s.URL(""), c.sql)
		if got, _, _ = strings.Cut(got, " (Debian"); got != c.want {
			t.Errorf("%s: %s = %q, want %q", c.name, c.sql, got, c.want)
		}
	}
	if err := ping(t.Context(), strings.Replace(s.URL(""), s.password, "wrong", 1)); err == nil {
		t.Error("a wrong password was let in")
	}
	for path, want := range map[string]fs.FileMode{s.layout.data(): 0o700, s.layout.cluster(): 0o700, s.layout.passwordFile(): 0o600, s.layout.logFile(): 0o600, s.address.dir: 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want mode %v", path, info, err, want)
		}
	}

	stop(t, s)
	stop(t, s) // again does no harm
	if _, err := os.Stat(s.layout.pidFile()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no clean shutdown: postmaster.pid is there (%v)", err)
	}
	if err := s.Err(); err != nil {
		t.Errorf("Err after Stop = %v", err)
	}

	again := start(t, o)
	if got := mustAsk(t, again.URL(""), "SELECT x FROM kept"); got != "yes" {
		t.Errorf("after a restart: %q", got)
	}
	if again.URL("") != s.URL("") {
		t.Errorf("the address changed: %s, before %s", again.URL(""), s.URL(""))
	}
}

// The whole of what a user gets: nothing named, full durability.
func TestStartFindsItsOwnBinaries(t *testing.T) {
	t.Parallel()
	if !Packed() {
		t.Skip("built without the archive")
	}
	o := options(t, folder(t))
	o.Binaries, o.Settings = "", nil
	s := start(t, o)
	for name, want := range map[string]string{"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "wal_level": "replica"} {
		if got := mustAsk(t, s.URL(""), "SHOW "+name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	if major := s.binaries.major; major != 18 {
		t.Errorf("packed is PostgreSQL %d", major)
	}
	stop(t, s)

	// A file that a later version of Roster brings replaces the folder of the earlier one.
	old := filepath.Join(o.DataDir, binariesPrefix+"0123456789abcdef")
	if err := os.Mkdir(old, 0o755); err != nil {
		t.Fatal(err)
	}
	stop(t, start(t, o))
	if exists(old) {
		t.Error("the binaries of an earlier version are still there")
	}
}

func TestUsersOwnSettingsWin(t *testing.T) {
	t.Parallel()
	o := prepared(t)
	s := start(t, o)
	stop(t, s)
	conf, err := os.OpenFile(filepath.Join(s.layout.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer conf.Close()
	if _, err := conf.WriteString("max_connections = 42\nlisten_addresses = '*'\n"); err != nil {
		t.Fatal(err)
	}
	s = start(t, o)
	if got := mustAsk(t, s.URL(""), "SHOW max_connections"); got != "42" {
		t.Errorf("max_connections = %s", got)
	}
	if got := mustAsk(t, s.URL(""), "SHOW listen_addresses"); got != "" {
		t.Errorf("a file opened the server to the network: listen_addresses = %s", got)
	}
}

func TestSecondInstance(t *testing.T) {
	t.Parallel()
	o := prepared(t)
	if _, err := Attach(t.Context(), o); !errors.Is(err, ErrNotRunning) {
		t.Errorf("attach before a start: %v", err)
	}
	first := start(t, o)

	_, err := Start(t.Context(), o)
	var running *RunningError
	if !errors.As(err, &running) || running.PID != os.Getpid() || running.DataDir != o.DataDir {
		t.Fatalf("a second start: %v", err)
	}
	if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "ROSTER_DATA_DIR") {
		t.Errorf("not a clear line: %q", err)
	}
	if p := runOther(t, "start", o); !strings.HasPrefix(p.line, "error: another Roster (process ") {
		t.Errorf("a second start in another process: %q", p.line)
	}

	for what, open := range map[string]func(context.Context, Options) (*Server, error){"Attach": Attach, "Open": Open} {
		s, err := open(t.Context(), o)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !s.Attached() || s.PID() != first.PID() || s.Version() != first.Version() || s.URL("x") != first.URL("x") {
			t.Errorf("%s: %+v", what, s)
		}
		stop(t, s)
		<-s.Done()
	}
	if p := runOther(t, "open", o); !p.attached || mustAsk(t, p.url, "SELECT 'here'") != "here" {
		t.Errorf("open in another process: %q", p.line)
	}
	mustAsk(t, first.URL(""), "SELECT 'still here'")

	stop(t, first)
	if _, err := Attach(t.Context(), o); !errors.Is(err, ErrNotRunning) {
		t.Errorf("attach after the stop: %v", err)
	}
	alone, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if alone.Attached() {
		t.Error("attached to nobody")
	}
	stop(t, alone)
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(context.Context, Options) (*Server, error){"Start": Start, "Open": Open} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, folder(t))
			var all sync.WaitGroup
			var mu sync.Mutex
			var up []*Server
			for range 6 {
				all.Go(func() {
					s, err := open(t.Context(), o)
					var running *RunningError
					if errors.As(err, &running) && name == "Start" {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					up = append(up, s)
				})
			}
			all.Wait()
			own := 0
			for _, s := range up {
				mustAsk(t, s.URL(""), "SELECT 'up'")
				if !s.Attached() {
					own++
				}
			}
			if own != 1 || name == "Open" && len(up) != 6 {
				t.Errorf("%d servers for %d callers", own, len(up))
			}
			for _, s := range up {
				stop(t, s)
			}
		})
	}
}
