package apitest

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// built is Roster's binary, made once for all tests. It stays, so that it is not linked
// again where nothing has changed.
var built = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "bin", "apitest", "roster")
	c := exec.Command("go", "build", "-o", path, "./cmd/roster")
	c.Dir = root
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	c.Stderr = os.Stderr
	return path, c.Run()
})

// program is Roster as it is built and run, in a process of its own.
type program struct {
	process *os.Process
	addr    string
	said    func() string
	ended   chan struct{}
	state   *os.ProcessState // once ended is closed
}

// start runs the program on a database. before stands before its command, such as
// taskset.
func start(t *testing.T, databaseURL string, before []string, settings ...string) *program {
	t.Helper()
	path := must(built())(t)
	args := append(append([]string{}, before...), path, "serve")
	c := exec.Command(args[0], args[1:]...)
	c.Dir = "/"
	c.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "ROSTER_ADDR=127.0.0.1:0", "DATABASE_URL=" + databaseURL,
		"ROSTER_RATE_LIMIT=off", "ROSTER_LOG_FORMAT=json", "ROSTER_AUDIT_KEY=only-for-tests-only-for-tests-only-for-tests",
	}, settings...)
	stderr := must(c.StderrPipe())(t)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var said strings.Builder // all that is not the line of a request
	p := &program{process: c.Process, ended: make(chan struct{}), said: func() string {
		mu.Lock()
		defer mu.Unlock()
		return said.String()
	}}
	serving := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			line := lines.Text()
			if strings.Contains(line, `"msg":"request"`) {
				continue
			}
			mu.Lock()
			said.WriteString(line + "\n")
			mu.Unlock()
			if strings.Contains(line, `"msg":"serving"`) {
				serving <- line
			}
		}
		_ = c.Wait()
		p.state = c.ProcessState
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(30 * time.Second):
			_ = p.process.Kill()
			t.Errorf("it does not stop; it said:\n%s", p.said())
		}
	})
	select {
	case line := <-serving:
		var where struct{ API string }
		if err := json.Unmarshal([]byte(line), &where); err != nil {
			t.Fatal(err)
		}
		p.addr = strings.TrimSuffix(strings.TrimPrefix(where.API, "http://"), "/api/users")
	case <-p.ended:
		t.Fatalf("it ended; it said:\n%s", p.said())
	case <-time.After(time.Minute):
		t.Fatalf("it does not serve; it said:\n%s", p.said())
	}
	return p
}
