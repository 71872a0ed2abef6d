package storage

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Each failed trial doubles the pause, and one success ends it.
func TestBreaker(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := &breaker{now: func() time.Time { return now }}
	asked := 0
	try := func(err error) error {
		return b.do(t.Context(), func(context.Context) error { asked++; return err })
	}
	broken := errors.New("broken")
	pause := shortest
	for i := range 10 {
		if err := try(broken); !errors.Is(err, broken) || !errors.Is(err, ErrAway) || asked != i+1 {
			t.Fatalf("%d: %v after %d", i, err, asked)
		}
		now = now.Add(pause - 1)
		if err := try(nil); !errors.Is(err, ErrAway) || asked != i+1 {
			t.Fatalf("asked %s after a failure", pause-1)
		}
		now = now.Add(1)
		pause = min(2*pause, longest)
	}
	for range 2 {
		if err := try(nil); err != nil {
			t.Fatal(err)
		}
	}
	if longest >= 5*time.Second {
		t.Error("Redis is to be found again within five seconds")
	}
}

// answer is an error that Redis answers.
type answer string

func (a answer) Error() string { return string(a) }
func (answer) RedisError()     {}

// A caller that leaves, and an answer that is an error, say nothing against Redis.
func TestNotAway(t *testing.T) {
	t.Parallel()
	b := &breaker{now: time.Now, changed: []func(error){func(err error) { t.Errorf("Redis changed: %v", err) }}}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	err := b.do(gone, func(ctx context.Context) error { return ctx.Err() })
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrAway) {
		t.Errorf("got %v", err)
	}
	for _, text := range []string{"WRONGTYPE Operation against a key", "ERR unknown command", "OOM command not allowed", "READONLY You can't write"} {
		if err := b.do(t.Context(), func(context.Context) error { return answer(text) }); errors.Is(err, ErrAway) {
			t.Errorf("got %v", err)
		}
	}
	b.changed = nil
	if err := b.do(t.Context(), func(context.Context) error { return answer("LOADING Redis is loading") }); !errors.Is(err, ErrAway) {
		t.Errorf("got %v", err)
	}
}
