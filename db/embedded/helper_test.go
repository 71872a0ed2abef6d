package embedded

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// other is a second Roster: this test binary, run as a helper.
type other struct {
	cmd      *exec.Cmd
	stdin    io.Closer
	line     string // the first line it said
	pid      int    // of its server
	attached bool
	url      string
}

// runOther starts the helper and waits for its first line. It ends with the test.
func runOther(t *testing.T, what string, o Options) *other {
	t.Helper()
	p := startOther(t, what, o)
	p.awaitLine(t)
	if _, err := fmt.Sscanf(p.line, "ready %d %t %s", &p.pid, &p.attached, &p.url); err != nil && !strings.HasPrefix(p.line, "error:") {
		t.Fatalf("the helper said %q: %v", p.line, err)
	}
	return p
}

func startOther(t *testing.T, what string, o Options) *other {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &other{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), helperEnv+"="+what, "DIR="+o.DataDir, "BINARIES="+o.Binaries)
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = in
	t.Cleanup(func() {
		in.Close()
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Wait()
		}
	})
	return p
}

func (p *other) awaitLine(t *testing.T) {
	t.Helper()
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the helper said nothing: %v", err)
	}
	p.line = strings.TrimSpace(line)
}

// kill ends the helper as kill -9 does and waits until it is gone.
func (p *other) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // "signal: killed"
}
