package apitest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/cache"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// stats are those of now, not those that are kept.
func (a *api) stats(t *testing.T, days roster.StatsDays) *roster.Stats {
	t.Helper()
	a.Cache.Invalidate(t.Context(), cache.Name("site-stats"))
	return must(a.GetStats(t.Context(), days))(t)
}

// today is the last day of statistics.
func today(t *testing.T, s *roster.Stats) roster.DayCounts {
	t.Helper()
	last := s.Days[len(s.Days)-1]
	if got, want := last.Day.Format(time.DateOnly), s.GeneratedAt.UTC().Format(time.DateOnly); got != want {
		t.Errorf("the last day is %s, the statistics are of %s", got, want)
	}
	return last
}

// What is done through the API is counted, and who is deleted stays in the day.
func TestStatsCountWhatHappens(t *testing.T) {
	a := newAPI(t)
	before := a.stats(t, 0)
	made := must(a.CreateUser(t.Context(), roster.UserCreate{Name: "Ada", Email: "ada@example.org", Password: password}))(t)
	gone := must(a.CreateUser(t.Context(), roster.UserCreate{Name: "Gone", Email: "gone@example.org", Password: password, Role: roster.Ptr(roster.RoleEditor)}))(t)
	for range 2 {
		if _, _, err := a.SignIn(t.Context(), "ada@example.org", password); err != nil {
			t.Fatal(err)
		}
	}
	for _, email := range []string{"ada@example.org", "nobody@example.org", "no address"} {
		if _, _, err := a.SignIn(t.Context(), email, "wrong"); err == nil {
			t.Fatal("signed in")
		}
	}
	a.withKey(t, a.caller, auth.StatsRead)
	if err := a.Failures.Flush(t.Context(), a.Pool); err != nil {
		t.Fatal(err)
	}
	if err := a.DeleteUser(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	after := a.stats(t, 0)
	check := func(what string, got, more int64) {
		t.Helper()
		if got != more {
			t.Errorf("%s: %d more, want %d", what, got, more)
		}
	}
	was, is := today(t, before), today(t, after)
	check("sign-ups", is.SignUps-was.SignUps, 2)
	check("sign-ins", is.SignIns-was.SignIns, 2)
	check("failures", is.SignInFailures-was.SignInFailures, 3)
	check("users", after.Users.Total-before.Users.Total, 1)
	check("viewers", after.Users.ByRole.Viewer-before.Users.ByRole.Viewer, 1)
	check("editors", after.Users.ByRole.Editor-before.Users.ByRole.Editor, 0)
	check("sessions", after.Sessions-before.Sessions, 2)
	check("keys", after.Keys-before.Keys, 1)

	if _, err := a.UpdateUser(t.Context(), made.ID, roster.UserUpdate{Disabled: roster.Ptr(true), Role: roster.Ptr(roster.RoleAdmin)}); err != nil {
		t.Fatal(err)
	}
	disabled := a.stats(t, 0)
	check("disabled", disabled.Users.Disabled-after.Users.Disabled, 1)
	check("admins", disabled.Users.ByRole.Admin-after.Users.ByRole.Admin, 1)
	check("sessions of the disabled", disabled.Sessions-after.Sessions, -2)
}

// Each of the days is there, the oldest first, and no other number of them is.
func TestStatsDays(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.user(t, dbsqlc.User{CreatedAt: time.Now().Add(-89 * 24 * time.Hour)})
	for _, days := range []roster.StatsDays{0, roster.StatsDays30, roster.StatsDays90, roster.StatsDays365} {
		s := a.stats(t, days)
		want := int(max(days, 30))
		if len(s.Days) != want {
			t.Fatalf("%d days, want %d", len(s.Days), want)
		}
		ups := int64(0)
		for i, d := range s.Days {
			if i > 0 && d.Day.Sub(s.Days[i-1].Day.Time) != 24*time.Hour {
				t.Errorf("%s follows %s", d.Day, s.Days[i-1].Day)
			}
			ups += d.SignUps
		}
		if today(t, s); ups != map[bool]int64{true: 1}[want >= 90] {
			t.Errorf("%d days: %d sign-ups", want, ups)
		}
	}
	for days, why := range map[string]string{
		"1": "not_allowed", "31": "not_allowed", "366": "not_allowed", "0": "not_allowed", "-30": "not_allowed",
		"30.0": "invalid_type", "all": "invalid_type",
	} {
		a.send(t, http.MethodGet, "/api/stats?days="+days, "").wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/query/days "+why)
	}
}

// A session that is idle or has ended, and a key that has expired, are not active, be
// they swept or not.
func TestStatsCountTheLiving(t *testing.T) {
	t.Parallel()
	a := newAPI(t, testkit.Lifetimes(time.Hour, 24*time.Hour))
	u := a.user(t, dbsqlc.User{})
	for range 3 {
		testkit.Session(t, a.Pool, u.ID)
		testkit.Key(t, a.Pool, u.ID, auth.StatsRead)
	}
	a.exec(t, "UPDATE sessions SET expires_at = now() - interval '1 second' WHERE id = (SELECT id FROM sessions WHERE user_id = $1 ORDER BY id LIMIT 1)", u.ID)
	a.exec(t, "UPDATE sessions SET last_used_at = now() - interval '61 minutes' WHERE id = (SELECT id FROM sessions WHERE user_id = $1 ORDER BY id DESC LIMIT 1)", u.ID)
	a.exec(t, "UPDATE keys SET expires_at = now() - interval '1 second' WHERE id = (SELECT id FROM keys ORDER BY id LIMIT 1)")
	if s := a.stats(t, 0); s.Sessions != 2 || s.Keys != 2 { // the caller's own too
		t.Errorf("%d sessions and %d keys, want 2 and 2", s.Sessions, s.Keys)
	}
}

// The answer is kept for all who may ask, and no write ends it; who has it gets 304.
func TestStatsAreKept(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	viewer := a.as(t, a.user(t, dbsqlc.User{Role: role.Viewer}))
	first := a.send(t, http.MethodGet, "/api/stats", "")
	a.user(t, dbsqlc.User{})
	for name, caller := range map[string]*api{"the same": a, "another": viewer} {
		next := caller.send(t, http.MethodGet, "/api/stats", "")
		if string(next.Body) != string(first.Body) || next.Header.Get("ETag") != first.Header.Get("ETag") {
			t.Errorf("%s caller gets another answer", name)
		}
		if control := next.Header.Get("Cache-Control"); !strings.HasPrefix(control, "private, max-age=60") || next.Header.Get("Age") == "" {
			t.Errorf("%s caller: Cache-Control %q, Age %q", name, control, next.Header.Get("Age"))
		}
		fresh := caller.send(t, http.MethodGet, "/api/stats", "", "If-None-Match: "+first.Header.Get("ETag"))
		if fresh.Status != http.StatusNotModified || len(fresh.Body) != 0 {
			t.Errorf("%s caller: %d with %d octets", name, fresh.Status, len(fresh.Body))
		}
	}
	// Other days are another answer.
	if s := a.stats(t, 90); len(s.Days) != 90 || s.Users.Total != 3 {
		t.Errorf("%d days, %d users", len(s.Days), s.Users.Total)
	}
	// Who may not ask gets nothing of it.
	key := a.withKey(t, a.caller, auth.UsersRead)
	key.send(t, http.MethodGet, "/api/stats", "").wantMissing(t, auth.StatsRead)
	a.anonymous(t).send(t, http.MethodGet, "/api/stats", "", fmt.Sprintf("If-None-Match: %s", first.Header.Get("ETag"))).
		wantProblem(t, 401, roster.ErrorCodeUnauthenticated)
}
