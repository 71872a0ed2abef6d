package storage

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
)

// Bounded is a table of at most so many octets, from which the least useful gives
// way. Many goroutines may use it at once.
type Bounded[V any] struct {
	table *otter.Cache[string, item[V]]
	now   func() time.Time
}

type item[V any] struct {
	value V
	ends  time.Time // zero: never
}

// entryOctets is what an entry costs beside its key and value.
const entryOctets = 200

// NewBounded makes a table. size is how many octets a value has; now is the clock,
// nil for the system's.
func NewBounded[V any](octets uint64, size func(V) int, now func() time.Time) *Bounded[V] {
	if now == nil {
		now = time.Now
	}
	return &Bounded[V]{now: now, table: otter.Must(&otter.Options[string, item[V]]{
		MaximumWeight: octets,
		Weigher: func(key string, i item[V]) uint32 {
			return uint32(min(entryOctets+len(key)+size(i.value), math.MaxUint32))
		},
	})}
}

// Get returns a value that is there and whose time has not run out.
func (b *Bounded[V]) Get(key string) (V, bool) {
	i, ok := b.table.GetIfPresent(key)
	if !ok || b.over(i) {
		var none V
		return none, false
	}
	return i.value, true
}

// Set stores a value for ttl; 0: until it is deleted or gives way.
func (b *Bounded[V]) Set(key string, v V, ttl time.Duration) {
	i := item[V]{value: v}
	if ttl > 0 {
		i.ends = b.now().Add(ttl)
	}
	b.table.Set(key, i)
}

// Delete removes a value.
func (b *Bounded[V]) Delete(key string) { b.table.Invalidate(key) }

// Keys returns the keys that begin with prefix, in order.
func (b *Bounded[V]) Keys(prefix string) []string {
	keys := []string{}
	for key, i := range b.table.All() {
		if strings.HasPrefix(key, prefix) && !b.over(i) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Octets is how many are in use, after what is over the bound has given way.
func (b *Bounded[V]) Octets() uint64 {
	b.table.CleanUp()
	return b.table.WeightedSize()
}

func (b *Bounded[V]) over(i item[V]) bool { return !i.ends.IsZero() && !b.now().Before(i.ends) }

// Memory is a driver that keeps values in this process.
type Memory struct{ table *Bounded[[]byte] }

// NewMemory makes an empty one that keeps at most so many octets. now is its clock,
// nil for the system's.
func NewMemory(octets uint64, now func() time.Time) *Memory {
	return &Memory{NewBounded(octets, func(v []byte) int { return len(v) }, now)}
}

func (m *Memory) get(_ context.Context, key string) ([]byte, error) {
	v, ok := m.table.Get(key)
	if !ok {
		return nil, ErrNotFound
	}
	return v, nil
}

func (m *Memory) set(_ context.Context, key string, value []byte, ttl time.Duration) error {
	m.table.Set(key, value, ttl)
	return nil
}

func (m *Memory) remove(_ context.Context, keys []string) error {
	for _, key := range keys {
		m.table.Delete(key)
	}
	return nil
}

func (m *Memory) list(_ context.Context, prefix string) ([]string, error) {
	return m.table.Keys(prefix), nil
}
