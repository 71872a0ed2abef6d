package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a person's side of a terminal on which a command runs.
type terminal struct {
	t     testing.TB
	ours  *os.File
	their *os.File

	mu   sync.Mutex
	seen strings.Builder
}

// onTerminal starts a command whose input and messages are a terminal's.
func onTerminal(t testing.TB, c *exec.Cmd) *terminal {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	t.Cleanup(func() { ours.Close() })
	var name string
	raw, err := ours.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		if failed = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failed == nil {
			var n int
			n, failed = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
			name = fmt.Sprint("/dev/pts/", n)
		}
	})
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	their, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { their.Close() })
	c.Stdin, c.Stderr = their, their
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, ours: ours, their: their}
	go func() {
		for buffer := make([]byte, 4096); ; {
			n, err := ours.Read(buffer)
			x.mu.Lock()
			x.seen.Write(buffer[:n])
			x.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return x
}

func (x *terminal) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.seen.String()
}

func (x *terminal) await(text string) {
	x.t.Helper()
	eventually(x.t, 30*time.Second, "the terminal shows "+text, func() bool { return strings.Contains(x.text(), text) })
}

func (x *terminal) write(text string) {
	x.t.Helper()
	if _, err := x.ours.WriteString(text); err != nil {
		x.t.Fatal(err)
	}
}

// echoes tells whether the terminal shows what is typed.
func (x *terminal) echoes() (on bool) {
	x.t.Helper()
	raw, err := x.their.SyscallConn()
	if err != nil {
		x.t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		state, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		if err != nil {
			x.t.Error(err)
			return
		}
		on = state.Lflag&unix.ECHO != 0
	})
	if err != nil {
		x.t.Fatal(err)
	}
	return on
}

func TestPasswordOnATerminal(t *testing.T) {
	t.Parallel()
	dir := data(t)
	args := []string{"user", "create", "--name=Ada", "--email=ada@example.org"}
	ask := func() (*exec.Cmd, *terminal, *strings.Builder) {
		var stdout strings.Builder
		c := command([]string{"ROSTER_DATA_DIR=" + dir}, args...)
		c.Stdout = &stdout
		x := onTerminal(t, c)
		eventually(t, 10*time.Second, "the terminal hides what is typed", func() bool {
			return strings.Contains(x.text(), "Password (8 to 128 characters): ") && !x.echoes()
		})
		return c, x, &stdout
	}

	// Ctrl+C ends it, and the terminal shows again what is typed.
	c, x, _ := ask()
	x.write("\x03")
	if err := c.Wait(); c.ProcessState.ExitCode() != 1 {
		t.Errorf("after Ctrl+C: %v", err)
	}
	if x.await("roster: interrupted"); !x.echoes() {
		t.Error("the terminal goes on hiding what is typed")
	}

	c, x, _ = ask()
	x.write(password + "\n")
	x.await("Once more: ")
	x.write("another one\n")
	if err := c.Wait(); c.ProcessState.ExitCode() != 1 {
		t.Errorf("two different passwords: %v", err)
	}
	x.await("the two passwords differ; nothing was created")

	c, x, stdout := ask()
	x.write(password + "\n")
	x.await("Once more: ")
	x.write(password + "\n")
	if err := c.Wait(); err != nil || !justAnID.MatchString(stdout.String()) {
		t.Errorf("%v, it printed %q and showed %q", err, stdout, x.text())
	}
	if strings.Contains(x.text(), password) {
		t.Errorf("the terminal shows the password: %q", x.text())
	}
}

// On a terminal seed draws a bar; elsewhere, as the other tests show, it does not.
func TestSeedOnATerminal(t *testing.T) {
	t.Parallel()
	c := command([]string{"ROSTER_DATA_DIR=" + data(t)}, "seed", "--users=1000")
	x := onTerminal(t, c)
	if err := c.Wait(); err != nil {
		t.Fatalf("%v: %s", err, x.text())
	}
	x.await("(1000/1000")
}

// A person who starts a server reads lines, not JSON; Ctrl+C reaches Roster alone,
// so that its database outlives what is in flight.
func TestServeOnATerminal(t *testing.T) {
	t.Parallel()
	dir := data(t)
	c := command([]string{"ROSTER_DATA_DIR=" + dir, "ROSTER_ADDR=localhost:0"}, "serve")
	x := onTerminal(t, c)
	x.await("Ctrl+C stops it.")
	if !strings.Contains(x.text(), "Data      "+dir) || strings.Contains(x.text(), "first admin") {
		t.Errorf("it shows %s", x.text())
	}
	api := regexp.MustCompile(`http://localhost:\d+/api/users`).FindString(x.text())
	waiting, release := hold(t, dir)
	status := make(chan int, 1)
	go func() {
		a, err := (&serving{t: t, base: api, token: rootKey}).get("")
		if err != nil {
			t.Error(err)
		}
		status <- a.status
	}()
	eventually(t, 10*time.Second, "the request waits in the database", waiting)
	x.write("\x03")
	x.await("stopping")
	release()
	if got := <-status; got != http.StatusOK {
		t.Errorf("the request in flight got %d", got)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("after Ctrl+C: %v", err)
	}
}

// A person sees the first admin's password, once, and it is kept nowhere else.
func TestFirstAdminOnATerminal(t *testing.T) {
	t.Parallel()
	dir := withoutAdmin(t)
	c := command([]string{"ROSTER_DATA_DIR=" + dir, "ROSTER_ADDR=localhost:0", "ROSTER_ADMIN_EMAIL=me@example.org", "ROSTER_ADMIN_PASSWORD="}, "serve")
	x := onTerminal(t, c)
	x.await("Ctrl+C stops it.")
	shown := regexp.MustCompile(`Email +me@example\.org\s+Password +(\S+)`).FindStringSubmatch(x.text())
	if shown == nil {
		t.Fatalf("it shows %s", x.text())
	}
	base := regexp.MustCompile(`http://localhost:\d+`).FindString(x.text())
	if a := (&serving{t: t, base: base}).signIn("me@example.org", shown[1]); a.status != http.StatusCreated {
		t.Errorf("signing in: %d %s", a.status, a.body)
	}
	if _, err := os.Stat(filepath.Join(dir, passwordFile)); err == nil {
		t.Error("the password lies in a file, too")
	}
	x.write("\x03")
	if err := c.Wait(); err != nil {
		t.Errorf("after Ctrl+C: %v", err)
	}
}
