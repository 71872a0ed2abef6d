package db

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
)

// sweepBatch is how many rows the statements in queries/sweep.sql take at most.
const sweepBatch = 1000

// Sweep removes what has expired: sessions, keys and their secrets, password
// resets, idempotency keys. Any number of replicas may do it at once.
func Sweep(ctx context.Context, pool *pgxpool.Pool) error {
	q := dbsqlc.New(pool)
	for _, sweep := range []func(context.Context) (int64, error){
		q.SweepSessions, q.SweepKeys, q.SweepKeySecrets, q.SweepPasswordResets, q.SweepIdempotencyKeys,
	} {
		for n := int64(sweepBatch); n >= sweepBatch; {
			var err error
			if n, err = sweep(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
