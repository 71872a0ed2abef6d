package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const secret = "a secret of the tests, and of nobody else"

func newKey(t testing.TB, text string) *audit.Key {
	t.Helper()
	key, err := audit.NewKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// log is a log with a chain, on a database of the test's own.
type log struct {
	*audit.Sealer
	t    testing.TB
	pool *pgxpool.Pool
	key  *audit.Key
	said *testkit.Log
}

func newLog(t testing.TB, keep time.Duration) *log {
	t.Helper()
	l := &log{t: t, pool: testkit.Pool(t), key: newKey(t, secret)}
	l.Sealer, l.said = l.sealer(l.key, keep)
	return l
}

// sealer is another replica's.
func (l *log) sealer(key *audit.Key, keep time.Duration) (*audit.Sealer, *testkit.Log) {
	said := &testkit.Log{}
	return audit.NewSealer(l.pool, key, keep, slog.New(slog.NewJSONHandler(said, nil))), said
}

// record adds n rows, all of now.
func (l *log) record(n int) (ids []uuid.UUID) {
	l.t.Helper()
	for i := range n {
		row, err := audit.Row(l.t.Context(), audit.Change{Operation: "updateUser", Target: "user", TargetID: uuid.New(), After: map[string]int{"n": i}})
		if err != nil {
			l.t.Fatal(err)
		}
		if err := dbsqlc.New(l.pool).InsertAudit(l.t.Context(), row); err != nil {
			l.t.Fatal(err)
		}
		ids = append(ids, row.ID)
	}
	return ids
}

func (l *log) seal() {
	l.t.Helper()
	if err := l.Seal(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
}

func (l *log) verify(since *audit.Head) audit.Report {
	l.t.Helper()
	report, err := audit.Verify(l.t.Context(), l.pool, l.key, since, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return report
}

// well verifies a log in which nothing is wrong.
func (l *log) well(sealed, waiting int64, since *audit.Head) audit.Report {
	l.t.Helper()
	r := l.verify(since)
	if len(r.Findings) > 0 {
		l.t.Errorf("findings: %q", r.Findings)
	}
	if r.Sealed != sealed || r.Waiting != waiting {
		l.t.Errorf("%d sealed, %d waiting, want %d and %d", r.Sealed, r.Waiting, sealed, waiting)
	}
	return r
}

// ill verifies a log in which exactly this is wrong.
func (l *log) ill(since *audit.Head, findings ...string) {
	l.t.Helper()
	got := l.verify(since).Findings
	ok := len(got) == len(findings)
	for i := range got {
		ok = ok && strings.Contains(got[i], findings[i])
	}
	if !ok {
		l.t.Errorf("findings: %q\nwant: %q", got, findings)
	}
}

// byHand does what the owner of the database can do, whom no trigger stops.
func (l *log) byHand(statements ...string) {
	l.t.Helper()
	all := append([]string{"ALTER TABLE audit DISABLE TRIGGER USER"}, statements...)
	all = append(all, "ALTER TABLE audit ENABLE TRIGGER USER")
	for _, sql := range all {
		if _, err := l.pool.Exec(l.t.Context(), sql); err != nil {
			l.t.Fatalf("%s: %v", sql, err)
		}
	}
}

func (l *log) count(sql string) (n int64) {
	l.t.Helper()
	if err := l.pool.QueryRow(l.t.Context(), sql).Scan(&n); err != nil {
		l.t.Fatal(err)
	}
	return n
}

// seq is the number of a row's entry.
func (l *log) seq(id uuid.UUID) int64 {
	l.t.Helper()
	return l.count(fmt.Sprintf("SELECT seq FROM audit_chain WHERE audit_id = '%s'", id))
}

// copyTo brings a table to another database as a dump and its restoration do, as text.
func copyTo(ctx context.Context, from, to *pgxpool.Pool, table string) error {
	var text bytes.Buffer
	source, err := from.Acquire(ctx)
	if err != nil {
		return err
	}
	defer source.Release()
	if _, err := source.Conn().PgConn().CopyTo(ctx, &text, "COPY "+table+" TO STDOUT"); err != nil {
		return err
	}
	target, err := to.Acquire(ctx)
	if err != nil {
		return err
	}
	defer target.Release()
	_, err = target.Conn().PgConn().CopyFrom(ctx, &text, "COPY "+table+" FROM STDIN")
	return err
}
