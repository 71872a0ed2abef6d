// Package limit says how often somebody may do something: in memory that does not
// grow, and where there is a Redis or Valkey, for all replicas together.
package limit

import (
	"context"
	"hash/maphash"
	"sync"
	"time"
)

// The table: a name has its place in one of 65,536 sets of four slots, 5 MiB
// in all, whoever comes.
const (
	sets = 1 << 16
	ways = 4
)

// Limiter counts by GCRA (the generic cell rate algorithm): of each name it
// keeps one time, at which its whole quota is free again. Many goroutines may use
// it at once.
type Limiter struct {
	seed   maphash.Seed // random, so that nobody can choose whose slots to take
	start  time.Time
	sets   []set
	shared *shared // nil: counted in this process only
}

// set is filled from the left, and no slot of it becomes free: where four are
// taken, the one gives way whose whole quota is free the soonest. So who is at a
// limit stays while others come and go.
type set struct {
	mu   sync.Mutex
	owed [ways]bool          // counted here while Redis was away, so Redis may know less
	key  [ways]uint64        // 0: nobody was here
	tat  [ways]time.Duration // since start, when the whole quota is free: the theoretical arrival time
}

// New makes a limiter that has seen nobody and counts in this process only.
func New() *Limiter {
	return &Limiter{seed: maphash.MakeSeed(), start: time.Now(), sets: make([]set, sets)}
}

// Ask is one of the limits that a request comes under. One kind and name always
// has the same rate.
type Ask struct {
	Kind string // of quota
	Name string // whose it is
	Rate Rate
}

// Result is what came of one try. The zero Result refuses.
type Result struct {
	Allowed   bool
	Quota     int // that of the rate; 0: there is no limit
	Remaining int // how many more are allowed at once
	// Reset is how many seconds Remaining lasts at the pace of the rate, or when
	// nothing remains, until something does; rounded up.
	Reset int
	// RetryAfter is after how many seconds a refused one would be allowed, rounded
	// up; 0 when it was allowed.
	RetryAfter int
}

// Verdict is what came of one try under several limits: the Result of the tightest.
type Verdict struct {
	Result
	Tightest int // the index of that one
	shared   bool
}

// Take asks for one of each quota, and takes all of them or none: a try that one
// of them refuses costs nothing, and RetryAfter is that of all. With Redis it is
// one round trip, of 50 ms at most; while Redis is away, this process counts.
func (l *Limiter) Take(ctx context.Context, asks []Ask, now time.Time) Verdict {
	if l.shared != nil {
		if v, ok := l.takeShared(ctx, asks, now); ok {
			return v
		}
	}
	return l.takeHere(asks, now)
}

// Give gives back what a Take of the same asks took.
func (l *Limiter) Give(ctx context.Context, asks []Ask, taken Verdict) {
	if !taken.Allowed {
		return
	}
	for i := range asks {
		l.giveOne(&asks[i])
	}
	if taken.shared {
		l.shared.give(ctx, asks)
	}
}

func (l *Limiter) takeHere(asks []Ask, now time.Time) Verdict {
	v := Verdict{Result: Result{Allowed: true}}
	refused := 0
	for i := range asks {
		if asks[i].Rate.Off() {
			continue
		}
		r := l.takeOne(&asks[i], now)
		v.add(i, r)
		if !r.Allowed {
			refused |= 1 << i
		}
	}
	if refused != 0 && len(asks) > 1 {
		for i := range asks {
			if refused&(1<<i) == 0 {
				l.giveOne(&asks[i])
			}
		}
	}
	return v
}

// add makes the verdict that of one more limit: the tightest is the one to wait for
// the longest, then the one that has the least left.
func (v *Verdict) add(i int, r Result) {
	if v.Quota == 0 || r.RetryAfter > v.RetryAfter || r.RetryAfter == v.RetryAfter && r.Remaining < v.Remaining {
		v.Result, v.Tightest = r, i
	}
}

func (l *Limiter) takeOne(a *Ask, now time.Time) Result {
	s, key := l.find(a.Kind, a.Name)
	at, interval := now.Sub(l.start), a.Rate.interval()
	whole := interval * time.Duration(a.Rate.Quota)

	s.mu.Lock()
	i := s.slot(key, at)
	used := max(s.tat[i]-at, 0)
	allowed := used+interval <= whole
	if allowed {
		used += interval
		s.tat[i] = at + used
	}
	if l.shared != nil {
		s.owed[i] = true
	}
	s.mu.Unlock()
	return a.Rate.result(interval, used, allowed)
}

// result is what to say when so much of the quota, as a time, is used; the interval is
// the rate's, which takes a division to know.
func (r Rate) result(interval, used time.Duration, allowed bool) Result {
	whole := interval * time.Duration(r.Quota)
	said := Result{Allowed: allowed, Quota: r.Quota}
	said.Remaining = int(max(whole-used, 0) / interval) // below 0: another one read its clock later and came first
	next := used + interval - whole
	if said.Remaining > 0 {
		said.Reset = seconds(time.Duration(said.Remaining) * interval)
	} else {
		said.Reset = seconds(next)
	}
	if !allowed {
		said.RetryAfter = seconds(next)
	}
	return said
}

func (l *Limiter) giveOne(a *Ask) {
	if a.Rate.Off() {
		return
	}
	s, key := l.find(a.Kind, a.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.key {
		if s.key[i] == key {
			s.tat[i] -= a.Rate.interval() // into the past is no more than whole: takeOne looks from now on
		}
	}
}

// known returns how much this process knows to be used, and whether Redis may not.
func (l *Limiter) known(a *Ask, at time.Duration) (used time.Duration, owed bool) {
	s, key := l.find(a.Kind, a.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.key {
		if s.key[i] == key {
			return max(s.tat[i]-at, 0), s.owed[i]
		}
	}
	return 0, false
}

// learn keeps what Redis said is used, for when it is away.
func (l *Limiter) learn(a *Ask, at, used time.Duration) {
	s, key := l.find(a.Kind, a.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.slot(key, at)
	s.tat[i], s.owed[i] = at+used, false
}

func (l *Limiter) find(kind, name string) (*set, uint64) {
	var h maphash.Hash
	h.SetSeed(l.seed)
	_, _ = h.WriteString(kind)
	_ = h.WriteByte(0) // no kind and name run into another
	_, _ = h.WriteString(name)
	key := max(h.Sum64(), 1)
	return &l.sets[key%sets], key
}

// slot returns where key is, after it has made a place for one that is new.
func (s *set) slot(key uint64, at time.Duration) int {
	soonest := 0
	for i := range s.key {
		if s.key[i] == key {
			return i
		}
		if s.key[i] == 0 {
			soonest = i
			break
		}
		if s.tat[i] < s.tat[soonest] {
			soonest = i
		}
	}
	s.key[soonest], s.tat[soonest], s.owed[soonest] = key, at, false
	return soonest
}

// seconds rounds up, so that who waits that long does not come too early.
func seconds(d time.Duration) int {
	return int((d + time.Second - 1) / time.Second)
}
