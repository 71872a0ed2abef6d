package audit

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/problem"
)

const (
	sealEvery = 5 * time.Second
	dropEvery = time.Hour
	batch     = 1000 // rows in a transaction
	// patience is the time for a transaction: a database that hangs must not keep a
	// connection for ever.
	patience = 30 * time.Second
)

// Sealer seals the log as it grows, and drops what is older than it is to be kept.
// Each replica runs one; they take turns.
type Sealer struct {
	pool *pgxpool.Pool
	key  *Key
	keep time.Duration
	log  *slog.Logger

	batch int
	seen  Head // the newest entry that this process knows of
	told  Head // the newest one that it has logged

	notSealed, notDropped string // the failures that it has logged
}

// NewSealer makes a sealer. keep is how long rows are kept; 0: for ever.
func NewSealer(pool *pgxpool.Pool, key *Key, keep time.Duration, log *slog.Logger) *Sealer {
	return &Sealer{pool: pool, key: key, keep: keep, log: log, batch: batch}
}

// Run seals and drops until ctx ends. What it cannot do it says once, and tries again.
func (s *Sealer) Run(ctx context.Context) {
	seal, drop := time.NewTicker(sealEvery), time.NewTicker(dropEvery)
	defer seal.Stop()
	defer drop.Stop()
	// The first time it also looks whether it could.
	s.report(ctx, &s.notSealed, s.sealAll(ctx))
	s.report(ctx, &s.notDropped, s.hourly(ctx))
	for {
		select {
		case <-ctx.Done():
			return
		case <-seal.C:
			s.report(ctx, &s.notSealed, s.Seal(ctx))
		case <-drop.C:
			s.report(ctx, &s.notDropped, s.hourly(ctx))
		}
	}
}

// report logs a failure that is not the one it logged last.
func (s *Sealer) report(ctx context.Context, said *string, err error) {
	switch {
	case err == nil:
		*said = ""
	case ctx.Err() == nil && err.Error() != *said:
		*said = err.Error()
		level := slog.LevelError
		if problem.From(err).Code == problem.Unavailable {
			level = slog.LevelWarn // it heals by itself
		}
		s.log.Log(ctx, level, "the audit log is not sealed, or what is old not dropped; trying again", "error", *said)
	}
}

// hourly drops what is old, and puts the head into the log: those who send their logs
// elsewhere have it there.
func (s *Sealer) hourly(ctx context.Context) error {
	if s.seen.Seq > 0 && !s.seen.is(s.told) {
		s.log.Info("audit log sealed", "head", s.seen.String())
		s.told = s.seen
	}
	return s.Drop(ctx)
}

// Seal seals what waits. Where another replica is at it, it does nothing.
func (s *Sealer) Seal(ctx context.Context) error {
	// Mostly nothing waits, and then one question is all.
	if waits, err := s.waits(ctx); err != nil || !waits {
		return err
	}
	return s.sealAll(ctx)
}

func (s *Sealer) waits(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return dbsqlc.New(s.pool).AuditWaits(ctx)
}

func (s *Sealer) sealAll(ctx context.Context) error {
	for {
		if more, err := s.sealBatch(ctx); err != nil || !more {
			return err
		}
	}
}

func (s *Sealer) sealBatch(ctx context.Context) (more bool, err error) {
	err = s.hold(ctx, func(q *dbsqlc.Queries, at *state) error {
		var rows []dbsqlc.Audit
		if rows, more, err = s.next(ctx, q); err != nil || len(rows) == 0 {
			return err
		}
		entries := dbsqlc.AppendAuditChainParams{
			Seqs: make([]int64, len(rows)), Ids: make([]uuid.UUID, len(rows)), Macs: make([][]byte, len(rows)),
		}
		mac := s.key.entryMAC()
		for i := range rows {
			at.sealed.Seq++
			at.sealed.MAC = mac.of(at.sealed.Seq, at.sealed.MAC, &rows[i])
			entries.Seqs[i], entries.Ids[i], entries.Macs[i] = at.sealed.Seq, rows[i].ID, at.sealed.MAC
		}
		if err := q.AppendAuditChain(ctx, entries); err != nil {
			return err
		}
		return q.DequeueAudit(ctx, entries.Ids)
	})
	return more && err == nil, err
}

// next takes rows from the queue, which is in the order of ids and so nearly in that
// of time. What cannot be sealed stays in it, and is stepped over.
func (s *Sealer) next(ctx context.Context, q *dbsqlc.Queries) (rows []dbsqlc.Audit, more bool, err error) {
	for after := uuid.Nil; ; {
		ids, err := q.QueuedAudit(ctx, dbsqlc.QueuedAuditParams{After: after, RowLimit: int32(s.batch)})
		if err != nil || len(ids) == 0 {
			return nil, false, err
		}
		rows, err := q.SealableAudit(ctx, ids)
		if more := len(ids) == s.batch; err != nil || len(rows) > 0 || !more {
			return rows, more, err
		}
		after = ids[len(ids)-1]
	}
}

// hold changes the chain in a transaction of which there is only one at a time, on
// all replicas. Where another is at it, work is not called.
func (s *Sealer) hold(ctx context.Context, work func(q *dbsqlc.Queries, at *state) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var at state
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := planAnew(ctx, tx); err != nil {
			return err
		}
		q := dbsqlc.New(tx)
		row, err := q.LockAuditSeal(ctx)
		if errors.Is(err, pgx.ErrNoRows) {
			if _, err = q.GetAuditSeal(ctx); errors.Is(err, pgx.ErrNoRows) {
				return errNoSeal
			}
			return err // nil: another has it
		}
		if err != nil {
			return err
		}
		var fresh bool
		if at, fresh, err = s.key.read(row); err != nil {
			return err
		}
		if fresh {
			if left, err := links(ctx, q, math.MinInt64, 1); err != nil || len(left) > 0 {
				return errors.Join(err, ForgedError{})
			}
		}
		if err := s.look(ctx, q, at); err != nil {
			return err
		}
		was := at
		if err := work(q, &at); err != nil || at.sealed.is(was.sealed) && at.dropped.is(was.dropped) {
			return err
		}
		return s.key.write(ctx, q, at)
	})
	if err == nil && at.sealed.MAC != nil {
		s.seen = at.sealed
	}
	return err
}

// look compares the chain with what this process saw of it: an older state of the
// database is in order by itself.
func (s *Sealer) look(ctx context.Context, q *dbsqlc.Queries, at state) error {
	if s.seen.Seq == 0 || s.seen.Seq < at.dropped.Seq || s.seen.is(at.dropped) {
		return nil
	}
	entries, err := q.AuditChainFrom(ctx, dbsqlc.AuditChainFromParams{Seq: s.seen.Seq, RowLimit: 1})
	if err != nil {
		return err
	}
	if len(entries) == 0 || !s.seen.is(Head{entries[0].Seq, entries[0].Mac}) {
		s.log.Error("the audit chain was cut or begun anew: an entry that this process sealed or saw is not in it any more",
			"seen", s.seen.String(), "head", at.sealed.String())
		s.seen = Head{} // once is enough
	}
	return nil
}
