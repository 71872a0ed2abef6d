//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db/embedded"
)

// plain is a PostgreSQL as others run it, for DATABASE_URL: nobody watches over it.
type plain struct {
	t       testing.TB
	dir     string // as Roster's data folder
	url     string
	admin   string
	program string

	mu      sync.Mutex
	said    bytes.Buffer
	process *exec.Cmd
	ended   chan struct{}
}

// newPlain runs a PostgreSQL on a folder that Roster's own has made, under the same
// address as Roster's own.
func newPlain(t testing.TB, dir string, settings ...string) *plain {
	t.Helper()
	s, err := embedded.Start(t.Context(), embedded.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	p := &plain{t: t, dir: dir, url: s.URL(""), admin: s.AdminURL("")}
	p.program, err = os.Readlink(fmt.Sprintf("/proc/%d/exe", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	stop(t, s)
	if err := os.MkdirAll(filepath.Join(dir, "postgres", "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill() })
	p.start(settings...)
	return p
}

// data is PostgreSQL's own folder.
func (p *plain) data() string { return postgresFolder(p.dir) }

func postgresFolder(dir string) string { return filepath.Join(dir, "postgres", "data") }

// start runs it, and waits until it answers.
func (p *plain) start(settings ...string) {
	p.t.Helper()
	if err := p.launch(settings...); err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, 30*time.Second, "PostgreSQL answers", func() bool {
		select {
		case <-p.ended:
			p.t.Fatalf("PostgreSQL ended; it said:\n%s", p.log())
		default:
		}
		return p.ask() == nil
	})
}

func (p *plain) launch(settings ...string) error {
	run := filepath.Join(p.dir, "postgres", "run")
	args := []string{"-D", p.data(), "-c", "listen_addresses=", "-c", "unix_socket_directories=" + run, "-c", "unix_socket_permissions=0700"}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	c := exec.Command(p.program, args...)
	c.Dir, c.Env = "/", []string{"LC_ALL=C"}
	c.Stdout, c.Stderr = p, p
	info, err := os.Stat(p.data())
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	c.SysProcAttr = &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}
	}
	if err := c.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = c.Wait()
		close(ended)
	}()
	p.process, p.ended = c, ended
	return nil
}

func (p *plain) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

func (p *plain) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

func (p *plain) ask() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "SELECT 1")
	return err
}

// watch starts it again if it ends, as systemd does, until it answers. It reports
// whether it had to.
func (p *plain) watch() (again bool) {
	p.t.Helper()
	eventually(p.t, 30*time.Second, "PostgreSQL answers", func() bool {
		select {
		case <-p.ended:
			killPostgres(p.t, p.dir) // what the main process has left
			p.start()
			again = true
		default:
		}
		return p.ask() == nil
	})
	return again
}

// stop ends it as its own commands would: what is under way is broken off.
func (p *plain) stop() {
	p.t.Helper()
	p.signal(syscall.SIGINT)
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		p.t.Fatalf("PostgreSQL does not stop; it said:\n%s", p.log())
	}
}

// kill is kill -9 of all its processes.
func (p *plain) kill() {
	killPostgres(p.t, p.dir)
	<-p.ended
}

func (p *plain) signal(what syscall.Signal) {
	if err := p.process.Process.Signal(what); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
}

// postgresProcesses are those of the PostgreSQL on a data folder of Roster: all of
// them work in it.
func postgresProcesses(dir string) (pids []int) {
	found, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range found {
		if cwd, err := os.Readlink(link); err == nil && cwd == postgresFolder(dir) {
			pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

// signalPostgres sends a signal to every process of a PostgreSQL.
func signalPostgres(t testing.TB, dir string, what syscall.Signal) {
	t.Helper()
	for _, pid := range postgresProcesses(dir) {
		if err := syscall.Kill(pid, what); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Error(err)
		}
	}
}

// killPostgres is kill -9 of every process of a PostgreSQL.
func killPostgres(t testing.TB, dir string) {
	t.Helper()
	signalPostgres(t, dir, syscall.SIGKILL)
	eventually(t, 10*time.Second, "no process of PostgreSQL is left", func() bool {
		left := postgresProcesses(dir)
		for _, pid := range left { // one that was just made
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return len(left) == 0
	})
}

// postmaster is the main process of the PostgreSQL on a data folder.
func postmaster(t testing.TB, dir string) int {
	t.Helper()
	pid := 0
	eventually(t, 30*time.Second, "PostgreSQL has a main process", func() bool {
		text, err := os.ReadFile(filepath.Join(postgresFolder(dir), "postmaster.pid"))
		first, _, _ := strings.Cut(string(text), "\n")
		pid, _ = strconv.Atoi(first)
		return err == nil && pid > 1 && strings.Contains(string(text), "ready")
	})
	return pid
}
