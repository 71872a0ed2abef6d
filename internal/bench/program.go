package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// program is one that is measured.
type program struct {
	name   string
	binary string
	start  func(p *program, addr, database string) *exec.Cmd
}

// programs builds the references and returns all programs, in the order of the
// tables. best stands there twice: how much it differs from itself is the noise.
func programs(ctx context.Context, dir, roster string, symbols bool) ([]*program, error) {
	if _, err := os.Stat(roster); err != nil {
		return nil, fmt.Errorf("no release binary: %w; run make build", err)
	}
	flags := "-s -w" // as the Makefile does for Roster
	if symbols {
		flags = ""
	}
	for _, name := range []string{seedWay, best} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags="+flags, "-o", dir,
			"github.com/roster-api/roster/internal/bench/"+name)
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return nil, fmt.Errorf("build %s: %w", name, err)
		}
	}
	byHand := func(p *program, addr, database string) *exec.Cmd {
		return exec.Command(p.binary, "-addr", addr, "-database", database)
	}
	serve := func(p *program, addr, database string) *exec.Cmd {
		cmd := exec.Command(p.binary, "serve")
		cmd.Env = append(os.Environ(), "ROSTER_ADDR="+addr, "DATABASE_URL="+database,
			"ROSTER_LOG_LEVEL=info", "ROSTER_LOG_FORMAT=json")
		return cmd
	}
	return []*program{
		{seedWay, filepath.Join(dir, seedWay), byHand},
		{best, filepath.Join(dir, best), byHand},
		{ours, roster, serve},
		{again, filepath.Join(dir, best), byHand},
	}, nil
}

// The names of the programs.
const (
	seedWay = "seedway"
	best    = "best"
	ours    = "roster"
	again   = "best again"
)

// process is a program that runs.
type process struct {
	*program
	cmd    *exec.Cmd
	addr   string
	log    *os.File
	exited chan struct{}
	err    error // how it ended, once exited is closed
}

// launch starts a program whose log goes to a file in dir. It does not wait.
func (p *program) launch(dir, database string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	log, err := os.CreateTemp(dir, "log-*")
	if err != nil {
		return nil, err
	}
	run := &process{program: p, addr: addr, log: log, exited: make(chan struct{})}
	run.cmd = p.start(p, addr, database)
	run.cmd.Stdout, run.cmd.Stderr = log, log
	if err := run.cmd.Start(); err != nil {
		log.Close()
		return nil, err
	}
	go func() {
		run.err = run.cmd.Wait()
		close(run.exited)
	}()
	return run, nil
}

// ready waits for the answer 200 to a request.
func (p *process) ready(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request := get(path)
	for {
		if c, err := dial(p.addr); err == nil {
			_ = c.conn.SetDeadline(time.Now().Add(30 * time.Second))
			status, err := c.do(request, nil)
			c.close()
			if err == nil && status == 200 {
				return nil
			}
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended: %w%s", p.name, p.err, p.said())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer%s", p.name, p.said())
		case <-time.After(time.Millisecond):
		}
	}
}

// said is the end of what the program has written.
func (p *process) said() string {
	info, err := p.log.Stat()
	if err != nil {
		return ""
	}
	text := make([]byte, min(info.Size(), 2000))
	n, _ := p.log.ReadAt(text, info.Size()-int64(len(text)))
	return "; it said:\n" + string(text[:n])
}

// forget empties the log.
func (p *process) forget() error {
	if err := p.log.Truncate(0); err != nil {
		return err
	}
	_, err := p.log.Seek(0, io.SeekStart) // the program shares this position
	return err
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the program as an operator would.
func (p *process) stop() error {
	defer p.log.Close()
	_ = resume(p.cmd.Process)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
		return nil
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return errors.New(p.name + " did not stop when told to")
	}
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
