package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	for _, name := range []string{seedWay, best} {
		if err := build(ctx, dir, module+"/internal/bench/"+name, symbols); err != nil {
			return nil, err
		}
	}
	return inOrder(dir, roster), nil
}

// hashless builds all programs with hashes of passwords that cost nothing. The hash
// is the same work in every program and a hundred times that of the rest, so the
// rest can neither be seen beside it nor be had by subtracting it.
func hashless(ctx context.Context, dir string, symbols bool) ([]*program, error) {
	dir = filepath.Join(dir, "hashless")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return nil, fmt.Errorf("find the source: %w", err)
	}
	overlay, err := withoutHash(dir, strings.TrimSpace(string(root)))
	if err != nil {
		return nil, err
	}
	for _, path := range []string{"/internal/bench/" + seedWay, "/internal/bench/" + best, "/cmd/" + ours} {
		if err := build(ctx, dir, module+path, symbols, "-overlay", overlay); err != nil {
			return nil, err
		}
	}
	return inOrder(dir, filepath.Join(dir, ours)), nil
}

// hashing are the files that hash passwords.
var hashing = []string{"internal/auth/password.go", "internal/bench/hand/users.go"}

// withoutHash writes copies of those files, with another import in the place of the
// hash, and what tells the compiler of them (go help build, -overlay).
func withoutHash(dir, root string) (overlay string, err error) {
	const dear, free = `"golang.org/x/crypto/argon2"`, `argon2 "` + module + `/internal/bench/nohash"`
	replaced := map[string]string{}
	for i, file := range hashing {
		path, copied := filepath.Join(root, file), filepath.Join(dir, fmt.Sprintf("%d.go", i))
		source, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		if strings.Count(string(source), dear) != 1 {
			return "", fmt.Errorf("%s does not import %s", file, dear)
		}
		if err := os.WriteFile(copied, []byte(strings.Replace(string(source), dear, free, 1)), 0o644); err != nil {
			return "", err
		}
		replaced[path] = copied
	}
	text, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o644)
}

const module = "github.com/roster-api/roster"

// build makes a binary in dir, as the Makefile does Roster's.
func build(ctx context.Context, dir, path string, symbols bool, flags ...string) error {
	linked := "-s -w"
	if symbols {
		linked = ""
	}
	args := append([]string{"build", "-trimpath", "-ldflags=" + linked, "-o", dir}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, path)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s: %w", path, err)
	}
	return nil
}

func inOrder(dir, roster string) []*program {
	byHand := func(p *program, addr, database string) *exec.Cmd {
		return exec.Command(p.binary, "-addr", addr, "-database", database)
	}
	return []*program{
		{seedWay, filepath.Join(dir, seedWay), byHand},
		{best, filepath.Join(dir, best), byHand},
		{ours, roster, serve},
		{again, filepath.Join(dir, best), byHand},
	}
}

// serve starts Roster as it is, but for limits that are counted and never reached.
func serve(p *program, addr, database string) *exec.Cmd {
	cmd := exec.Command(p.binary, "serve")
	cmd.Env = append(os.Environ(), "ROSTER_ADDR="+addr, "DATABASE_URL="+database,
		"ROSTER_RATE_LIMIT=1000000/1s", "ROSTER_RATE_LIMIT_CALLER=1000000/1s",
		"ROSTER_AUDIT_KEY=roster-bench-roster-bench-roster-bench", // else it leaves one in this user's data folder
		"ROSTER_LOG_LEVEL=info", "ROSTER_LOG_FORMAT=json")
	return cmd
}

// The names of the programs.
const (
	seedWay = "seedway"
	best    = "best"
	ours    = "roster"
	again   = "best again"
)

// token is what to send of a credential: the programs by hand ask for none.
func (p *program) token(token string) string {
	if p.name == ours {
		return token
	}
	return ""
}

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

// ready waits for the first list.
func (p *process) ready(ctx context.Context, token string) error {
	_, err := p.answer(ctx, get("/api/users?limit=1", token), 200)
	return err
}

// answer sends a request until its answer has the status that is wanted, and
// returns the body.
func (p *process) answer(ctx context.Context, request []byte, wanted int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if c, err := dial(p.addr); err == nil {
			_ = c.conn.SetDeadline(time.Now().Add(30 * time.Second))
			var body bytes.Buffer
			status, err := c.do(request, &body)
			c.close()
			if err == nil && status == wanted {
				return body.Bytes(), nil
			}
		}
		select {
		case <-p.exited:
			return nil, fmt.Errorf("%s ended: %w%s", p.name, p.err, p.said())
		case <-ctx.Done():
			return nil, fmt.Errorf("%s does not answer with %d%s", p.name, wanted, p.said())
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
