// Package limit says how often somebody may do something, in memory that does
// not grow.
package limit

import (
	"hash/maphash"
	"sync"
	"time"
)

// The table: a name has its place in one of 65,536 sets of four slots, 4.5 MiB
// in all, whoever comes.
const (
	sets = 1 << 16
	ways = 4
)

// Limiter counts by GCRA (the generic cell rate algorithm): of each name it
// keeps one time, at which its whole quota is free again. It counts in this
// process only, and many goroutines may use it at once.
type Limiter struct {
	seed  maphash.Seed // random, so that nobody can choose whose slots to take
	start time.Time
	sets  []set
}

// set is filled from the left, and no slot of it becomes free: where four are
// taken, the one gives way whose whole quota is free the soonest. So who is at a
// limit stays while others come and go.
type set struct {
	mu  sync.Mutex
	key [ways]uint64        // 0: nobody was here
	tat [ways]time.Duration // since start, when the whole quota is free: the theoretical arrival time
}

// New makes a limiter that has seen nobody.
func New() *Limiter {
	return &Limiter{seed: maphash.MakeSeed(), start: time.Now(), sets: make([]set, sets)}
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

// Take asks for one of the quota that name has among those of its kind, and takes
// it if there is one. A refused try costs nothing. One kind and name always has
// the same rate.
func (l *Limiter) Take(kind, name string, rate Rate, now time.Time) Result {
	if rate.Off() {
		return Result{Allowed: true}
	}
	s, key := l.find(kind, name)
	at, interval := now.Sub(l.start), rate.interval()
	whole := interval * time.Duration(rate.Quota)

	s.mu.Lock()
	i := s.slot(key, at)
	used := max(s.tat[i]-at, 0)
	allowed := used+interval <= whole
	if allowed {
		used += interval
		s.tat[i] = at + used
	}
	s.mu.Unlock()

	r := Result{Allowed: allowed, Quota: rate.Quota}
	r.Remaining = int(max(whole-used, 0) / interval) // below 0: another one read its clock later and came first
	next := used + interval - whole
	if r.Remaining > 0 {
		r.Reset = seconds(time.Duration(r.Remaining) * interval)
	} else {
		r.Reset = seconds(next)
	}
	if !allowed {
		r.RetryAfter = seconds(next)
	}
	return r
}

// Give gives back one that was taken at the same rate.
func (l *Limiter) Give(kind, name string, rate Rate) {
	if rate.Off() {
		return
	}
	s, key := l.find(kind, name)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.key {
		if s.key[i] == key {
			s.tat[i] -= rate.interval() // into the past is no more than whole: Take looks from now on
		}
	}
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
		switch {
		case s.key[i] == key:
			return i
		case s.key[i] == 0:
			s.key[i], s.tat[i] = key, at
			return i
		case s.tat[i] < s.tat[soonest]:
			soonest = i
		}
	}
	s.key[soonest], s.tat[soonest] = key, at
	return soonest
}

// seconds rounds up, so that who waits that long does not come too early.
func seconds(d time.Duration) int {
	return int((d + time.Second - 1) / time.Second)
}
