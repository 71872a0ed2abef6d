package limit_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/testkit"
)

// said is a log that may be read while it is written.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) count(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), text)
}

// replica is a limiter with a client and a log of its own.
type replica struct {
	*limit.Limiter
	log *said
}

func newReplica(t *testing.T, server *testkit.RedisServer, patience time.Duration) replica {
	log := &said{}
	return replica{limit.SharedWithin(client(t, server.URL()), slog.New(slog.NewTextHandler(log, nil)), patience), log}
}

func (r replica) take(asks ...limit.Ask) limit.Verdict {
	return r.Take(context.Background(), asks, time.Now())
}

// ample is for tests that do not measure: Redis is there, or it refuses at once.
const ample = 10 * time.Second

// slow takes so few back that none comes back in a test.
var slow = limit.Rate{Quota: 100, Window: 24 * time.Hour}

// until asks until Redis is away, or back, for 5 seconds at most.
func (r replica) until(t *testing.T, away bool) {
	t.Helper()
	for start := time.Now(); r.State().Away != away; time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > 5*time.Second {
			t.Fatalf("after 5 s: %+v", r.State())
		}
		r.take(ask("other", "n", slow))
	}
}

// exhaust takes until it is refused, and returns how many were taken.
func (r replica) exhaust(it limit.Ask) (n int) {
	for ; n < 1000 && r.take(it).Allowed; n++ {
	}
	return n
}

// Without Redis each replica goes on from what it knows, and with it again all go on
// from what the one knows that has counted the most, though Redis has forgotten all.
func TestRedisStops(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	a, b := newReplica(t, server, ample), newReplica(t, server, ample)
	it, untouched := ask("k", "n", slow), ask("k", "untouched", slow)
	for range 30 {
		a.take(it)
		b.take(it)
	}
	a.exhaust(untouched)

	server.Stop()
	a.take(it)
	b.take(it)
	start := time.Now()
	first, second := a.exhaust(it), b.exhaust(it)
	if first < 37 || first > 41 || second < 37 || second > 41 {
		t.Errorf("each replica took %d and %d more, want what it knows to be left: about 40", first, second)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("%d tries without Redis took %v", first+second, took)
	}
	if s := a.State(); !s.Shared || !s.Away || s.Alone < uint64(first) {
		t.Errorf("%+v", s)
	}

	server.Start()
	a.until(t, false)
	b.until(t, false)
	if n := a.exhaust(it); n > 0 {
		t.Errorf("%d more, though all was taken while Redis was away", n)
	}
	// What was used up before, and asked for by nobody in between.
	if n := a.exhaust(untouched); n > 0 {
		t.Errorf("%d more of what Redis has forgotten", n)
	}
	if n := b.exhaust(untouched); n > 0 {
		t.Errorf("%d more at a replica that never knew", n)
	}
	for _, r := range []replica{a, b} {
		if r.log.count("does not answer") != 1 || r.log.count("answers again") != 1 {
			t.Errorf("the log:\n%s", r.log.text.String())
		}
	}
}

func TestRedisFreezes(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	log := &said{}
	a := replica{limit.Shared(client(t, server.URL()), slog.New(slog.NewTextHandler(log, nil))), log}
	it := ask("k", "n", slow)
	a.take(it)
	server.Freeze()
	start := time.Now()
	v := a.take(it)
	if took := time.Since(start); !v.Allowed || v.Remaining != 98 || took > time.Second { // 50 ms, and what a busy machine adds
		t.Errorf("%+v after %v", v, took)
	}
	start = time.Now()
	for range 50 {
		a.take(it)
	}
	if took := time.Since(start); took > time.Second { // else 2.5 s
		t.Errorf("50 more took %v: each waits", took)
	}
	server.Thaw()
	a.until(t, false)
	// Redis may have counted the one that it answered too late.
	if v := a.take(it); v.Remaining != 47 {
		t.Errorf("%d are left of 100 after 53", v.Remaining)
	}
	if s := a.State(); s.Alone < 51 {
		t.Errorf("%+v", s)
	}
}

// A Redis that takes no writes is away, however well it can be read.
func TestRedisTakesNoWrites(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	a, admin := newReplica(t, server, ample), client(t, server.URL())
	set := func(n string) {
		t.Helper()
		if err := admin.ConfigSet(t.Context(), "min-replicas-to-write", n).Err(); err != nil {
			t.Fatal(err)
		}
	}
	set("1")
	a.until(t, true)
	looks := time.Now()
	for time.Since(looks) < 600*time.Millisecond {
		if a.take(ask("k", "n", slow)); !a.State().Away {
			t.Fatal("it is taken for one that is back")
		}
		time.Sleep(5 * time.Millisecond)
	}
	set("0")
	a.until(t, false)
	if n := a.log.count("does not answer"); n != 1 {
		t.Errorf("said %d times", n)
	}
}

// A client that goes away is not a Redis that does.
func TestCallerGoesAway(t *testing.T) {
	t.Parallel()
	a := newReplica(t, testkit.Redis(t), ample)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	it := []limit.Ask{ask("k", "n", slow)}
	v := a.Take(ctx, it, time.Now())
	a.Give(ctx, it, v)
	if again := a.take(it...); !v.Allowed || again.Remaining != 99 || a.State().Away {
		t.Errorf("%+v, then %+v; %+v", v, again, a.State())
	}
}

// What is given back while Redis is away, or was taken while it was, is not given
// back twice.
func TestGiveAroundAnAbsence(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	a := newReplica(t, server, 500*time.Millisecond)
	before, during := []limit.Ask{ask("k", "before", slow)}, []limit.Ask{ask("k", "during", slow)}
	a.take(during...)
	first := a.take(before...)
	server.Freeze()
	second := a.take(during...)
	a.until(t, true)
	a.Give(t.Context(), before, first)
	if v := a.take(before...); v.Remaining != 99 {
		t.Errorf("%+v", v)
	}
	server.Thaw()
	a.until(t, false)
	a.take(during...) // so that Redis knows of the second
	a.Give(t.Context(), during, second)
	if v := a.take(during...); v.Remaining < 96 || v.Remaining > 97 {
		t.Errorf("%+v", v)
	}
}

// counted counts the commands that are sent.
type counted struct{ n atomic.Int64 }

func (*counted) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *counted) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmd)
	}
}

func (c *counted) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// However many limits, one round trip; and what Redis keeps ends by itself.
func TestOneRoundTrip(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	c, commands := client(t, server.URL()), &counted{}
	l := limit.SharedWithin(c, slog.New(slog.DiscardHandler), ample)
	asks := []limit.Ask{
		ask("address", "198.51.100.7", limit.Rate{Quota: 100, Window: time.Minute}), ask("off", "n", limit.Rate{}),
		ask("createKey caller", "198.51.100.7", limit.Rate{Quota: 20, Window: time.Minute}), ask("k", "n", slow),
	}
	l.Take(t.Context(), asks, time.Now()) // connects, and sends the script itself
	c.AddHook(commands)
	for range 10 {
		l.Take(t.Context(), asks, time.Now())
	}
	if n := commands.n.Load(); n != 10 {
		t.Errorf("%d commands for 10 tries", n)
	}
	l.Take(t.Context(), []limit.Ask{ask("off", "n", limit.Rate{})}, time.Now())
	if n := commands.n.Load(); n != 10 {
		t.Error("a try that has no limit asks Redis")
	}
	keys, err := c.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 3 {
		t.Fatalf("%q, %v", keys, err)
	}
	for _, key := range keys {
		if ttl := c.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > 24*time.Hour+2*time.Second || !strings.HasPrefix(key, "roster:limit:") {
			t.Errorf("%s ends in %v", key, ttl)
		}
	}
}

// BenchmarkShared is one request's two limits, in Redis and without it.
func BenchmarkShared(b *testing.B) {
	asks := func() []limit.Ask {
		return []limit.Ask{
			ask("caller", "user:1", limit.Rate{Quota: 1_000_000, Window: time.Second}),
			ask("createKey caller", "user:1", limit.Rate{Quota: 1_000_000, Window: time.Second}),
		}
	}
	b.Run("in the process", func(b *testing.B) {
		l := limit.New()
		b.ReportAllocs()
		for b.Loop() {
			l.Take(b.Context(), asks(), time.Now())
		}
	})
	b.Run("in Redis", func(b *testing.B) {
		server := testkit.Redis(b)
		o, err := redis.ParseURL(server.URL())
		if err != nil {
			b.Fatal(err)
		}
		o.MaxRetries, o.ContextTimeoutEnabled = -1, true
		c := redis.NewClient(o)
		defer c.Close()
		l := limit.Shared(c, slog.New(slog.DiscardHandler))
		b.ReportAllocs()
		for b.Loop() {
			l.Take(b.Context(), asks(), time.Now())
		}
		b.StopTimer()
		server.Stop()
		l.Take(b.Context(), asks(), time.Now())
		b.Run("while it is away", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Take(b.Context(), asks(), time.Now())
			}
		})
	})
}
