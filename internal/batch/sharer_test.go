package batch_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-api/roster/internal/batch"
)

// As many questions with one key as may be are under way; those who come meanwhile share
// the next one, and another key waits for none of them.
func TestSharerGathers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := batch.NewSharer[string, int](2)
		var mu sync.Mutex
		asked := map[string]int{}
		ask := func(key string) func(context.Context) (int, error) {
			return func(context.Context) (int, error) {
				mu.Lock()
				asked[key]++
				n := asked[key]
				mu.Unlock()
				time.Sleep(time.Second)
				return n, nil
			}
		}
		var all sync.WaitGroup
		begin := time.Now()
		want := func(key string, answer int, after time.Duration) {
			all.Go(func() {
				got, err := s.Ask(t.Context(), key, ask(key))
				if got != answer || err != nil || time.Since(begin) != after {
					t.Errorf("%s: %d after %s, %v; want %d after %s", key, got, time.Since(begin), err, answer, after)
				}
			})
			synctest.Wait()
		}
		want("a", 1, time.Second)
		want("a", 2, time.Second)
		for range 5 {
			want("a", 3, 2*time.Second)
		}
		want("b", 1, time.Second)
		all.Wait()
		if asked["a"] != 3 || asked["b"] != 1 {
			t.Errorf("asked %v", asked)
		}
		begin = time.Now()
		want("a", 4, time.Second) // nothing is kept
		all.Wait()
	})
}

// A shared question ends when the last who waits for it gives up, not before; one that has
// not begun by then is never asked.
func TestSharerEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := batch.NewSharer[string, int](1)
		begin := time.Now()
		var ended []time.Duration
		ask := func(ctx context.Context) (int, error) {
			<-ctx.Done()
			ended = append(ended, time.Since(begin))
			return 0, ctx.Err()
		}
		var all sync.WaitGroup
		wait := func(seconds time.Duration, ask func(context.Context) (int, error)) {
			all.Go(func() {
				came := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), seconds*time.Second)
				defer cancel()
				_, err := s.Ask(ctx, "a", ask)
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(came) != seconds*time.Second {
					t.Errorf("%v after %s, want it after %d s", err, time.Since(came), seconds)
				}
			})
			synctest.Wait()
		}
		wait(1, ask) // alone
		for _, seconds := range []time.Duration{2, 5, 3} {
			wait(seconds, ask)
		}
		time.Sleep(2 * time.Second) // they are asked now, and two still wait
		wait(2, func(context.Context) (int, error) { t.Error("asked for nobody"); return 0, nil })
		all.Wait()
		synctest.Wait()
		if !slices.Equal(ended, []time.Duration{time.Second, 5 * time.Second}) {
			t.Errorf("questions ended after %v", ended)
		}
		if n, err := s.Ask(t.Context(), "a", func(context.Context) (int, error) { return 7, nil }); n != 7 || err != nil {
			t.Errorf("afterwards: %d, %v", n, err)
		}
	})
}

// A panic takes nothing else along: it is an error, for all who wait.
func TestPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := batch.NewSharer[int, int](1)
		a := batch.NewAsker(1, time.Second, func(context.Context, []int) (map[int]int, error) { panic("of the asker") })
		ask := func(context.Context) (int, error) {
			time.Sleep(time.Second)
			panic("of the sharer")
		}
		for range 2 {
			var all sync.WaitGroup
			all.Go(func() {
				if _, err := s.Ask(t.Context(), 1, ask); err == nil || !strings.Contains(err.Error(), "of the sharer") {
					t.Errorf("the sharer's, alone: %v", err)
				}
			})
			synctest.Wait()
			for range 2 {
				all.Go(func() {
					if _, err := s.Ask(t.Context(), 1, ask); err == nil || !strings.Contains(err.Error(), "of the sharer") {
						t.Errorf("the sharer's: %v", err)
					}
				})
			}
			all.Wait()
			if _, err := a.Ask(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "of the asker") {
				t.Errorf("the asker's: %v", err)
			}
		}
	})
}
