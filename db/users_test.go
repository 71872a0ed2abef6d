package db_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// insertUser makes a user who can sign in: only such an admin counts.
const insertUser = `WITH made AS (INSERT INTO users (id, name, email, role) VALUES ($1, $2, $3, $4) RETURNING id)
	INSERT INTO credentials (user_id, password_hash) SELECT id, '' FROM made`

func mustExec(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// countsAgree compares the counters to the rows, in one snapshot.
func countsAgree(ctx context.Context, pool *pgxpool.Pool) error {
	var counted, there [3]int64
	err := pool.QueryRow(ctx, `
		SELECT (SELECT sum(admins) FROM user_counts), (SELECT sum(editors) FROM user_counts), (SELECT sum(viewers) FROM user_counts),
		       count(*) FILTER (WHERE role = 'admin'), count(*) FILTER (WHERE role = 'editor'), count(*) FILTER (WHERE role = 'viewer')
		FROM users`).Scan(&counted[0], &counted[1], &counted[2], &there[0], &there[1], &there[2])
	if err == nil && counted != there {
		err = fmt.Errorf("counters say %v, there are %v", counted, there)
	}
	return err
}

// Whatever changes users changes the counters, in the same transaction.
func TestUserCounts(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	// An admin whom none of these statements takes away but TRUNCATE.
	mustExec(t, pool, insertUser, uuid.New(), "Ally", "ally@example.com", role.Admin)
	many := `INSERT INTO users (id, name, email, role)
		SELECT gen_random_uuid(), 'N' || i, 'n' || i || '@example.com', (enum_range(NULL::role))[1 + i % 3] FROM generate_series(1, 3000) i`
	for _, sql := range []string{
		many,
		`INSERT INTO users (id, name, email, role) SELECT gen_random_uuid(), 'Nobody', 'x@example.com', 'viewer' WHERE false`,
		`INSERT INTO users (id, name, email, role) VALUES (gen_random_uuid(), 'Taken', 'n1@example.com', 'viewer') ON CONFLICT DO NOTHING`,
		`INSERT INTO users (id, name, email, role) VALUES (gen_random_uuid(), 'Taken', 'n1@example.com', 'viewer')
			ON CONFLICT (email) DO UPDATE SET role = 'admin'`,
		`UPDATE users SET name = name || '!'`,
		`UPDATE users SET role = 'editor' WHERE email LIKE 'n1%'`,
		`UPDATE users SET role = (enum_range(NULL::role))[1 + (ascii(substr(email, 3)) + ascii(substr(email, 2))) % 3]`,
		`UPDATE users SET role = 'viewer' WHERE false`,
		`DELETE FROM users WHERE email LIKE 'n2%'`,
		`WITH gone AS (DELETE FROM users WHERE email LIKE 'n3%' RETURNING name)
			INSERT INTO users (id, name, email, role) SELECT gen_random_uuid(), name, 'again' || name, 'editor' FROM gone`,
		`TRUNCATE users CASCADE`,
		many,
	} {
		mustExec(t, pool, sql)
		if err := countsAgree(t.Context(), pool); err != nil {
			t.Errorf("after %s: %v", sql, err)
		}
	}

	undone := errors.New("undone")
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		for _, sql := range []string{`DELETE FROM users WHERE role = 'viewer'`, `UPDATE users SET role = 'viewer' WHERE role = 'editor'`} {
			if _, err := tx.Exec(t.Context(), sql); err != nil {
				return err
			}
		}
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	if err := countsAgree(t.Context(), pool); err != nil {
		t.Error("after a rollback:", err)
	}

	if err := db.SeedUsers(t.Context(), pool, 1000, nil); err != nil {
		t.Fatal(err)
	}
	if err := countsAgree(t.Context(), pool); err != nil {
		t.Error("after COPY:", err)
	}
}

// Totals are exact in each snapshot while many write, and no writer waits for
// another in a circle.
func TestUserCountsUnderWriters(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	mustExec(t, pool, insertUser, uuid.New(), "Admin", "admin@example.com", role.Admin)
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
	defer stop()

	var writers sync.WaitGroup
	var written atomic.Int64
	for w := range 8 {
		writers.Go(func() {
			r := rand.New(rand.NewPCG(7, uint64(w)))
			roles := []role.Role{role.Admin, role.Editor, role.Viewer}
			for i := 0; ctx.Err() == nil; i++ {
				id := uuid.New()
				var batch pgx.Batch
				batch.Queue(insertUser, id, "Somebody", fmt.Sprintf("u%d-%d@example.com", w, i), roles[r.IntN(3)])
				batch.Queue(`UPDATE users SET role = $2 WHERE id = $1`, id, roles[r.IntN(3)])
				if r.IntN(2) == 0 {
					batch.Queue(`DELETE FROM users WHERE id = $1`, id)
				}
				// Without the test's deadline: what was begun ends.
				if err := pool.SendBatch(context.WithoutCancel(ctx), &batch).Close(); err != nil {
					t.Error(err)
					return
				}
				written.Add(1)
			}
		})
	}
	checked := 0
	for ; ctx.Err() == nil; checked++ {
		if err := countsAgree(t.Context(), pool); err != nil {
			t.Error(err)
			break
		}
		for _, l := range []db.UserList{{Limit: 100}, {Limit: 100, Role: ptr(role.Editor), Sort: "name"}} {
			// All are on the page or the page is full: so its total is known.
			page, err := db.ListUsers(t.Context(), pool, l)
			if err != nil {
				t.Error(err)
			} else if n := int64(len(page.Users)); page.After != (page.Total > n) || n < min(page.Total, 100) {
				t.Errorf("%d users, after %t, total %d", n, page.After, page.Total)
			}
		}
	}
	writers.Wait()
	if err := countsAgree(t.Context(), pool); err != nil {
		t.Error(err)
	}
	t.Logf("%d checks, %d writes", checked, written.Load())
}

// Of two who each take the other's last admin away, by whatever means, one wins.
func TestLastAdminRaces(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	away := []string{
		`UPDATE users SET role = 'viewer' WHERE id = $1`,
		`UPDATE users SET disabled = true WHERE id = $1`,
		`DELETE FROM users WHERE id = $1`,
	}
	isolations := []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable}
	refused := 0
	for round := range 100 {
		mustExec(t, pool, `TRUNCATE users CASCADE`)
		ids := [2]uuid.UUID{uuid.New(), uuid.New()}
		for i, id := range ids {
			mustExec(t, pool, insertUser, id, "Admin", fmt.Sprintf("a%d@example.com", i), role.Admin)
		}
		options := pgx.TxOptions{IsoLevel: isolations[round%len(isolations)]}
		var both sync.WaitGroup
		var errs [2]error
		start := make(chan struct{})
		for i, id := range ids {
			both.Go(func() {
				errs[i] = pgx.BeginTxFunc(t.Context(), pool, options, func(tx pgx.Tx) error {
					var n int // takes the snapshot
					if err := tx.QueryRow(t.Context(), `SELECT count(*) FROM users`).Scan(&n); err != nil {
						return err
					}
					<-start
					_, err := tx.Exec(t.Context(), away[(round/len(isolations)+i)%len(away)], id)
					return err
				})
			})
		}
		close(start)
		both.Wait()
		var left int
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM users WHERE role = 'admin' AND NOT disabled`).Scan(&left); err != nil {
			t.Fatal(err)
		}
		if left != 1 || (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d, %s: %d admins left, %v", round, options.IsoLevel, left, errs)
		}
		for _, err := range errs {
			if db.Violates(err, "users_last_admin") {
				refused++
			} else if err != nil && options.IsoLevel == pgx.ReadCommitted {
				t.Error(err)
			}
		}
		if err := countsAgree(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Error("nobody was refused")
	}
}

func TestLastAdminStays(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	mustExec(t, pool, insertUser, uuid.New(), "One", "one@example.com", role.Admin)
	mustExec(t, pool, insertUser, uuid.New(), "Two", "two@example.com", role.Admin)
	for _, sql := range []string{
		`DELETE FROM users`,
		`UPDATE users SET role = 'editor'`,
		`UPDATE users SET disabled = true`,
		`UPDATE users SET role = CASE WHEN name = 'One' THEN 'viewer'::role ELSE role END, disabled = name = 'Two'`,
	} {
		if _, err := pool.Exec(t.Context(), sql); !db.Violates(err, "users_last_admin") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	// One may go, and one may take the other's place.
	mustExec(t, pool, `UPDATE users SET disabled = true WHERE name = 'Two'`)
	mustExec(t, pool, `UPDATE users SET disabled = NOT disabled`)
	mustExec(t, pool, `DELETE FROM users WHERE name = 'One'`)
	if _, err := pool.Exec(t.Context(), `DELETE FROM users`); !db.Violates(err, "users_last_admin") {
		t.Error(err)
	}
}

// A user that nobody has written since has one time, not two that a microsecond
// may part.
func TestANewUserHasOneTime(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	mustExec(t, pool, `INSERT INTO users (id, name, email, role)
		SELECT gen_random_uuid(), 'a', i || '@example.org', 'viewer' FROM generate_series(1, 5000) i`)
	var parted int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM users WHERE created_at <> updated_at`).Scan(&parted); err != nil || parted > 0 {
		t.Errorf("%d of 5000 have two times, %v", parted, err)
	}
}
