//go:build linux

package main

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db/embedded"
)

// Eight servers start at once on an empty database, and the one that prepares it is
// killed: another one does, once, and all the others serve.
func TestStartersPrepareOnce(t *testing.T) {
	t.Parallel()
	startMany(t, outside(t), 0, stages[1])
}

// starters is how many servers start at once.
const starters = 8

// stages are tables of PostgreSQL's own that the migrations write to, the first of them
// early. Who keeps others from writing to one stops the migration there.
var stages = []string{"pg_extension", "pg_collation", "pg_trigger"}

// startMany makes an empty database, starts servers on it, kills the one that migrates
// when it has come to a stage, and returns how long it took until all others were
// ready.
func startMany(t testing.TB, pg *embedded.Server, round int, stage string) time.Duration {
	t.Helper()
	name := fmt.Sprintf("empty_%d", round)
	execute(t, pg.AdminURL(""), "CREATE DATABASE "+name+" OWNER roster")
	hold, watch := connect(t, pg.AdminURL(name)), connect(t, pg.AdminURL(name))
	if stage != "" {
		execute1(t, hold, "BEGIN")
		execute1(t, hold, "LOCK TABLE "+stage+" IN SHARE ROW EXCLUSIVE MODE")
	}
	dir := emptyData(t) // for what they have in common, such as the key of the audit log
	began := time.Now()
	all := make([]*serving, starters)
	for i := range all {
		url := with(t, pg.URL(name), func(_ *url.URL, q url.Values) { q.Set("application_name", fmt.Sprint(i)) })
		all[i] = begun(t, command([]string{"DATABASE_URL=" + url, "ROSTER_DATA_DIR=" + dir, "ROSTER_ADDR=localhost:0"}, "serve"))
	}
	victim := -1
	if stage != "" {
		eventually(t, time.Minute, "one of them migrates and waits for "+stage, func() bool {
			err := watch.QueryRow(t.Context(), `
				SELECT application_name::int FROM pg_stat_activity a JOIN pg_locks l USING (pid)
				WHERE l.relation = $1::text::regclass AND NOT l.granted AND a.datname = current_database()`, stage).Scan(&victim)
			return err == nil
		})
		all[victim].signal(syscall.SIGKILL)
		all[victim].wait()
		execute1(t, hold, "ROLLBACK")
	}
	for i, s := range all {
		if i != victim {
			s.awaitServing()
			s.awaitReady(t, time.Minute)
		}
	}
	took := time.Since(began)

	var steps, twice, admins, made int
	if err := watch.QueryRow(t.Context(), `
		SELECT count(*), count(*) - count(DISTINCT version_id), (SELECT count(*) FROM users),
		       (SELECT count(*) FROM audit WHERE operation = 'createUser')
		FROM goose_db_version WHERE version_id > 0`).Scan(&steps, &twice, &admins, &made); err != nil {
		t.Fatal(err)
	}
	if want := len(glob(filepath.Join(source, "..", "..", "db", "migrations"), "*.sql")); steps != want || twice != 0 || admins != 1 || made != 1 {
		t.Errorf("round %d: %d steps of %d, %d of them twice, %d first admins, %d in the audit log", round, steps, want, twice, admins, made)
	}
	for i, s := range all {
		if i != victim {
			s.signal(syscall.SIGTERM)
		}
	}
	for i, s := range all {
		if i == victim {
			continue
		}
		if status := s.wait(); status != 0 {
			t.Errorf("round %d: status %d; it said:\n%s", round, status, s.said())
		}
	}
	execute(t, pg.AdminURL(""), "DROP DATABASE "+name+" WITH (FORCE)")
	return took
}

func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func execute1(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
