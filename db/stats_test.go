package db_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

const idle = time.Hour

func stats(ctx context.Context, on dbsqlc.DBTX) (dbsqlc.GetStatsRow, error) {
	return dbsqlc.New(on).GetStats(ctx, dbsqlc.GetStatsParams{Days: 365, IdleSeconds: idle.Seconds()})
}

// statsAgree compares what is counted to the rows, in one snapshot, and returns it.
func statsAgree(ctx context.Context, pool *pgxpool.Pool) (counted dbsqlc.GetStatsRow, err error) {
	var there [6]int64
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		if counted, err = stats(ctx, tx); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			SELECT count(*) FILTER (WHERE role = 'admin'), count(*) FILTER (WHERE role = 'editor'), count(*) FILTER (WHERE role = 'viewer'),
			       count(*) FILTER (WHERE disabled),
			       (SELECT count(*) FROM sessions WHERE expires_at > $1 AND last_used_at > $1 - make_interval(secs => $2)),
			       (SELECT count(*) FROM keys WHERE expires_at IS NULL OR expires_at > $1)
			FROM users`, counted.Now, idle.Seconds()).
			Scan(&there[0], &there[1], &there[2], &there[3], &there[4], &there[5])
	})
	c := [6]int64{counted.Admins, counted.Editors, counted.Viewers, counted.Disabled, counted.Sessions, counted.Keys}
	if err == nil && c != there {
		err = fmt.Errorf("counters say %v, there are %v", c, there)
	}
	return counted, err
}

func sum(of []int64) (n int64) {
	for _, x := range of {
		n += x
	}
	return n
}

const (
	insertSession = `INSERT INTO sessions (id, user_id, address, user_agent, expires_at) VALUES (gen_random_uuid(), $1, '', '', now() + interval '1 day')`
	insertKey     = `INSERT INTO keys (id, user_id, name, scopes) VALUES (gen_random_uuid(), $1, 'key', '{}')`
)

// Whatever changes users, sessions and keys changes the counters, in the same
// transaction, and those who are gone stay in the days.
func TestStatsCounters(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	mustExec(t, pool, insertUser, uuid.New(), "Ally", "ally@example.com", role.Admin)
	signUps, signIns := int64(1), int64(0)
	many := `INSERT INTO users (id, name, email, role, disabled)
		SELECT gen_random_uuid(), 'N' || i, 'n' || i || '@example.com', (enum_range(NULL::role))[1 + i % 3], i % 7 = 0 FROM generate_series(1, 700) i`
	sessions := `INSERT INTO sessions (id, user_id, address, user_agent, expires_at, last_used_at)
		SELECT gen_random_uuid(), id, '', '', now() + i * interval '1 minute', now() - i * interval '3 minutes'
		FROM users, generate_series(-30, 29) i WHERE email LIKE 'n1_@%'`
	keys := `INSERT INTO keys (id, user_id, name, scopes, expires_at)
		SELECT gen_random_uuid(), id, 'key', '{}', CASE WHEN i > 0 THEN now() + (i - 10) * interval '7 days' END
		FROM users, generate_series(-10, 29) i WHERE email LIKE 'n1_@%'`
	for _, step := range []struct {
		sql            string
		made, signedIn int64
	}{
		{sql: many, made: 700},
		{sql: sessions, signedIn: 600},
		{sql: keys},
		{sql: `INSERT INTO users (id, name, email, role, disabled) VALUES (gen_random_uuid(), 'Taken', 'n1@example.com', 'viewer', true) ON CONFLICT DO NOTHING`},
		{sql: `INSERT INTO users (id, name, email, role) VALUES (gen_random_uuid(), 'Taken', 'n1@example.com', 'viewer')
			ON CONFLICT (email) DO UPDATE SET role = 'admin', disabled = true`},
		{sql: `UPDATE users SET disabled = NOT disabled WHERE email LIKE 'n%'`},
		{sql: `UPDATE users SET name = name || '!'`},
		{sql: `UPDATE sessions SET last_used_at = now() WHERE last_used_at < now() - interval '80 minutes'`},
		{sql: `UPDATE sessions SET expires_at = now() - interval '1 second' WHERE expires_at < now() + interval '3 minutes'`},
		{sql: `DELETE FROM sessions WHERE last_used_at > now() - interval '5 minutes'`},
		{sql: `DELETE FROM keys WHERE expires_at IS NULL`},
		{sql: `DELETE FROM keys WHERE false`},
		{sql: `DELETE FROM users WHERE email LIKE 'n15@%'`},
		{sql: `TRUNCATE sessions CASCADE`},
		{sql: sessions, signedIn: 540},
		{sql: `TRUNCATE users CASCADE`},
		{sql: many, made: 700},
		{sql: sessions, signedIn: 600},
	} {
		mustExec(t, pool, step.sql)
		signUps, signIns = signUps+step.made, signIns+step.signedIn
		s, err := statsAgree(t.Context(), pool)
		if err != nil || sum(s.SignUps) != signUps || sum(s.SignIns) != signIns {
			t.Errorf("after %s: %v; %d sign-ups, not %d; %d sign-ins, not %d", step.sql, err, sum(s.SignUps), signUps, sum(s.SignIns), signIns)
		}
	}

	// What is swept was dead before.
	before, err := statsAgree(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Sweep(t.Context(), pool), db.SweepIdleSessions(t.Context(), pool, idle)); err != nil {
		t.Fatal(err)
	}
	after, err := statsAgree(t.Context(), pool)
	var left int64
	if err := errors.Join(err, pool.QueryRow(t.Context(), "SELECT count(*) FROM sessions").Scan(&left)); err != nil {
		t.Fatal(err)
	}
	if after.Sessions != before.Sessions || after.Keys != before.Keys || left != after.Sessions || left == 0 || left == 600 {
		t.Errorf("swept: %d and %d active before, %d and %d after, %d sessions left", before.Sessions, before.Keys, after.Sessions, after.Keys, left)
	}

	undone := errors.New("undone")
	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		for _, sql := range []string{`INSERT INTO users (id, name, email, role) VALUES (gen_random_uuid(), 'X', 'x@example.com', 'viewer')`, `DELETE FROM users WHERE role = 'viewer'`, sessions} {
			if _, err := tx.Exec(t.Context(), sql); err != nil {
				return err
			}
		}
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	if s, err := statsAgree(t.Context(), pool); err != nil || sum(s.SignUps) != signUps || sum(s.SignIns) != signIns {
		t.Errorf("after a rollback: %v, %d sign-ups, %d sign-ins", err, sum(s.SignUps), sum(s.SignIns))
	}

	// Seeds spread over a year; the first of them may lie just outside of 365 days.
	if err := db.SeedUsers(t.Context(), pool, 1000, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := statsAgree(t.Context(), pool); err != nil {
		t.Error("after COPY:", err)
	}
	daysAgree(t, pool)
}

// daysAgree compares the sign-ups of the days to the users, none of whom is deleted
// but those whom TestStatsCounters made today.
func daysAgree(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	var wrong, days int
	err := pool.QueryRow(t.Context(), `
		SELECT count(*) FILTER (WHERE n IS DISTINCT FROM counted), count(*)
		FROM (SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS n FROM users GROUP BY 1) u
		FULL JOIN (SELECT day, sum(sign_ups) AS counted FROM day_counts GROUP BY 1) c USING (day)
		WHERE day < (now() AT TIME ZONE 'UTC')::date`).Scan(&wrong, &days)
	if err != nil {
		t.Fatal(err)
	}
	if wrong != 0 || days < 300 {
		t.Errorf("%d of %d days have another number of sign-ups than users", wrong, days)
	}
}

// The numbers are exact in each snapshot while many sign up, sign in, are disabled
// and deleted, as the API does it, and no two wait for each other in a ring.
func TestStatsUnderWriters(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	mustExec(t, pool, insertUser, uuid.New(), "Admin", "admin@example.com", role.Admin)
	const shared = 8
	ids := make([]uuid.UUID, shared)
	for i := range ids {
		ids[i] = uuid.New()
		mustExec(t, pool, insertUser, ids[i], "Shared", fmt.Sprintf("shared%d@example.com", i), role.Viewer)
	}
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
	defer stop()

	var signUps, signIns, failures atomic.Int64
	signUps.Store(1 + shared)
	signIn := func(ctx context.Context, tx pgx.Tx, q *dbsqlc.Queries, id uuid.UUID) error {
		user, err := q.LockUser(ctx, id)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return nil // gone
		case err != nil || user.Disabled:
			return err
		}
		signIns.Add(1)
		_, err = tx.Exec(ctx, insertSession, id)
		return err
	}
	// Twenty connections, so that some share a slot.
	var writers sync.WaitGroup
	crowd, err := pgxpool.ParseConfig(pool.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	crowd.MaxConns = 20
	all, err := pgxpool.NewWithConfig(t.Context(), crowd)
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	for w := range 20 {
		writers.Go(func() {
			r := rand.New(rand.NewPCG(11, uint64(w)))
			for i := 0; ctx.Err() == nil; i++ {
				id, some := uuid.New(), ids[r.IntN(shared)]
				for _, act := range []func(ctx context.Context, tx pgx.Tx, q *dbsqlc.Queries) error{
					func(ctx context.Context, tx pgx.Tx, _ *dbsqlc.Queries) error {
						signUps.Add(1)
						_, err := tx.Exec(ctx, insertUser, id, "Somebody", fmt.Sprintf("u%d-%d@example.com", w, i), role.Viewer)
						return err
					},
					func(ctx context.Context, tx pgx.Tx, q *dbsqlc.Queries) error { return signIn(ctx, tx, q, id) },
					func(ctx context.Context, tx pgx.Tx, q *dbsqlc.Queries) error { return signIn(ctx, tx, q, some) },
					func(ctx context.Context, tx pgx.Tx, q *dbsqlc.Queries) error {
						if _, err := q.LockUser(ctx, some); err != nil {
							return err
						}
						_, err := tx.Exec(ctx, insertKey, some)
						return err
					},
					func(ctx context.Context, _ pgx.Tx, q *dbsqlc.Queries) error { // updateUser: role and disabled
						u, err := q.LockUser(ctx, some)
						if err != nil {
							return err
						}
						_, err = q.WriteUser(ctx, dbsqlc.WriteUserParams{
							ID: u.ID, Name: u.Name, Email: u.Email, Role: []role.Role{role.Editor, role.Viewer}[r.IntN(2)], Disabled: !u.Disabled,
						})
						if err != nil || u.Disabled {
							return err
						}
						_, err = q.DeleteUserSessions(ctx, dbsqlc.DeleteUserSessionsParams{UserID: some})
						return err
					},
					func(ctx context.Context, _ pgx.Tx, q *dbsqlc.Queries) error {
						failures.Add(3)
						return q.CountSignInFailures(ctx, dbsqlc.CountSignInFailuresParams{N: 3})
					},
					func(ctx context.Context, tx pgx.Tx, _ *dbsqlc.Queries) error {
						_, err := tx.Exec(ctx, `DELETE FROM keys WHERE id = (SELECT id FROM keys WHERE user_id = $1 LIMIT 1)`, some)
						return err
					},
					func(ctx context.Context, _ pgx.Tx, q *dbsqlc.Queries) error {
						if r.IntN(2) == 0 {
							return q.DeleteUser(ctx, id)
						}
						return nil
					},
				} {
					// Without the test's deadline: what was begun ends.
					ctx := context.WithoutCancel(ctx)
					err := pgx.BeginFunc(ctx, all, func(tx pgx.Tx) error { return act(ctx, tx, dbsqlc.New(tx)) })
					if err != nil {
						if pg := new(pgconn.PgError); errors.As(err, &pg) {
							t.Log(pg.Detail, pg.Where)
						}
						t.Error(err)
						return
					}
				}
			}
		})
	}
	checked := 0
	for ; ctx.Err() == nil; checked++ {
		if _, err := statsAgree(t.Context(), pool); err != nil {
			t.Error(err)
			break
		}
	}
	writers.Wait()
	s, err := statsAgree(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	if sum(s.SignUps) != signUps.Load() || sum(s.SignIns) != signIns.Load() || sum(s.SignInFailures) != failures.Load() {
		t.Errorf("%d sign-ups, not %d; %d sign-ins, not %d; %d failures, not %d", sum(s.SignUps), signUps.Load(),
			sum(s.SignIns), signIns.Load(), sum(s.SignInFailures), failures.Load())
	}
	t.Logf("%d checks, %d users, %d sign-ins; %d sessions and %d keys left", checked, signUps.Load(), signIns.Load(), s.Sessions, s.Keys)
}

// A day begins at midnight by UTC, whatever the zone of the session that writes or
// reads.
func TestStatsDaysAreUTC(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	for i, zone := range []string{"UTC", "Pacific/Kiritimati", "Pacific/Niue", "America/St_Johns"} {
		err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "SET LOCAL timezone = '"+zone+"'"); err != nil {
				return err
			}
			var midnight time.Time // yesterday's end
			if err := tx.QueryRow(t.Context(), "SELECT date_trunc('day', now(), 'UTC')").Scan(&midnight); err != nil {
				return err
			}
			for j, at := range []time.Time{midnight.Add(-time.Microsecond), midnight, midnight} {
				if _, err := tx.Exec(t.Context(), `INSERT INTO users (id, name, email, role, created_at) VALUES (gen_random_uuid(), 'N', $1, 'viewer', $2)`,
					fmt.Sprintf("n%d-%d@example.com", i, j), at); err != nil {
					return err
				}
				if _, err := tx.Exec(t.Context(), `INSERT INTO sessions (id, user_id, address, user_agent, created_at, expires_at)
					SELECT gen_random_uuid(), id, '', '', $1, now() + interval '1 day' FROM users LIMIT 1`, at); err != nil {
					return err
				}
			}
			// By the database's clock, a moment before midnight and one after it.
			var now time.Time
			if err := tx.QueryRow(t.Context(), "SELECT clock_timestamp()").Scan(&now); err != nil {
				return err
			}
			q := dbsqlc.New(tx)
			for n, ago := range map[int64]time.Duration{5: now.Sub(midnight) + time.Minute, 7: (now.Sub(midnight) - time.Minute) / 2} {
				if err := q.CountSignInFailures(t.Context(), dbsqlc.CountSignInFailuresParams{SecondsAgo: ago.Seconds(), N: n}); err != nil {
					return err
				}
			}
			s, err := stats(t.Context(), tx)
			if err != nil {
				return err
			}
			got := map[int64][3]int64{}
			for i, ago := range s.Ago {
				got[ago] = [3]int64{s.SignUps[i], s.SignIns[i], s.SignInFailures[i]}
			}
			times := int64(i + 1)
			today, yesterday := [3]int64{2 * times, 2 * times, 7 * times}, [3]int64{times, times, 5 * times}
			if got[0] != today || got[1] != yesterday || len(got) != 2 || s.Today != midnight.UTC().Format(time.DateOnly) {
				t.Errorf("in %s: today is %s, with %v; yesterday %v; want %v and %v", zone, s.Today, got[0], got[1], today, yesterday)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Statistics read counters and what is dead and not yet swept: no table whose size is
// that of the service.
func TestStatsPlan(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	if err := db.SeedUsers(t.Context(), pool, 20_000, nil); err != nil {
		t.Fatal(err)
	}
	mustExec(t, pool, `INSERT INTO sessions (id, user_id, address, user_agent, expires_at, last_used_at)
		SELECT gen_random_uuid(), id, '', '', now() + interval '1 day', now() FROM users`)
	mustExec(t, pool, `INSERT INTO keys (id, user_id, name, scopes, expires_at)
		SELECT gen_random_uuid(), id, 'key', '{}', now() + interval '1 year' FROM users`)
	// Each slot has rows of each day, as after a year of many connections.
	mustExec(t, pool, `INSERT INTO day_counts (day, slot, sign_ups)
		SELECT (now() AT TIME ZONE 'UTC')::date - ago, slot, 1 FROM generate_series(0, 1000) ago, generate_series(0, 15) slot
		ON CONFLICT DO NOTHING`)
	mustExec(t, pool, `UPDATE sessions SET expires_at = now() - interval '1 minute' WHERE id IN (SELECT id FROM sessions LIMIT 10)`)
	mustExec(t, pool, `UPDATE sessions SET last_used_at = now() - interval '61 minutes' WHERE id IN (SELECT id FROM sessions ORDER BY id LIMIT 20)`)
	for _, analyzed := range []bool{false, true} {
		if analyzed {
			mustExec(t, pool, "VACUUM (ANALYZE)")
		}
		var q capture
		_, _ = stats(t.Context(), &q)
		var plan []byte
		if err := pool.QueryRow(t.Context(), "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, FORMAT JSON) "+q.sql, q.args...).Scan(&plan); err != nil {
			t.Fatal(err)
		}
		var explained []struct{ Plan planNode }
		if err := json.Unmarshal(plan, &explained); err != nil {
			t.Fatal(err)
		}
		read := map[string]int64{}
		var walk func(planNode)
		walk = func(n planNode) {
			read[n.Relation] += int64((n.Rows + n.Filtered + n.Rechecked) * n.Loops)
			if n.Type == "Seq Scan" && !slices.Contains([]string{"user_counts", "access_counts"}, n.Relation) {
				t.Errorf("scans %s:\n%s", n.Relation, plan)
			}
			for _, below := range n.Plans {
				walk(below)
			}
		}
		walk(explained[0].Plan)
		for relation, most := range map[string]int64{"users": 0, "audit": 0, "sessions": 60, "keys": 0, "user_counts": 16, "access_counts": 64, "day_counts": 365 * 17} {
			if read[relation] > most {
				t.Errorf("analyzed %t: reads %d rows of %s, more than %d", analyzed, read[relation], relation, most)
			}
		}
	}
	if _, err := statsAgree(t.Context(), pool); err != nil {
		t.Error(err)
	}
}

// capture keeps the statement that it is asked.
type capture struct {
	dbsqlc.DBTX
	sql  string
	args []any
}

func (c *capture) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	c.sql, c.args = sql, args
	return noRow{}
}

type noRow struct{}

func (noRow) Scan(...any) error { return pgx.ErrNoRows }

// A database from before there were statistics starts with what its tables tell.
func TestStatsOfAnOlderDatabase(t *testing.T) {
	t.Parallel()
	url := testkit.EmptyDatabase(t)
	migrateTo(t, url, 4)
	pool, err := db.Open(url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := db.SeedUsers(t.Context(), pool, 2000, nil); err != nil {
		t.Fatal(err)
	}
	mustExec(t, pool, `UPDATE users SET disabled = true WHERE id IN (SELECT id FROM users LIMIT 17)`)
	mustExec(t, pool, `INSERT INTO sessions (id, user_id, address, user_agent, expires_at)
		SELECT gen_random_uuid(), id, '', '', now() + interval '1 day' FROM users LIMIT 5`)
	mustExec(t, pool, `INSERT INTO keys (id, user_id, name, scopes, expires_at)
		SELECT gen_random_uuid(), id, 'key', '{}', now() + interval '2 days' * (row_number() OVER () - 3) FROM users LIMIT 7`)
	mustExec(t, pool, `INSERT INTO audit (id, created_at, actor, actor_name, operation, target, address, request_id)
		SELECT gen_random_uuid(), now() - i % 2 * interval '100 days', 'user', '', CASE WHEN i < 9 THEN 'signIn' ELSE 'signOut' END, 'session', '', '' FROM generate_series(1, 20) i`)
	if err := db.Migrate(t.Context(), url, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	s, err := statsAgree(t.Context(), pool)
	if err != nil {
		t.Error(err)
	}
	if s.Disabled < 17 || s.Sessions != 5 || s.Keys != 4 || sum(s.SignIns) != 8 || s.Viewers < 1500 {
		t.Errorf("%d disabled, %d sessions, %d keys, %d sign-ins, %d viewers", s.Disabled, s.Sessions, s.Keys, sum(s.SignIns), s.Viewers)
	}
	daysAgree(t, pool)
	mustExec(t, pool, insertSession, firstUser(t, pool))
	if s, err := statsAgree(t.Context(), pool); err != nil || sum(s.SignIns) != 9 {
		t.Errorf("after one more: %v, %d sign-ins", err, sum(s.SignIns))
	}
}

func firstUser(t *testing.T, pool *pgxpool.Pool) (id uuid.UUID) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT id FROM users LIMIT 1").Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// migrateTo brings an empty database to an older version.
func migrateTo(t *testing.T, url string, version int64) {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	sqlDB := stdlib.OpenDB(*config)
	defer sqlDB.Close()
	dir, err := fs.Sub(os.DirFS("."), "migrations")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, sqlDB, dir)
	if err == nil {
		_, err = provider.UpTo(t.Context(), version)
	}
	if err != nil {
		t.Fatal(err)
	}
}
