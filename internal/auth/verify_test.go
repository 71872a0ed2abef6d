package auth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// The queries that a verifier asks.
const (
	verifySessions = "VerifySessions"
	verifyKeys     = "VerifyKeys"
	touchSessions  = "TouchSessions"
	touchKeys      = "TouchKeys"
)

// replica is a verifier with a pool, a clock and a count of its own, as a server has
// them, on the database of the test.
type replica struct {
	*auth.Verifier
	clock      *testkit.Clock
	statements *testkit.Statements
	pool       *pgxpool.Pool
}

func newReplica(t *testing.T, url string, lifetimes auth.Lifetimes) *replica {
	t.Helper()
	r := &replica{clock: testkit.NewClock(), statements: &testkit.Statements{}}
	var err error
	if r.pool, err = db.Open(url, db.Options{Timeout: 2 * time.Second, Log: r.statements.Log()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.pool.Close)
	r.Verifier = auth.NewVerifier(r.pool, lifetimes, slog.New(slog.DiscardHandler))
	r.SetClock(r.clock.Now)
	return r
}

var usual = auth.Lifetimes{Idle: time.Hour, Max: 24 * time.Hour}

// alone is one replica on a new database.
func alone(t *testing.T) *replica {
	t.Helper()
	return newReplica(t, testkit.Database(t), usual)
}

// want asks about a token, and fails unless it is known or not as told.
func (r *replica) want(t *testing.T, token string, known bool) *auth.Principal {
	t.Helper()
	p, err := r.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if (p != nil) != known {
		t.Fatalf("got %+v, want it known: %v", p, known)
	}
	return p
}

func (r *replica) wantAsked(t *testing.T, want int) {
	t.Helper()
	if got := r.statements.Of(verifySessions, verifyKeys); got != want {
		t.Errorf("the database was asked %d times, want %d", got, want)
	}
}

func (r *replica) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := r.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func TestVerifySession(t *testing.T) {
	t.Parallel()
	r := alone(t)
	u := testkit.User(t, r.pool, dbsqlc.User{Role: role.Editor})
	p := r.want(t, testkit.Session(t, r.pool, u.ID), true)
	var id uuid.UUID
	if err := r.pool.QueryRow(t.Context(), "SELECT id FROM sessions").Scan(&id); err != nil {
		t.Fatal(err)
	}
	if p.Kind != auth.SessionKind || p.ID != id || p.UserID != u.ID || p.Email != u.Email || p.Role != role.Editor || p.Name != "" {
		t.Errorf("got %+v", p)
	}
	if !p.May(auth.UsersWrite) || !p.May(auth.Profile) || p.May(auth.UsersAdmin) {
		t.Errorf("an editor may %q", p.Permissions())
	}
}

func TestVerifyKey(t *testing.T) {
	t.Parallel()
	r := alone(t)
	u := testkit.User(t, r.pool, dbsqlc.User{Role: role.Editor})
	p := r.want(t, testkit.Key(t, r.pool, u.ID, auth.UsersWrite, auth.UsersAdmin), true)
	if p.Kind != auth.KeyKind || p.UserID != u.ID || p.Email != u.Email || p.Role != role.Editor || p.Name != "test" || p.ID == u.ID {
		t.Errorf("got %+v", p)
	}
	if !p.May(auth.UsersWrite) || p.May(auth.UsersAdmin) || p.May(auth.UsersRead) || p.May(auth.Profile) {
		t.Errorf("it may %q", p.Permissions())
	}
}

// What cannot be a token costs no look at the database; what can be one and is
// nobody's costs one each time.
func TestVerifyNobody(t *testing.T) {
	t.Parallel()
	r := alone(t)
	u := testkit.User(t, r.pool, dbsqlc.User{})
	session, key := testkit.Session(t, r.pool, u.ID), testkit.Key(t, r.pool, u.ID, auth.UsersRead)
	for _, bad := range []string{
		"", "nonsense", session[:52], session + "0", session[:52] + "\x00", "rst_" + session[4:], "rss_" + key[4:],
		string(auth.NewResetToken()), "Bearer " + session,
	} {
		r.want(t, bad, false)
	}
	r.wantAsked(t, 0)
	r.want(t, string(auth.NewSessionToken()), false)
	r.want(t, string(auth.NewKeyToken()), false)
	r.wantAsked(t, 2)
}

// A thousand requests within a second are one look at the database.
func TestVerifyRemembers(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T, *replica, uuid.UUID) string{
		"session": func(t *testing.T, r *replica, u uuid.UUID) string { return testkit.Session(t, r.pool, u) },
		"key":     func(t *testing.T, r *replica, u uuid.UUID) string { return testkit.Key(t, r.pool, u, auth.UsersRead) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := alone(t)
			token := make(t, r, testkit.User(t, r.pool, dbsqlc.User{}).ID)
			first := r.want(t, token, true)
			for range 999 {
				r.clock.Pass(time.Millisecond)
				if r.want(t, token, true) != first {
					t.Fatal("another principal")
				}
			}
			r.wantAsked(t, 1)
			r.clock.Pass(time.Millisecond) // now it is a second old
			r.want(t, token, true)
			r.wantAsked(t, 2)
		})
	}
}

// The second is counted from before the look, however long that takes: what is read
// may have been true only then.
func TestVerifyCountsFromBeforeItsRead(t *testing.T) {
	t.Parallel()
	r := alone(t)
	token := testkit.Session(t, r.pool, testkit.User(t, r.pool, dbsqlc.User{}).ID)
	r.statements.Each = func(name string) {
		if name == verifySessions {
			r.clock.Pass(900 * time.Millisecond)
		}
	}
	r.want(t, token, true)
	r.clock.Pass(99 * time.Millisecond)
	r.want(t, token, true)
	r.wantAsked(t, 1)
	r.clock.Pass(time.Millisecond)
	r.want(t, token, true)
	r.wantAsked(t, 2)
}

// ends are all the ways in which a credential ends.
var ends = map[string]string{
	"the session is deleted": "DELETE FROM sessions",
	"the key is deleted":     "DELETE FROM keys",
	"the session expires":    "UPDATE sessions SET expires_at = statement_timestamp()",
	"the session was idle":   "UPDATE sessions SET last_used_at = statement_timestamp() - interval '1 hour'",
	"the key expires":        "UPDATE keys SET expires_at = statement_timestamp()",
	"the key's secret ends":  "UPDATE key_secrets SET expires_at = statement_timestamp()",
	"the secret is replaced": "UPDATE key_secrets SET hash = sha256(hash)",
	"the token is replaced":  "UPDATE session_tokens SET hash = sha256(hash)",
	"the user is disabled":   "UPDATE users SET disabled = true",
	"the user is deleted":    "DELETE FROM users",
}

// ofKeys are the ends of keys, which leave a session as it is, and ofSessions those of
// sessions.
var (
	ofKeys = map[string]bool{
		"the key is deleted": true, "the key expires": true, "the key's secret ends": true, "the secret is replaced": true,
	}
	ofSessions = map[string]bool{
		"the session is deleted": true, "the session expires": true, "the session was idle": true, "the token is replaced": true,
	}
)

// What has ended elsewhere is dead when the second is over, and at once after Forget.
func TestVerifyNotices(t *testing.T) {
	t.Parallel()
	for name, sql := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := alone(t)
			other := newReplica(t, r.pool.Config().ConnString(), usual)
			u := testkit.User(t, r.pool, dbsqlc.User{})
			session, key := testkit.Session(t, r.pool, u.ID), testkit.Key(t, r.pool, u.ID, auth.UsersRead)
			for _, replica := range []*replica{r, other} {
				replica.want(t, session, true)
				replica.want(t, key, true)
			}
			other.exec(t, sql)
			r.clock.Pass(auth.Fresh - time.Nanosecond)
			r.want(t, session, true) // as promised, and no longer
			r.want(t, key, true)

			other.Forget()
			other.want(t, session, ofKeys[name])
			other.want(t, key, ofSessions[name])
			r.clock.Pass(time.Nanosecond)
			r.want(t, session, ofKeys[name])
			r.want(t, key, ofSessions[name])
		})
	}
}

// While nothing changes for anybody, one question a second is enough for all: those
// who are not asked about are taken for half a minute, and no longer than they last.
func TestVerifyTrustsWhileNothingChanges(t *testing.T) {
	t.Parallel()
	r := alone(t)
	u := testkit.User(t, r.pool, dbsqlc.User{})
	one, other, short := testkit.Session(t, r.pool, u.ID), testkit.Key(t, r.pool, u.ID, auth.UsersRead), testkit.Session(t, r.pool, u.ID)
	r.exec(t, "UPDATE sessions SET expires_at = statement_timestamp() + interval '5 seconds' WHERE id = (SELECT max(id::text)::uuid FROM sessions)")
	for _, token := range []string{one, other, short} {
		r.want(t, token, true)
	}
	r.wantAsked(t, 3)
	asked := 3
	for second := 1; second < 30; second++ {
		r.clock.Pass(auth.Fresh)
		r.want(t, one, true)
		r.want(t, other, true)
		asked++
		if second == 5 {
			r.want(t, short, true) // it lasts by the database's clock, which nobody has moved
			asked++
		}
		r.wantAsked(t, asked)
	}
	r.clock.Pass(auth.Fresh)
	r.want(t, one, true)
	r.want(t, other, true) // half a minute has gone
	r.wantAsked(t, asked+2)

	r.exec(t, "UPDATE sessions SET last_used_at = statement_timestamp()") // its use is no change
	r.clock.Pass(auth.Fresh)
	r.want(t, one, true)
	r.want(t, other, true)
	r.wantAsked(t, asked+3)
	r.exec(t, "UPDATE users SET role = 'editor'")
	r.clock.Pass(auth.Fresh)
	r.want(t, one, true)
	r.want(t, other, true)
	r.wantAsked(t, asked+5)
}

// When many are due at once, one question is about hundreds of them, and about none
// that nobody has shown in the last second: to ask is to note that it was used.
func TestVerifyAsksAboutManyTogether(t *testing.T) {
	t.Parallel()
	r := alone(t)
	u := testkit.User(t, r.pool, dbsqlc.User{})
	unused := testkit.Session(t, r.pool, u.ID)
	r.want(t, unused, true)
	tokens := make([]string, 300)
	for i := range tokens {
		tokens[i] = testkit.Session(t, r.pool, u.ID)
		r.want(t, tokens[i], true)
	}
	for _, change := range []struct {
		name string
		make func()
	}{
		{"half a minute has gone", func() { r.clock.Pass(29 * time.Second) }},
		{"somebody's role has changed", func() { r.exec(t, "UPDATE users SET role = 'editor'") }},
	} {
		change.make()
		r.clock.Pass(auth.Fresh / 2)
		for _, token := range tokens {
			r.want(t, token, true)
		}
		before := r.statements.Of(verifySessions)
		r.clock.Pass(auth.Fresh - 1)
		for _, token := range tokens {
			r.want(t, token, true)
		}
		if n := r.statements.Of(verifySessions) - before; n < 2 || n > 3 {
			t.Errorf("%s: %d questions about 300 sessions, want 2, and one that tells of a change", change.name, n)
		}
	}
	before := r.statements.Of(verifySessions)
	r.want(t, unused, true)
	if n := r.statements.Of(verifySessions) - before; n != 1 {
		t.Errorf("what nobody has shown was asked about along: %d questions now", n)
	}
}

// A role is as fresh as the rest.
func TestVerifyNoticesARole(t *testing.T) {
	t.Parallel()
	r := alone(t)
	u := testkit.User(t, r.pool, dbsqlc.User{Role: role.Editor})
	session, key := testkit.Session(t, r.pool, u.ID), testkit.Key(t, r.pool, u.ID, auth.UsersRead, auth.UsersWrite)
	for _, token := range []string{session, key} {
		if p := r.want(t, token, true); !p.May(auth.UsersWrite) {
			t.Fatalf("it may %q", p.Permissions())
		}
	}
	r.exec(t, "UPDATE users SET role = 'viewer'")
	r.clock.Pass(auth.Fresh)
	for _, token := range []string{session, key} {
		if p := r.want(t, token, true); p.May(auth.UsersWrite) || !p.May(auth.UsersRead) {
			t.Errorf("it may %q", p.Permissions())
		}
	}
}

// An answer that was on its way when all had to be forgotten is not kept.
func TestForgetWhileAsking(t *testing.T) {
	t.Parallel()
	r := alone(t)
	token := testkit.Session(t, r.pool, testkit.User(t, r.pool, dbsqlc.User{}).ID)
	var once sync.Once
	r.statements.Each = func(name string) {
		if name == verifySessions {
			once.Do(r.Forget)
		}
	}
	r.want(t, token, true)
	r.want(t, token, true)
	r.wantAsked(t, 2)
	r.want(t, token, true)
	r.wantAsked(t, 2)
}

// Who is new is asked about together: a thousand at once cost few round trips.
func TestVerifyBatches(t *testing.T) {
	t.Parallel()
	const n = 1000
	r := alone(t)
	u := testkit.User(t, r.pool, dbsqlc.User{})
	tokens := make([]string, n)
	for i := range tokens {
		if i%2 == 0 {
			tokens[i] = testkit.Session(t, r.pool, u.ID)
		} else {
			tokens[i] = testkit.Key(t, r.pool, u.ID, auth.UsersRead)
		}
	}
	got := make([]*auth.Principal, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range tokens {
		all.Go(func() {
			<-start
			got[i], _ = r.Verify(t.Context(), tokens[i])
		})
	}
	close(start)
	all.Wait()
	seen := map[uuid.UUID]bool{}
	for i, p := range got {
		if p == nil || seen[p.ID] || (p.Kind == auth.KeyKind) != (i%2 == 1) {
			t.Fatalf("token %d is %+v", i, p)
		}
		seen[p.ID] = true
	}
	asked := r.statements.Of(verifySessions, verifyKeys)
	t.Logf("%d callers at once: %d statements", n, asked)
	if asked > n/10 {
		t.Errorf("%d statements for %d callers", asked, n)
	}
}

// What is remembered is bounded, however many come; and each of them gets an answer.
func TestVerifyIsBounded(t *testing.T) {
	t.Parallel()
	const n = auth.MostRemembered + 2000
	r := alone(t)
	u := testkit.User(t, r.pool, dbsqlc.User{})
	tokens, ids, hashes := make([]string, n), make([]uuid.UUID, n), make([][]byte, n)
	for i := range tokens {
		token := auth.NewSessionToken()
		hash := token.Hash()
		tokens[i], ids[i], hashes[i] = string(token), uuid.New(), hash[:]
	}
	for from := 0; from < n; from += 2000 {
		to := min(from+2000, n)
		r.exec(t, "INSERT INTO sessions (id, user_id, address, user_agent, expires_at) SELECT unnest($2::uuid[]), $1, '', '', now() + interval '1 day'", u.ID, ids[from:to])
		r.exec(t, "INSERT INTO session_tokens (hash, session_id) SELECT unnest($1::bytea[]), unnest($2::uuid[])", hashes[from:to], ids[from:to])
	}
	var all sync.WaitGroup
	for part := range 8 {
		all.Go(func() {
			for i := part; i < n; i += 8 {
				if p, err := r.Verify(t.Context(), tokens[i]); p == nil || err != nil {
					t.Errorf("token %d: %v, %v", i, p, err)
					return
				}
			}
		})
	}
	all.Wait()
	kept := r.Remembered()
	t.Logf("of %d callers %d are remembered", n, kept)
	if kept > auth.MostRemembered || kept < auth.MostRemembered/2 {
		t.Errorf("%d are remembered; the bound is %d", kept, auth.MostRemembered)
	}
	asked := r.statements.Of(verifySessions)
	for _, token := range tokens[n-1000:] { // the last ones are
		r.want(t, token, true)
	}
	if now := r.statements.Of(verifySessions); now != asked {
		t.Errorf("the last thousand were asked about again: %d times", now-asked)
	}
}

// Who gives up waits no longer, and the question goes on for the others.
func TestVerifyGivesUp(t *testing.T) {
	t.Parallel()
	r := alone(t)
	token := testkit.Session(t, r.pool, testkit.User(t, r.pool, dbsqlc.User{}).ID)
	lock, err := r.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), "LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	impatient, giveUp := context.WithCancel(t.Context())
	var both sync.WaitGroup
	both.Go(func() {
		if p, err := r.Verify(impatient, token); p != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up got %v, %v", p, err)
		}
	})
	for waiting := false; !waiting; { // until the question waits for the lock
		if err := r.pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	giveUp()
	both.Wait()
	both.Go(func() { r.want(t, token, true) })
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	both.Wait()
}

// A database that is away is no judgement of anybody: the answer is an error, and
// soon after it is back, it is right again. What is fresh needs no database.
func TestVerifyWithoutADatabase(t *testing.T) {
	t.Parallel()
	url := testkit.Database(t)
	proxy := testkit.NewProxy(t, url)
	r := newReplica(t, proxy.URL, usual)
	direct := newReplica(t, url, usual)
	u := testkit.User(t, direct.pool, dbsqlc.User{})
	known, unknown := testkit.Session(t, direct.pool, u.ID), testkit.Key(t, direct.pool, u.ID, auth.UsersRead)
	r.want(t, known, true)
	for _, fault := range []testkit.Fault{testkit.Refuse, testkit.Reset, testkit.Freeze} {
		r.Forget()
		r.want(t, known, true)
		proxy.Set(fault)
		r.want(t, known, true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		p, err := r.Verify(ctx, unknown)
		cancel()
		if p != nil || err == nil || problem.From(err).Code != problem.Unavailable {
			t.Errorf("fault %d: %v, %v", fault, p, err)
		}
		r.want(t, "nonsense", false) // needs no database
		proxy.Set(testkit.None)
		for end := time.Now().Add(10 * time.Second); ; {
			if p, err = r.Verify(t.Context(), unknown); err == nil {
				break
			} else if time.Now().After(end) {
				t.Fatalf("fault %d: it does not heal: %v", fault, err)
			}
		}
		if p == nil {
			t.Errorf("fault %d: after it has healed the key is nobody's", fault)
		}
		r.clock.Pass(auth.Fresh)
		r.want(t, known, true)
	}
}

// While the database is away, who was verified in the last ten minutes is known, but
// not confirmed; not longer than the credential lasts, and not after a revocation here.
func TestVerifyUnconfirmed(t *testing.T) {
	t.Parallel()
	url := testkit.Database(t)
	proxy := testkit.NewProxy(t, url)
	r, direct := newReplica(t, proxy.URL, usual), newReplica(t, url, usual)
	u := testkit.User(t, direct.pool, dbsqlc.User{})
	session, short := testkit.Session(t, direct.pool, u.ID), testkit.Key(t, direct.pool, u.ID, auth.UsersRead)
	direct.exec(t, "UPDATE keys SET expires_at = statement_timestamp() + interval '100 seconds'")
	want := func(token, outcome string) {
		t.Helper()
		p, err := r.Verify(t.Context(), token)
		got := "confirmed"
		switch {
		case err != nil && p == nil && problem.From(err).Code == problem.Unavailable:
			got = "unavailable"
		case err != nil || p == nil:
			got = fmt.Sprint(p, err)
		case p.Unconfirmed:
			got = "unconfirmed"
		}
		if got != outcome {
			t.Errorf("%s, want %s", got, outcome)
		}
	}
	want(session, "confirmed")
	want(short, "confirmed")
	for _, fault := range []testkit.Fault{testkit.Refuse, testkit.Freeze} {
		r.clock.Pass(auth.Fresh)
		proxy.Set(fault)
		want(session, "unconfirmed")
		want(short, "unconfirmed")
		begin := time.Now()
		want(session, "unconfirmed")
		if took := time.Since(begin); took > time.Second { // verifyTimeout is 2 s
			t.Errorf("fault %d: the second try waited %s", fault, took)
		}
		want(testkit.Session(t, direct.pool, u.ID), "unavailable") // never seen
		proxy.Set(testkit.None)
		for end := time.Now().Add(10 * time.Second); ; {
			if p, err := r.Verify(t.Context(), session); err == nil && !p.Unconfirmed {
				break
			} else if time.Now().After(end) {
				t.Fatalf("fault %d: it does not heal: %v", fault, err)
			}
		}
	}
	proxy.Set(testkit.Refuse)
	r.clock.Pass(101 * time.Second)
	want(session, "unconfirmed")
	want(short, "unavailable") // it has ended meanwhile
	r.clock.Pass(auth.Unconfirmed - 101*time.Second)
	want(session, "unavailable")
	r.clock.Pass(-5 * time.Minute)
	want(session, "unconfirmed")
	r.Forget()
	want(session, "unavailable")
}

// Use is written down once a minute at most, however many ask, and by none of the
// requests that it would keep waiting.
func TestVerifyTouches(t *testing.T) {
	t.Parallel()
	r := alone(t)
	other := newReplica(t, r.pool.Config().ConnString(), usual)
	u := testkit.User(t, r.pool, dbsqlc.User{})
	session, key := testkit.Session(t, r.pool, u.ID), testkit.Key(t, r.pool, u.ID, auth.UsersRead)
	use := func(times int) {
		for range times {
			for _, replica := range []*replica{r, other} {
				replica.want(t, session, true)
				replica.want(t, key, true)
				replica.clock.Pass(auth.Fresh)
			}
		}
	}
	type touched struct{ session, key time.Time }
	read := func() (at touched) {
		if err := r.pool.QueryRow(t.Context(), "SELECT s.last_used_at, k.last_used_at FROM sessions s, keys k WHERE k.last_used_at IS NOT NULL").Scan(&at.session, &at.key); err != nil {
			return touched{} // the key was not used yet
		}
		return at
	}
	await := func(after time.Time) touched {
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
			if at := read(); at.session.After(after) && at.key.After(after) {
				return at
			}
		}
		t.Fatal("the use is not written down")
		return touched{}
	}

	// A new session was used just now; a new key never was.
	use(20)
	if n := r.statements.Of(touchSessions) + other.statements.Of(touchSessions); n != 0 {
		t.Errorf("a session that is seconds old was touched %d times", n)
	}
	r.exec(t, "UPDATE sessions SET last_used_at = now() - interval '61 seconds'")
	r.exec(t, "UPDATE keys SET last_used_at = now() - interval '61 seconds'")
	before := time.Now().Add(-30 * time.Second)
	use(1)
	first := await(before)
	use(30)
	if again := read(); again != first {
		t.Errorf("used at %v, and soon after at %v", first, again)
	}
	// Both replicas may have seen that it was time, and then one of them wrote.
	for _, name := range []string{touchSessions, touchKeys} {
		if n := r.statements.Of(name) + other.statements.Of(name); n > 4 {
			t.Errorf("%d statements %s for a session and a key within a minute", n, name)
		}
	}
}

// Where sessions may be idle for a short time only, their use is written down more
// often, so that using one keeps it alive.
func TestVerifyTouchesShortSessions(t *testing.T) {
	t.Parallel()
	r := newReplica(t, testkit.Database(t), auth.Lifetimes{Idle: 2 * time.Second, Max: time.Hour})
	token := testkit.Session(t, r.pool, testkit.User(t, r.pool, dbsqlc.User{}).ID)
	for start := time.Now(); time.Since(start) < 5*time.Second; time.Sleep(100 * time.Millisecond) {
		r.Forget()
		r.want(t, token, true)
	}
	n := r.statements.Of(touchSessions)
	t.Logf("%d touches in 5 s with an idle time of 2 s", n)
	if n < 5 || n > 15 {
		t.Errorf("it was touched %d times", n)
	}
	// Unused, it ends, by the database's clock.
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(2100 * time.Millisecond) {
		r.Forget()
		if p, err := r.Verify(t.Context(), token); err == nil && p == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal("it does not end")
		}
	}
}

// Who comes while a credential is being looked at gets that answer, and is no reason
// to look again.
func TestVerifyLooksOnceForMany(t *testing.T) {
	t.Parallel()
	r := alone(t)
	token := testkit.Session(t, r.pool, testkit.User(t, r.pool, dbsqlc.User{}).ID)
	var late sync.WaitGroup
	var once sync.Once
	r.statements.Each = func(name string) {
		if name != verifySessions {
			return
		}
		once.Do(func() { // the look is under way
			for range 10 {
				late.Go(func() { r.want(t, token, true) })
			}
			for r.Waiting() == 0 { // until at least one of them has asked
				time.Sleep(time.Millisecond)
			}
		})
	}
	r.want(t, token, true)
	late.Wait()
	r.wantAsked(t, 1)
}
