package audit

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
)

// MaxFindings bounds the findings of a [Report].
const MaxFindings = 100

// Report is what [Verify] saw.
type Report struct {
	Sealed  int64 // rows in the chain
	Dropped int64 // entries that retention dropped
	Waiting int64 // rows that are not sealed yet
	Head    Head

	Findings []string // a line each, the first MaxFindings; none: all is well
	More     int      // how many more there are
}

func (r *Report) found(format string, args ...any) {
	if len(r.Findings) == MaxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
}

// Verify compares every row with the chain, as of one moment. since, if not nil, is
// the head of an earlier time. An error is one of reading, or an [OtherKeyError].
func Verify(ctx context.Context, pool *pgxpool.Pool, key *Key, since *Head, progress func(done, total int64)) (Report, error) {
	v := verifier{key: key, since: since, progress: progress}
	err := pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := planAnew(ctx, tx); err != nil {
			return err
		}
		v.q = dbsqlc.New(tx)
		return v.verify(ctx)
	})
	return v.Report, err
}

type verifier struct {
	Report
	q           *dbsqlc.Queries
	key         *Key
	since       *Head
	at          state
	progress    func(done, total int64)
	done, total int64
}

func (v *verifier) verify(ctx context.Context) error {
	row, err := v.q.GetAuditSeal(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return errNoSeal
	}
	if err != nil {
		return err
	}
	var fresh bool
	v.at, fresh, err = v.key.read(row)
	if forged := (ForgedError{}); errors.As(err, &forged) {
		v.found("%v", err)
	} else if err != nil {
		return err
	}
	if fresh {
		v.at = state{}
	}
	v.Dropped = v.at.dropped.Seq
	queued, err := v.q.CountUnsealedAudit(ctx)
	if err != nil {
		return err
	}
	v.total = 2*(v.at.sealed.Seq-v.at.dropped.Seq) + queued
	if err := v.chain(ctx); err != nil {
		return err
	}
	if err := v.rows(ctx); err != nil {
		return err
	}
	return v.queue(ctx)
}

func (v *verifier) step(n int) {
	v.done += int64(n)
	if v.progress != nil {
		v.progress(min(v.done, v.total), v.total)
	}
}

// chain goes through all entries. Each is checked against the MAC that stands before
// it, whether or not that one is right: so one wrong row is one finding.
func (v *verifier) chain(ctx context.Context) error {
	mac := v.key.entryMAC()
	last := v.at.dropped
	sinceSeen := v.since == nil || v.since.is(last)
	for from := int64(math.MinInt64); ; {
		all, err := links(ctx, v.q, from, batch)
		if err != nil {
			return err
		}
		for _, l := range all {
			v.Sealed++
			switch {
			case l.Seq <= v.at.dropped.Seq:
				v.found("entry %d stands before the beginning of the chain: it was put there by hand", l.Seq)
				continue
			case l.Seq != last.Seq+1:
				v.found("%s cut out of the chain; whether the row of entry %d was changed cannot be said", entries(last.Seq+1, l.Seq-1), l.Seq)
			case l.row == nil:
				v.found("entry %d: its row %s was taken away", l.Seq, l.AuditID)
			case !hmac.Equal(l.Mac, mac.of(l.Seq, last.MAC, l.row)):
				v.found("entry %d: it does not fit its row %s and the entry before it: the row was changed, or entries were", l.Seq, l.AuditID)
			}
			last = l.head()
			sinceSeen = sinceSeen || v.since.is(last)
		}
		v.step(len(all))
		if len(all) < batch {
			break
		}
		from = all[len(all)-1].Seq + 1
	}
	v.Head = last

	switch sealed := v.at.sealed; {
	case last.Seq < sealed.Seq:
		v.found("%s cut off at the end of the chain", entries(last.Seq+1, sealed.Seq))
	case last.Seq > sealed.Seq:
		v.found("%s added to the end of the chain by hand", entries(sealed.Seq+1, last.Seq))
	case !last.is(sealed):
		v.found("the last entry, %d, is not the one that was sealed last", last.Seq)
	}
	switch {
	case sinceSeen:
	case v.since.Seq > last.Seq:
		v.found("%s cut off at the end of the chain since the head %d was kept, or an older state was put back", entries(last.Seq+1, v.since.Seq), v.since.Seq)
	case v.since.Seq < v.at.dropped.Seq:
		v.found("the head %d is of before what retention has dropped, and proves nothing any more: keep a newer one", v.since.Seq)
	default:
		v.found("entry %d is another one than when its head was kept: the chain was begun anew", v.since.Seq)
	}
	return nil
}

// entries names a range in a sentence.
func entries(from, to int64) string {
	if from == to {
		return fmt.Sprintf("entry %d was", from)
	}
	return fmt.Sprintf("entries %d to %d were", from, to)
}

// rows looks for each row's place: in the chain or in the queue.
func (v *verifier) rows(ctx context.Context) error {
	var after uuid.UUID
	for {
		all, err := v.q.AuditPlaces(ctx, dbsqlc.AuditPlacesParams{After: after, RowLimit: 10 * batch})
		if err != nil {
			return err
		}
		for _, r := range all {
			switch {
			case r.Seq == nil && r.Waits:
				v.Waiting++
			case r.Seq == nil:
				v.found("row %s is neither sealed nor waits for it: it was put there by hand", r.ID)
			case r.Waits:
				v.found("row %s is sealed and waits to be sealed: it was put into the queue by hand", r.ID)
			}
		}
		v.step(len(all))
		if len(all) < 10*batch {
			return nil
		}
		after = all[len(all)-1].ID
	}
}

// queue looks for what waits and is not there.
func (v *verifier) queue(ctx context.Context) error {
	ids, err := v.q.QueuedWithoutAudit(ctx, MaxFindings+1)
	for _, id := range ids {
		v.found("row %s waits to be sealed, but was taken away", id)
	}
	return err
}
