// Package batch asks one question for many callers: [Asker] for many things at once,
// [Sharer] for the same thing.
package batch

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// Asker asks about keys in batches: while as many questions as may be are under way, the
// next keys gather and go together. So a caller who is alone waits for nobody, and many at
// once cost few round trips: a question begins when all who can run have run, or on a busy
// core the first of many would ask alone. No question answers for a key that came after it
// began.
type Asker[K comparable, V any] struct {
	atOnce  int
	timeout time.Duration
	ask     func(context.Context, []K) (map[K]V, error)

	mu      sync.Mutex
	waiting map[K]*question[V]
	asking  int
}

// question is one key that is asked about, for all who wait for it.
type question[V any] struct {
	done   chan struct{}
	answer V
	err    error
}

// NewAsker makes an asker that has up to atOnce questions under way. ask answers for all keys
// of a batch: one that it leaves out has the zero V, and an error is everybody's. timeout
// bounds it: behind questions that hang, all others wait.
func NewAsker[K comparable, V any](atOnce int, timeout time.Duration, ask func(ctx context.Context, keys []K) (map[K]V, error)) *Asker[K, V] {
	return &Asker[K, V]{atOnce: atOnce, timeout: timeout, ask: ask, waiting: map[K]*question[V]{}}
}

// Ask returns the answer for one key, or why there is none.
func (a *Asker[K, V]) Ask(ctx context.Context, key K) (V, error) {
	a.mu.Lock()
	q, ok := a.waiting[key]
	if !ok {
		q = &question[V]{done: make(chan struct{})}
		a.waiting[key] = q
		if len(a.waiting) == 1 && a.asking < a.atOnce {
			a.asking++
			// The question is everybody's: it goes on when this caller gives up.
			go a.work(context.WithoutCancel(ctx))
		}
	}
	a.mu.Unlock()

	select {
	case <-q.done:
		return q.answer, q.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

// Waiting is how many keys wait for the next question.
func (a *Asker[K, V]) Waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.waiting)
}

// work asks until nobody waits any more.
func (a *Asker[K, V]) work(ctx context.Context) {
	for {
		runtime.Gosched() // who is about to ask comes along
		a.mu.Lock()
		batch := a.waiting
		if len(batch) == 0 {
			a.asking--
			a.mu.Unlock()
			return
		}
		a.waiting = make(map[K]*question[V])
		a.mu.Unlock()

		bounded, cancel := context.WithTimeout(ctx, a.timeout)
		answers, err := caught(func() (map[K]V, error) { return a.ask(bounded, slices.Collect(maps.Keys(batch))) })
		cancel()
		for key, q := range batch {
			q.answer, q.err = answers[key], err
			close(q.done)
		}
	}
}

// caught returns a panic as an error: no server would catch it in a goroutine of ours,
// nor would anybody tell those who wait.
func caught[T any](ask func() (T, error)) (answer T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return ask()
}
