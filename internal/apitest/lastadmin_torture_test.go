//go:build torture

package apitest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/testkit"
)

// TestTortureTwoAdminRaces: two admins are taken away at once, on two servers, in every
// pair of ways: each by a third one who cannot sign in, each by the other one, and each
// by themselves. One enabled admin who can sign in is always left.
func TestTortureTwoAdminRaces(t *testing.T) {
	const races = 500
	here := newAPI(t)
	there := newServer(t, testkit.WithDatabase(here.DatabaseURL)).with(t, here.caller, here.token)
	ways := slices.Sorted(maps.Keys(demotions(nil, nil, dbsqlc.User{})))
	outcomes := map[string]int{}
	start := time.Now()
	for i := range races {
		u, v := here.admin(t), here.admin(t)
		here.exec(t, "DELETE FROM credentials WHERE user_id <> ALL ($1)", []uuid.UUID{u.ID, v.ID})
		first, second := ways[i%4], ways[i/4%4]
		byU, byV := here, there
		kind := "by a third"
		switch i % 3 {
		case 1:
			kind, byU, byV = "by each other", here.as(t, v), there.as(t, u)
		case 2:
			kind = "by themselves"
			if first != "DELETE" { // one's own role stays
				first = "PATCH disabled"
			}
			if second != "DELETE" {
				second = "PATCH disabled"
			}
			byU, byV = here.as(t, u), there.as(t, v)
		}
		// Both are known on their server, so that nothing but the write is raced.
		byU.send(t, "GET", "/api/session", "")
		byV.send(t, "GET", "/api/session", "")
		var errs [2]error
		var both sync.WaitGroup
		both.Go(func() { errs[0] = demotions(byU, t, u)[first]() })
		both.Go(func() { errs[1] = demotions(byV, t, v)[second]() })
		both.Wait()

		gone := 0
		for _, err := range errs {
			switch code := roster.CodeOf(err); {
			case err == nil:
				gone++
				outcomes["done"]++
			case code == roster.ErrorCodeLastAdmin, kind == "by each other" && (code == roster.ErrorCodeUnauthenticated || code == roster.ErrorCodeForbidden):
				outcomes[string(code)]++
			default:
				t.Errorf("race %d, %s, %s and %s: %v", i, kind, first, second, err)
			}
		}
		left := queryOne[int](t, here, "SELECT count(*) FROM users u JOIN credentials c ON c.user_id = u.id WHERE u.role = 'admin' AND NOT u.disabled")
		if gone != 1 || left != 1 {
			t.Errorf("race %d, %s, %s and %s: %d gone, %d left: %v, %v", i, kind, first, second, gone, left, errs[0], errs[1])
		}
		here.exec(t, "UPDATE users SET role = 'viewer' WHERE id <> $1 AND role <> 'admin'", here.caller.ID)
	}
	t.Logf("%d races on two servers in %v: %s; the goal is that one admin is left after each", races, time.Since(start).Round(time.Millisecond), fmt.Sprint(outcomes))
}
