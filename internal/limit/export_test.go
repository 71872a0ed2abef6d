package limit

import (
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
)

// SharedAt is Shared by a clock of the test's own.
func SharedAt(client redis.Scripter, clock func() time.Time) *Limiter {
	l := SharedWithin(client, slog.New(slog.DiscardHandler), 10*time.Second)
	l.shared.clock = clock
	return l
}

// SharedWithin is Shared with another patience: on a busy machine, a Redis that is
// there can need more than 50 ms.
func SharedWithin(client redis.Scripter, log *slog.Logger, patience time.Duration) *Limiter {
	l := Shared(client, log)
	l.shared.patience = patience
	return l
}
