package limit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// In a full set the one gives way that has used the least, so a caller at its
// limit stays at it.
func TestTheLeastBusyGivesWay(t *testing.T) {
	t.Parallel()
	busy, idle := Rate{10, 5 * time.Minute}, Rate{100, time.Minute}
	l, now := New(), time.Now()
	for take(l, "busy", "n", busy, now).Allowed {
	}
	taken, _ := l.find("busy", "n")
	for found, i := 0, 0; found < 50; i++ {
		name := fmt.Sprint(i)
		if s, _ := l.find("idle", name); s == taken {
			found++
			if r := take(l, "idle", name, idle, now); r.Remaining != 99 {
				t.Fatalf("a new one has %+v", r)
			}
		}
	}
	if take(l, "busy", "n", busy, now).Allowed {
		t.Error("a caller at its limit was forgotten")
	}
}

func take(l *Limiter, kind, name string, rate Rate, now time.Time) Result {
	return l.Take(context.Background(), []Ask{{kind, name, rate}}, now).Result
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
		take(l, "k", "n", rate, time.Now())
		r := take(l, "k", "n", rate, time.Now())
		time.Sleep(time.Duration(r.RetryAfter) * time.Second)
		if !take(l, "k", "n", rate, time.Now()).Allowed {
			t.Error("refused after the wait")
		}
	})
}

func TestTakeAllocatesNothing(t *testing.T) {
	l, now, i := New(), time.Now(), 0
	names, rate := someNames(1000), Rate{100, time.Minute}
	n := testing.AllocsPerRun(10_000, func() {
		asks := [2]Ask{{"address", names[i%len(names)], rate}, {"operation", names[i%len(names)], rate}}
		l.Give(t.Context(), asks[:], l.Take(t.Context(), asks[:], now))
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
			take(l, "address", names[0], rate, time.Now())
		}
	})
	b.Run("many names", func(b *testing.B) {
		l, i := New(), 0
		b.ReportAllocs()
		for b.Loop() {
			take(l, "address", names[i%len(names)], rate, time.Now())
			i++
		}
	})
	b.Run("many at once", func(b *testing.B) {
		l := New()
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := rand.IntN(len(names)); pb.Next(); i++ {
				take(l, "address", names[i%len(names)], rate, time.Now())
			}
		})
	})
}
