//go:build unix

package main

import (
	"bufio"
	"debug/elf"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

const password = "correct horse battery"

// create prepares roster user create with a password on the standard input.
func create(t testing.TB, settings []string, args ...string) result {
	t.Helper()
	c := command(settings, append([]string{"user", "create"}, args...)...)
	c.Stdin = strings.NewReader(password + "\n")
	return finish(t, c)
}

var justAnID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n$`)

// All commands work beside a running server, and what they do is seen through it.
func TestCommandsBesideAServer(t *testing.T) {
	t.Parallel()
	dir := data(t)
	s := serve(t, "ROSTER_DATA_DIR="+dir)
	here := []string{"ROSTER_DATA_DIR=" + dir}

	r := create(t, here, "--name=Ada Lovelace", "--email=ADA@Example.org", "--role=admin")
	if r.status != 0 || r.stderr != "" || !justAnID.MatchString(r.stdout) {
		t.Fatalf("user create: %+v", r)
	}
	id := strings.TrimSpace(r.stdout)
	if a := s.want(http.StatusOK, http.MethodGet, "/api/users/"+id, ""); !strings.Contains(a.body, `"ada@example.org"`) {
		t.Errorf("the server has %s", a.body)
	}
	if got := must(t, here, "seed", "--users=1234"); !strings.HasPrefix(got, "1234 users in ") {
		t.Errorf("seed prints %q", got)
	}
	if a := s.want(http.StatusOK, http.MethodGet, "/api/users?limit=1", ""); !strings.Contains(a.body, `"total":1236`) {
		t.Errorf("the server has %s", a.body)
	}
	if got := must(t, here, "audit", "export"); strings.Count(got, `"operation":"seed"`) != 1 || !strings.Contains(got, `"after":{"users":1234}`) {
		t.Errorf("a seed is to write one row; the audit log has %s", got)
	}
	if got := must(t, here, "user", "list", "--role=admin"); strings.Count(got, "\n") != 3 || !strings.Contains(got, id) {
		t.Errorf("user list --role=admin:\n%s", got)
	}
	if got := must(t, here, "migrate", "status"); strings.Contains(got, "not yet") {
		t.Errorf("migrate status:\n%s", got)
	}
	must(t, here, "migrate", "up")
	s.want(http.StatusOK, http.MethodGet, "/ready", "")
}

// The commands need no server: they start the database and stop it again.
func TestCommandsAlone(t *testing.T) {
	t.Parallel()
	here := []string{"ROSTER_DATA_DIR=" + data(t)}
	r := create(t, here, "--name=Ada Lovelace", "--email=ada@example.org")
	if r.status != 0 || !justAnID.MatchString(r.stdout) {
		t.Fatalf("user create: %+v", r)
	}
	r = create(t, here, "--name=Ada", "--email=Ada@example.org")
	if r.status != 1 || r.stdout != "" || r.stderr != "roster: Another user has this email.\n" {
		t.Errorf("the same email again: %+v", r)
	}
	if got := must(t, here, "user", "list", "--q=lovelace", "--json"); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"name":"Ada Lovelace"`) {
		t.Errorf("user list --json: %s", got)
	}
}

func TestUserCreateRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("\r\nS3cret-second-line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	nowhere := "ROSTER_DATA_DIR=" + filepath.Join(t.TempDir(), "none") // nothing gets that far
	ok := []string{"user", "create", "--name=Ada", "--email=ada@example.org"}
	for name, c := range map[string]struct {
		args        []string
		stdin, want string
	}{
		"no email":         {[]string{"user", "create", "--name=Ada"}, password, "--email"},
		"bad email":        {[]string{"user", "create", "--name=Ada", "--email=S3cret"}, password, "email must "},
		"empty name":       {[]string{"user", "create", "--name= ", "--email=ada@example.org"}, password, "name must "},
		"control in name":  {[]string{"user", "create", "--name=a\x1b[2J", "--email=ada@example.org"}, password, "name must "},
		"unknown role":     {append(ok, "--role=owner"), password, "--role must be one of"},
		"no password":      {ok, "", "no password; give it on the standard input or with --password-file"},
		"empty password":   {ok, "\nS3cret-second-line", "no password"},
		"short password":   {ok, "S3cret", "password must have at least 8 characters"},
		"long password":    {ok, strings.Repeat("S3cret", 30), "password must have at most 128 characters"},
		"empty file":       {append(ok, "--password-file="+file), password, "write the password into its first line"},
		"no file":          {append(ok, "--password-file=/nowhere"), password, "no such file"},
		"password as flag": {append(ok, "--password=S3cret"), "", "unknown flag"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := command([]string{nowhere}, c.args...)
			cmd.Stdin = strings.NewReader(c.stdin)
			r := finish(t, cmd)
			if r.status != 2 || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, c.want) {
				t.Errorf("%+v, want status 2 and %q", r, c.want)
			}
			if strings.Contains(r.stderr, "S3cret") || strings.Contains(r.stderr, "\x1b") {
				t.Errorf("it repeats what it was given: %s", r.stderr)
			}
		})
	}
}

// The list streams, ends where it is told to, and shows what is in it without
// obeying it.
func TestUserList(t *testing.T) {
	t.Parallel()
	dir := data(t)
	s := serve(t, "ROSTER_DATA_DIR="+dir)
	here := []string{"ROSTER_DATA_DIR=" + dir}
	if got := must(t, here, "user", "list", "--role=editor"); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "ID ") {
		t.Errorf("an empty list:\n%s", got)
	}
	if got := must(t, here, "user", "list", "--role=editor", "--json"); got != "" {
		t.Errorf("an empty list as JSON: %q", got)
	}
	must(t, here, "seed", "--users=1050")
	for limit, want := range map[int]int{0: 1051, 1: 1, 100: 100, 101: 101, 2000: 1051} {
		got := must(t, here, "user", "list", "--json", fmt.Sprint("--limit=", limit))
		seen := map[string]bool{}
		for lines := bufio.NewScanner(strings.NewReader(got)); lines.Scan(); {
			var user struct{ ID, CreatedAt string }
			if err := json.Unmarshal(lines.Bytes(), &user); err != nil {
				t.Fatal(err)
			}
			seen[user.ID] = true
		}
		if len(seen) != want || strings.Count(got, "\n") != want {
			t.Errorf("--limit=%d: %d lines, %d different ones", limit, strings.Count(got, "\n"), len(seen))
		}
	}

	// A name that the API would refuse, from a hand on the database.
	_, err := query(t, dir).Exec(t.Context(), "INSERT INTO users (id, name, email, role) VALUES (gen_random_uuid(), $1, 'x@example.org', 'viewer')",
		"\x1b]0;owned\x07\u202eevil\u009b2J é 明 \U000e0041")
	if err != nil {
		t.Fatal(err)
	}
	const want = `\u001b]0;owned\u0007\u202eevil\u009b2J é 明 \udb40\udc41`
	if got := must(t, here, "user", "list", "--limit=1"); !strings.Contains(got, "  "+want+"\n") {
		t.Errorf("user list shows %q", got)
	}
	got := must(t, here, "user", "list", "--limit=1", "--json")
	var user struct{ Name string }
	if err := json.Unmarshal([]byte(got), &user); err != nil || !strings.Contains(got, `"`+want+`"`) || !strings.HasPrefix(user.Name, "\x1b]0;") || !strings.HasSuffix(user.Name, "\U000e0041") {
		t.Errorf("user list --json shows %q (%v)", got, err)
	}
	if r := roster(t, here, "user", "list", "--limit=-1"); r.status != 2 || !strings.Contains(r.stderr, "or 0 for all") {
		t.Errorf("--limit=-1: %+v", r)
	}

	// A reader that has enough is no error, a full disk is one.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	c := command(here, "user", "list", "--limit=0")
	c.Stdout = w
	if got := finish(t, c); got.status != 0 || got.stderr != "" {
		t.Errorf("into a closed pipe: %+v", got)
	}
	w.Close()
	if full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0); err == nil {
		defer full.Close()
		for _, args := range [][]string{{"user", "list"}, {"openapi"}, {"version"}, {"migrate", "status"}} {
			c := command(here, args...)
			c.Stdout = full
			if got := finish(t, c); got.status != 1 || !strings.Contains(got.stderr, "no space left on device") {
				t.Errorf("%v on a full disk: %+v", args, got)
			}
		}
	}
	s.want(http.StatusOK, http.MethodGet, "/ready", "")
}

// Ctrl+C leaves whole batches, and says how many users are in.
func TestSeedInterrupted(t *testing.T) {
	t.Parallel()
	dir := data(t)
	serve(t, "ROSTER_DATA_DIR="+dir)
	watch := query(t, dir)
	count := func() (n int) {
		if err := watch.QueryRow(t.Context(), "SELECT count(*) FROM users WHERE email <> $1", rootEmail).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	c := command([]string{"ROSTER_DATA_DIR=" + dir}, "seed", "--users=5000000")
	var stdout, stderr strings.Builder
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "a batch is in", func() bool { return count() > 0 })
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil || c.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	said := regexp.MustCompile(`^\nroster: interrupted; (\d+) of 5000000 users are in\n$`).FindStringSubmatch(stderr.String())
	if said == nil || said[1] == "0" || stdout.String() != "" {
		t.Fatalf("it said %q and printed %q", stderr.String(), stdout.String())
	}
	if n := fmt.Sprint(count()); n != said[1] {
		t.Errorf("it said %s users are in, there are %s", said[1], n)
	}
	if r := roster(t, nil, "seed", "--users=0"); r.status != 2 || !strings.Contains(r.stderr, "write a number from 1 on") {
		t.Errorf("--users=0: %+v", r)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := serve(t, "ROSTER_DATA_DIR="+data(t))
	addr := strings.TrimPrefix(s.base, "http://")
	_, port, _ := strings.Cut(addr, ":")
	// A server in a container listens on every address; a proxy is for elsewhere.
	for _, setting := range []string{addr, "127.0.0.1:" + port, "0.0.0.0:" + port, ":" + port} {
		for _, args := range [][]string{{"health"}, {"health", "--ready"}} {
			if got := must(t, []string{"ROSTER_ADDR=" + setting, "http_proxy=http://127.0.0.1:1"}, args...); got != "ok\n" {
				t.Errorf("%v of %s prints %q", args, setting, got)
			}
		}
	}
	if r := roster(t, nil, "health", "--addr=localhost:1"); r.status != 1 || r.stderr != "roster: nobody answers at localhost:1\n" {
		t.Errorf("nobody there: %+v", r)
	}
	if r := roster(t, []string{"ROSTER_ADDR=8080"}, "health"); r.status != 2 || !strings.Contains(r.stderr, "write a host and a port") {
		t.Errorf("no address: %+v", r)
	}
}

// The binary needs nothing of the system it runs on.
func TestStatic(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("no other system has static binaries")
	}
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("it has a segment %v", p.Type)
		}
	}
}
