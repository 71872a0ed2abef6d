package db_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// Walking a list page by page while others write brings each user that exists
// throughout and keeps its sort key exactly once, in either direction.
func TestWalkWhileWriting(t *testing.T) {
	t.Parallel()
	for _, l := range []db.UserList{
		{Sort: db.UsersByCreatedAtDesc}, {Sort: db.UsersByName}, {Sort: db.UsersByEmailDesc},
		{Sort: db.UsersByNameDesc, Role: ptr(role.Viewer)}, {Sort: db.UsersByEmail, Role: ptr(role.Viewer)},
		{Sort: db.UsersByName, Search: "stays"}, {Sort: db.UsersByCreatedAt, Search: "stays", Role: ptr(role.Viewer)},
	} {
		t.Run(describe(l), func(t *testing.T) {
			t.Parallel()
			pool := testkit.Pool(t)
			// Half stay as they are; the others come, go and change.
			mustExec(t, pool, `
				INSERT INTO users (id, name, email, role, created_at)
				SELECT gen_random_uuid(), CASE WHEN i % 2 = 0 THEN 'Stays ' ELSE 'moves ' END || md5(i::text),
				       md5(i::text || 'x') || CASE WHEN i % 2 = 0 THEN '@stays.example' ELSE '@moves.example' END,
				       'viewer', now() - i % 97 * interval '1 hour'
				FROM generate_series(1, 2000) i`)
			var stay []uuid.UUID
			rows, _ := pool.Query(t.Context(), `SELECT id FROM users WHERE name LIKE 'Stays%' ORDER BY id`)
			for rows.Next() {
				var id uuid.UUID
				if err := rows.Scan(&id); err != nil {
					t.Fatal(err)
				}
				stay = append(stay, id)
			}

			ctx, stop := context.WithCancel(t.Context())
			var writers sync.WaitGroup
			for w := range 2 {
				writers.Go(func() {
					r := rand.New(rand.NewPCG(3, uint64(w)))
					for i := 0; ctx.Err() == nil; i++ {
						var sql string
						switch r.IntN(4) {
						case 0:
							sql = `DELETE FROM users WHERE id IN (SELECT id FROM users WHERE name LIKE 'moves%' ORDER BY md5(id::text || $1) LIMIT 3)`
						case 1:
							sql = `UPDATE users SET name = 'moves ' || md5(name || $1), created_at = now() - ascii(md5($1)) * interval '1 hour'
								WHERE id = (SELECT id FROM users WHERE name LIKE 'moves%' ORDER BY md5(id::text || $1) LIMIT 1)`
						case 2: // does not move it
							sql = `UPDATE users SET disabled = NOT disabled, updated_at = now()
								WHERE id = (SELECT id FROM users WHERE name LIKE 'Stays%' ORDER BY md5(id::text || $1) LIMIT 1)`
						default:
							sql = `INSERT INTO users (id, name, email, role, created_at)
								VALUES (gen_random_uuid(), 'moves ' || md5($1), md5($1) || '@stays.example', 'viewer', now() - ascii(md5($1)) * interval '1 hour')`
						}
						// What was begun ends, and loses to the other where both touch one user.
						_, _ = pool.Exec(context.WithoutCancel(ctx), sql, fmt.Sprint(w, "-", i, l))
					}
				})
			}
			for range 2 {
				for _, back := range []bool{false, true} {
					list := l // the writers read l
					list.Back = back
					if met := walk(t, pool, list); !slices.Equal(met, stay) {
						t.Errorf("back %t: met %d users that stay, of %d", back, len(met), len(stay))
					}
				}
			}
			stop()
			writers.Wait()
			if err := countsAgree(t.Context(), pool); err != nil {
				t.Error(err)
			}
		})
	}
}

// walk reads all pages and returns, sorted, the ids of the users that stay.
func walk(t *testing.T, lister db.Lister, l db.UserList) []uuid.UUID {
	t.Helper()
	var met []uuid.UUID
	l.Limit, l.From = 37, nil
	for {
		page, err := db.ListUsers(t.Context(), lister, l)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Users {
			if u.Name[0] == 'S' {
				met = append(met, u.ID)
			}
		}
		more, last := page.After, func() dbsqlc.User { return page.Users[len(page.Users)-1] }
		if l.Back {
			more, last = page.Before, func() dbsqlc.User { return page.Users[0] }
		}
		if !more {
			slices.SortFunc(met, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
			return met
		}
		from := db.PositionOf(l.Sort, last())
		l.From = &from
	}
}

// A place in a list is one whether or not somebody still stands there.
func TestPositionOfADeletedUser(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	users := modelUsers(40, rand.New(rand.NewPCG(5, 5)))
	insertUsers(t, pool, users)
	for _, search := range []string{"", "a"} {
		for _, sort := range db.UserSorts {
			l := db.UserList{Sort: sort, Limit: 7, Search: search}
			sorted := model(users, l)
			for _, i := range []int{0, 1, len(sorted) / 2, len(sorted) - 1} {
				gone := sorted[i]
				mustExec(t, pool, `DELETE FROM users WHERE id = $1`, gone.ID)
				left := slices.Delete(slices.Clone(sorted), i, i+1)
				at := db.PositionOf(sort, gone)
				l.From = &at
				for _, l.Back = range []bool{false, true} {
					checkPage(t, pool, left, l)
				}
				insertUsers(t, pool, []dbsqlc.User{gone})
			}
		}
	}
}

// Whoever asks for too much, for nothing, or for what is no order, learns it.
func TestListUsersRefuses(t *testing.T) {
	t.Parallel()
	from := &db.UserPosition{}
	for _, l := range []db.UserList{
		{}, {Limit: -1}, {Limit: db.MaxUsers + 1}, {Limit: 1, Sort: "id"}, {Limit: 1, Sort: "name; DROP TABLE users"},
		{Limit: 1, Offset: -1}, {Limit: 1, Offset: 1, From: from}, {Limit: 1, Offset: 1, Back: true},
	} {
		if _, err := db.ListUsers(t.Context(), nil, l); err == nil {
			t.Error("not refused:", describe(l))
		}
	}
}
