//go:build unix

package testkit

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// RedisEnv set to require makes a missing redis-server a failure instead of a skipped test.
const RedisEnv = "ROSTER_TEST_REDIS"

// RedisServer is a real Redis of one test, that nobody else uses.
type RedisServer struct {
	t      testing.TB
	binary string
	folder string

	mu   sync.Mutex
	end  io.WriteCloser // closed: the server is killed
	wait func()
	pid  int
}

// Redis starts a Redis that ends with the test. Without redis-server the test is
// skipped, or fails with ROSTER_TEST_REDIS=require.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		binary, err = exec.LookPath("valkey-server")
	}
	if err != nil {
		const missing = "this test needs redis-server on the PATH; install it with: apt-get install redis-server, or: brew install redis"
		if os.Getenv(RedisEnv) == "require" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	// Not t.TempDir: a socket's path has room for some 100 octets.
	folder, err := os.MkdirTemp("", "roster-redis-")
	if err != nil {
		t.Fatal(err)
	}
	r := &RedisServer{t: t, binary: binary, folder: folder}
	t.Cleanup(func() {
		r.Stop()
		_ = os.RemoveAll(folder)
	})
	r.Start()
	return r
}

// URL is what REDIS_URL is set to. It stays the same while the server stops and starts.
func (r *RedisServer) URL() string { return "unix://" + filepath.Join(r.folder, "socket") }

// The shell ends with its standard input, so also when the test's process is killed,
// and takes the server along.
const script = `"$@" & echo $!; read -r end; kill -9 $!; wait`

// Start starts a server that is stopped, empty, at the same address.
func (r *RedisServer) Start() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end != nil {
		return
	}
	c := exec.Command("sh", "-c", script, "sh", r.binary, "--port", "0", "--unixsocket", filepath.Join(r.folder, "socket"),
		"--unixsocketperm", "700", "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", r.folder)
	end, err := c.StdinPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		r.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var said strings.Builder
	ready := false
	for !ready && lines.Scan() {
		if r.pid == 0 {
			r.pid, _ = strconv.Atoi(lines.Text())
		}
		said.WriteString(lines.Text() + "\n")
		ready = strings.Contains(lines.Text(), "eady to accept connections")
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, out)
	}()
	r.end = end
	r.wait = func() {
		<-drained
		_ = c.Wait()
	}
	if !ready {
		r.t.Fatalf("redis-server does not start:\n%s", said.String())
	}
}

// Stop kills the server. What it held is gone.
func (r *RedisServer) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end == nil {
		return
	}
	_ = r.end.Close()
	r.wait()
	r.end, r.pid = nil, 0
}

// Freeze keeps the server from answering: connections stay open, and new ones are
// taken by the kernel.
func (r *RedisServer) Freeze() { r.signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (r *RedisServer) Thaw() { r.signal(syscall.SIGCONT) }

func (r *RedisServer) signal(s syscall.Signal) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pid == 0 {
		r.t.Fatal("the redis-server is stopped")
	}
	if err := syscall.Kill(r.pid, s); err != nil {
		r.t.Fatal(err)
	}
}
