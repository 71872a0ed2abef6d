package main

import (
	"context"
	"fmt"
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

// Who reads the log may be slow, or stop. The server goes on: it keeps some lines, drops
// what is more than that, and says how many when it can.
const (
	keptAtMost = 1 << 20
	patience   = time.Second // of who waits for a line to be written
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

// gathered is a writer whose content reaches the file within flushEvery, and which does
// not wait for that. What cannot be written is dropped: there is nobody to tell, and the
// next lines may find the disk with space again.
type gathered struct {
	file *os.File

	mu      sync.Mutex
	lines   []byte
	spare   []byte        // what lines is next
	waiting bool          // a flush is due
	unheld  bool          // write at once
	due     chan struct{} // closed when lines are written; nil: nobody has asked for it yet
	writing bool          // what lines were before
	stuck   bool          // that takes too long
	dropped int           // lines, since
}

func (g *gathered) Write(line []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.lines) > keptAtMost {
		g.dropped++
		return len(line), nil
	}
	g.lines = append(g.lines, line...)
	switch {
	case g.unheld:
		written := g.begin()
		g.mu.Unlock()
		g.soon(written)
		g.mu.Lock()
	case len(g.lines) >= flushAt:
		g.begin()
	case !g.waiting:
		g.waiting = true
		time.AfterFunc(flushEvery, g.flushDue)
	}
	return len(line), nil
}

func (g *gathered) flushDue() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = false
	g.begin()
}

// flush writes what waits, and returns when that is done or takes too long.
func (g *gathered) flush() {
	g.mu.Lock()
	written := g.begin()
	g.mu.Unlock()
	g.soon(written)
}

func (g *gathered) direct() {
	g.mu.Lock()
	g.unheld = true
	g.mu.Unlock()
	g.flush()
}

// soon waits until something is written, unless that takes too long: then nobody waits
// any more, until it is.
func (g *gathered) soon(written <-chan struct{}) {
	g.mu.Lock()
	stuck := g.stuck
	g.mu.Unlock()
	if stuck {
		return
	}
	select {
	case <-written:
	case <-time.After(patience):
		g.mu.Lock()
		defer g.mu.Unlock()
		select {
		case <-written:
		default:
			g.stuck = true
		}
	}
}

// begin has what waits written, in a goroutine of its own. It is called under the lock.
func (g *gathered) begin() (written <-chan struct{}) {
	if g.due == nil {
		g.due = make(chan struct{})
	}
	if !g.writing {
		g.writing = true
		go g.write()
	}
	return g.due
}

func (g *gathered) write() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.due != nil {
		lines, due := g.lines, g.due
		g.lines, g.due = g.spare[:0], nil
		g.mu.Unlock()
		if len(lines) > 0 {
			_, _ = g.file.Write(lines)
		}
		close(due)
		g.mu.Lock()
		g.spare, g.stuck = lines, false
		if g.dropped > 0 {
			g.lines = fmt.Appendf(g.lines, `{"time":%q,"level":"WARN","msg":"lines of the log were dropped: who reads it is too slow","dropped":%d}`+"\n",
				time.Now().Format(time.RFC3339Nano), g.dropped)
			g.dropped = 0
			g.begin()
		}
	}
	g.writing = false
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
