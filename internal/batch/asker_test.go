package batch_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-api/roster/internal/batch"
)

// One question is under way; those who come meanwhile share the next one.
func TestAskGathers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked [][]int
		begun, release := make(chan struct{}), make(chan struct{})
		a := batch.NewAsker(1, time.Second, func(_ context.Context, keys []int) (map[int]string, error) {
			slices.Sort(keys)
			asked = append(asked, keys)
			if len(asked) == 1 {
				close(begun)
				<-release
			}
			answers := map[int]string{}
			for _, k := range keys {
				if k != 13 {
					answers[k] = string(rune('a' + k))
				}
			}
			return answers, nil
		})
		var all sync.WaitGroup
		want := func(key int, answer string) {
			all.Go(func() {
				if got, err := a.Ask(t.Context(), key); got != answer || err != nil {
					t.Errorf("%d: %q, %v", key, got, err)
				}
			})
		}
		want(0, "a")
		<-begun
		for range 3 {
			want(0, "a") // again: the question that is under way began before
			want(1, "b")
			want(13, "")
		}
		synctest.Wait()
		if n := a.Waiting(); n != 3 {
			t.Errorf("%d keys wait", n)
		}
		close(release)
		all.Wait()
		if len(asked) != 2 || !slices.Equal(asked[1], []int{0, 1, 13}) {
			t.Errorf("asked %v", asked)
		}
	})
}

// As many questions as may be are asked at once; whoever comes then gathers.
func TestAskAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var asked [][]int
		release := make(chan struct{})
		a := batch.NewAsker(2, time.Second, func(_ context.Context, keys []int) (map[int]int, error) {
			slices.Sort(keys)
			mu.Lock()
			asked = append(asked, keys)
			mu.Unlock()
			<-release
			answers := map[int]int{}
			for _, k := range keys {
				answers[k] = k * k
			}
			return answers, nil
		})
		var all sync.WaitGroup
		for key := range 5 {
			all.Go(func() {
				if got, err := a.Ask(t.Context(), key); got != key*key || err != nil {
					t.Errorf("%d: %d, %v", key, got, err)
				}
			})
			synctest.Wait()
		}
		close(release)
		all.Wait()
		if len(asked) != 3 || len(asked[0]) != 1 || len(asked[1]) != 1 || !slices.Equal(asked[2], []int{2, 3, 4}) {
			t.Errorf("asked %v", asked)
		}
	})
}

// A caller who gives up takes nobody along; one that hangs ends for all in time, and
// the next question is asked as ever.
func TestAskEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var hang atomic.Bool
		hang.Store(true)
		a := batch.NewAsker(1, time.Second, func(ctx context.Context, keys []int) (map[int]bool, error) {
			if hang.Load() {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return map[int]bool{keys[0]: true}, nil
		})
		short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		var all sync.WaitGroup
		begin := time.Now()
		all.Go(func() {
			if _, err := a.Ask(short, 1); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 10*time.Millisecond {
				t.Errorf("%v after %s", err, time.Since(begin))
			}
		})
		all.Go(func() {
			// Who comes while one question hangs waits for that and the next.
			if _, err := a.Ask(t.Context(), 1); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 2*time.Second {
				t.Errorf("%v after %s", err, time.Since(begin))
			}
		})
		all.Wait()
		hang.Store(false)
		if got, err := a.Ask(t.Context(), 2); !got || err != nil {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// On a busy core, those who are about to ask go together. It is not parallel: it has the one
// core that there is.
func TestComeAlong(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const callers = 50
	var asked, shared int
	a := batch.NewAsker(2, time.Second, func(context.Context, []int) (map[int]int, error) {
		asked++
		return nil, nil
	})
	s := batch.NewSharer[int, int](2)
	var all sync.WaitGroup
	for key := range callers {
		all.Go(func() {
			_, err := a.Ask(t.Context(), key)
			if err == nil {
				_, err = s.Ask(t.Context(), 0, func(context.Context) (int, error) { shared++; return 0, nil })
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	// The scheduler looks after whoever has yielded once in a while, too.
	if asked > callers/5 || shared > callers/5 {
		t.Errorf("%d callers ask %d and %d questions", callers, asked, shared)
	}
}
