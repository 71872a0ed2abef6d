package main

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/roster-api/roster/internal/config"
)

// A line of the log may wait for others, so that they are written together: a
// write for each line costs half as much as a small answer.
const (
	flushEvery = 200 * time.Millisecond
	flushAt    = 64 << 10
)

// newLog makes the log of a server that runs until ctx ends. From then on every
// line is written at once, as warnings and errors always are. flush writes what
// still waits.
func newLog(ctx context.Context, file *os.File, c config.Log) (log *slog.Logger, flush func()) {
	options := &slog.HandlerOptions{Level: c.SlogLevel()}
	if textual(file, c) {
		return slog.New(slog.NewTextHandler(file, options)), func() {}
	}
	out := &gathered{file: file}
	context.AfterFunc(ctx, out.direct)
	return slog.New(urgent{jsonLines{slog.NewJSONHandler(out, options), out}, out}), out.flush
}

// textual reports whether a person reads the log.
func textual(file *os.File, c config.Log) bool {
	return c.Format == "text" || c.Format == "auto" && term.IsTerminal(int(file.Fd()))
}

// gathered is a writer whose content reaches the file within flushEvery. What
// cannot be written is dropped: there is nobody to tell, and the next lines may
// find the disk with space again.
type gathered struct {
	file *os.File

	mu      sync.Mutex
	lines   []byte
	waiting bool // a flush is due
	unheld  bool // write at once
}

func (g *gathered) Write(line []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines = append(g.lines, line...)
	switch {
	case g.unheld || len(g.lines) >= flushAt:
		g.write()
	case !g.waiting:
		g.waiting = true
		time.AfterFunc(flushEvery, g.flush)
	}
	return len(line), nil
}

func (g *gathered) flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = false
	g.write()
}

func (g *gathered) direct() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unheld = true
	g.write()
}

func (g *gathered) write() {
	if len(g.lines) > 0 {
		_, _ = g.file.Write(g.lines)
		g.lines = g.lines[:0]
	}
}

// urgent writes warnings and errors at once.
type urgent struct {
	slog.Handler
	out *gathered
}

// Handle hands the record on, and lets no warning wait.
func (u urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		u.out.flush()
	}
	return err
}

// WithAttrs keeps what it makes urgent, too.
func (u urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{u.Handler.WithAttrs(attrs), u.out}
}

// WithGroup does as WithAttrs.
func (u urgent) WithGroup(name string) slog.Handler {
	return urgent{u.Handler.WithGroup(name), u.out}
}
