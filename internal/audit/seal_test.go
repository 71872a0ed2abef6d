package audit_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/audit"
)

// Run seals what waits, and what comes while it runs.
func TestRun(t *testing.T) {
	t.Parallel()
	l := newLog(t, 0)
	l.SetBatch(2)
	l.record(5)
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { l.Run(ctx); close(done) }()
	l.await(5)
	l.record(1)
	l.await(6)
	end()
	<-done
	l.well(6, 0, nil)
	if said := l.said.String(); strings.Contains(said, "ERROR") || strings.Contains(said, "WARN") {
		t.Errorf("the log says %s", said)
	}
}

// await waits until so many rows are sealed. Nothing tells of it.
func (l *log) await(n int64) {
	l.t.Helper()
	for end := time.Now().Add(time.Minute); l.count("SELECT count(*) FROM audit_chain") < n; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("%d rows are not sealed; the log says %s", n, l.said)
		}
	}
}

func (l *log) bytes(sql string) (b []byte) {
	l.t.Helper()
	if err := l.pool.QueryRow(l.t.Context(), sql).Scan(&b); err != nil {
		l.t.Fatal(err)
	}
	return b
}

// Rows are sealed in the order of their time, and a row whose transaction ends late
// is sealed late, after newer ones.
func TestLateCommit(t *testing.T) {
	t.Parallel()
	l := newLog(t, 0)
	tx, err := l.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	row, err := audit.Row(t.Context(), audit.Change{Operation: "createUser", Target: "user"})
	if err != nil {
		t.Fatal(err)
	}
	if err := dbsqlc.New(tx).InsertAudit(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	early := l.record(3)
	l.seal()
	l.well(3, 0, nil)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.well(3, 1, nil)
	l.seal()
	head := l.well(4, 0, nil).Head
	for i, id := range append(early, row.ID) {
		if got := l.seq(id); got != int64(i+1) {
			t.Errorf("row %d is entry %d", i, got)
		}
	}
	// An idle log is left alone.
	l.seal()
	l.SealNow(t.Context())
	l.well(4, 0, &head)
}

// Rows of one batch are in the order of their time, whatever their ids are.
func TestOrder(t *testing.T) {
	t.Parallel()
	l := newLog(t, 0)
	for i := range 10 {
		l.old(time.Duration(i)*time.Hour, 1)
	}
	l.seal()
	l.well(10, 0, nil)
	if wrong := l.count(`SELECT count(*) FROM audit a JOIN audit_chain c ON c.audit_id = a.id
		WHERE seq <> (SELECT count(*) FROM audit b WHERE b.created_at <= a.created_at)`); wrong > 0 {
		t.Errorf("%d rows are not where their time puts them", wrong)
	}
}

// What was put into the queue by hand does not keep the others waiting.
func TestQueueByHand(t *testing.T) {
	t.Parallel()
	l := newLog(t, 0)
	l.SetBatch(2)
	l.record(5)
	l.seal()
	if _, err := l.pool.Exec(t.Context(), `INSERT INTO audit_unsealed SELECT id FROM audit
		UNION ALL SELECT ('00000000-0000-4000-8000-00000000000' || n)::uuid FROM generate_series(1, 5) n`); err != nil {
		t.Fatal(err)
	}
	l.record(3)
	l.seal()
	if r := l.verify(nil); r.Sealed != 8 || r.Waiting != 0 || len(r.Findings) != 10 {
		t.Errorf("%+v", r)
	}
}

// Replicas take turns: while one is at it, the others do nothing, and all together
// make one chain.
func TestManySealers(t *testing.T) {
	t.Parallel()
	l := newLog(t, time.Hour)
	l.record(1)
	holder, err := l.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dbsqlc.New(holder).LockAuditSeal(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.seal()
	if err := l.Drop(t.Context()); err != nil {
		t.Error(err)
	}
	l.well(0, 1, nil)
	if err := holder.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}

	var group sync.WaitGroup
	for range 3 {
		other, _ := l.sealer(l.key, time.Hour)
		other.SetBatch(7)
		group.Go(func() {
			for range 20 {
				l.record(5)
				if err := other.Seal(t.Context()); err != nil {
					t.Error(err)
				}
				if err := other.Drop(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	l.seal()
	l.well(301, 0, nil)
}

// old makes rows that are as old as this.
func (l *log) old(age time.Duration, n int) {
	l.t.Helper()
	for range n {
		_, err := l.pool.Exec(l.t.Context(), `INSERT INTO audit (id, created_at, actor, actor_name, operation, target, address, request_id)
			VALUES ($1, $2, 'system', 'test', 'seed', 'user', '', '')`, uuid.Must(uuid.NewV7()), time.Now().Add(-age))
		if err != nil {
			l.t.Fatal(err)
		}
	}
}

// Retention drops whole ranges from the beginning, and what stays verifies.
func TestDrop(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	l := newLog(t, 30*day)
	l.SetBatch(3)
	drop := func(dropped, left int64) audit.Head {
		t.Helper()
		if err := l.Hourly(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := l.well(left, 0, nil)
		if r.Dropped != dropped {
			t.Errorf("%d dropped, want %d", r.Dropped, dropped)
		}
		if rows, entries := l.count("SELECT count(*) FROM audit"), l.count("SELECT count(*) FROM audit_chain"); rows != left || entries != left {
			t.Errorf("%d rows and %d entries are left, want %d", rows, entries, left)
		}
		return r.Head
	}
	drop(0, 0)
	l.old(60*day, 7)
	l.seal()
	l.old(10*day, 2)
	l.seal()
	l.old(40*day, 2) // late: it waits for those before it
	l.seal()
	head := l.well(11, 0, nil).Head
	if got := drop(7, 4); got.String() != head.String() {
		t.Errorf("the head was %s and is %s", head, got)
	}
	drop(7, 4)
	l.well(4, 0, &head)
	l.record(1)
	l.seal()
	l.well(5, 0, &head)
	if said := l.said.String(); !strings.Contains(said, head.String()) {
		t.Errorf("the head %s is not in the log: %s", head, said)
	}

	// All of it.
	l.Sealer, l.said = l.sealer(l.key, time.Nanosecond)
	end := drop(12, 0)
	if end.Seq != 12 {
		t.Errorf("the head of an empty chain is %s", end)
	}
	l.well(0, 0, &end)
	l.ill(&head, "the head 11 is of before what retention has dropped")
	l.record(1)
	l.seal()
	l.well(1, 0, &end)
}

// What was tampered with is not dropped, and so the traces stay.
func TestDropKeepsTraces(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"changed":    "UPDATE audit SET operation = 'x' WHERE id = (SELECT audit_id FROM audit_chain WHERE seq = 3)",
		"taken away": "DELETE FROM audit WHERE id = (SELECT audit_id FROM audit_chain WHERE seq = 3)",
		"cut out":    "DELETE FROM audit_chain WHERE seq = 3",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLog(t, time.Hour)
			l.old(2*time.Hour, 5)
			l.seal()
			l.byHand(sql)
			want := len(l.verify(nil).Findings)
			if err := l.Drop(t.Context()); err == nil || !strings.Contains(err.Error(), "tampered with at entry 3") {
				t.Errorf("to drop: %v", err)
			}
			r := l.verify(nil)
			if len(r.Findings) != want || want == 0 {
				t.Errorf("findings: %q", r.Findings)
			}
		})
	}
}

// A forged checkpoint lets rows be deleted, and is found; nothing more is sealed on it.
func TestForgedCheckpoint(t *testing.T) {
	t.Parallel()
	l := newLog(t, time.Hour)
	l.old(2*time.Hour, 4)
	l.seal()
	if _, err := l.pool.Exec(t.Context(), "UPDATE audit_seal SET dropped_seq = 2, dropped_mac = (SELECT mac FROM audit_chain WHERE seq = 2)"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.pool.Exec(t.Context(), "DELETE FROM audit WHERE id IN (SELECT audit_id FROM audit_chain WHERE seq <= 2)"); err != nil {
		t.Fatalf("the trigger: %v", err)
	}
	l.record(1)
	for range 2 {
		l.SealNow(t.Context())
	}
	if err := l.Drop(t.Context()); err == nil {
		t.Error("dropped from a forged checkpoint on")
	}
	if said := l.said.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, "audit_seal") {
		t.Errorf("the log says %s", said)
	}
	l.ill(nil, "audit_seal", "entry 1 stands before the beginning", "entry 2 stands before the beginning")
	l.byHand("DELETE FROM audit_seal")
	if err := l.Seal(t.Context()); err == nil || !strings.Contains(err.Error(), "audit_seal has no row") {
		t.Errorf("without a seal: %v", err)
	}
	if _, err := audit.Verify(t.Context(), l.pool, l.key, nil, nil); err == nil || !strings.Contains(err.Error(), "audit_seal has no row") {
		t.Errorf("to verify without a seal: %v", err)
	}
}

// A sealer that was killed in the middle leaves nothing half done.
func TestSealIsWhole(t *testing.T) {
	t.Parallel()
	l := newLog(t, 0)
	l.record(4)
	// The last step fails.
	if _, err := l.pool.Exec(t.Context(), `CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
		CREATE TRIGGER fails BEFORE UPDATE ON audit_seal FOR EACH ROW EXECUTE FUNCTION fails()`, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	if err := l.Seal(t.Context()); err == nil {
		t.Fatal("sealed")
	}
	l.well(0, 4, nil)
	if _, err := l.pool.Exec(t.Context(), "DROP TRIGGER fails ON audit_seal"); err != nil {
		t.Fatal(err)
	}
	l.seal()
	l.well(4, 0, nil)
}
