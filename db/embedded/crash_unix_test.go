//go:build unix

package embedded

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kill -9 of Roster: the server ends by itself, and what was acknowledged is there at the next start.
func TestKilledRoster(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		wait bool // until the orphan ended, or start while it still runs
	}{{"start at once", false}, {"start later", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := prepared(t)
			p := runOther(t, "start", o)
			mustAsk(t, p.url, "CREATE TABLE kept (n int)")
			const rounds = 3
			for n := range rounds {
				mustAsk(t, p.url, "INSERT INTO kept VALUES ("+strconv.Itoa(n)+")")
				p.kill(t)
				if c.wait {
					eventually(t, 10*time.Second, "the orphan ends by itself", func() bool { return !alive(p.pid) })
				}
				before := p.pid
				p = runOther(t, "start", o)
				if p.pid == before || p.url == "" {
					t.Fatalf("the next start said %q", p.line)
				}
			}
			if got := mustAsk(t, p.url, "SELECT count(*) FROM kept"); got != strconv.Itoa(rounds) {
				t.Errorf("%s rows, want %d", got, rounds)
			}
		})
	}
}

// kill -9 of PostgreSQL, or of one of its processes: it is up again within two seconds, and nothing is lost.
func TestKilledPostgres(t *testing.T) {
	t.Parallel()
	s := start(t, prepared(t))
	mustAsk(t, s.URL(""), "CREATE TABLE kept (n int)")
	for n, victim := range []func() int{
		s.PID,
		s.PID,
		func() int {
			pid, _ := strconv.Atoi(mustAsk(t, s.AdminURL("postgres"), "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"))
			return pid
		},
	} {
		mustAsk(t, s.URL(""), "INSERT INTO kept VALUES (1)")
		eventually(t, 10*time.Second, "PID follows", func() bool { return alive(s.PID()) })
		began := time.Now()
		signal(t, victim(), syscall.SIGKILL)
		eventually(t, 20*time.Second, "it answers again", func() bool {
			got, err := ask(t.Context(), s.URL(""), "SELECT count(*) FROM kept")
			return err == nil && got == strconv.Itoa(n+1)
		})
		t.Logf("up again after %v", time.Since(began).Round(time.Millisecond))
	}
	select {
	case <-s.Done():
		t.Error("Done is closed though the server was brought up again")
	default:
	}
}

// A server that is busy when its main process dies holds the shared memory that the next one needs.
func TestKilledPostgresWithABusyChild(t *testing.T) {
	t.Parallel()
	if strays("/") == nil && !exists("/proc/self/cwd") {
		t.Skip("only Linux can find the children")
	}
	s := start(t, prepared(t))
	busy := make(chan error, 1)
	go func() {
		_, err := ask(context.Background(), s.URL(""), "SELECT count(*) FROM generate_series(1, 1000000000000)")
		busy <- err
	}()
	eventually(t, 10*time.Second, "the query runs", func() bool {
		return mustAsk(t, s.URL(""), "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%generate_series%' AND pid <> pg_backend_pid()") == "1"
	})
	pid := s.PID()
	signal(t, pid, syscall.SIGKILL)
	eventually(t, 20*time.Second, "it is up again", func() bool {
		_, err := ask(t.Context(), s.URL(""), "SELECT 1")
		return err == nil && s.PID() != pid
	})
	if err := <-busy; err == nil {
		t.Error("the query on the killed server ended well")
	}
}

// signal refuses 0 and less, which mean whole groups of processes.
func signal(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if pid <= 1 {
		t.Fatalf("no process: %d", pid)
	}
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatal(err)
	}
}

func TestDataFolderVanishes(t *testing.T) {
	t.Parallel()
	o := prepared(t)
	s := start(t, o)
	away := s.layout.cluster() + ".away"
	if err := os.Rename(s.layout.cluster(), away); err != nil {
		t.Fatal(err)
	}
	signal(t, s.PID(), syscall.SIGKILL)
	select {
	case <-s.Done():
		if s.Err() == nil {
			t.Error("Err is nil")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Done was not closed")
	}
	// It gave the lock back, and made no new database where the old one was.
	if err := os.Rename(away, s.layout.cluster()); err != nil {
		t.Fatal(err)
	}
	mustAsk(t, start(t, o).URL(""), "SELECT 'back'")
}

func TestStopWhileItComesUpAgain(t *testing.T) {
	t.Parallel()
	o := prepared(t)
	for range 5 {
		s := start(t, o)
		signal(t, s.PID(), syscall.SIGKILL)
		stop(t, s)
		if left := serversBelow(o.DataDir); len(left) > 0 {
			t.Fatalf("left after Stop: %v", left)
		}
	}
	mustAsk(t, start(t, o).URL(""), "SELECT 'well'")
}

// A frozen server hears no polite word: Stop keeps to its deadline, and the next start recovers.
func TestStopOfAFrozenServer(t *testing.T) {
	t.Parallel()
	o := prepared(t)
	s := start(t, o)
	mustAsk(t, s.URL(""), "CREATE TABLE kept (x text)")
	signal(t, s.PID(), syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop = %v, want that it was not clean", err)
	}
	again := start(t, o)
	mustAsk(t, again.URL(""), "SELECT count(*) FROM kept")
}

func TestStalePIDFile(t *testing.T) {
	t.Parallel()
	zombie := exec.Command("true")
	if err := zombie.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = zombie.Wait() }()
	eventually(t, 10*time.Second, "true ends", func() bool { return !alive(zombie.Process.Pid) })

	for name, text := range map[string]string{
		"a stranger's":           strconv.Itoa(os.Getpid()) + "\n%\n1\n5432\n/nowhere\n\n  1 1\nready   \n",
		"the parent's":           strconv.Itoa(os.Getppid()) + "\n%\n1\n5432\n/nowhere\n\n  1 1\nready   \n",
		"the init process's":     "1\n%\n1\n5432\n/nowhere\n\n  1 1\nready   \n",
		"a zombie's":             strconv.Itoa(zombie.Process.Pid) + "\n%\n1\n5432\n/nowhere\n\n  1 1\nready   \n",
		"nobody's":               "4194303\n%\n1\n5432\n/nowhere\n\n  1 1\nready   \n",
		"empty":                  "",
		"garbage":                "\x00\x00\x00\x00",
		"of a start that failed": "4194303\n%\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := prepared(t)
			s := start(t, o)
			mustAsk(t, s.URL(""), "CREATE TABLE kept (x text)")
			stop(t, s)
			text := strings.Replace(text, "%", s.layout.data(), 1)
			for _, path := range []string{s.layout.pidFile(), s.address.dir + socketName + ".lock"} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := Attach(t.Context(), o); !errors.Is(err, ErrNotRunning) {
				t.Errorf("attach to a stale file: %v", err)
			}
			again := start(t, o)
			mustAsk(t, again.URL(""), "SELECT count(*) FROM kept")
		})
	}
}
