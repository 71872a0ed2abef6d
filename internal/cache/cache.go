// Package cache keeps what operations answered, so that they need not be carried out
// again for each caller.
//
// It keeps values, not responses, and a value is kept for whom it was made: all that
// a computation can read of its caller stands in the key, unless the policy says that
// every caller gets the same ([Shared]), and then the computation is not told who asks.
//
// A write tells after its commit what it changed ([Cache.Invalidate]). Behind each
// name, group and tag stands a mark; a value carries the marks of the moment before
// its computation began, and holds only while they stand. To invalidate is to replace
// a mark. So a computation that was overtaken by a write is never taken for fresh, and
// a message that is lost delays nothing: marks are read again after half a second.
package cache

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roster-api/roster/internal/storage"
)

// DefaultOctets is how much all values of a process may take.
const DefaultOctets = 64 << 20

// Options is what a cache works with. The zero value is good: memory alone.
type Options struct {
	Octets uint64           // for all values; 0: DefaultOctets
	Redis  *redis.Client    // of [storage.OpenRedis], to share with other servers; nil: none
	Now    func() time.Time // the clock; nil: the system's
	Log    *slog.Logger     // for what fails while nobody waits for it; nil: nothing is said
}

// Cache keeps values, in memory first and in Redis behind it.
type Cache struct {
	now    func() time.Time
	log    *slog.Logger
	memory *storage.Bounded[*entry]
	shared *storage.Typed[packed] // nil without Redis
	marks  *marks

	mu      sync.Mutex
	flights map[string]*flight
	names   map[string]bool
}

// New makes an empty cache.
func New(o Options) *Cache {
	if o.Octets == 0 {
		o.Octets = DefaultOctets
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Cache{
		now:     o.Now,
		log:     o.Log,
		memory:  storage.NewBounded(o.Octets, (*entry).octets, o.Now),
		marks:   newMarks(o.Redis, o.Now),
		flights: map[string]*flight{},
		names:   map[string]bool{},
	}
	if o.Redis != nil {
		typed := storage.Of[packed](storage.NewRedis(o.Redis), "cache")
		c.shared = &typed
	}
	return c
}

// Close ends what the cache does in the background. It does not close Redis.
func (c *Cache) Close() { c.marks.close() }

// Of is what a value can belong to: a [Name], a [Group] or a [Tag].
type Of string

// Name is all values of one operation.
func Name(name string) Of { return Of("n:" + name) }

// Group is all values of the operations of a group.
func Group(group string) Of { return Of("g:" + group) }

// Tag is all values that depend on a thing.
func Tag(tag string) Of {
	if len(tag) > 64 { // it may hold what a caller wrote
		sum := sha256.Sum256([]byte(tag))
		return Of("h:" + base64.RawURLEncoding.EncodeToString(sum[:]))
	}
	return Of("t:" + tag)
}

// Invalidate makes the values that belong to any of these worthless: in this process
// at once, and within a second in every other one that has the same Redis. It is
// called after the commit of a write, and is not undone when the request ends. While
// Redis is away, other processes learn of it when Redis is back, and at the latest by
// the age of the values.
func (c *Cache) Invalidate(ctx context.Context, of ...Of) {
	if c != nil {
		c.marks.replace(context.WithoutCancel(ctx), of)
	}
}

// Clear invalidates in every process that has this Redis.
func Clear(ctx context.Context, client *redis.Client, of ...Of) error {
	return send(ctx, client, fresh(of))
}

// declare takes the name of an operation.
func (c *Cache) declare(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.names[name] {
		panic(fmt.Sprintf("cache: two operations have the name %q", name))
	}
	c.names[name] = true
}
