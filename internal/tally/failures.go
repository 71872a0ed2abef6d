// Package tally counts what may come in floods: in the process first, and in the
// database once a second at most, so that a flood of requests is no flood of writes.
package tally

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
)

// every is how long a count is gathered before it is written.
const every = time.Second

// Failures counts the sign-ins that failed, for the statistics. A process that is
// killed loses those of the last second. A nil Failures counts nothing.
type Failures struct {
	wake chan struct{} // holds one word once there is something to write

	mu    sync.Mutex
	n     int64
	since time.Time // of the first
}

// NewFailures makes a count of none.
func NewFailures() *Failures { return &Failures{wake: make(chan struct{}, 1)} }

// Add counts one.
func (f *Failures) Add() {
	if f != nil {
		f.add(1, time.Now())
	}
}

func (f *Failures) add(n int64, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n == 0 || at.Before(f.since) {
		f.since = at
	}
	f.n += n
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run writes what was counted, until ctx ends. While there is nothing it sleeps.
// What fails is tried again. Requests may still fail after it has returned: call
// Flush when none is in flight any more.
func (f *Failures) Run(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		if err := f.Flush(ctx, pool); err != nil && ctx.Err() == nil {
			log.Debug("failed sign-ins could not be counted", "error", err)
		}
	}
}

// Flush writes what was counted up to now, on the day on which that began. A sign-in
// can only fail while the database answers, so that was a moment ago. After an error
// the count is kept; where the connection broke after it was written, it may be
// written twice.
func (f *Failures) Flush(ctx context.Context, pool *pgxpool.Pool) error {
	f.mu.Lock()
	n, since := f.n, f.since
	f.n = 0
	f.mu.Unlock()
	if n == 0 {
		return nil
	}
	err := dbsqlc.New(pool).CountSignInFailures(ctx, dbsqlc.CountSignInFailuresParams{SecondsAgo: time.Since(since).Seconds(), N: n})
	if err != nil {
		f.add(n, since)
	}
	return err
}
