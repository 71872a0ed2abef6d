package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// process is a server that this process started.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it ended
	err  error         // how, after done
}

// spawn runs f on a thread that lives as long as the process. Linux sends the parent's death signal when the
// thread that made the child ends, and Go ends threads at will; this goroutine keeps its thread and never returns.
var spawn = sync.OnceValue(func() func(f func() error) error {
	work, result := make(chan func() error), make(chan error)
	go func() {
		runtime.LockOSThread()
		for f := range work {
			result <- f()
		}
	}()
	var one sync.Mutex
	return func(f func() error) error {
		one.Lock()
		defer one.Unlock()
		work <- f
		return <-result
	}
})

// startProcess starts the server itself, without pg_ctl: what it returns is the server's own process, which
// shuts down cleanly when this process dies, however it dies.
func startProcess(b binaries, as *account, args []string, out *sink) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := b.command(context.Background(), "postgres", args...)
	// A pipe as a file, not a writer: Wait then returns when the server ends, though its children still hold it.
	cmd.Stdout, cmd.Stderr = w, w
	tie(cmd, as, interrupt)
	err = spawn()(cmd.Start)
	w.Close()
	if err != nil {
		r.Close()
		return nil, explainStart(err, as)
	}
	out.read(r)
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// exit says how the process ended. Only after done.
func (p *process) exit() error {
	if p.err == nil {
		return errors.New("PostgreSQL ended")
	}
	return fmt.Errorf("PostgreSQL ended: %w", p.err)
}

// shutdown asks for a fast shutdown, then for an immediate one when ctx or the patience ends, then kills.
func (p *process) shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fastPatience)
	defer cancel()
	p.tell(interrupt)
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	}
	for _, w := range []word{quit, kill} {
		p.tell(w)
		select {
		case <-p.done:
			return fmt.Errorf("PostgreSQL was ended without a clean shutdown: %w", ctx.Err())
		case <-time.After(quitPatience):
		}
	}
	return fmt.Errorf("PostgreSQL (process %d) does not end", p.pid())
}

// tell signals the process unless it ended: its id may belong to somebody else then.
func (p *process) tell(w word) {
	select {
	case <-p.done:
	default:
		_ = sendSignal(p.pid(), w) // fails only when it just ended
	}
}

// runTool runs a program of PostgreSQL to its end; what it said is in the error.
func runTool(ctx context.Context, b binaries, as *account, name string, args ...string) error {
	cmd := b.command(ctx, name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	tie(cmd, as, kill)
	if err := spawn()(cmd.Start); err != nil {
		return explainStart(err, as)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(out.String()))
	}
	return nil
}

// command prepares a program with an environment of its own: locale, time zone and PG* variables of the caller
// must not change what is made, and the working directory must be one that every user can enter.
func (b binaries) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(b.dir, "bin", exe(name)), args...)
	cmd.Dir = string(filepath.Separator)
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"PATH", "SystemRoot", "TEMP", "TMP"} {
		if v, ok := os.LookupEnv(name); ok && (name == "PATH" || runtime.GOOS == "windows") {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	return cmd
}

func explainStart(err error, as *account) error {
	if as != nil && errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("run PostgreSQL as the user %s: %w; root needs the right to change users and that user the right "+
			"to enter the folder, or run Roster as an ordinary user", as.name, err)
	}
	return err
}

func exe(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}
