package cache

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// known is how long a mark is taken from memory before Redis is asked again. The
	// rest of the second that others may lag behind is for Redis and a busy machine.
	known = 500 * time.Millisecond
	// kept is how long a mark stays in Redis: longer than any value.
	kept = 48 * time.Hour
	// most is how many marks are remembered. What is forgotten is read again from
	// Redis or, without Redis, made anew, which costs values and never keeps one.
	most = 100_000
	// again is the pause before another try to tell Redis what it missed.
	again = 250 * time.Millisecond

	place = "roster:cache-mark:"
)

// everything is what all values belong to.
const everything Of = "a:"

// marks is a random word for each name, group and tag: never a number that could come
// back when Redis forgets, or starts empty.
type marks struct {
	redis *redis.Client // nil: this process's own
	now   func() time.Time
	done  context.Context
	close context.CancelFunc

	mu      sync.Mutex
	known   map[Of]mark
	changes int64         // counts what was replaced, and what of it arrived in Redis
	forgot  int64         // changes, when known was last emptied
	unsent  map[Of]string // replaced here, and not yet in Redis
	sending bool          // somebody tries again
	asking  *question     // on its way
	next    *question     // gathers what others need meanwhile
}

type mark struct {
	word   string
	read   time.Time // when Redis was asked for it
	change int64     // that of marks.changes which made it, or brought it to Redis
}

// question is one look into Redis, for any number of callers.
type question struct {
	of   map[Of]bool
	done chan struct{}
}

func newMarks(client *redis.Client, now func() time.Time) *marks {
	m := &marks{redis: client, now: now, known: map[Of]mark{}, unsent: map[Of]string{}}
	m.done, m.close = context.WithCancel(context.Background())
	return m
}

// read returns the marks of all these, joined. They are at most half a second old,
// unless Redis is away: then they are the last that were known.
func (m *marks) read(ctx context.Context, of []Of) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.redis == nil || !m.old(of) {
		return m.joined(of)
	}
	var q *question
	switch {
	case m.asking == nil:
		q = newQuestion(of)
		m.asking = q
		go m.ask(q)
	case m.asking.covers(of):
		q = m.asking
	default:
		if m.next == nil {
			m.next = newQuestion(nil)
		}
		q = m.next
		for _, o := range of {
			q.of[o] = true
		}
	}
	m.mu.Unlock()
	select {
	case <-q.done:
	case <-ctx.Done():
	}
	m.mu.Lock()
	return m.joined(of)
}

func newQuestion(of []Of) *question {
	q := &question{of: map[Of]bool{}, done: make(chan struct{})}
	for _, o := range of {
		q.of[o] = true
	}
	return q
}

func (q *question) covers(of []Of) bool {
	for _, o := range of {
		if !q.of[o] {
			return false
		}
	}
	return true
}

func (m *marks) old(of []Of) bool {
	now := m.now()
	for _, o := range of {
		if age := now.Sub(m.known[o].read); age > known || age < 0 {
			return true
		}
	}
	return false
}

// joined makes the marks that are missing.
func (m *marks) joined(of []Of) string {
	all := make([]byte, 0, 32*len(of))
	for _, o := range of {
		k, ok := m.known[o]
		if !ok {
			k.word = rand.Text()
			m.put(o, k)
		}
		all = append(append(all, k.word...), ' ')
	}
	return string(all)
}

func (m *marks) put(o Of, k mark) {
	if _, ok := m.known[o]; !ok && len(m.known) >= most {
		clear(m.known)
		m.changes++
		m.forgot = m.changes
	}
	m.known[o] = k
}

// ask brings what is known up to Redis, and then does the same for those who came
// meanwhile.
func (m *marks) ask(q *question) {
	m.mu.Lock()
	at, since := m.now(), m.changes
	m.mu.Unlock()
	of := slices.Collect(maps.Keys(q.of))
	words, err := look(m.done, m.redis, of)

	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range of {
		k, there := m.known[o]
		k.read = at
		switch {
		case m.unsent[o] != "", k.change > since, m.forgot > since:
			// Replaced meanwhile: what Redis said may be from before.
		case err == nil:
			k.word = words[i]
		}
		if there || err == nil {
			if k.word == "" {
				k.word = rand.Text()
			}
			m.put(o, k)
		}
	}
	close(q.done)
	if m.asking, m.next = m.next, nil; m.asking != nil {
		go m.ask(m.asking)
	}
}

// look reads marks, and makes those that are missing.
func look(ctx context.Context, client *redis.Client, of []Of) ([]string, error) {
	keys := make([]string, len(of))
	for i, o := range of {
		keys[i] = place + string(o)
	}
	found, err := client.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, err
	}
	if slices.Contains(found, nil) {
		// Whoever comes first makes it, so all are told what is there then.
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range found {
				if found[i] == nil {
					p.SetNX(ctx, keys[i], rand.Text(), kept)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if found, err = client.MGet(ctx, keys...).Result(); err != nil {
			return nil, err
		}
	}
	words := make([]string, len(of))
	for i := range found {
		words[i], _ = found[i].(string) // empty: gone already, so nothing holds
	}
	return words, nil
}

// replace gives these new marks, here at once and in Redis as soon as it takes them.
func (m *marks) replace(ctx context.Context, of []Of) {
	words := fresh(of)
	m.mu.Lock()
	for o, word := range words {
		m.changes++
		m.put(o, mark{word, m.now(), m.changes})
		if m.redis != nil {
			m.unsent[o] = word
		}
	}
	if len(m.unsent) > most {
		// Too many to remember: then all there is.
		word := rand.Text()
		m.changes++
		m.put(everything, mark{word, m.now(), m.changes})
		clear(m.unsent)
		m.unsent[everything] = word
	}
	m.mu.Unlock()
	if m.redis == nil {
		return
	}
	m.sendAll(ctx, words)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.unsent) > 0 && !m.sending {
		m.sending = true
		go m.resend()
	}
}

// resend tries until Redis has everything.
func (m *marks) resend() {
	pause := time.NewTicker(again)
	defer pause.Stop()
	for {
		select {
		case <-pause.C:
		case <-m.done.Done():
			return
		}
		m.mu.Lock()
		words := maps.Clone(m.unsent)
		m.mu.Unlock()
		m.sendAll(m.done, words)
		m.mu.Lock()
		if len(m.unsent) == 0 {
			m.sending = false
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
	}
}

// sendAll sends until something fails, and notes what arrived: each part has to do so
// in time.
func (m *marks) sendAll(ctx context.Context, words map[Of]string) {
	for part := range slices.Chunk(slices.Collect(maps.Keys(words)), 1000) {
		some := make(map[Of]string, len(part))
		for _, o := range part {
			some[o] = words[o]
		}
		if send(ctx, m.redis, some) != nil {
			return
		}
		m.sent(some)
	}
}

// sent notes what Redis has.
func (m *marks) sent(words map[Of]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for o, word := range words {
		if m.unsent[o] != word {
			continue // replaced again
		}
		delete(m.unsent, o)
		m.changes++
		if k, ok := m.known[o]; ok {
			k.change = m.changes
			m.known[o] = k
		}
	}
}

func fresh(of []Of) map[Of]string {
	words := make(map[Of]string, len(of))
	for _, o := range of {
		words[o] = rand.Text()
	}
	return words
}

// send puts marks into Redis.
func send(ctx context.Context, client *redis.Client, words map[Of]string) error {
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for o, word := range words {
			p.Set(ctx, place+string(o), word, kept)
		}
		return nil
	})
	return err
}
