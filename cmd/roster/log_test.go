//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/roster-api/roster/internal/config"
)

// pipe gives the ends of a pipe: what is read, and what is written.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// Lines wait a moment for others; a warning, the end and flush wait for nobody.
func TestLogGathers(t *testing.T) {
	t.Parallel()
	r, w := pipe(t)
	ctx, cancel := context.WithCancel(t.Context())
	log, flush := newLog(ctx, w, config.Log{Level: "info", Format: "json"})
	next := func() string {
		t.Helper()
		buffer := make([]byte, 1<<20)
		n, err := r.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}

	log.Debug("not this one")
	log.Info("one")
	log.Info("two")
	if got := next(); strings.Count(got, "\n") != 2 {
		t.Errorf("two lines came as %q", got)
	}
	log.Info("three")
	log.With("a", 1).WithGroup("g").Warn("four", "b", 2)
	if got := next(); !strings.Contains(got, "three") || !strings.Contains(got, `"a":1,"g":{"b":2}`) {
		t.Errorf("a warning brought %q", got)
	}
	log.Info("five")
	flush()
	if got := next(); !strings.Contains(got, "five") {
		t.Errorf("flush brought %q", got)
	}
	cancel()
	log.Info("six\x1b\n")
	if got := next(); !strings.Contains(got, `six\u001b\n`) {
		t.Errorf("after the end came %q", got)
	}
}

// A line that cannot be written is lost, and the next ones are not.
func TestLogRecovers(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no full disk here: ", err)
	}
	defer full.Close()
	r, w := pipe(t)
	g := &gathered{file: full, unheld: true}
	_, _ = g.Write([]byte("lost\n"))
	g.file = w
	_, _ = g.Write([]byte("kept\n"))
	buffer := make([]byte, 64)
	if n, err := r.Read(buffer); err != nil || string(buffer[:n]) != "kept\n" {
		t.Errorf("got %q, %v", buffer[:n], err)
	}
}

// Nobody waits for who does not read the log; once they read again, it says what they miss.
func TestLogIsNotRead(t *testing.T) {
	t.Parallel()
	r, w := pipe(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log, flush := newLog(ctx, w, config.Log{Level: "info", Format: "json"})
	const lines = 50_000
	for n := range lines {
		log.Info("a line", "n", n)
	}
	log.Warn("also at once")
	flush()

	var numbers []int
	dropped := 0
	in := bufio.NewScanner(r)
	for in.Scan() {
		var line struct {
			Msg        string
			N, Dropped int
		}
		if err := json.Unmarshal(in.Bytes(), &line); err != nil {
			t.Fatalf("%q: %v", in.Text(), err)
		}
		if dropped += line.Dropped; dropped > 0 && line.Dropped == 0 {
			if line.Msg != "after" {
				t.Errorf("what was dropped is followed by %q", in.Text())
			}
			break
		}
		if line.Dropped > 0 {
			log.Info("after")
			cancel() // which brings it
			continue
		}
		numbers = append(numbers, line.N)
	}
	for i, n := range numbers {
		if n != i {
			t.Fatalf("line %d came as number %d", n, i)
		}
	}
	if len(numbers)+dropped != lines+1 || len(numbers) < 1000 {
		t.Errorf("of %d lines %d came, and %d are said to be dropped", lines+1, len(numbers), dropped)
	}
}
