package limit

import (
	"context"
	_ "embed"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	patience = 50 * time.Millisecond  // how long a request waits for Redis
	pause    = 250 * time.Millisecond // between two looks at whether it is back
)

//go:embed take.lua
var takeSource string

var takeScript = redis.NewScript(takeSource)

// shared counts in a Redis or Valkey, for all replicas that use it.
type shared struct {
	client   redis.Scripter
	log      *slog.Logger
	start    time.Time
	patience time.Duration

	away  atomic.Bool
	look  atomic.Int64 // since start in ns, when to look again
	alone atomic.Uint64
	clock func() time.Time // nil: Redis's own
}

// Shared makes a limiter that counts in a Redis or Valkey, together with all that
// use the same one. It never waits longer than 50 ms for it, provided that the
// client's ContextTimeoutEnabled is set and its MaxRetries is -1 (a try that is
// repeated would count twice). When it does not answer, this process counts alone at
// once, from what it has last seen of each caller. A look now and then, which no
// request waits for, finds out when it is back.
func Shared(client redis.Scripter, log *slog.Logger) *Limiter {
	l := New()
	l.shared = &shared{client: client, log: log, start: l.start, patience: patience}
	return l
}

// State is how a limiter counts.
type State struct {
	Shared bool   // there is a Redis for it
	Away   bool   // it does not answer just now
	Alone  uint64 // tries that this process counted alone, since the start, though there is a Redis
}

// State returns how the limiter counts now.
func (l *Limiter) State() State {
	if l.shared == nil {
		return State{}
	}
	return State{Shared: true, Away: l.shared.away.Load(), Alone: l.shared.alone.Load()}
}

// takeShared is Take by Redis; not ok: it is away.
func (l *Limiter) takeShared(ctx context.Context, asks []Ask, now time.Time) (v Verdict, ok bool) {
	at := now.Sub(l.start)
	c := l.shared.newCall(len(asks), false)
	for i := range asks {
		if !asks[i].Rate.Off() {
			used, owed := l.known(&asks[i], at)
			c.add(&asks[i], used, owed)
		}
	}
	v = Verdict{Result: Result{Allowed: true}}
	if len(c.keys) == 0 {
		return v, true
	}
	answer, ok := l.shared.run(ctx, c)
	if !ok {
		l.shared.alone.Add(1)
		return v, false
	}
	v.shared = true
	taken, next := answer[0] == 1, 1
	for i := range asks {
		a := &asks[i]
		if a.Rate.Off() {
			continue
		}
		used, interval := time.Duration(answer[next]), a.Rate.interval()
		next++
		allowed := used+interval <= interval*time.Duration(a.Rate.Quota)
		if taken {
			used += interval
		}
		l.learn(a, at, used)
		v.add(i, a.Rate.result(interval, used, allowed))
	}
	return v, true
}

// give gives back in Redis. Where that fails, the try stays counted until its time
// is over.
func (s *shared) give(ctx context.Context, asks []Ask) {
	c := s.newCall(len(asks), true)
	for i := range asks {
		if !asks[i].Rate.Off() {
			c.add(&asks[i], 0, false)
		}
	}
	_, _ = s.run(ctx, c)
}

// call is one run of the script.
type call struct {
	keys []string
	args []any
}

func (s *shared) newCall(n int, give bool) *call {
	c := &call{make([]string, 0, n), make([]any, 0, 3+4*n)}
	if s.clock == nil {
		c.args = append(c.args, "", "")
	} else {
		now := s.clock()
		c.args = append(c.args, now.Unix(), now.Nanosecond())
	}
	c.args = append(c.args, give)
	return c
}

func (c *call) add(a *Ask, used time.Duration, owed bool) {
	// The rate is in the key: what was used of another one says nothing of this one.
	c.keys = append(c.keys, "roster:limit:"+a.Kind+":"+a.Rate.String()+":"+a.Name)
	c.args = append(c.args, int64(a.Rate.interval()), a.Rate.Quota, int64(used), owed)
}

// run runs the script, unless Redis is away; not ok: it is.
func (s *shared) run(ctx context.Context, c *call) (answer []int64, ok bool) {
	if s.away.Load() {
		now, due := int64(time.Since(s.start)), s.look.Load()
		if now >= due && s.look.CompareAndSwap(due, now+int64(pause)) {
			go s.lookAgain(context.WithoutCancel(ctx))
		}
		return nil, false
	}
	answer, err := s.send(ctx, c)
	if err == nil {
		return answer, true
	}
	s.look.Store(int64(time.Since(s.start) + pause))
	if s.away.CompareAndSwap(false, true) {
		s.log.Warn("Redis does not answer: limits are counted by each replica alone", "error", err.Error())
	}
	return nil, false
}

// lookAgain asks as requests do, a write among it, so that a Redis that can only be
// read does not count as back.
func (s *shared) lookAgain(ctx context.Context) {
	c := s.newCall(1, false)
	c.add(&Ask{Kind: "look", Rate: Rate{maxQuota, minWindow}}, 0, false)
	if _, err := s.send(ctx, c); err == nil && s.away.CompareAndSwap(true, false) {
		s.log.Info("Redis answers again: limits are shared")
	}
}

var errAnswer = errors.New("limit: an answer that is not the script's")

// send is not cut short by a client that goes away: that would look as if Redis had.
func (s *shared) send(ctx context.Context, c *call) ([]int64, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.patience)
	defer cancel()
	answer, err := takeScript.Run(ctx, s.client, c.keys, c.args...).Int64Slice()
	if err == nil && len(answer) != 1+len(c.keys) {
		err = errAnswer
	}
	return answer, err
}
