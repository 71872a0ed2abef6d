package db

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
)

// sweepBatch is how many rows the statements in queries/sweep.sql take at most.
const sweepBatch = 1000

// Sweep removes what has expired: sessions, keys and their secrets, password
// resets, idempotency keys. Any number of replicas may do it at once.
func Sweep(ctx context.Context, pool *pgxpool.Pool) error {
	q := dbsqlc.New(pool)
	return sweepAll(ctx, q.SweepSessions, q.SweepKeys, q.SweepKeySecrets, q.SweepPasswordResets, q.SweepIdempotencyKeys)
}

// SweepIdleSessions removes the sessions that nobody used for so long: they are dead,
// and what counts the live ones passes over each dead one.
func SweepIdleSessions(ctx context.Context, pool *pgxpool.Pool, idle time.Duration) error {
	q := dbsqlc.New(pool)
	return sweepAll(ctx, func(ctx context.Context) (int64, error) { return q.SweepIdleSessions(ctx, idle.Seconds()) })
}

func sweepAll(ctx context.Context, sweeps ...func(context.Context) (int64, error)) error {
	for _, sweep := range sweeps {
		for n := int64(sweepBatch); n >= sweepBatch; {
			var err error
			if n, err = sweep(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
