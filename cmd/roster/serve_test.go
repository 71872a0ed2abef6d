//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db/embedded"
)

const ada = `{"name":"Ada Lovelace","email":"ada@example.org","password":"correct horse battery"}`

// A first start on an empty folder makes everything, says where things are, and
// serves them.
func TestServeFirstStart(t *testing.T) {
	t.Parallel()
	dir := emptyData(t)
	s := serve(t, "ROSTER_DATA_DIR="+dir)
	var said struct{ Console, API, Docs, Document, Data, Version string }
	if err := json.Unmarshal([]byte(s.await(`"msg":"serving"`)), &said); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(said.Data, dir+" (PostgreSQL 1") || said.Version == "" {
		t.Errorf("it says %+v, want the data folder %s and a version", said, dir)
	}
	for _, url := range []string{said.Console, said.API, said.Docs, said.Document} {
		if a, err := s.get(strings.TrimPrefix(url, s.base)); err != nil || a.status != http.StatusOK {
			t.Errorf("GET %s: %d %v", url, a.status, err)
		}
	}
	s.want(http.StatusOK, http.MethodGet, "/health", "")
	s.want(http.StatusOK, http.MethodGet, "/ready", "")
	s.want(http.StatusCreated, http.MethodPost, "/api/users", ada)
	for _, line := range strings.Split(s.said(), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("no line of JSON: %s", line)
		}
	}

	document := s.want(http.StatusOK, http.MethodGet, "/openapi.yaml", "").body
	if printed := must(t, []string{"DATABASE_URL=nonsense"}, "openapi"); printed != document {
		t.Error("roster openapi does not print what /openapi.yaml serves")
	}
}

func TestServeSpeaksToAPerson(t *testing.T) {
	t.Parallel()
	dir := data(t)
	c := command([]string{"ROSTER_ADDR=127.0.0.1:0", "ROSTER_LOG_FORMAT=text", "ROSTER_DATA_DIR=" + dir}, "serve")
	out, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for buffer := make([]byte, 4096); !strings.Contains(said.String(), "Ctrl+C stops it."); {
		n, err := out.Read(buffer)
		if err != nil {
			t.Errorf("it ended: %v", err)
			break
		}
		said.Write(buffer[:n])
	}
	for _, want := range []string{"API       http://127.0.0.1:", "/api/users", "/docs", "/openapi.yaml", "Data      " + dir} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, said.String())
		}
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("after Ctrl+C: %v", err)
	}
}

// A second server on the folder ends with a clear word, and harms nothing.
func TestServeSecondInstance(t *testing.T) {
	t.Parallel()
	dir := data(t)
	s := serve(t, "ROSTER_DATA_DIR="+dir)

	r := roster(t, []string{"ROSTER_DATA_DIR=" + dir, "ROSTER_ADDR=localhost:0"}, "serve", "--log-format=text")
	want := fmt.Sprintf("roster: another Roster (process %d) already uses the data folder %s", s.process.Pid, dir)
	if r.status != 1 || !strings.Contains(r.stderr, want) {
		t.Errorf("same folder: status %d: %s\nwant %s", r.status, r.stderr, want)
	}
	addr := strings.TrimPrefix(s.base, "http://")
	r = roster(t, []string{"ROSTER_DATA_DIR=" + data(t), "ROSTER_ADDR=" + addr}, "serve", "--log-format=text")
	want = "roster: cannot listen on " + addr + ": address already in use; stop what does, or choose another address with ROSTER_ADDR\n"
	if r.status != 1 || !strings.HasSuffix(r.stderr, want) {
		t.Errorf("same port: status %d: %s", r.status, r.stderr)
	}
	s.want(http.StatusOK, http.MethodGet, "/ready", "")
}

// What was acknowledged is there after kill -9.
func TestServeSurvivesKill(t *testing.T) {
	t.Parallel()
	dir := data(t)
	s := serve(t, "ROSTER_DATA_DIR="+dir)
	created := s.want(http.StatusCreated, http.MethodPost, "/api/users", ada)
	s.signal(syscall.SIGKILL)
	if status := s.wait(); status != -1 {
		t.Fatalf("killed, and ended with %d", status)
	}
	s = serve(t, "ROSTER_DATA_DIR="+dir)
	got := s.want(http.StatusOK, http.MethodGet, created.header.Get("Location"), "")
	if got.body != created.body {
		t.Errorf("got %s, created %s", got.body, created.body)
	}
}

// query opens a connection to the database of a data folder on which a server runs.
func query(t testing.TB, dir string) *pgx.Conn {
	t.Helper()
	a, err := embedded.Attach(t.Context(), embedded.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), a.URL(""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// hold keeps every request for users waiting until release.
func hold(t testing.TB, dir string) (waiting func() bool, release func()) {
	t.Helper()
	conn, watch := query(t, dir), query(t, dir)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE users IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	waiting = func() bool {
		var n int
		if err := watch.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n > 0
	}
	return waiting, func() {
		if err := tx.Rollback(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// At SIGTERM /ready says no while requests are still taken, then the port closes,
// and what is in flight ends.
func TestServeStopsInOrder(t *testing.T) {
	t.Parallel()
	dir := data(t)
	s := serve(t, "ROSTER_DATA_DIR="+dir)
	s.want(http.StatusOK, http.MethodGet, "/ready", "")
	waiting, release := hold(t, dir)

	inFlight := make(chan answer, 1)
	go func() {
		a, err := s.get("/api/users")
		if err != nil {
			t.Error(err)
		}
		inFlight <- a
	}()
	eventually(t, 10*time.Second, "the request waits in the database", waiting)

	s.signal(syscall.SIGTERM)
	s.await(`"msg":"stopping"`)
	a := s.want(http.StatusServiceUnavailable, http.MethodGet, "/ready", "")
	if !strings.Contains(a.body, "stopping") {
		t.Errorf("/ready says %s", a.body)
	}
	s.want(http.StatusOK, http.MethodGet, "/openapi.json", "")
	eventually(t, 10*time.Second, "the port is closed", func() bool { _, err := s.get("/health"); return err != nil })
	select {
	case <-s.ended:
		t.Error("it ended with a request in flight")
	default:
	}
	release()
	if a := <-inFlight; a.status != http.StatusOK {
		t.Errorf("the request in flight got %d: %s", a.status, a.body)
	}
	if status := s.wait(); status != 0 {
		t.Errorf("status %d", status)
	}
	// Nothing of the log is lost: the last request's line, then the last word.
	lines := strings.Split(s.said(), "\n")
	if !strings.Contains(s.said(), `"path":"/api/users"`) || !strings.Contains(lines[len(lines)-1], `"msg":"stopped"`) {
		t.Errorf("the log ends so:\n%s", s.said())
	}
}

// Who is impatient says it twice.
func TestServeSecondSignal(t *testing.T) {
	t.Parallel()
	dir := data(t)
	s := serve(t, "ROSTER_DATA_DIR="+dir)
	waiting, _ := hold(t, dir)
	go func() { _, _ = s.get("/api/users") }()
	eventually(t, 10*time.Second, "the request waits in the database", waiting)
	s.signal(os.Interrupt)
	s.await(`"msg":"stopping"`)
	s.signal(os.Interrupt)
	if status := s.wait(); status != 1 {
		t.Errorf("status %d, want 1 at once", status)
	}
	// The database has ended with Roster.
	s = serve(t, "ROSTER_DATA_DIR="+dir)
	s.want(http.StatusOK, http.MethodGet, "/api/users", "")
}

// A server that is told to stop while it starts ends as cleanly.
func TestServeStopsWhileStarting(t *testing.T) {
	t.Parallel()
	dir := emptyData(t)
	c := command([]string{"ROSTER_DATA_DIR=" + dir, "ROSTER_ADDR=localhost:0"}, "serve")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "it has begun", func() bool { return len(glob(dir, "postgres*")) > 0 })
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("told to stop: %v", err)
	}
	s := serve(t, "ROSTER_DATA_DIR="+dir)
	s.want(http.StatusOK, http.MethodGet, "/api/users", "")
}

// When nobody reads the log any more, the server goes on.
func TestServeOutlivesItsLog(t *testing.T) {
	t.Parallel()
	dir := data(t)
	c := command([]string{"ROSTER_DATA_DIR=" + dir, "ROSTER_ADDR=localhost:0"}, "serve")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = w
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	var said string
	for buffer := make([]byte, 4096); !strings.Contains(said, `"msg":"serving"`); {
		n, err := r.Read(buffer)
		if err != nil {
			t.Fatalf("it ended: %v: %s", err, said)
		}
		said += string(buffer[:n])
	}
	r.Close()
	_, after, _ := strings.Cut(said, `"api":"`)
	api, _, _ := strings.Cut(after, `"`)
	for range 3 {
		response, err := client.Get(api + "?limit=0") // refused, and logged
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		time.Sleep(flushEvery) // until that line was to be written
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("told to stop: %v", err)
	}
}

// Only loopback and the host of ROSTER_PUBLIC_URL are answered.
func TestServeHost(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	free.Close()
	s := serve(t, "ROSTER_DATA_DIR="+data(t), "ROSTER_PUBLIC_URL=https://roster.example.org", "ROSTER_ADDR="+addr)
	if s.base != "https://roster.example.org" {
		t.Errorf("it says it serves on %s", s.base)
	}
	for host, want := range map[string]int{
		addr: http.StatusOK, "localhost": http.StatusOK, "roster.example.org": http.StatusOK,
		"evil.example": http.StatusMisdirectedRequest, "evil.roster.example.org": http.StatusMisdirectedRequest,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/api/users", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		request.Header.Set("Authorization", "Bearer "+rootKey)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("Host %s: %d, want %d", host, response.StatusCode, want)
		}
	}
}

// On a machine, root and the folder's owner share a database.
func TestServeAsOrdinaryUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("this user is an ordinary one: all tests show it")
	}
	if !embedded.Packed() {
		t.Skip("built without PostgreSQL inside, and the source tree may be closed to others")
	}
	const nobody = 65534
	as := func(c *exec.Cmd) *exec.Cmd {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return c
	}
	their := emptyData(t)
	if err := os.Chown(their, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	s := serveCommand(t, as(command([]string{"HOME=" + their, "ROSTER_ADDR=localhost:0"}, "serve")))
	s.want(http.StatusCreated, http.MethodPost, "/api/users", ada)
	dir := filepath.Join(their, ".local", "share", "roster")
	if !strings.Contains(s.await(`"msg":"serving"`), dir) {
		t.Errorf("it does not say %s", dir)
	}
	for who, c := range map[string]*exec.Cmd{
		"root":  command([]string{"ROSTER_DATA_DIR=" + dir}, "user", "list"),
		"owner": as(command([]string{"HOME=" + their}, "user", "list")),
	} {
		if r := finish(t, c); r.status != 0 || !strings.Contains(r.stdout, "ada@example.org") {
			t.Errorf("user list as %s: %+v", who, r)
		}
	}

	// The server of root: PostgreSQL runs as nobody, who may use the database, too.
	dir = data(t)
	s = serve(t, "ROSTER_DATA_DIR="+dir)
	s.want(http.StatusCreated, http.MethodPost, "/api/users", ada)
	info, err := os.Stat(filepath.Join(dir, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	c := command([]string{"ROSTER_DATA_DIR=" + dir}, "user", "list")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	if r := finish(t, c); r.status != 0 || !strings.Contains(r.stdout, "ada@example.org") {
		t.Errorf("user list as the owner of root's data folder: %+v", r)
	}
	c = command([]string{"ROSTER_DATA_DIR=" + dir}, "user", "list")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 12345}}
	if r := finish(t, c); r.status != 1 || !strings.Contains(r.stderr, "belongs to another user") {
		t.Errorf("user list as a stranger: %+v", r)
	}
}
