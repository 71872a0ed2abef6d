package batch

import (
	"context"
	"runtime"
	"sync"
)

// Sharer shares answers between callers who ask the same: while as many questions with
// one key as may be are under way, those who come with it gather and share the next one.
// So a caller who is alone waits for nobody, no answer is older than its caller, and
// different keys do not wait for each other.
type Sharer[K comparable, V any] struct {
	atOnce int

	mu    sync.Mutex
	lines map[K]*line[V]
}

// line is all that is asked with one key.
type line[V any] struct {
	asking int
	next   *shared[V] // which is asked next, and all share who come until then; nil: nobody waits
}

// shared is one question, for all who wait for it.
type shared[V any] struct {
	question[V]
	ask     func(context.Context) (V, error)
	ctx     context.Context
	cancel  context.CancelFunc
	callers int
}

// NewSharer makes a sharer that has up to atOnce questions with one key under way.
func NewSharer[K comparable, V any](atOnce int) *Sharer[K, V] {
	return &Sharer[K, V]{atOnce: atOnce, lines: map[K]*line[V]{}}
}

// Ask returns what ask, or the ask of another caller with the same key, answers; who
// share an answer must not change it. A shared question ends when all who wait for it gave
// up: its context has the first one's values, but not its end.
func (s *Sharer[K, V]) Ask(ctx context.Context, key K, ask func(context.Context) (V, error)) (V, error) {
	s.mu.Lock()
	l := s.lines[key]
	if l == nil {
		l = &line[V]{}
		s.lines[key] = l
	}
	q := l.next
	if q == nil {
		q = &shared[V]{question: question[V]{done: make(chan struct{})}, ask: ask}
		q.ctx, q.cancel = context.WithCancel(context.WithoutCancel(ctx))
		l.next = q
		if l.asking < s.atOnce {
			l.asking++
			go s.work(key, l)
		}
	}
	q.callers++
	s.mu.Unlock()

	select {
	case <-q.done:
		return q.answer, q.err
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		if q.callers--; q.callers == 0 {
			q.cancel()
			if l.next == q {
				l.next = nil
			}
		}
		var none V
		return none, ctx.Err()
	}
}

// work asks until nobody waits any more.
func (s *Sharer[K, V]) work(key K, l *line[V]) {
	for {
		runtime.Gosched() // as in [Asker]
		s.mu.Lock()
		q := l.next
		l.next = nil
		if q == nil {
			s.leave(key, l)
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()

		q.answer, q.err = caught(func() (V, error) { return q.ask(q.ctx) })
		q.cancel()
		close(q.done)
	}
}

// leave ends one of the questions with a key. It is called under the lock.
func (s *Sharer[K, V]) leave(key K, l *line[V]) {
	if l.asking--; l.asking == 0 {
		delete(s.lines, key)
	}
}
