//go:build torture

package apitest

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// TestTortureRevocation: credentials are in constant use on two servers; one of the
// servers is told that they end, in every way, and the other one lets them in for a
// second more at most.
func TestTortureRevocation(t *testing.T) {
	const each, at, goal = 100, 10, time.Second
	here := newAPI(t)
	there := newServer(t, testkit.WithDatabase(here.DatabaseURL))
	here.admin(t)
	ways := map[string]struct {
		key bool
		end func(t *testing.T, u dbsqlc.User, id uuid.UUID, token string) error
		to  int
	}{
		"signOut": {false, func(t *testing.T, u dbsqlc.User, _ uuid.UUID, token string) error {
			return here.with(t, u, token).SignOut(t.Context())
		}, 401},
		"revokeSession": {false, func(t *testing.T, _ dbsqlc.User, id uuid.UUID, _ string) error {
			return here.RevokeSession(t.Context(), id)
		}, 401},
		"disabled": {false, func(t *testing.T, u dbsqlc.User, _ uuid.UUID, _ string) error {
			_, err := here.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Disabled: roster.Ptr(true)})
			return err
		}, 401},
		"deleted": {false, func(t *testing.T, u dbsqlc.User, _ uuid.UUID, _ string) error {
			return here.DeleteUser(t.Context(), u.ID)
		}, 401},
		"demoted": {false, func(t *testing.T, u dbsqlc.User, _ uuid.UUID, _ string) error {
			_, err := here.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Role: roster.Ptr(roster.RoleViewer)})
			return err
		}, 403},
		"revokeKey": {true, func(t *testing.T, _ dbsqlc.User, id uuid.UUID, _ string) error {
			return here.RevokeKey(t.Context(), id)
		}, 401},
		"a disabled owner's key": {true, func(t *testing.T, u dbsqlc.User, _ uuid.UUID, _ string) error {
			_, err := here.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Disabled: roster.Ptr(true)})
			return err
		}, 401},
	}
	clients := map[*api]*http.Client{here: here.plain(t, at), there: there.plain(t, at)}
	const nobody = "/api/users/019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21" // only an admin is told that it is not there

	var mu sync.Mutex
	var all, locally []time.Duration
	for name, way := range ways {
		var times []time.Duration
		var workers sync.WaitGroup
		for range at {
			workers.Go(func() {
				for range each / at {
					u := here.user(t, dbsqlc.User{Role: role.Admin})
					var token string
					var id uuid.UUID
					if way.key {
						token = testkit.Key(t, here.Pool, u.ID, auth.UsersDelete)
						id = queryOne[uuid.UUID](t, here, "SELECT id FROM keys WHERE user_id = $1", u.ID)
					} else {
						token = testkit.Session(t, here.Pool, u.ID)
						id = queryOne[uuid.UUID](t, here, "SELECT id FROM sessions WHERE user_id = $1", u.ID)
					}
					status := func(a *api) int {
						got, _ := a.ask(t, clients[a], http.MethodDelete, nobody, token)
						return got
					}
					if status(here) != 404 || status(there) != 404 {
						t.Errorf("%s: it is not let in before it ends", name)
						return
					}
					if err := way.end(t, u, id, token); err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
					ended := time.Now()
					if got := status(here); got != way.to {
						t.Errorf("%s: on the server that was told it is answered %d", name, got)
					}
					local := time.Since(ended)
					// The last request that was let in says how late it was: when it was sent.
					var late time.Duration
					for {
						asked := time.Now()
						if status(there) == way.to {
							break
						}
						if late = asked.Sub(ended); late > 10*goal {
							t.Errorf("%s: it does not end", name)
							return
						}
						time.Sleep(2 * time.Millisecond)
					}
					mu.Lock()
					times, locally = append(times, late), append(locally, local)
					mu.Unlock()
				}
			})
		}
		workers.Wait()
		t.Logf("%-24s %s", name, distribution(times))
		all = append(all, times...)
	}
	t.Logf("%-24s %s; the goal is at most %v", "all", distribution(all), goal)
	t.Logf("%-24s %s: with the request", "the server that was told", distribution(locally))
	if last := slices.Max(all); last > goal {
		t.Errorf("one was let in %v after it was ended", last)
	}
}

func distribution(times []time.Duration) string {
	if len(times) == 0 {
		return "none"
	}
	slices.Sort(times)
	at := func(q float64) time.Duration { return times[int(q*float64(len(times)-1))].Round(time.Millisecond) }
	return "p10 " + at(.1).String() + ", p50 " + at(.5).String() + ", p90 " + at(.9).String() + ", p99 " + at(.99).String() + ", max " + at(1).String()
}
