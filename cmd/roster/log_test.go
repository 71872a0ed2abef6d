//go:build unix

package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/roster-api/roster/internal/config"
)

// Lines wait a moment for others; a warning, the end and flush wait for nobody.
func TestLogGathers(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
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
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	g := &gathered{file: full, unheld: true}
	_, _ = g.Write([]byte("lost\n"))
	g.file = w
	_, _ = g.Write([]byte("kept\n"))
	buffer := make([]byte, 64)
	if n, err := r.Read(buffer); err != nil || string(buffer[:n]) != "kept\n" {
		t.Errorf("got %q, %v", buffer[:n], err)
	}
}
