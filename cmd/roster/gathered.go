package main

import (
	"fmt"
	"os"
	"sync"
	"time"
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

// gathered is a writer whose content reaches the file within flushEvery, and which does
// not wait for that. What cannot be written is dropped: there is nobody to tell, and the
// next lines may find the disk with space again.
type gathered struct {
	file *os.File

	mu      sync.Mutex
	lines   []byte        // that wait
	due     chan struct{} // closed when they are written; nil: nobody has asked for that yet
	timed   bool          // somebody will
	unheld  bool          // each line is to be written at once
	writing bool          // lines of before are being written
	stuck   bool          // which takes too long
	dropped int           // how many found no room meanwhile
	spare   []byte        // to be lines after that
}

func (g *gathered) Write(line []byte) (int, error) {
	if g.keep(line) {
		g.flush()
	}
	return len(line), nil
}

// keep takes a line, and reports whether it is to be written at once.
func (g *gathered) keep(line []byte) (atOnce bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.lines) > keptAtMost {
		g.dropped++
		return false
	}
	g.lines = append(g.lines, line...)
	switch {
	case g.unheld:
		return true
	case len(g.lines) >= flushAt:
		g.begin()
	case !g.timed:
		g.timed = true
		time.AfterFunc(flushEvery, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.timed = false
			g.begin()
		})
	}
	return false
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
