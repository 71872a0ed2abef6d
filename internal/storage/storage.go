// Package storage keeps values under keys, for a while or until they are deleted:
// in this process ([NewMemory]) or in Redis ([NewRedis]). Each use has a namespace of
// its own, which no key of another can reach.
//
// Neither driver is a place for what must not be lost: memory is bounded, and what
// was used the least gives way; Redis may be away. That is what PostgreSQL is for.
package storage

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/go-json-experiment/json"
)

// Bounds, the same for all drivers.
const (
	MaxKey   = 512     // octets
	MaxValue = 1 << 20 // octets
)

// What can be wrong.
var (
	ErrNotFound = errors.New("storage: there is nothing under this key")
	ErrKey      = fmt.Errorf("storage: a key has 1 to %d octets", MaxKey)
	ErrTooLarge = fmt.Errorf("storage: a value has at most %d octets", MaxValue)
	ErrTTL      = errors.New("storage: a time to live is not below 0")
	// ErrAway says that Redis does not answer, or did not a moment ago.
	ErrAway = errors.New("Redis is away")
)

// Driver is where the values are: a [Memory] or a [Redis].
type Driver interface {
	get(ctx context.Context, key string) ([]byte, error)
	set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	remove(ctx context.Context, keys []string) error
	list(ctx context.Context, prefix string) ([]string, error)
}

// Space is one namespace of a driver.
type Space struct {
	driver Driver
	prefix string
}

// namespace has no colon, so that the first one ends it, whatever the key holds.
var namespace = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// In returns a namespace. Its name is lower-case letters, digits and dashes; another
// one is a mistake in the program, and panics.
func In(d Driver, name string) Space {
	if !namespace.MatchString(name) {
		panic(fmt.Sprintf("storage: %q is no namespace; write 1 to 32 lower-case letters, digits and dashes", name))
	}
	return Space{d, name + ":"}
}

// Get returns a value, which the caller must not change, or ErrNotFound.
func (s Space) Get(ctx context.Context, key string) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	return s.driver.get(ctx, s.prefix+key)
}

// Set stores a value, which the caller must not change afterwards, for ttl; 0: until
// it is deleted.
func (s Space) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	switch err := checkKey(key); {
	case err != nil:
		return err
	case len(value) > MaxValue:
		return ErrTooLarge
	case ttl < 0:
		return ErrTTL
	}
	return s.driver.set(ctx, s.prefix+key, value, ttl)
}

// Delete removes what is under these keys. A key with nothing under it is no error.
func (s Space) Delete(ctx context.Context, keys ...string) error {
	full := make([]string, len(keys))
	for i, key := range keys {
		if err := checkKey(key); err != nil {
			return err
		}
		full[i] = s.prefix + key
	}
	if len(full) == 0 {
		return nil
	}
	return s.driver.remove(ctx, full)
}

// List returns the keys that begin with prefix, in order. It looks at every key of
// the driver: not for each request.
func (s Space) List(ctx context.Context, prefix string) ([]string, error) {
	keys, err := s.driver.list(ctx, s.prefix+prefix)
	for i := range keys {
		keys[i] = keys[i][len(s.prefix):]
	}
	return keys, err
}

func checkKey(key string) error {
	if key == "" || len(key) > MaxKey {
		return ErrKey
	}
	return nil
}

// Typed is a namespace whose values are all a T, kept as JSON.
type Typed[T any] struct{ space Space }

// Of returns a namespace of values of one type.
func Of[T any](d Driver, name string) Typed[T] { return Typed[T]{In(d, name)} }

// Get returns a value of its own, or ErrNotFound.
func (t Typed[T]) Get(ctx context.Context, key string) (T, error) {
	var v T
	text, err := t.space.Get(ctx, key)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return v, fmt.Errorf("storage: what is under the key is no %T: %w", v, err)
	}
	return v, nil
}

// Set stores a value for ttl; 0: until it is deleted.
func (t Typed[T]) Set(ctx context.Context, key string, v T, ttl time.Duration) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("storage: %T: %w", v, err)
	}
	return t.space.Set(ctx, key, text, ttl)
}

// Delete is [Space.Delete].
func (t Typed[T]) Delete(ctx context.Context, keys ...string) error {
	return t.space.Delete(ctx, keys...)
}

// List is [Space.List].
func (t Typed[T]) List(ctx context.Context, prefix string) ([]string, error) {
	return t.space.List(ctx, prefix)
}
