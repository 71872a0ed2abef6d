//go:build unix

package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// withoutAdmin is a data folder with a migrated database and no users.
func withoutAdmin(t testing.TB) string {
	t.Helper()
	dir := data(t)
	pg := start(t, dir)
	execute(t, pg.URL(""), "TRUNCATE users CASCADE")
	stop(t, pg)
	return dir
}

func (s *serving) signIn(email, password string) answer {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"email": email, "password": password})
	if err != nil {
		s.t.Fatal(err)
	}
	a, err := (&serving{t: s.t, base: s.base}).do(http.MethodPost, "/api/session", string(body))
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// Where nobody looks on, the first admin's password lies in a file of the data
// folder, and in no log. A second start makes no other.
func TestFirstAdminFromAFile(t *testing.T) {
	t.Parallel()
	dir := withoutAdmin(t)
	settings := []string{"ROSTER_DATA_DIR=" + dir, "ROSTER_ADMIN_PASSWORD=", "ROSTER_ADMIN_EMAIL=admin@roster.local"}
	s := serveUnknown(t, settings...)
	file := filepath.Join(dir, passwordFile)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v, want a file of mode 0600", info, err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	made := strings.TrimSpace(string(content))
	if a := s.signIn("Admin@Roster.local", made); a.status != http.StatusCreated {
		t.Errorf("signing in: %d %s", a.status, a.body)
	}
	if strings.Contains(s.said(), made) || !strings.Contains(s.said(), file) {
		t.Errorf("the log has the password, or not the file:\n%s", s.said())
	}
	s.signal(syscall.SIGTERM)
	s.wait()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	s = serveUnknown(t, settings...)
	if _, err := os.Stat(file); err == nil || strings.Contains(s.said(), "first admin") {
		t.Errorf("a second admin was made:\n%s", s.said())
	}
	if a := s.signIn("admin@roster.local", made); a.status != http.StatusCreated {
		t.Errorf("signing in after a second start: %d %s", a.status, a.body)
	}
}

// However many start at once, one admin is made; with a database that others run
// and no terminal, the setting is needed.
func TestFirstAdminOnce(t *testing.T) {
	t.Parallel()
	pg := start(t, withoutAdmin(t))
	settings := []string{"DATABASE_URL=" + pg.URL(""), "ROSTER_ADMIN_EMAIL=First@Example.org"}

	r := roster(t, append(settings, "ROSTER_ADMIN_PASSWORD=", "ROSTER_ADDR=localhost:0"), "serve", "--log-format=text")
	if r.status != 2 || !strings.Contains(r.stderr, "roster: no admin can sign in yet") || !strings.Contains(r.stderr, "set ROSTER_ADMIN_PASSWORD") {
		t.Errorf("without a password: %+v", r)
	}

	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from a secret file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	servers := make([]*serving, 5)
	var all sync.WaitGroup
	for i := range servers {
		all.Go(func() {
			servers[i] = serveUnknown(t, append(settings, "ROSTER_ADMIN_PASSWORD=", "ROSTER_ADMIN_PASSWORD_FILE="+file)...)
		})
	}
	all.Wait()
	for _, s := range servers {
		if a := s.signIn("first@example.org", "from a secret file"); a.status != http.StatusCreated {
			t.Errorf("signing in: %d %s", a.status, a.body)
		}
	}
	if got := must(t, settings[:1], "user", "list"); strings.Count(got, "\n") != 2 {
		t.Errorf("more than one was made:\n%s", got)
	}
}

// An admin who is there but cannot sign in is none; an address that is taken is
// not taken over.
func TestFirstAdminWhereNoneCanSignIn(t *testing.T) {
	t.Parallel()
	pg := start(t, withoutAdmin(t))
	execute(t, pg.URL(""), "INSERT INTO users (id, name, email, role) VALUES (gen_random_uuid(), 'Imported', 'imported@example.org', 'admin')")
	settings := []string{"DATABASE_URL=" + pg.URL(""), "ROSTER_ADDR=localhost:0"}
	r := roster(t, append(settings, "ROSTER_ADMIN_EMAIL=imported@example.org"), "serve", "--log-format=text")
	if r.status != 2 || !strings.Contains(r.stderr, "set ROSTER_ADMIN_EMAIL to another address") {
		t.Errorf("a taken address: %+v", r)
	}
	s := serveUnknown(t, settings...)
	if a := s.signIn(rootEmail, password); a.status != http.StatusCreated {
		t.Errorf("signing in: %d %s", a.status, a.body)
	}
}

func TestBadAdminSettings(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"ROSTER_ADMIN_PASSWORD=S3cret":                          "password must have at least 8 characters",
		"ROSTER_ADMIN_PASSWORD=password123":                     "password is one of the most common passwords",
		"ROSTER_ADMIN_PASSWORD=" + strings.Repeat("S3cret", 30): "password must have at most 128 characters",
		"ROSTER_ADMIN_EMAIL=admin":                              "email must be",
		"ROSTER_RATE_LIMIT=many":                                "ROSTER_RATE_LIMIT",
		"ROSTER_RATE_LIMIT_CALLER=1/never":                      "ROSTER_RATE_LIMIT_CALLER",
	} {
		t.Run(setting[:min(len(setting), 40)], func(t *testing.T) {
			t.Parallel()
			r := roster(t, []string{"ROSTER_DATA_DIR=" + filepath.Join(t.TempDir(), "none"), setting}, "serve")
			if r.status != 2 || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, want) || strings.Contains(r.stderr, "S3cret") {
				t.Errorf("%+v, want one line with %q", r, want)
			}
		})
	}
}

// The cookie over https, which the server speaks by itself.
func TestServeTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	s := serveUnknown(t, "ROSTER_DATA_DIR="+data(t), "ROSTER_TLS_CERT="+cert, "ROSTER_TLS_KEY="+key)
	if !strings.HasPrefix(s.base, "https://localhost:") {
		t.Fatalf("it serves on %s", s.base)
	}
	addr := "ROSTER_ADDR=" + strings.TrimPrefix(s.base, "https://")
	for _, args := range [][]string{{"health"}, {"health", "--ready"}} {
		must(t, []string{addr, "ROSTER_TLS_CERT=" + cert}, args...)
	}
	a := s.signIn(rootEmail, password)
	if cookie := a.header.Get("Set-Cookie"); a.status != http.StatusCreated || !strings.HasPrefix(cookie, "__Host-roster=rss_") {
		t.Errorf("signing in: %d %s %v", a.status, a.body, a.header)
	}
	if r := roster(t, []string{"ROSTER_DATA_DIR=" + filepath.Join(t.TempDir(), "none"), "ROSTER_TLS_CERT=" + cert}, "serve"); r.status != 2 || !strings.Contains(r.stderr, "ROSTER_TLS_KEY") {
		t.Errorf("a certificate without its key: %+v", r)
	}
}
