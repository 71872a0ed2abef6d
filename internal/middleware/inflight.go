package middleware

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roster-api/roster/internal/problem"
)

// Crowd says how many requests are worked on at once.
type Crowd struct {
	Turns int           // that are worked on
	Queue int           // that wait for a turn, first come first served
	Wait  time.Duration // after which one that waits is refused
}

// slowBody is how long a body may take to arrive while its request keeps its turn.
const slowBody = 20 * time.Millisecond

var crowded = problem.New(problem.Unavailable, "Too many requests are being worked on; try again.")

var crowdedAtOnce = crowded.Prepare()

// InFlight bounds the requests that are worked on, and those that wait to be, and
// refuses all others at once: a server that takes on more than it can do answers
// everything too late, and one that says no has the time to answer what it takes.
//
// Only work counts. The turn of a request goes to the next one when its answer
// begins, so that a client that does not read keeps nobody waiting, while its body
// takes long to arrive, and when it only waits for what another one computes.
//
// Who shows no credential gets no further than the first half of the queue, so that a
// flood of strangers who sign in leaves room for those who have.
type InFlight struct {
	turns, queue chan struct{}
	wait         time.Duration
	refused      atomic.Int64 // and not logged yet
}

// NewInFlight makes one that nobody is in.
func NewInFlight(crowd Crowd) *InFlight {
	return &InFlight{turns: make(chan struct{}, crowd.Turns), queue: make(chan struct{}, crowd.Queue), wait: crowd.Wait}
}

// Wrap lets requests in when they have a turn.
func (f *InFlight) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.enter(r) {
			crowded.Write(w, r)
			return
		}
		if f.refused.Load() > 0 {
			arrived().wait()
		}
		if r.ContentLength == 0 {
			t := turns.Get().(*turn)
			t.ResponseWriter, t.of = w, f
			t.held.Store(true)
			request := problem.RequestFrom(r.Context())
			request.Turn = t
			defer func() {
				t.Yield()
				request.Turn = nil
				t.ResponseWriter, t.of = nil, nil
				turns.Put(t)
			}()
			next.ServeHTTP(t, r)
			return
		}
		// Not of the pool: the body's timer may look at it for longer.
		t := &turn{ResponseWriter: w, of: f}
		t.held.Store(true)
		problem.RequestFrom(r.Context()).Turn = t
		defer t.Yield()
		read := *r
		read.Body = &arriving{ReadCloser: r.Body, turn: t, ctx: r.Context()}
		next.ServeHTTP(t, &read)
	})
}

// Packed reports whether whoever comes now would be refused at once.
func (f *InFlight) Packed() bool {
	return len(f.queue) == cap(f.queue) && len(f.turns) == cap(f.turns)
}

// Full reports whether a request would be refused at once.
func (f *InFlight) Full(r *http.Request) bool {
	return len(f.turns) == cap(f.turns) && f.queueFull(r)
}

// queueFull reports whether there is no place for a request in the queue.
func (f *InFlight) queueFull(r *http.Request) bool {
	return len(f.queue) == cap(f.queue) || 2*len(f.queue) >= cap(f.queue) && sent(r) == ""
}

// Refused counts a request that was refused outside of Wrap, where it costs less. The log
// gets how many they were once a second.
func (f *InFlight) Refused(log *slog.Logger) {
	if f.refused.Add(1) == 1 {
		time.AfterFunc(time.Second, func() {
			log.Warn("requests were refused: more came than can be worked on", "refused", f.refused.Swap(0))
		})
	}
}

// Refuse answers as Wrap does where there is no room, and tells no log.
func Refuse(w http.ResponseWriter, r *http.Request) {
	crowdedAtOnce.Write(w, r, SetRequestID(w, r))
}

// enter reports whether there is a turn, now or soon.
func (f *InFlight) enter(r *http.Request) bool {
	select {
	case f.turns <- struct{}{}:
		return true
	default:
	}
	if f.queueFull(r) {
		return false
	}
	select {
	case f.queue <- struct{}{}:
	default:
		return false
	}
	defer func() { <-f.queue }()
	return f.await(r.Context())
}

func (f *InFlight) await(ctx context.Context) bool {
	timer := time.NewTimer(f.wait)
	defer timer.Stop()
	select {
	case f.turns <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// turn is a request's right to be worked on, until its answer begins.
type turn struct {
	http.ResponseWriter
	of   *InFlight
	held atomic.Bool
}

// turns holds those that no request has: one less to allocate for each.
var turns = sync.Pool{New: func() any { return new(turn) }}

// Yield gives the turn to the next one, once.
func (t *turn) Yield() {
	if t.held.CompareAndSwap(true, false) {
		<-t.of.turns
	}
}

func (t *turn) WriteHeader(status int) {
	t.Yield()
	t.ResponseWriter.WriteHeader(status)
}

func (t *turn) Write(b []byte) (int, error) {
	t.Yield()
	return t.ResponseWriter.Write(b)
}

// Flush is for those who ask for an [http.Flusher].
func (t *turn) Flush() { _ = http.NewResponseController(t.ResponseWriter).Flush() }

// Unwrap is for [http.ResponseController].
func (t *turn) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// arriving is a body whose request yields its turn when it takes long to arrive.
type arriving struct {
	io.ReadCloser
	turn  *turn
	ctx   context.Context
	timer *time.Timer
	ended bool
}

func (a *arriving) Read(b []byte) (int, error) {
	if a.timer == nil {
		a.timer = time.AfterFunc(slowBody, a.turn.Yield)
	}
	n, err := a.ReadCloser.Read(b)
	if err == nil || a.ended {
		return n, err
	}
	a.ended = true
	if !a.timer.Stop() { // it took long
		a.turn.Yield()
		// Without a turn it goes on, too: it was let in once, and there are few such.
		if a.turn.of.await(a.ctx) {
			a.turn.held.Store(true)
		}
	}
	return n, err
}
