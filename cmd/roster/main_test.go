//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roster-api/roster/db/embedded"
)

// The tests run the program as its users do: built once, started as processes.
var (
	home    string // of all tests; nothing runs below it at the end
	program string
	source  string // the folder that go test runs in
)

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	base := os.TempDir()
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		base = "/dev/shm"
	}
	var err error
	if home, err = os.MkdirTemp(base, "rc-"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(home)
	// As root, PostgreSQL's user must get in.
	if err := os.Chmod(home, 0o711); err != nil {
		panic(err)
	}
	if source, err = os.Getwd(); err != nil {
		panic(err)
	}
	program = filepath.Join(home, "roster")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	// The tests wait for processes more than they work.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	code := m.Run()
	// A server whose Roster was killed takes a moment to end.
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left := processesBelow(home)
		if len(left) == 0 {
			return code
		}
		if time.Now().After(end) {
			fmt.Fprintln(os.Stderr, "processes were left behind:", left)
			return 1
		}
	}
}

// processesBelow finds, on Linux, the processes that work in a folder below dir.
func processesBelow(dir string) (left []string) {
	found, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range found {
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd, dir+"/") {
			left = append(left, link+" "+cwd)
		}
	}
	return left
}

// emptyData is a new folder that PostgreSQL's user can enter, which t.TempDir is
// not for root.
func emptyData(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(home, "d")
	if err == nil {
		err = os.Chmod(dir, 0o711)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// data is a data folder with a migrated database in which there is an admin, root,
// and a key of theirs: a copy of one that Roster made.
func data(t testing.TB) string {
	t.Helper()
	from, err := template()
	if err != nil {
		t.Fatal(err)
	}
	dir := emptyData(t)
	if out, err := exec.Command("cp", "-a", from+"/.", dir).CombinedOutput(); err != nil {
		t.Fatalf("copy the data folder: %v: %s", err, out)
	}
	return dir
}

var template = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(home, "template")
	if err := os.Mkdir(dir, 0o711); err != nil {
		return "", err
	}
	migrate := command([]string{"ROSTER_DATA_DIR=" + dir}, "migrate", "up")
	if out, err := migrate.CombinedOutput(); err != nil {
		return "", fmt.Errorf("roster migrate up: %w: %s", err, out)
	}
	// An admin whose key opens every server of the tests, so that none of them pays
	// for a hash or shows a first password.
	here := []string{"ROSTER_DATA_DIR=" + dir}
	making := command(here, "user", "create", "--name=Root", "--email="+rootEmail, "--role=admin")
	making.Stdin = strings.NewReader(password + "\n")
	if out, err := making.CombinedOutput(); err != nil {
		return "", fmt.Errorf("roster user create: %w: %s", err, out)
	}
	key, err := command(here, "key", "create", "--name=tests", "--role=admin").Output()
	if err != nil {
		return "", fmt.Errorf("roster key create: %w", err)
	}
	rootKey = strings.TrimSpace(string(key))
	// The binaries are large and never change: all copies link to them.
	for _, bin := range glob(dir, "postgres-bin-*") {
		kept := filepath.Join(home, filepath.Base(bin))
		if err := errors.Join(os.Rename(bin, kept), os.Symlink(kept, bin)); err != nil {
			return "", err
		}
	}
	return dir, nil
})

const rootEmail = "root@roster.test"

// rootKey is root's key in every copy of the template.
var rootKey string

func glob(dir, pattern string) []string {
	found, _ := filepath.Glob(filepath.Join(dir, pattern))
	return found
}

// command prepares the program in a folder that is nobody's, with these settings
// and none of the developer's own.
func command(settings []string, args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.Dir = "/"
	if !embedded.Packed() {
		c.Dir = source // where it finds PostgreSQL in node_modules
	}
	c.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(home, "nowhere"),
		"ROSTER_ADMIN_EMAIL=" + rootEmail, "ROSTER_ADMIN_PASSWORD=" + password, // where the template is not used
	}, settings...)
	return c
}

// result is how a command ended.
type result struct {
	status         int
	stdout, stderr string
}

func finish(t testing.TB, c *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if c.Stdout == nil {
		c.Stdout = &stdout
	}
	if c.Stderr == nil {
		c.Stderr = &stderr
	}
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v", c.Args, err)
	}
	return result{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// roster runs a command to its end.
func roster(t testing.TB, settings []string, args ...string) result {
	t.Helper()
	return finish(t, command(settings, args...))
}

// must is a command that has to work; it returns what it printed.
func must(t testing.TB, settings []string, args ...string) string {
	t.Helper()
	r := roster(t, settings, args...)
	if r.status != 0 || r.stderr != "" {
		t.Fatalf("roster %s: status %d, it said: %s", strings.Join(args, " "), r.status, r.stderr)
	}
	return r.stdout
}

// serving is a running roster serve.
type serving struct {
	t       testing.TB
	process *os.Process
	base    string // http://localhost:port
	token   string // root's key, or the token of a session of theirs
	ended   chan struct{}
	state   *os.ProcessState // after ended

	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed at the next line
}

// serve starts a server and waits until it says where it serves.
func serve(t testing.TB, settings ...string) *serving {
	t.Helper()
	return serveCommand(t, command(append([]string{"ROSTER_ADDR=localhost:0"}, settings...), "serve"))
}

// serveUnknown is a server that nobody has signed in to.
func serveUnknown(t testing.TB, settings ...string) *serving {
	t.Helper()
	return started(t, command(append([]string{"ROSTER_ADDR=localhost:0"}, settings...), "serve"))
}

func serveCommand(t testing.TB, c *exec.Cmd) *serving {
	t.Helper()
	s := started(t, c)
	if strings.HasPrefix(s.base, "http://") { // an outside address is not ours to call
		s.known()
	}
	return s
}

// started waits until it says where it serves.
func started(t testing.TB, c *exec.Cmd) *serving {
	t.Helper()
	s := begun(t, c)
	s.awaitServing()
	return s
}

// begun starts a server that ends with the test.
func begun(t testing.TB, c *exec.Cmd) *serving {
	t.Helper()
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	s := &serving{t: t, process: c.Process, ended: make(chan struct{}), more: make(chan struct{})}
	t.Cleanup(func() {
		s.signal(syscall.SIGTERM)
		select {
		case <-s.ended:
		case <-time.After(30 * time.Second):
			s.signal(syscall.SIGKILL)
			t.Errorf("the server does not stop; it said:\n%s", s.said())
		}
	})
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			s.mu.Lock()
			s.lines = append(s.lines, lines.Text())
			close(s.more)
			s.more = make(chan struct{})
			s.mu.Unlock()
		}
		_ = c.Wait()
		s.state = c.ProcessState
		close(s.ended)
	}()
	return s
}

// awaitServing learns where it serves.
func (s *serving) awaitServing() {
	s.t.Helper()
	var where struct{ API string }
	if err := json.Unmarshal([]byte(s.await(`"msg":"serving"`)), &where); err != nil {
		s.t.Fatal(err)
	}
	s.base = strings.TrimSuffix(where.API, "/api/users")
}

// known makes the requests that follow root's: by the key, or where the database is
// no copy of the template, by signing in. While the database is away, the key has
// to do.
func (s *serving) known() {
	s.t.Helper()
	s.token = rootKey
	if a, err := s.get("/api/session"); err != nil || a.status != http.StatusUnauthorized {
		return
	}
	s.token = ""
	a, err := s.do(http.MethodPost, "/api/session", `{"email":"`+rootEmail+`","password":"`+password+`","token":true}`)
	if err != nil {
		s.t.Fatal(err)
	}
	var signedIn struct{ Token string }
	if err := json.Unmarshal([]byte(a.body), &signedIn); err != nil || signedIn.Token == "" {
		s.t.Fatalf("signing in: %d %s", a.status, a.body)
	}
	s.token = signedIn.Token
}

// await returns the first line that has the text, as soon as it is there.
func (s *serving) await(text string) string {
	s.t.Helper()
	patience := time.After(time.Minute)
	for over := false; ; {
		s.mu.Lock()
		lines, more := s.lines, s.more
		s.mu.Unlock()
		for _, line := range lines {
			if strings.Contains(line, text) {
				return line
			}
		}
		if over {
			s.t.Fatalf("the server ended without %q; it said:\n%s", text, s.said())
		}
		select {
		case <-more:
		case <-s.ended:
			over = true // one more look: the last lines are there by now
		case <-patience:
			s.t.Fatalf("the server does not say %q; it said:\n%s", text, s.said())
		}
	}
}

func (s *serving) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

func (s *serving) signal(what os.Signal) {
	select {
	case <-s.ended:
	default:
		_ = s.process.Signal(what) // fails only when it just ended
	}
}

// wait returns the exit status, -1 after a signal.
func (s *serving) wait() int {
	s.t.Helper()
	select {
	case <-s.ended:
		return s.state.ExitCode()
	case <-time.After(time.Minute):
		s.t.Fatalf("the server does not end; it said:\n%s", s.said())
		return 0
	}
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
}

// client keeps no connection: each request shows whether the port is open.
var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
	DisableKeepAlives: true,
	TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // that of a test
}}

// certificate makes a certificate for localhost, and its key.
func certificate(t testing.TB) (certFile, keyFile string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(1, 0, 0), DNSNames: []string{"localhost"}}
	public, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: public}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}

func (s *serving) get(path string) (answer, error) {
	return s.do(http.MethodGet, path, "")
}

func (s *serving) do(method, path, body string) (answer, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(text)}, err
}

// want makes a request that has to be answered with this status.
func (s *serving) want(status int, method, path, body string) answer {
	s.t.Helper()
	a, err := s.do(method, path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if a.status != status {
		s.t.Fatalf("%s %s: %d, want %d: %s", method, path, a.status, status, a.body)
	}
	return a
}

// eventually waits for something outside that no event tells of.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
