package audit

import (
	"context"
	"encoding/hex"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
)

// Restart throws the chain away and queues every row, to be sealed with whichever key
// comes next: for when the key is lost, or when what was found has been looked into.
// It says so in the log. It returns how many rows were queued.
func Restart(ctx context.Context, pool *pgxpool.Pool) (queued int64, err error) {
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		q := dbsqlc.New(tx)
		// All rows at once may take longer than any other statement.
		if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = 0"); err != nil {
			return err
		}
		was, err := q.WaitForAuditSeal(ctx)
		if err != nil {
			return err
		}
		if err := q.ClearAuditChain(ctx); err != nil {
			return err
		}
		if queued, err = q.RequeueAudit(ctx); err != nil {
			return err
		}
		none := []byte{}
		if err := q.SetAuditSeal(ctx, dbsqlc.SetAuditSealParams{Key: none, DroppedMac: none, SealedMac: none, Proof: none}); err != nil {
			return err
		}
		return Record(ctx, q, Change{
			Operation: "restartAudit", Target: "audit",
			Before: map[string]string{"head": Head{was.SealedSeq, was.SealedMac}.String(), "key": hex.EncodeToString(was.Key)},
		})
	})
	return queued, err
}
