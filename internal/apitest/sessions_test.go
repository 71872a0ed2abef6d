package apitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// sessionOf is the id of the caller's own session.
func (a *api) sessionOf(t *testing.T) uuid.UUID {
	t.Helper()
	return must(a.GetSession(t.Context()))(t).CredentialID
}

// status is what a caller is answered by an operation that knows of sessions only
// what the verifier says.
func (a *api) status(t *testing.T) int {
	t.Helper()
	return a.send(t, http.MethodGet, "/api/users?limit=1", "").Status
}

// callers are all kinds of callers beside two sessions of a user.
type callers struct {
	own, second, other                               *api // two sessions of one viewer, and another's
	admin, key, blind, demoted, editor, nobody, root *api
}

func newCallers(t *testing.T) callers {
	t.Helper()
	a := newAPI(t)
	user, admin, former := a.user(t, dbsqlc.User{}), a.admin(t), a.user(t, dbsqlc.User{})
	return callers{
		own: a.as(t, user), second: a.as(t, user), other: a.as(t, a.user(t, dbsqlc.User{})),
		editor: a.as(t, a.user(t, dbsqlc.User{Role: role.Editor})),
		admin:  a.as(t, admin), key: a.withKey(t, admin, auth.SessionsAdmin), blind: a.withKey(t, admin, auth.UsersRead),
		demoted: a.withKey(t, former, auth.SessionsAdmin), // the owner may not, any more
		nobody:  a.anonymous(t), root: a,
	}
}

// Everyone lists their own sessions; those of others are for admins, and for keys
// with the scope.
func TestWhoListsWhichSessions(t *testing.T) {
	t.Parallel()
	c := newCallers(t)
	mine := []uuid.UUID{c.second.sessionOf(t), c.own.sessionOf(t)} // the newest first
	all := []uuid.UUID{c.admin.sessionOf(t), c.editor.sessionOf(t), c.other.sessionOf(t), mine[0], mine[1], c.root.sessionOf(t)}
	ofUser := "?userId=" + c.own.caller.ID.String()
	ofAdmin := "?userId=" + c.admin.caller.ID.String()
	for _, x := range []struct {
		name   string
		caller *api
		query  string
		want   []uuid.UUID
		status int
		code   roster.ErrorCode
		rules  []string
	}{
		{name: "own by default", caller: c.own, want: mine},
		{name: "own by all=false", caller: c.own, query: "?all=false", want: mine},
		{name: "own by name", caller: c.second, query: ofUser, want: mine},
		{name: "an admin's own", caller: c.admin, want: all[:1]},
		{name: "an admin: another's", caller: c.admin, query: ofUser, want: mine},
		{name: "an admin: everyone's", caller: c.admin, query: "?all=true", want: all},
		{name: "an admin: nobody's", caller: c.admin, query: "?userId=" + uuid.Nil.String(), want: []uuid.UUID{}},
		{name: "a key: another's", caller: c.key, query: ofUser, want: mine},
		{name: "a key: its owner's", caller: c.key, query: ofAdmin, want: all[:1]},
		{name: "a key: everyone's", caller: c.key, query: "?all=true", want: all},
		{name: "a key: its own", caller: c.key, status: 422, code: roster.ErrorCodeValidationFailed, rules: []string{"/query/userId required"}},
		{name: "a key without the scope", caller: c.blind, query: ofUser, status: 403},
		{name: "a key of one who may not", caller: c.demoted, query: "?all=true", status: 403},
		{name: "another's", caller: c.other, query: ofUser, status: 403},
		{name: "an editor: another's", caller: c.editor, query: ofUser, status: 403},
		{name: "everyone's", caller: c.own, query: "?all=true", status: 403},
		{name: "nobody", caller: c.nobody, query: ofUser, status: 401, code: roster.ErrorCodeUnauthenticated},
		{name: "one and all", caller: c.admin, query: ofUser + "&all=true", status: 422, code: roster.ErrorCodeValidationFailed, rules: []string{"/query/userId not_allowed"}},
		{name: "no id", caller: c.admin, query: "?userId=ada", status: 422, code: roster.ErrorCodeValidationFailed, rules: []string{"/query/userId invalid_format"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			got := x.caller.send(t, http.MethodGet, "/api/sessions"+x.query, "")
			switch x.status {
			case 403:
				got.wantMissing(t, auth.SessionsAdmin)
				return
			case 401, 422:
				got.wantProblem(t, x.status, x.code, x.rules...)
				return
			}
			page := decode[roster.PaginatedResponseSession](t, got.Body)
			ids := []uuid.UUID{}
			for _, s := range page.Data {
				ids = append(ids, s.ID)
			}
			if !slices.Equal(ids, x.want) || page.Pagination.Total != int64(len(x.want)) {
				t.Errorf("got %v of %d, want %v", ids, page.Pagination.Total, x.want)
			}
		})
	}
}

// A session says where it came from; an old, idle or expired one is none.
func TestListSessionsShowsLiveOnes(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	user := a.as(t, a.user(t, dbsqlc.User{}))
	for _, change := range []string{
		"expires_at = now()", "last_used_at = now() - interval '1 hour'", "created_at = now() - interval '23 hours'",
	} {
		s := a.as(t, user.caller)
		a.exec(t, "UPDATE sessions SET "+change+" WHERE id = $1", s.sessionOf(t))
	}
	page := must(user.ListSessions(t.Context(), nil))(t)
	if len(page.Data) != 2 || page.Pagination.Total != 2 {
		t.Fatalf("got %+v", page)
	}
	s := page.Data[0]
	if s.ID != user.sessionOf(t) || s.UserID != user.caller.ID || s.Address != "127.0.0.1" || s.UserAgent != "test" ||
		time.Since(s.CreatedAt) > time.Minute || s.ExpiresAt.Sub(s.CreatedAt) != 24*time.Hour {
		t.Errorf("got %+v", s)
	}
}

// What is not there for a caller cannot be ended, nor told from what is not there
// at all.
func TestWhoRevokesWhichSession(t *testing.T) {
	t.Parallel()
	c := newCallers(t)
	for _, x := range []struct {
		name   string
		caller *api
		of     *api // whose session; nil: one that there is not
		status int
	}{
		{"one's own other one", c.own, c.own, 204},
		{"an admin: another's", c.admin, c.own, 204},
		{"an admin: an admin's", c.admin, c.admin, 204},
		{"a key: another's", c.key, c.own, 204},
		{"a key: its owner's", c.key, c.admin, 204},
		{"another's", c.other, c.own, 404},
		{"an editor: another's", c.editor, c.own, 404},
		{"an admin: one that there is not", c.admin, nil, 404},
		{"one that there is not", c.own, nil, 404},
		{"a key without the scope", c.blind, c.own, 403},
		{"a key of one who may not", c.demoted, c.own, 403},
		{"nobody", c.nobody, c.own, 401},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			id := uuid.New()
			var victim *api
			if x.of != nil {
				victim = x.of.as(t, x.of.caller)
				id = victim.sessionOf(t)
				victim.status(t) // known to the server just now
			}
			if got := x.caller.send(t, http.MethodDelete, "/api/sessions/"+id.String(), ""); got.Status != x.status {
				t.Errorf("got %s, want %d", got, x.status)
			}
			if victim == nil {
				return
			}
			want := http.StatusOK
			if x.status == 204 {
				want = http.StatusUnauthorized
				x.caller.send(t, http.MethodDelete, "/api/sessions/"+id.String(), "").wantProblem(t, 404, roster.ErrorCodeNotFound)
			}
			if got := victim.status(t); got != want {
				t.Errorf("the session is answered %d, want %d", got, want)
			}
			rows := auditOf(t, x.caller.Pool, "revokeSession", id)
			if x.status != 204 {
				if len(rows) != 0 {
					t.Errorf("nothing was changed, and %+v", rows)
				}
				return
			}
			if len(rows) != 1 {
				t.Fatalf("one change has %d rows", len(rows))
			}
			var was struct{ ID, UserID uuid.UUID }
			if err := json.Unmarshal(rows[0].Before, &was); err != nil || was.ID != id || was.UserID != victim.caller.ID || string(rows[0].After) != "{}" {
				t.Errorf("the row is %s, %s", rows[0].Before, rows[0].After)
			}
			if wantActor := map[bool]string{true: "key", false: "user"}[x.caller == c.key]; rows[0].Actor != wantActor || rows[0].RequestID == "" || rows[0].Address == "" {
				t.Errorf("the row is by %+v", rows[0])
			}
		})
	}
	c.own.send(t, http.MethodDelete, "/api/sessions/ada", "").wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/path/id invalid_format")
}

// auditOf are the rows of an operation; of one target, unless it is nil.
func auditOf(t *testing.T, pool *pgxpool.Pool, operation string, target uuid.UUID) []dbsqlc.Audit {
	t.Helper()
	rows, err := dbsqlc.New(pool).ExportAudit(t.Context(), dbsqlc.ExportAuditParams{
		AfterTime: time.Unix(0, 0), Until: time.Now().Add(time.Hour), RowLimit: 100_000,
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(rows, func(r dbsqlc.Audit) bool {
		return r.Operation != operation || target != uuid.Nil && (r.TargetID == nil || *r.TargetID != target)
	})
}

// A session that ended by itself is not there to be ended.
func TestRevokeADeadSession(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for _, change := range []string{"expires_at = now()", "last_used_at = now() - interval '1 hour'"} {
		id := a.as(t, a.user(t, dbsqlc.User{})).sessionOf(t)
		a.exec(t, "UPDATE sessions SET "+change+" WHERE id = $1", id)
		a.send(t, http.MethodDelete, "/api/sessions/"+id.String(), "").wantProblem(t, 404, roster.ErrorCodeNotFound)
	}
	if rows := auditOf(t, a.Pool, "revokeSession", uuid.Nil); len(rows) != 0 {
		t.Errorf("nothing was changed, and %+v", rows)
	}
}

// All of the caller's own sessions end but the one that calls, with one row for
// what was ended, and none where nothing was.
func TestRevokeOtherSessions(t *testing.T) {
	t.Parallel()
	c := newCallers(t)
	third := c.own.as(t, c.own.caller)
	ended := []uuid.UUID{c.second.sessionOf(t), third.sessionOf(t)} // known to the server just now
	for range 2 {
		if err := c.own.RevokeOtherSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for name, x := range map[string]struct {
		caller *api
		status int
	}{
		"the caller": {c.own, 200}, "the second": {c.second, 401}, "the third": {third, 401},
		"another user's": {c.other, 200}, "an admin's": {c.admin, 200}, "a key": {c.blind, 200},
	} {
		if got := x.caller.status(t); got != x.status {
			t.Errorf("%s is answered %d, want %d", name, got, x.status)
		}
	}
	rows := auditOf(t, c.own.Pool, "revokeOtherSessions", uuid.Nil)
	if len(rows) != 1 {
		t.Fatalf("one change has %d rows", len(rows))
	}
	var was struct {
		UserID uuid.UUID
		IDs    []uuid.UUID
	}
	if err := json.Unmarshal(rows[0].Before, &was); err != nil || was.UserID != c.own.caller.ID || rows[0].TargetID != nil {
		t.Errorf("the row is %+v", rows[0])
	}
	slices.SortFunc(was.IDs, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	if !slices.Equal(was.IDs, ended) { // in the order of their making, which is that of UUIDv7
		t.Errorf("ended %v, want %v", was.IDs, ended)
	}
	wantCode(t, c.key.RevokeOtherSessions(t.Context()), roster.ErrorCodeForbidden)
	wantCode(t, c.nobody.RevokeOtherSessions(t.Context()), roster.ErrorCodeUnauthenticated)
}

// A session that was ended on one replica is dead there at once, and within a
// second on another that has just verified it.
func TestRevocationOnTwoReplicas(t *testing.T) {
	t.Parallel()
	here := newAPI(t)
	there := newServer(t, testkit.WithDatabase(here.DatabaseURL))
	for name, revoke := range map[string]func(t *testing.T, keep, end *api) error{
		"one":    func(t *testing.T, keep, end *api) error { return keep.RevokeSession(t.Context(), end.sessionOf(t)) },
		"others": func(t *testing.T, keep, _ *api) error { return keep.RevokeOtherSessions(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user := here.user(t, dbsqlc.User{})
			keep, end := here.as(t, user), here.as(t, user)
			endThere := there.with(t, user, end.token)
			if here, there := end.status(t), endThere.status(t); here != 200 || there != 200 {
				t.Fatalf("before it is ended: %d and %d", here, there)
			}
			if err := revoke(t, keep, end); err != nil {
				t.Fatal(err)
			}
			ended := time.Now()
			if got := end.status(t); got != 401 {
				t.Errorf("here it is answered %d", got)
			}
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for {
				late := time.Since(ended)
				if got := endThere.status(t); got == 401 {
					t.Logf("there after %s", late.Round(time.Millisecond))
					break
				} else if late > time.Second {
					t.Fatalf("there it is answered %d after %s", got, late)
				}
				<-tick.C
			}
			if got := there.with(t, user, keep.token).status(t); got != 200 {
				t.Errorf("the other session is answered %d there", got)
			}
		})
	}
}

// A session ends when it is not used, and however much it is used.
func TestSessionsExpire(t *testing.T) {
	t.Parallel()
	// until gets what a request was answered that was sent at asked.
	use := func(t *testing.T, a *api, until func(asked time.Time, status int) bool) {
		t.Helper()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			asked := time.Now()
			if until(asked, a.status(t)) {
				return
			}
			<-tick.C
		}
	}
	t.Run("however much it is used", func(t *testing.T) {
		t.Parallel()
		a := newServer(t, testkit.Lifetimes(time.Hour, 2*time.Second))
		user := a.user(t, dbsqlc.User{})
		who, token, err := a.SignIn(t.Context(), user.Email, password)
		if err != nil {
			t.Fatal(err)
		}
		ends := *who.ExpiresAt
		use(t, a.with(t, user, token), func(asked time.Time, status int) bool {
			// The database's clock is this machine's.
			if late := asked.Sub(ends); status == 200 && late > time.Second {
				t.Fatalf("in use %s after its end", late)
			}
			if early := time.Until(ends); status != 200 && early > 0 {
				t.Fatalf("answered %d, %s before its end", status, early)
			}
			return status != 200
		})
	})
	t.Run("when it is not used", func(t *testing.T) {
		t.Parallel()
		const idle = 4 * time.Second
		a := newAPI(t, testkit.Lifetimes(idle, time.Hour))
		// Nobody uses the one; the other goes on and on.
		user := a.user(t, dbsqlc.User{})
		unused, used := a.as(t, user), a.as(t, user)
		id := unused.sessionOf(t)
		start := time.Now()
		use(t, used, func(asked time.Time, status int) bool {
			if status != 200 {
				t.Fatalf("answered %d after %s in use", status, time.Since(start))
			}
			page := must(used.ListSessions(t.Context(), nil))(t)
			there := slices.ContainsFunc(page.Data, func(s roster.Session) bool { return s.ID == id })
			if there && asked.Sub(start) > idle+time.Second || !there && time.Since(start) < idle-500*time.Millisecond {
				t.Fatalf("listed: %t after %s", there, asked.Sub(start))
			}
			return !there && asked.Sub(start) > idle+time.Second
		})
		if got := unused.status(t); got != 401 {
			t.Errorf("what was idle is answered %d", got)
		}
	})
}

// However many use a session, and on however many replicas, its use is written
// down once a minute at most.
func TestSessionIsTouchedOnceAMinute(t *testing.T) {
	t.Parallel()
	here := newAPI(t)
	there := newServer(t, testkit.WithDatabase(here.DatabaseURL))
	user := here.as(t, here.user(t, dbsqlc.User{}))
	here.exec(t, "CREATE TABLE touches (session_id uuid)")
	here.exec(t, `CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN INSERT INTO touches VALUES (NEW.id); RETURN NULL; END $$`)
	here.exec(t, "CREATE TRIGGER touched AFTER UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION touched()")
	id := user.sessionOf(t)
	// A minute ago, for the database; this write is counted as well.
	here.exec(t, "UPDATE sessions SET last_used_at = now() - interval '61 seconds' WHERE id = $1", id)
	// Long enough for each replica to look at the session more than once.
	end := time.Now().Add(2*auth.Fresh + 500*time.Millisecond)
	var requests sync.WaitGroup
	for i := range 8 {
		caller := user
		if i%2 == 0 {
			caller = there.with(t, user.caller, user.token)
		}
		requests.Go(func() {
			for time.Now().Before(end) {
				if _, err := caller.GetSession(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	requests.Wait()
	if got := queryOne[int](t, here, "SELECT count(*) - 1 FROM touches WHERE session_id = $1", id); got != 1 {
		t.Errorf("written %d times", got)
	}
	if !queryOne[bool](t, here, "SELECT last_used_at > now() - interval '10 seconds' FROM sessions WHERE id = $1", id) {
		t.Error("the last use is not written")
	}
}

// A list of sessions is walked by cursor, under the filters that it was begun with.
func TestWalkSessions(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	user := a.as(t, a.user(t, dbsqlc.User{}))
	for range 6 {
		user = a.as(t, user.caller)
	}
	var walked []uuid.UUID
	for s, err := range user.Sessions(t.Context(), &roster.ListSessionsParams{Limit: roster.Ptr[int32](2)}) {
		if err != nil {
			t.Fatal(err)
		}
		walked = append(walked, s.ID)
	}
	if len(walked) != 7 || !slices.IsSortedFunc(walked, func(a, b uuid.UUID) int { return slices.Compare(b[:], a[:]) }) {
		t.Errorf("walked %v", walked)
	}
	got := user.send(t, http.MethodGet, "/api/sessions?limit=2&page=2", "")
	page := decode[roster.PaginatedResponseSession](t, got.Body)
	if page.Pagination.Next == nil || page.Pagination.Prev == nil || page.Data[0].ID != walked[2] || len(links(t, got.Header.Get("Link"))) != 3 {
		t.Fatalf("got %s, Link %s", got, got.Header.Get("Link"))
	}
	// Whoever has a cursor reads with it what they may read without it, no more.
	for path, caller := range map[string]*api{
		fmt.Sprintf("/api/sessions?limit=3&cursor=%s", *page.Pagination.Next):          user,
		fmt.Sprintf("/api/sessions?limit=2&all=true&cursor=%s", *page.Pagination.Next): a,
		fmt.Sprintf("/api/sessions?limit=2&cursor=%s", *page.Pagination.Next):          a.as(t, a.user(t, dbsqlc.User{})),
		fmt.Sprintf("/api/keys?limit=2&cursor=%s", *page.Pagination.Next):              user,
	} {
		caller.send(t, http.MethodGet, path, "").wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/query/cursor cursor_mismatch")
	}
}
