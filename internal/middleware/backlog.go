package middleware

import (
	"sync"
	"sync/atomic"
)

// backlog is what has arrived on connections and was not read yet. Go runs what is ready to
// run before it looks what else has arrived, so a server with more to do than it can do
// looks too seldom: thousands of requests wait to be refused, each on a connection that
// has left the processor's caches by then. Whoever begins something long waits for the
// backlog first; so it stays short, those who are refused hear of it at once, and those
// who waited begin together, so that what they ask the database goes in one question.
type backlog struct {
	turn func() error // returns when what had arrived before it was called has been read

	mu      sync.Mutex
	waiting chan struct{} // is closed at the end of the turn; nil: nobody waits for it
	turning bool

	broken atomic.Bool // no turn can be made
}

// arrived is that of this process: Go has one poller for all connections.
var arrived = sync.OnceValue(func() *backlog { return &backlog{turn: newPollerTurn()} })

// wait returns at the end of the turn that is under way, or of one that it begins: what had
// arrived when that began has been read, and acted upon. So all who come in one turn go on
// together, and none waits for two.
func (b *backlog) wait() {
	if b.broken.Load() {
		return
	}
	b.mu.Lock()
	if b.waiting == nil {
		b.waiting = make(chan struct{})
	}
	waiting := b.waiting
	if !b.turning {
		b.turning = true
		go b.run()
	}
	b.mu.Unlock()
	<-waiting
}

// run makes turns until nobody has come in one.
func (b *backlog) run() {
	for {
		if b.turn() != nil {
			b.broken.Store(true)
		}
		b.mu.Lock()
		waiting := b.waiting
		b.waiting = nil
		b.turning = waiting != nil
		b.mu.Unlock()
		if waiting == nil {
			return
		}
		close(waiting)
	}
}
