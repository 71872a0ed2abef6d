package audit_test

import (
	"testing"
	"time"

	"github.com/roster-api/roster/db"
)

// However long the log is, and however wrong the statistics of its queue are: to seal
// a row, or to drop one, reads a few rows.
func TestCost(t *testing.T) {
	t.Parallel()
	l := newLog(t, 0)
	// The server counts for each connection, which hands in late what it counted. And
	// what is dead is known to be so when its commit is on the disk.
	pool, err := db.Open(l.pool.Config().ConnString()+"&pool_max_conns=1&synchronous_commit=on", db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	l.pool = pool
	l.Sealer, l.said = l.sealer(l.key, 0)
	const n = 20_000
	if _, err := l.pool.Exec(t.Context(), `
		INSERT INTO audit (id, created_at, actor, actor_name, operation, target, address, request_id)
		SELECT gen_random_uuid(), now() - interval '1 day' + n * interval '1 millisecond', 'system', 'test', 'seed', 'user', '', '' FROM generate_series(1, $1) n`, n); err != nil {
		t.Fatal(err)
	}
	if _, err := l.pool.Exec(t.Context(), "ANALYZE"); err != nil { // all of it waits
		t.Fatal(err)
	}
	l.seal()
	l.well(n, 0, nil)

	read := func() int64 {
		t.Helper()
		if _, err := pool.Exec(t.Context(), "SELECT pg_stat_force_next_flush()"); err != nil {
			t.Fatal(err)
		}
		return l.count(`SELECT coalesce(sum(seq_tup_read), 0)::bigint + (SELECT coalesce(sum(idx_tup_read), 0)::bigint FROM pg_stat_user_indexes WHERE relname LIKE 'audit%')
			FROM pg_stat_user_tables WHERE relname LIKE 'audit%'`)
	}
	cost := func(what string, most int64, work func()) {
		t.Helper()
		before := read()
		work()
		got := read() - before
		if got > most || got == 0 {
			t.Errorf("to %s reads %d rows, want at most %d", what, got, most)
		}
	}
	// The next one steps over the entries of an index that are dead, and marks them.
	l.record(1)
	l.seal()
	cost("seal a row", 50, func() {
		l.record(1)
		l.seal()
	})
	l.Sealer, l.said = l.sealer(l.key, time.Hour)
	l.SetBatch(10)
	cost("drop all", 10*n, func() {
		if err := l.Drop(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	l.well(2, 0, nil)
}
