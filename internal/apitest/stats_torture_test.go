//go:build torture

package apitest

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/cache"
	"github.com/roster-api/roster/internal/role"
)

// TestTortureStats: with a million users, and what they leave, statistics are read from
// counters in the time that they take with none; and the counters cost a new user little.
func TestTortureStats(t *testing.T) {
	const users, most, mostCost = 1_000_000, 25 * time.Millisecond, 2.0
	a := newAPI(t)
	cold := func() []time.Duration {
		t.Helper()
		var all []time.Duration
		for range 100 {
			a.Cache.Invalidate(t.Context(), cache.Name("site-stats"))
			began := time.Now()
			if got := a.send(t, http.MethodGet, "/api/stats?days=365", ""); got.Status != http.StatusOK {
				t.Fatalf("%s", got)
			}
			all = append(all, time.Since(began))
		}
		slices.Sort(all)
		return all
	}
	// A year of days, each with all its slots, from the start: the days are the answer.
	a.exec(t, `INSERT INTO day_counts (day, slot, sign_ups)
		SELECT (now() AT TIME ZONE 'UTC')::date - ago, slot, 0 FROM generate_series(0, 400) ago, generate_series(0, 15) slot
		ON CONFLICT DO NOTHING`)
	a.exec(t, "VACUUM (ANALYZE)")
	empty := cold()
	fill(t, a, users)
	full := cold()
	t.Logf("getStats, not cached: with no users %s", timesOf(empty))
	t.Logf("getStats, not cached: with %d users %s", users, timesOf(full))
	slower := percentile(full, .5) - percentile(empty, .5)
	t.Logf("the median is %v, the goal is at most %v; %v more than with no users, the goal is at most %v", percentile(full, .5), most, slower, most/5)
	if percentile(full, .5) > most || slower > most/5 {
		t.Error("too long")
	}
	agree(t, a)
	readLittle(t, a)
	countersCost(t, a, mostCost)
}

// fill makes what a service of this size has.
func fill(t *testing.T, a *api, users int) {
	t.Helper()
	began := time.Now()
	pool := must(db.Open(a.DatabaseURL, db.Options{}))(t) // without a deadline
	defer pool.Close()
	if err := db.SeedUsers(t.Context(), pool, users, nil); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`INSERT INTO sessions (id, user_id, address, user_agent, expires_at, last_used_at)
			SELECT gen_random_uuid(), id, '', '', now() + interval '1 day', now() FROM users LIMIT 200000`,
		`UPDATE sessions SET expires_at = now() - interval '1 second' WHERE id IN (SELECT id FROM sessions ORDER BY id LIMIT 100)`,
		`INSERT INTO keys (id, user_id, name, scopes, expires_at)
			SELECT gen_random_uuid(), id, 'key', '{}', now() + interval '1 year' FROM users LIMIT 100000`,
		`INSERT INTO audit (id, created_at, actor, actor_name, operation, target, address, request_id)
			SELECT gen_random_uuid(), now() - i * interval '1 minute', 'user', '', 'signIn', 'session', '', '' FROM generate_series(1, 300000) i`,
		"VACUUM (ANALYZE)",
	} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	t.Logf("%d users, 200,000 sessions, 100,000 keys and 300,000 entries of the audit log are there after %v", users, time.Since(began).Round(time.Second))
}

// agree compares what is counted to the rows.
func agree(t *testing.T, a *api) {
	t.Helper()
	s := a.stats(t, 0)
	users := queryOne[int64](t, a, "SELECT count(*) FROM users")
	sessions := queryOne[int64](t, a, "SELECT count(*) FROM sessions WHERE expires_at > now()")
	keys := queryOne[int64](t, a, "SELECT count(*) FROM keys")
	t.Logf("counted: %d users, %d sessions, %d keys; the goal is what is there: %d, %d, %d", s.Users.Total, s.Sessions, s.Keys, users, sessions, keys)
	if s.Users.Total != users || s.Sessions != sessions || s.Keys != keys {
		t.Error("they do not agree")
	}
}

// large are the tables whose size is that of the service.
var large = []string{"users", "sessions", "keys", "audit"}

// readLittle runs the statement of getStats, and asks PostgreSQL what it has read.
func readLittle(t *testing.T, a *api) {
	const mostRows = 300 // of large tables: the sessions that have ended and are not swept
	t.Helper()
	err := pgx.BeginFunc(t.Context(), a.Pool, func(tx pgx.Tx) error {
		before, err := readSoFar(t, tx)
		if err != nil {
			return err
		}
		asked := &asking{DBTX: tx}
		if _, err := dbsqlc.New(asked).GetStats(t.Context(), dbsqlc.GetStatsParams{Days: 365, IdleSeconds: 3600}); err != nil {
			return err
		}
		after, err := readSoFar(t, tx)
		if err != nil {
			return err
		}
		var scans, rows int64
		for _, name := range large {
			scans += after[name].scans - before[name].scans
			rows += after[name].rows - before[name].rows
		}
		days := after["day_counts"].rows - before["day_counts"].rows
		t.Logf("it scans %d times one of %v, the goal is 0; it reads %d of their rows, the goal is at most %d; and %d counters of days", scans, large, rows, mostRows, days)
		if scans > 0 || rows > mostRows || days < 365 {
			t.Error("a goal is missed")
		}

		found, _ := tx.Query(t.Context(), "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) "+asked.sql, asked.args...)
		plan, err := pgx.CollectRows(found, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, line := range plan {
			node, of, ok := strings.Cut(line, "Scan on ")
			if name, _, _ := strings.Cut(of, " "); ok && strings.HasSuffix(node, "Seq ") && slices.Contains(large, name) {
				t.Errorf("the plan scans %s:\n%s", name, strings.Join(plan, "\n"))
			}
		}
		t.Log(strings.TrimSpace(plan[len(plan)-1]))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// tableRead is how often a table was scanned, and how many of its rows were fetched.
type tableRead struct{ scans, rows int64 }

// readSoFar is what a connection has read and not yet reported.
func readSoFar(t *testing.T, tx pgx.Tx) (map[string]tableRead, error) {
	rows, _ := tx.Query(t.Context(), "SELECT relname, seq_scan, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables")
	all := map[string]tableRead{}
	var name string
	var r tableRead
	_, err := pgx.ForEachRow(rows, []any{&name, &r.scans, &r.rows}, func() error {
		all[name] = r
		return nil
	})
	return all, err
}

// asking keeps the statement that it passes on.
type asking struct {
	dbsqlc.DBTX
	sql  string
	args []any
}

func (a *asking) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	a.sql, a.args = sql, args
	return a.DBTX.QueryRow(ctx, sql, args...)
}

// countersCost makes users with the counters and without, in turn, and compares what
// the statement takes.
func countersCost(t *testing.T, a *api, most float64) {
	const rounds, each, warm = 30, 100, 10
	t.Helper()
	// One connection, so that each is in the same slot and has its plan.
	pool := must(db.Open(a.DatabaseURL+"&pool_max_conns=1", db.Options{}))(t)
	defer pool.Close()
	created := func(n int) time.Duration {
		var all []time.Duration
		for range n {
			all = append(all, makeUser(t, pool))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	times := map[string][]time.Duration{}
	var ratios []float64
	for range rounds {
		now := map[string]time.Duration{}
		for _, word := range []string{"ENABLE", "DISABLE"} {
			if _, err := pool.Exec(t.Context(), "ALTER TABLE users "+word+" TRIGGER user_counts_inserted"); err != nil {
				t.Fatal(err)
			}
			created(warm) // plans are made anew
			now[word] = created(each)
			times[word] = append(times[word], now[word])
		}
		ratios = append(ratios, float64(now["ENABLE"])/float64(now["DISABLE"]))
	}
	for _, word := range slices.Sorted(maps.Keys(times)) {
		slices.Sort(times[word])
	}
	slices.Sort(ratios)
	ratio := ratios[rounds/2]
	t.Logf("the statement of createUser takes %v with the counters, %v without (medians of %d rounds of %d, on a database that does not sync): %.2f times (p10 %.2f, p90 %.2f), the goal is at most %.1f",
		times["ENABLE"][rounds/2].Round(time.Microsecond), times["DISABLE"][rounds/2].Round(time.Microsecond), rounds, each, ratio, ratios[rounds/10], ratios[rounds*9/10], most)
	if ratio > most {
		t.Error("the counters cost too much")
	}
}

func makeUser(t *testing.T, pool *pgxpool.Pool) time.Duration {
	id := uuid.Must(uuid.NewV7())
	params := dbsqlc.CreateUserParams{
		ID: id, Name: "Ada", Email: id.String() + "@example.org", Role: role.Viewer, PasswordHash: weakHash,
		AuditID: uuid.Must(uuid.NewV7()), Actor: "user", ActorName: rootEmail, Operation: "createUser", Target: "user",
		After: []byte(`{"name":"Ada"}`), Address: "127.0.0.1", RequestID: "torture",
	}
	began := time.Now()
	if _, err := dbsqlc.New(pool).CreateUser(t.Context(), params); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}
