//go:build torture

package apitest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/testkit"
)

// TestTortureNoLostUpdate: fifty workers count to five thousand in a name, by If-Match.
func TestTortureNoLostUpdate(t *testing.T) {
	const workers, steps = 50, 100
	a := unchecked(t)
	u := a.user(t, dbsqlc.User{Name: "0"})
	start := time.Now()
	var stale atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for done := 0; done < steps; {
				read, err := a.GetUser(t.Context(), u.ID)
				n := 0
				if err == nil {
					_, err = fmt.Sscan(read.Name, &n)
				}
				if err == nil {
					_, err = a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Name: roster.Ptr(fmt.Sprint(n + 1))}, roster.IfUnchanged(read))
				}
				switch {
				case err == nil:
					done++
				case roster.CodeOf(err) == roster.ErrorCodePreconditionFailed:
					stale.Add(1)
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	got := must(a.GetUser(t.Context(), u.ID))(t).Name
	t.Logf("%d workers counted to %s in %v, with %d stale tries; the goal is %d, none lost", workers, got, time.Since(start).Round(time.Second), stale.Load(), workers*steps)
	if got != fmt.Sprint(workers*steps) {
		t.Errorf("counted to %s", got)
	}
}

// TestTortureWalkWhileWriting walks 100,000 users over HTTP while others come, go and
// change: each that stays and keeps its place comes exactly once.
func TestTortureWalkWhileWriting(t *testing.T) {
	const n = 100_000
	a := unchecked(t)
	for from := 0; from < n; from += 2000 { // no statement may take long
		a.exec(t, `INSERT INTO users (id, name, email, role, created_at, updated_at)
			SELECT gen_random_uuid(), CASE WHEN i % 2 = 0 THEN 'Stays ' ELSE 'moves ' END || md5(i::text), md5(i::text || 'x') || '@example.org', 'viewer', at, at
			FROM (SELECT i, now() - i % 997 * interval '1 hour' AS at FROM generate_series($1::int + 1, $1::int + 2000) i) s`, from)
	}
	a.exec(t, "ANALYZE users")

	ctx, stop := context.WithCancel(t.Context())
	var writes atomic.Int64
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			r := rand.New(rand.NewPCG(5, uint64(w)))
			for i := 0; ctx.Err() == nil; i++ {
				sql := []string{
					`DELETE FROM users WHERE id IN (SELECT id FROM users WHERE id > $1 AND name LIKE 'moves%' ORDER BY id LIMIT 2)`,
					`UPDATE users SET name = 'moves ' || md5(name || $1::uuid::text), email = md5($1::uuid::text || email) || '@moves.example', created_at = now() - ascii($1::uuid::text) * interval '1 hour'
						WHERE id = (SELECT id FROM users WHERE id > $1 AND name LIKE 'moves%' ORDER BY id LIMIT 1)`,
					`UPDATE users SET disabled = NOT disabled, updated_at = now() WHERE id = (SELECT id FROM users WHERE id > $1 AND name LIKE 'Stays%' ORDER BY id LIMIT 1)`,
					`INSERT INTO users (id, name, email, role) VALUES ($1::uuid, 'moves ' || $1::uuid::text, $1::uuid::text || '@moves.example', 'viewer') ON CONFLICT DO NOTHING`,
				}[r.IntN(4)]
				var id uuid.UUID
				for i := range id {
					id[i] = byte(r.Uint32())
				}
				// What was begun ends, and may lose to the other.
				if _, err := a.Pool.Exec(context.WithoutCancel(ctx), sql, id); err == nil {
					writes.Add(1)
				}
			}
		})
	}
	start, pages := time.Now(), 0
	for _, query := range []string{"sort=createdAt", "sort=-name", "sort=email&role=viewer", "sort=-createdAt&q=stays"} {
		seen, next := map[string]int{}, ""
		for first := true; first || next != ""; first = false {
			target := "/api/users?limit=100&" + query
			if next != "" {
				target += "&cursor=" + url.QueryEscape(next)
			}
			page := a.send(t, "GET", target, "").page(t)
			pages++
			for _, u := range page.Data {
				if u.Name[0] == 'S' {
					seen[u.ID.String()]++
				}
			}
			next = ""
			if page.Pagination.Next != nil {
				next = *page.Pagination.Next
			}
		}
		twice := 0
		for _, times := range seen {
			if times > 1 {
				twice++
			}
		}
		t.Logf("%-26s %d users that stay, %d of them twice; the goal is %d, none", query, len(seen), twice, n/2)
		if len(seen) != n/2 || twice > 0 {
			t.Errorf("%s: %d users, %d twice", query, len(seen), twice)
		}
	}
	stop()
	writers.Wait()
	t.Logf("%d pages in %v, beside %d writes; the goal is that there were writes all the time", pages, time.Since(start).Round(time.Second), writes.Load())
	if writes.Load() < int64(pages)/10 {
		t.Error("hardly anything was written meanwhile")
	}
}

// unchecked is a server called by an admin whose answers nobody holds against the
// document, where there are very many of them.
func unchecked(t *testing.T) *api {
	t.Helper()
	s := testkit.New(t)
	a := &api{Server: s}
	return a.as(t, root(t, s.Pool))
}
