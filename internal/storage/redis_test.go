//go:build unix

package storage_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roster-api/roster/internal/storage"
	"github.com/roster-api/roster/internal/testkit"
)

func TestOpenRedisRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "localhost:6379", "http://user:hunter2@host", "redis://user:hunter2@host:6379/x", "redis://user:hunter2@host:99999999/%zz", "redis://:hunter2@h/0?pool_size=x"} {
		_, err := storage.OpenRedis(url)
		if err == nil {
			t.Errorf("%q is taken", url)
		} else if text := err.Error(); strings.Contains(text, "hunter2") || strings.Contains(text, "\n") || !strings.Contains(text, "redis://user:password@host:6379/0") {
			t.Errorf("%q: %s", url, text)
		}
	}
	for _, url := range []string{"redis://localhost", " redis://user:p%40ss@host:6379/3\n", "rediss://host", "unix:///run/redis.sock"} {
		c, err := storage.OpenRedis(url)
		if err != nil {
			t.Errorf("%q: %v", url, err)
			continue
		}
		_ = c.Close()
	}
}

// A Redis that is away costs one command's patience, and then nothing until it is
// tried again; and it is found again within five seconds.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct{ begin, end func(*testkit.RedisServer) }{
		"stopped": {(*testkit.RedisServer).Stop, (*testkit.RedisServer).Start},
		"frozen":  {(*testkit.RedisServer).Freeze, (*testkit.RedisServer).Thaw},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.Redis(t)
			changes := make(chan error, 100)
			c, err := storage.OpenRedis(server.URL(), func(err error) { changes <- err })
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			s := storage.In(storage.NewRedis(c), "a")
			for s.Set(t.Context(), "k", []byte("v"), 0) != nil {
				time.Sleep(10 * time.Millisecond) // a busy machine may keep it from answering in time
			}
			for len(changes) > 0 {
				<-changes
			}
			fault.begin(server)

			const callers = 100
			var slowest []time.Duration
			var mu sync.Mutex
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					began := time.Now()
					_, err := s.Get(t.Context(), "k")
					took := time.Since(began)
					mu.Lock()
					slowest = append(slowest, took)
					mu.Unlock()
					if !errors.Is(err, storage.ErrAway) {
						t.Errorf("got %v", err)
					}
				})
			}
			all.Wait()
			if slow := slices.Max(slowest); slow > storage.Patience+60*time.Millisecond { // what a busy machine adds
				t.Errorf("away, a command takes %s", slow)
			}
			if err := <-changes; err == nil {
				t.Error("it is said to be back")
			}
			began := time.Now()
			for range 1000 {
				_ = s.Set(t.Context(), "k", nil, 0)
			}
			if took := time.Since(began); took > 500*time.Millisecond {
				t.Errorf("1,000 commands take %s", took)
			}

			fault.end(server)
			back := time.Now()
			for s.Set(t.Context(), "k", []byte("w"), 0) != nil {
				if time.Since(back) > 5*time.Second {
					t.Fatal("it is not found again")
				}
				time.Sleep(10 * time.Millisecond)
			}
			for len(changes) > 0 {
				err = <-changes
			}
			if err != nil {
				t.Errorf("it is not said to be back: %v", err)
			}
		})
	}
}
