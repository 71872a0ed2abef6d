package storage

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// The client writes lines of its own to the standard error; what is to be said, the
// breaker says.
func init() { logging.Disable() }

// prefix stands before every key in Redis, which others may use, too.
const prefix = "roster:"

// OpenRedis makes a client of a Redis or Valkey that gives up soon: a command that
// has no answer within 24 ms fails, and those that follow fail at once, with ErrAway,
// until one that is let through has an answer. It does not connect yet. Each of
// changed is called when Redis is gone, with the error, and when it is back, with nil.
func OpenRedis(url string, changed ...func(error)) (*redis.Client, error) {
	o, err := redis.ParseURL(strings.TrimSpace(url))
	if err != nil {
		// Not err: it repeats the URL, which has a password.
		return nil, errors.New("REDIS_URL is not a Redis address; write it as redis://user:password@host:6379/0, rediss:// for TLS, or unix:///path/to/socket")
	}
	o.MaxRetries, o.DialerRetries = -1, 1
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = patience, patience, patience, patience
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	c := redis.NewClient(o)
	c.AddHook(&breaker{now: time.Now, changed: changed})
	return c, nil
}

// Redis is a driver that keeps values in a Redis or Valkey, for all servers that use
// the same one.
type Redis struct{ client *redis.Client }

// NewRedis makes a driver of a client that [OpenRedis] made.
func NewRedis(c *redis.Client) *Redis { return &Redis{c} }

func (r *Redis) get(ctx context.Context, key string) ([]byte, error) {
	v, err := r.client.Get(ctx, prefix+key).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, ErrNotFound
	}
	return v, err
}

func (r *Redis) set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if ttl > 0 {
		ttl = max(ttl, time.Millisecond) // Redis counts no less
	}
	return r.client.Set(ctx, prefix+key, value, ttl).Err()
}

func (r *Redis) remove(ctx context.Context, keys []string) error {
	full := make([]string, len(keys))
	for i, key := range keys {
		full[i] = prefix + key
	}
	return r.client.Unlink(ctx, full...).Err()
}

// literal makes a pattern that means its own text.
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

func (r *Redis) list(ctx context.Context, start string) ([]string, error) {
	pattern := literal.Replace(prefix+start) + "*"
	keys := []string{}
	for cursor := uint64(0); ; {
		some, next, err := r.client.Scan(ctx, cursor, pattern, 1000).Result()
		if err != nil {
			return nil, err
		}
		for _, key := range some {
			keys = append(keys, strings.TrimPrefix(key, prefix))
		}
		if cursor = next; cursor == 0 {
			slices.Sort(keys)
			return slices.Compact(keys), nil // a scan may name a key twice
		}
	}
}
