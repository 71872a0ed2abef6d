//go:build unix

package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/cache"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/storage"
	"github.com/roster-api/roster/internal/testkit"
)

// client is one that waits for Redis, however busy this machine is.
func client(t testing.TB, server *testkit.RedisServer) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// hasty is one that gives up soon, as servers have it.
func hasty(t testing.TB, server *testkit.RedisServer) *redis.Client {
	t.Helper()
	c, err := storage.OpenRedis(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// replica is one of several servers on one Redis.
type replica struct {
	*cache.Cache
	*source
	serve serve
}

func newReplica(t testing.TB, server *testkit.RedisServer, now func() time.Time, p cache.Policy[input]) *replica {
	t.Helper()
	return newReplicaOn(t, client(t, server), now, p)
}

func newReplicaOn(t testing.TB, c *redis.Client, now func() time.Time, p cache.Policy[input]) *replica {
	t.Helper()
	r := &replica{Cache: newCache(t, cache.Options{Redis: c, Now: now}), source: newSource()}
	r.serve = cache.Handler(r.Cache, p, r.compute)
	return r
}

func TestReplicasShareValues(t *testing.T) {
	t.Parallel()
	server, c, p := testkit.Redis(t), testkit.NewClock(), minute()
	p.StaleIfError = cache.MaxStale
	a, b := newReplica(t, server, c.Now, p), newReplica(t, server, c.Now, p)
	caller := person(role.Viewer)
	ctx := auth.NewContext(t.Context(), caller)
	first := get(t, a.serve, ctx, "", 1)
	c.Pass(20 * time.Second)
	b.n.Store(100)
	second := get(t, b.serve, ctx, "", 1)
	if first.ETag != second.ETag || second.Age != "20" {
		t.Errorf("%s and %s, age %s", first.ETag, second.ETag, second.Age)
	}
	get(t, b.serve, auth.NewContext(t.Context(), person(role.Viewer)), "", 101)

	// A third one that starts while the database is away has what the others made.
	third := newReplica(t, server, c.Now, p)
	get(t, third.serve, auth.NewContext(t.Context(), unconfirmedOf(caller)), "", 1)
	fourth := newReplica(t, server, c.Now, p)
	fourth.fail(problem.New(problem.Unavailable, ""))
	c.Pass(2 * time.Minute)
	if a := get(t, fourth.serve, ctx, "", 1); a.Age != "140" {
		t.Errorf("age %s", a.Age)
	}

	// A clock that is ahead makes no value younger than now.
	slow := testkit.NewClock()
	slow.Pass(-time.Hour)
	if a := get(t, newReplica(t, server, slow.Now, p).serve, ctx, "", 1); a.Age != "0" {
		t.Errorf("age %s", a.Age)
	}
}

// There is no message that could be lost: what a replica did not hear of, it reads.
func TestInvalidateReachesReplicas(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	p := minute()
	p.Tags = func(*input) []string { return []string{"users"} }
	a, b := newReplica(t, server, time.Now, p), newReplica(t, server, time.Now, p)
	for i, invalidate := range []func(){
		func() { a.Invalidate(t.Context(), cache.Tag("users")) },
		func() { a.Invalidate(t.Context(), cache.Group("test"), cache.Tag("other")) },
		func() {
			if err := cache.Clear(t.Context(), client(t, server), cache.Name("numbers")); err != nil {
				t.Error(err)
			}
		},
	} {
		base := int64(i+1) * 1000
		a.n.Store(base)
		b.n.Store(base)
		eventually(t, time.Second, "the former round is over", func() bool {
			x, err := a.serve(t.Context(), &input{})
			y, err2 := b.serve(t.Context(), &input{})
			return err == nil && err2 == nil && x.Body.N == y.Body.N
		})
		a.n.Store(base + 500)
		b.n.Store(base + 500)
		invalidate()
		eventually(t, time.Second, "the invalidation", func() bool {
			y, err := b.serve(t.Context(), &input{})
			return err == nil && y.Body.N > base+500
		})
		x, err := a.serve(t.Context(), &input{})
		if i < 2 && (err != nil || x.Body.N <= base+500) {
			t.Errorf("who invalidates still has %v, %v", x, err)
		}
	}
}

// By the clock: a mark is read again after half a second.
func TestMarksAge(t *testing.T) {
	t.Parallel()
	server, c := testkit.Redis(t), testkit.NewClock()
	a, b := newReplica(t, server, c.Now, minute()), newReplica(t, server, c.Now, minute())
	get(t, a.serve, t.Context(), "", 1)
	get(t, b.serve, t.Context(), "", 1)
	a.Invalidate(t.Context(), cache.Name("numbers"))
	get(t, b.serve, t.Context(), "", 1)
	b.n.Store(100)
	c.Pass(cache.Known + 1)
	get(t, b.serve, t.Context(), "", 101)
	get(t, a.serve, t.Context(), "", 101)
}

// A Redis that starts empty brings no invalidated value back.
func TestRedisForgets(t *testing.T) {
	t.Parallel()
	server, c := testkit.Redis(t), testkit.NewClock()
	a, b := newReplicaOn(t, hasty(t, server), c.Now, minute()), newReplicaOn(t, hasty(t, server), c.Now, minute())
	get(t, a.serve, t.Context(), "", 1)
	get(t, b.serve, t.Context(), "", 1)
	a.Invalidate(t.Context(), cache.Name("numbers"))
	server.Stop()
	server.Start()
	a.n.Store(10)
	b.n.Store(10)
	eventually(t, 5*time.Second, "Redis is back", func() bool {
		c.Pass(cache.Known + 1)
		x, err := b.serve(t.Context(), &input{})
		return err == nil && x.Body.N > 10
	})
	if x, err := a.serve(t.Context(), &input{}); err != nil || x.Body.N <= 10 {
		t.Errorf("got %v, %v", x, err)
	}
}

func TestRedisAway(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct{ begin, end func(*testkit.RedisServer) }{
		"stopped": {(*testkit.RedisServer).Stop, (*testkit.RedisServer).Start},
		"frozen":  {(*testkit.RedisServer).Freeze, (*testkit.RedisServer).Thaw},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.Redis(t)
			a, b := newReplicaOn(t, hasty(t, server), time.Now, minute()), newReplicaOn(t, hasty(t, server), time.Now, minute())
			get(t, a.serve, t.Context(), "", 1)
			get(t, b.serve, t.Context(), "", 1)
			a.n.Store(10)
			b.n.Store(10)
			fault.begin(server)

			// Hits and misses go on, at most 50 ms later, and what this machine adds.
			var mu sync.Mutex
			var times []time.Duration
			var all sync.WaitGroup
			for i := range 40 {
				all.Go(func() {
					for j := range 20 {
						began := time.Now()
						_, err := a.serve(t.Context(), &input{ID: string(rune('a' + i%20*j%20))})
						took := time.Since(began)
						if err != nil {
							t.Error(err)
						}
						mu.Lock()
						times = append(times, took)
						mu.Unlock()
					}
				})
			}
			all.Wait()
			slices.Sort(times)
			if p99, most := times[len(times)*99/100], times[len(times)-1]; p99 > 50*time.Millisecond+40*time.Millisecond || most > 200*time.Millisecond {
				t.Errorf("99 of 100 take %s, the slowest %s", p99, most)
			}

			// A write here is seen here at once, and elsewhere when Redis is back.
			a.Invalidate(t.Context(), cache.Name("numbers"))
			if x, err := a.serve(t.Context(), &input{}); err != nil || x.Body.N <= 10 {
				t.Errorf("got %v, %v", x, err)
			}
			get(t, b.serve, t.Context(), "", 1)
			b.n.Store(1000)
			fault.end(server)
			eventually(t, 6*time.Second, "what Redis missed", func() bool {
				x, err := b.serve(t.Context(), &input{})
				return err == nil && x.Body.N != 1
			})
		})
	}
}

// What cannot be told to Redis is told when it is back, however much it is.
func TestTooMuchToRemember(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	a, b := newReplicaOn(t, hasty(t, server), time.Now, minute()), newReplicaOn(t, hasty(t, server), time.Now, minute())
	get(t, a.serve, t.Context(), "", 1)
	get(t, b.serve, t.Context(), "", 1)
	server.Freeze()
	of := make([]cache.Of, cache.Most+1)
	for i := range of {
		of[i] = cache.Tag(fmt.Sprint(i))
	}
	a.Invalidate(t.Context(), of...)
	if n := a.Unsent(); n != 1 {
		t.Errorf("%d are remembered", n)
	}
	b.n.Store(1000)
	server.Thaw()
	eventually(t, 6*time.Second, "everything is invalidated", func() bool {
		x, err := b.serve(t.Context(), &input{})
		return err == nil && x.Body.N != 1
	})
}

// Replicas on versions that differ do not read each other's values.
func TestReplicasOfTwoVersions(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	type newer struct {
		N    int64  `json:"n"`
		More string `json:"more"`
	}
	get(t, newReplica(t, server, time.Now, minute()).serve, t.Context(), "", 1)
	h := cache.Handler(newCache(t, cache.Options{Redis: client(t, server)}), minute(), func(context.Context, *input) (newer, error) {
		return newer{5, "x"}, nil
	})
	if a, err := h(t.Context(), &input{}); err != nil || a.Body != (newer{5, "x"}) {
		t.Errorf("got %v, %v", a, err)
	}
}

// What somebody else wrote there does no harm.
func TestRedisHoldsNonsense(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	c := client(t, server)
	get(t, newReplica(t, server, time.Now, minute()).serve, t.Context(), "", 1)
	keys, err := c.Keys(t.Context(), "roster:cache:numbers:*").Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("%q, %v", keys, err)
	}
	if ttl := c.TTL(t.Context(), keys[0]).Val(); ttl <= 0 || ttl > time.Minute {
		t.Errorf("it stays for %s", ttl)
	}
	for _, text := range []string{"", "nonsense", "{}", `{"value":null}`} {
		if err := c.Set(t.Context(), keys[0], text, 0).Err(); err != nil {
			t.Fatal(err)
		}
		get(t, newReplica(t, server, time.Now, minute()).serve, t.Context(), "", 1)
	}
}

func TestClearSaysThatRedisIsAway(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	c := hasty(t, server)
	server.Stop()
	if err := cache.Clear(t.Context(), c, cache.Tag("x")); !errors.Is(err, storage.ErrAway) {
		t.Errorf("got %v", err)
	}
}
