package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/roster-api/roster/db/dbsqlc"
)

// Drop removes the rows that are older than they are to be kept, from the beginning
// of the chain on. Before it lets go of a row it checks it: what was tampered with
// stays, for who looks into it, and so does all after it.
func (s *Sealer) Drop(ctx context.Context) error {
	if s.keep == 0 {
		return nil
	}
	old := time.Now().Add(-s.keep)
	for {
		if n, err := s.dropBatch(ctx, old); err != nil || n < s.batch {
			return err
		}
	}
}

func (s *Sealer) dropBatch(ctx context.Context, old time.Time) (n int, err error) {
	err = s.hold(ctx, func(q *dbsqlc.Queries, at *state) error {
		all, err := links(ctx, q, at.dropped.Seq+1, s.batch)
		if err != nil {
			return err
		}
		ids := make([]uuid.UUID, 0, len(all))
		mac := s.key.entryMAC()
		for _, l := range all {
			if l.row != nil && !l.row.CreatedAt.Before(old) {
				break
			}
			// No entry is gone, and each fits its row and the entry before it.
			next := at.dropped.Seq + 1
			if l.row == nil || !l.head().is(Head{next, mac.of(next, at.dropped.MAC, l.row)}) {
				return fmt.Errorf("the audit log was tampered with at entry %d, so nothing more is dropped; roster audit verify says more", next)
			}
			at.dropped = l.head()
			ids = append(ids, l.AuditID)
		}
		if n = len(ids); n == 0 {
			return nil
		}
		// The trigger lets go of what lies before the chain's beginning.
		if err := s.key.write(ctx, q, *at); err != nil {
			return err
		}
		if err := q.DropAudit(ctx, ids); err != nil {
			return err
		}
		return q.DropAuditChain(ctx, ids)
	})
	return n, err
}
