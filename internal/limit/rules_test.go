package limit_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/testkit"
)

// The rules in this file hold for both ways to count: in the process, and in Redis by
// two replicas that take turns.

func TestMain(m *testing.M) { testkit.Main(m) }

// counter is one of the ways, at a time that the test says.
type counter struct {
	replicas []*limit.Limiter
	now      func() time.Time
	turns    atomic.Int64
	steps    int // how many are cheap enough

	last  limit.Verdict // the last one that was allowed
	taker *limit.Limiter
}

func eachCounter(t *testing.T, test func(t *testing.T, c *counter, set func(time.Time))) {
	for name, replicas := range map[string]int{"in the process": 1, "in Redis": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var at atomic.Pointer[time.Time]
			set := func(now time.Time) { at.Store(&now) }
			set(time.Now())
			c := &counter{now: func() time.Time { return *at.Load() }, steps: 20_000}
			if replicas == 1 {
				c.replicas = []*limit.Limiter{limit.New()}
			} else {
				c.steps = 2000
				server := testkit.Redis(t)
				for range replicas {
					c.replicas = append(c.replicas, limit.SharedAt(client(t, server.URL()), c.now))
				}
			}
			test(t, c, set)
			for _, l := range c.replicas {
				if s := l.State(); s.Alone != 0 {
					t.Errorf("%d tries were counted without Redis", s.Alone)
				}
			}
		})
	}
}

// client is one as [limit.Shared] wants it.
func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled = -1, 1, true
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (c *counter) take(asks ...limit.Ask) limit.Result {
	l := c.replicas[int(c.turns.Add(1))%len(c.replicas)]
	v := l.Take(context.Background(), asks, c.now())
	if v.Allowed {
		c.last, c.taker = v, l
	}
	return v.Result
}

func (c *counter) give(asks ...limit.Ask) { c.taker.Give(context.Background(), asks, c.last) }

func ask(kind, name string, rate limit.Rate) limit.Ask {
	return limit.Ask{Kind: kind, Name: name, Rate: rate}
}

func interval(r limit.Rate) time.Duration { return max(r.Window/time.Duration(r.Quota), 1) }

// meter is the same rule told another way: a bucket that holds a quota of water
// and leaks at the rate's pace. A try pours one in, unless that would spill.
type meter struct {
	interval, whole, water time.Duration
	last                   time.Time
}

func newMeter(r limit.Rate, now time.Time) *meter {
	return &meter{interval: interval(r), whole: interval(r) * time.Duration(r.Quota), last: now}
}

func (m *meter) leak(now time.Time) {
	m.water = max(m.water-now.Sub(m.last), 0)
	m.last = now
}

func (m *meter) take(now time.Time) (allowed bool, remaining int, wait time.Duration) {
	m.leak(now)
	if m.water+m.interval > m.whole {
		return false, 0, m.water + m.interval - m.whole
	}
	m.water += m.interval
	return true, int((m.whole - m.water) / m.interval), 0
}

func (m *meter) give(now time.Time) {
	m.leak(now)
	m.water = max(m.water-m.interval, 0)
}

func TestTakeAgainstAModel(t *testing.T) {
	t.Parallel()
	for i, rate := range []limit.Rate{
		{Quota: 1, Window: time.Second}, {Quota: 2, Window: time.Second}, {Quota: 3, Window: time.Minute}, {Quota: 7, Window: time.Minute}, {Quota: 10, Window: 5 * time.Minute},
		{Quota: 20, Window: time.Minute}, {Quota: 100, Window: time.Minute}, {Quota: 3000, Window: time.Minute}, {Quota: 700_000, Window: time.Second}, {Quota: 1, Window: 24 * time.Hour},
	} {
		t.Run(rate.String(), func(t *testing.T) {
			t.Parallel()
			eachCounter(t, func(t *testing.T, c *counter, set func(time.Time)) {
				random := rand.New(rand.NewPCG(3, uint64(i)))
				now, it := c.now(), ask("k", "n", rate)
				model := newMeter(rate, now)
				refused := 0
				for step := range c.steps {
					// Bursts, gaps of about an interval, and now and then a long one.
					switch random.IntN(8) {
					case 0, 1:
						now = now.Add(time.Duration(random.Int64N(int64(2*interval(rate)) + 1)))
					case 2:
						now = now.Add(interval(rate))
					case 3:
						if random.IntN(rate.Quota+1) == 0 {
							now = now.Add(time.Duration(random.Int64N(int64(2 * rate.Window))))
						}
					}
					set(now)
					if step%1000 < 5 && c.taker != nil { // what nobody took does no harm either
						model.give(now)
						c.give(it)
						continue
					}
					allowed, remaining, wait := model.take(now)
					got := c.take(it)
					if got.Allowed != allowed || got.Remaining != remaining || got.Quota != rate.Quota || got.RetryAfter != ceil(wait) {
						t.Fatalf("step %d: %+v; the model says %t, %d, %v", step, got, allowed, remaining, wait)
					}
					if !allowed && got.Reset != got.RetryAfter || got.Reset < 1 || got.Reset > ceil(rate.Window) {
						t.Fatalf("step %d: %+v", step, got)
					}
					if !allowed {
						refused++
					}
				}
				if refused == 0 && rate.Quota < 1000 {
					t.Error("never refused: the test shows nothing")
				}
			})
		})
	}
}

func ceil(d time.Duration) int {
	n := int(d / time.Second)
	if d%time.Second > 0 {
		n++
	}
	return n
}

func TestTake(t *testing.T) {
	t.Parallel()
	type Result = limit.Result
	rate := limit.Rate{Quota: 4, Window: time.Minute} // one in 15 s
	type try struct {
		after time.Duration // since the start
		want  Result
	}
	for _, test := range []struct {
		name string
		rate limit.Rate
		all  []try
	}{
		{"the whole quota at once", rate, []try{
			{0, Result{true, 4, 3, 45, 0}}, {0, Result{true, 4, 2, 30, 0}}, {0, Result{true, 4, 1, 15, 0}}, {0, Result{true, 4, 0, 15, 0}}, {0, Result{false, 4, 0, 15, 15}},
		}},
		{"it comes back evenly", rate, []try{
			{0, Result{true, 4, 3, 45, 0}}, {0, Result{true, 4, 2, 30, 0}}, {0, Result{true, 4, 1, 15, 0}}, {0, Result{true, 4, 0, 15, 0}},
			{14*time.Second + 999*time.Millisecond, Result{false, 4, 0, 1, 1}}, {15 * time.Second, Result{true, 4, 0, 15, 0}}, {15 * time.Second, Result{false, 4, 0, 15, 15}},
			{45 * time.Second, Result{true, 4, 1, 15, 0}},
		}},
		{"a refused try costs nothing", rate, []try{
			{0, Result{true, 4, 3, 45, 0}}, {0, Result{true, 4, 2, 30, 0}}, {0, Result{true, 4, 1, 15, 0}}, {0, Result{true, 4, 0, 15, 0}},
			{time.Second, Result{false, 4, 0, 14, 14}}, {time.Second, Result{false, 4, 0, 14, 14}}, {15 * time.Second, Result{true, 4, 0, 15, 0}},
		}},
		{"no more is saved up than the quota", rate, []try{
			{0, Result{true, 4, 3, 45, 0}}, {24 * time.Hour, Result{true, 4, 3, 45, 0}},
		}},
		{"no limit", limit.Rate{}, []try{{0, Result{Allowed: true}}, {0, Result{Allowed: true}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			eachCounter(t, func(t *testing.T, c *counter, set func(time.Time)) {
				start := c.now()
				for i, try := range test.all {
					set(start.Add(try.after))
					if got := c.take(ask("k", "n", test.rate)); got != try.want {
						t.Errorf("try %d: %+v, want %+v", i, got, try.want)
					}
				}
			})
		})
	}
}

// A try under several limits takes of all or of none, and tells of the tightest.
func TestTakeOfSeveral(t *testing.T) {
	t.Parallel()
	eachCounter(t, func(t *testing.T, c *counter, set func(time.Time)) {
		now := c.now()
		wide, narrow := ask("wide", "n", limit.Rate{Quota: 6, Window: time.Minute}), ask("narrow", "n", limit.Rate{Quota: 2, Window: time.Minute})
		off := ask("off", "n", limit.Rate{})
		for i, want := range []limit.Result{{true, 2, 1, 30, 0}, {true, 2, 0, 30, 0}, {false, 2, 0, 30, 30}, {false, 2, 0, 30, 30}} {
			asks := []limit.Ask{wide, off, narrow}
			if i%2 == 1 {
				asks = []limit.Ask{narrow, wide}
			}
			if got := c.take(asks...); got != want {
				t.Errorf("try %d: %+v, want %+v", i, got, want)
			}
		}
		// The two that were refused have cost nothing of the other quota.
		for i := range 4 {
			if got := c.take(wide); got.Remaining != 3-i || !got.Allowed {
				t.Errorf("try %d under one limit: %+v", i, got)
			}
		}
		// Where both refuse, the wait is that of both.
		if got := c.take(wide, narrow); got.Allowed || got.RetryAfter != 30 {
			t.Errorf("%+v", got)
		}
		set(now.Add(30 * time.Second))
		if got := c.take(wide, narrow); !got.Allowed || got.Remaining != 0 {
			t.Errorf("after the wait: %+v", got)
		}
		c.give(wide, narrow)
		if got := c.take(wide, narrow); !got.Allowed || got.Remaining != 0 {
			t.Errorf("given back: %+v", got)
		}
	})
}

func TestGive(t *testing.T) {
	t.Parallel()
	eachCounter(t, func(t *testing.T, c *counter, _ func(time.Time)) {
		rate := limit.Rate{Quota: 2, Window: time.Minute}
		it := ask("k", "n", rate)
		left := func() int { return c.take(it).Remaining }

		for range 10 { // what is given back each time never runs out
			if got := left(); got != 1 {
				t.Fatalf("%d left, want 1", got)
			}
			c.give(it)
		}
		c.take(it)
		c.give(ask("k", "somebody else", rate))
		c.give(ask("another kind", "n", rate))
		left()
		if c.take(it).Allowed {
			t.Error("what others give counts for this one")
		}
		for range 10 { // more than was taken
			c.give(it)
		}
		if got := left(); got != 1 {
			t.Errorf("%d left, want 1: no more than the quota", got)
		}
		c.give(ask("k", "n", limit.Rate{}))
	})
}

func TestNamesAndKinds(t *testing.T) {
	t.Parallel()
	eachCounter(t, func(t *testing.T, c *counter, _ func(time.Time)) {
		rate := limit.Rate{Quota: 1, Window: time.Minute}
		for _, n := range [][2]string{{"a", "b"}, {"b", "a"}, {"ab", ""}, {"", "ab"}, {"a", ""}, {"", ""}, {"a", "\x00b"}} {
			if !c.take(ask(n[0], n[1], rate)).Allowed {
				t.Errorf("%q is somebody else", n)
			}
			if c.take(ask(n[0], n[1], rate)).Allowed {
				t.Errorf("%q is twice", n)
			}
		}
	})
}

// However many come at once, the quota is what is admitted.
func TestTakeByMany(t *testing.T) {
	t.Parallel()
	eachCounter(t, func(t *testing.T, c *counter, _ func(time.Time)) {
		for _, quota := range []int{1, 300, 3000, 1_000_000} {
			if quota > 50*c.steps {
				continue
			}
			const goroutines = 8
			it := ask("k", strconv.Itoa(quota), limit.Rate{Quota: quota, Window: time.Hour})
			var admitted atomic.Int64
			var all sync.WaitGroup
			gate := make(chan struct{})
			for i := range goroutines {
				all.Go(func() {
					<-gate
					for range quota/goroutines + 100 {
						if c.replicas[i%len(c.replicas)].Take(t.Context(), []limit.Ask{it}, c.now()).Allowed {
							admitted.Add(1)
						}
					}
				})
			}
			close(gate)
			all.Wait()
			if admitted.Load() != int64(quota) {
				t.Errorf("%s: %d admitted", it.Rate, admitted.Load())
			}
		}
	})
}

// Failures are bounded also where successes come in between: over any time, a
// quota and what comes back in that time.
func TestFailuresAreBoundedWhileOthersAreGivenBack(t *testing.T) {
	t.Parallel()
	eachCounter(t, func(t *testing.T, c *counter, set func(time.Time)) {
		random := rand.New(rand.NewPCG(3, 3))
		it := ask("k", "n", limit.Rate{Quota: 20, Window: time.Minute})
		type taken struct {
			by   *limit.Limiter
			v    limit.Verdict
			till time.Time
		}
		now := c.now()
		start, failed, held := now, 0, []taken(nil)
		for range 5 * c.steps {
			now = now.Add(time.Duration(random.Int64N(int64(200 * time.Millisecond))))
			set(now)
			for len(held) > 0 && now.After(held[0].till) {
				held[0].by.Give(t.Context(), []limit.Ask{it}, held[0].v)
				held = held[1:]
			}
			if !c.take(it).Allowed {
				continue
			}
			if random.IntN(4) == 0 {
				held = append(held, taken{c.taker, c.last, now.Add(2 * time.Second)}) // succeeds after a while
			} else if failed++; failed > it.Rate.Quota+int(now.Sub(start)/interval(it.Rate)) {
				t.Fatalf("%d failures in %v", failed, now.Sub(start))
			}
		}
		if failed < int(now.Sub(start)/interval(it.Rate))/2 {
			t.Errorf("%d failures in %v: the test shows nothing", failed, now.Sub(start))
		}
	})
}
