package limit

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// meter is the same rule told another way: a bucket that holds a quota of water
// and leaks at the rate's pace. A try pours one in, unless that would spill.
type meter struct {
	interval, whole, water time.Duration
	last                   time.Time
}

func newMeter(r Rate, now time.Time) *meter {
	interval := r.Window / time.Duration(r.Quota)
	return &meter{interval: interval, whole: interval * time.Duration(r.Quota), last: now}
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
	for i, rate := range []Rate{
		{1, time.Second}, {2, time.Second}, {3, time.Minute}, {7, time.Minute}, {10, 5 * time.Minute},
		{20, time.Minute}, {100, time.Minute}, {3000, time.Minute}, {700_000, time.Second}, {1, 24 * time.Hour},
	} {
		t.Run(rate.String(), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(3, uint64(i)))
			l, now := New(), time.Now()
			model := newMeter(rate, now)
			refused := 0
			for step := range 20_000 {
				// Bursts, gaps of about an interval, and now and then a long one.
				switch random.IntN(8) {
				case 0, 1:
					now = now.Add(time.Duration(random.Int64N(int64(2*rate.interval()) + 1)))
				case 2:
					now = now.Add(rate.interval())
				case 3:
					if random.IntN(rate.Quota+1) == 0 {
						now = now.Add(time.Duration(random.Int64N(int64(2 * rate.Window))))
					}
				}
				if step%1000 < 5 { // what nobody took does no harm either
					model.give(now)
					l.Give("k", "n", rate)
					continue
				}
				allowed, remaining, wait := model.take(now)
				got := l.Take("k", "n", rate, now)
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
	rate := Rate{4, time.Minute} // one in 15 s
	type try struct {
		after time.Duration // since the start
		want  Result
	}
	for _, c := range []struct {
		name string
		rate Rate
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
		{"a clock that was read earlier", rate, []try{
			{time.Minute, Result{true, 4, 3, 45, 0}}, {0, Result{false, 4, 0, 30, 30}},
		}},
		{"no limit", Rate{}, []try{{0, Result{Allowed: true}}, {0, Result{Allowed: true}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l, start := New(), time.Now()
			for i, try := range c.all {
				if got := l.Take("k", "n", c.rate, start.Add(try.after)); got != try.want {
					t.Errorf("try %d: %+v, want %+v", i, got, try.want)
				}
			}
		})
	}
}

func TestGive(t *testing.T) {
	t.Parallel()
	rate := Rate{2, time.Minute}
	l, now := New(), time.Now()
	left := func() int { return l.Take("k", "n", rate, now).Remaining }

	for range 10 { // what is given back each time never runs out
		if got := left(); got != 1 {
			t.Fatalf("%d left, want 1", got)
		}
		l.Give("k", "n", rate)
	}
	l.Give("k", "somebody else", rate)
	l.Give("another kind", "n", rate)
	left()
	if left(); l.Take("k", "n", rate, now).Allowed {
		t.Error("what others give counts for this one")
	}
	for range 10 { // more than was taken
		l.Give("k", "n", rate)
	}
	if got := left(); got != 1 {
		t.Errorf("%d left, want 1: no more than the quota", got)
	}
	l.Give("k", "n", Rate{})
}

func TestNamesAndKinds(t *testing.T) {
	t.Parallel()
	rate := Rate{1, time.Minute}
	l, now := New(), time.Now()
	for _, c := range [][2]string{{"a", "b"}, {"b", "a"}, {"ab", ""}, {"", "ab"}, {"a", ""}, {"", ""}, {"a", "\x00b"}} {
		if !l.Take(c[0], c[1], rate, now).Allowed {
			t.Errorf("%q is somebody else", c)
		}
		if l.Take(c[0], c[1], rate, now).Allowed {
			t.Errorf("%q is twice", c)
		}
	}
}

// However many come at once, the quota is what is admitted.
func TestTakeByMany(t *testing.T) {
	t.Parallel()
	for _, rate := range []Rate{{1, time.Minute}, {3000, time.Minute}, {1_000_000, time.Minute}} {
		const goroutines = 8
		l, now := New(), time.Now()
		var admitted atomic.Int64
		var all sync.WaitGroup
		gate := make(chan struct{})
		for range goroutines {
			all.Go(func() {
				<-gate
				for range rate.Quota/goroutines + 1000 {
					if l.Take("k", "n", rate, now).Allowed {
						admitted.Add(1)
					}
				}
			})
		}
		close(gate)
		all.Wait()
		if admitted.Load() != int64(rate.Quota) {
			t.Errorf("%s: %d admitted", rate, admitted.Load())
		}
	}
}

// Failures are bounded also where successes come in between: over any time, a
// quota and what comes back in that time.
func TestFailuresAreBoundedWhileOthersAreGivenBack(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 3))
	rate := Rate{20, time.Minute}
	l, now := New(), time.Now()
	start, failed, held := now, 0, []time.Time(nil)
	for range 100_000 {
		now = now.Add(time.Duration(random.Int64N(int64(200 * time.Millisecond))))
		for len(held) > 0 && now.After(held[0]) {
			held = held[1:]
			l.Give("k", "n", rate)
		}
		if !l.Take("k", "n", rate, now).Allowed {
			continue
		}
		if random.IntN(4) == 0 {
			held = append(held, now.Add(2*time.Second)) // succeeds after a while
		} else if failed++; failed > rate.Quota+int(now.Sub(start)/rate.interval()) {
			t.Fatalf("%d failures in %v", failed, now.Sub(start))
		}
	}
	if failed < int(now.Sub(start)/rate.interval())/2 {
		t.Errorf("%d failures in %v: the test shows nothing", failed, now.Sub(start))
	}
}

// In a full set the one gives way that has used the least, so a caller at its
// limit stays at it.
func TestTheLeastBusyGivesWay(t *testing.T) {
	t.Parallel()
	busy, idle := Rate{10, 5 * time.Minute}, Rate{100, time.Minute}
	l, now := New(), time.Now()
	for l.Take("busy", "n", busy, now).Allowed {
	}
	taken, _ := l.find("busy", "n")
	for found, i := 0, 0; found < 50; i++ {
		name := fmt.Sprint(i)
		if s, _ := l.find("idle", name); s == taken {
			found++
			if r := l.Take("idle", name, idle, now); r.Remaining != 99 {
				t.Fatalf("a new one has %+v", r)
			}
		}
	}
	if l.Take("busy", "n", busy, now).Allowed {
		t.Error("a caller at its limit was forgotten")
	}
}

func TestSeedsDiffer(t *testing.T) {
	t.Parallel()
	_, a := New().find("k", "n")
	_, b := New().find("k", "n")
	if a == b {
		t.Error("two limiters put a name at one place: who knows it can choose whom to push out")
	}
}

// Who waits for RetryAfter, and no longer, has waited enough.
func TestRetryAfterIsEnough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rate := Rate{1, time.Minute}
		l := New()
		l.Take("k", "n", rate, time.Now())
		r := l.Take("k", "n", rate, time.Now())
		time.Sleep(time.Duration(r.RetryAfter) * time.Second)
		if !l.Take("k", "n", rate, time.Now()).Allowed {
			t.Error("refused after the wait")
		}
	})
}

func TestTakeAllocatesNothing(t *testing.T) {
	l, now, i := New(), time.Now(), 0
	names := someNames(1000)
	n := testing.AllocsPerRun(10_000, func() {
		l.Take("address", names[i%len(names)], Rate{100, time.Minute}, now)
		l.Give("address", names[i%len(names)], Rate{100, time.Minute})
		i++
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func someNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("198.51.%d.%d", i/256, i%256)
	}
	return names
}

func BenchmarkTake(b *testing.B) {
	rate := Rate{100, time.Minute}
	names := someNames(1 << 16)
	b.Run("one name", func(b *testing.B) {
		l := New()
		b.ReportAllocs()
		for b.Loop() {
			l.Take("address", names[0], rate, time.Now())
		}
	})
	b.Run("many names", func(b *testing.B) {
		l, i := New(), 0
		b.ReportAllocs()
		for b.Loop() {
			l.Take("address", names[i%len(names)], rate, time.Now())
			i++
		}
	})
	b.Run("many at once", func(b *testing.B) {
		l := New()
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := rand.IntN(len(names)); pb.Next(); i++ {
				l.Take("address", names[i%len(names)], rate, time.Now())
			}
		})
	})
}
