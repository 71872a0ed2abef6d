package apitest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
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

const (
	newPassword   = "tulip mania of 1637"
	wrongPassword = roster.ErrorCode("wrong_password")
	resetInvalid  = roster.ErrorCode("reset_invalid")
	rateLimited   = roster.ErrorCode("rate_limited")
	forbidden     = roster.ErrorCode("forbidden")
	nobody        = roster.ErrorCode("unauthenticated")
)

// setPassword changes a user's password.
func (a *api) setPassword(t *testing.T, user uuid.UUID, current, next string) answer {
	t.Helper()
	return a.send(t, "PUT", "/api/users/"+user.String()+"/password", fmt.Sprintf(`{"currentPassword":%q,"newPassword":%q}`, current, next))
}

// reset makes the token of a password reset.
func (a *api) reset(t *testing.T, user uuid.UUID) string {
	t.Helper()
	got := a.send(t, "POST", "/api/users/"+user.String()+"/password-reset", "")
	if got.Status != http.StatusCreated {
		t.Fatal(got)
	}
	return decode[struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expiresAt"`
	}](t, got.Body).Token
}

func (a *api) redeem(t *testing.T, token, next string) answer {
	t.Helper()
	return a.send(t, "POST", "/api/password-resets", fmt.Sprintf(`{"token":%q,"newPassword":%q}`, token, next), "Authorization:")
}

// signsIn reports whether a user does with a password.
func (a *api) signsIn(t *testing.T, email, password string) bool {
	t.Helper()
	got := a.send(t, "POST", "/api/session", fmt.Sprintf(`{"email":%q,"password":%q,"token":true}`, email, password), "Authorization:")
	if got.Status != http.StatusCreated && got.Status != http.StatusUnauthorized {
		t.Fatal(got)
	}
	return got.Status == http.StatusCreated
}

func (a answer) wantDone(t *testing.T) {
	t.Helper()
	if a.Status != http.StatusNoContent {
		t.Errorf("got %s, want 204", a)
	}
}

func TestSetPassword(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	b := a.replica(t)
	u := a.user(t, dbsqlc.User{Role: role.Editor})
	mine, other := a.as(t, u), testkit.Session(t, a.Pool, u.ID)
	stranger := testkit.Session(t, a.Pool, a.admin(t).ID)
	token := a.reset(t, u.ID)
	b.wantKnown(t, other, true) // and is remembered there
	b.wantKnown(t, mine.token, true)

	mine.setPassword(t, u.ID, password+"!", newPassword).wantProblem(t, 403, wrongPassword)
	mine.setPassword(t, u.ID, "", newPassword).wantProblem(t, 403, wrongPassword)
	if !a.signsIn(t, u.Email, password) {
		t.Fatal("a wrong password changed something")
	}
	b.wantKnown(t, other, true)
	mine.setPassword(t, u.ID, password, newPassword).wantDone(t)
	changed := queryOne[time.Time](t, a, "SELECT clock_timestamp()")

	a.wantKnown(t, other, false)
	if dead := b.awaitUnknown(t, other); dead.Sub(changed) > auth.Fresh+300*time.Millisecond {
		t.Errorf("another session of the user was known on a replica for %v", dead.Sub(changed))
	}
	for _, server := range []*api{a, b} {
		server.wantKnown(t, mine.token, true)
		server.wantKnown(t, stranger, true)
		if server.signsIn(t, u.Email, password) || !server.signsIn(t, u.Email, newPassword) {
			t.Error("the old password still signs in, or the new one does not")
		}
	}
	a.redeem(t, token, "another one of 1637").wantProblem(t, 422, resetInvalid)
	if n := queryOne[int](t, a, "SELECT count(*) FROM audit WHERE operation = 'setPassword' AND target = 'password' AND target_id = $1 AND actor_id = $1 AND before = '{}' AND after = '{}'", u.ID); n != 1 {
		t.Errorf("%d rows in the audit log", n)
	}
}

// TestWhoSetsAPassword: everyone their own, by a session.
func TestWhoSetsAPassword(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	other := a.user(t, dbsqlc.User{})
	for _, r := range role.All {
		t.Run(string(r), func(t *testing.T) {
			u := a.user(t, dbsqlc.User{Role: r})
			a.as(t, u).setPassword(t, u.ID, password, newPassword).wantDone(t)
			for name, target := range map[string]uuid.UUID{"another": other.ID, "nobody": uuid.New()} {
				got := a.as(t, u).setPassword(t, target, password, newPassword)
				got.wantProblem(t, 403, forbidden)
				if !strings.Contains(string(got.Body), "reset") {
					t.Errorf("%s: it does not say what to do: %s", name, got)
				}
			}
			a.withKey(t, u, auth.Profile, auth.UsersAdmin, auth.PasswordsReset).setPassword(t, u.ID, newPassword, password).wantMissing(t, auth.Profile)
		})
	}
	a.anonymous(t).setPassword(t, other.ID, password, newPassword).wantProblem(t, 401, nobody)
	// Who has no password, such as one of a seed, has none to change.
	a.setPassword(t, a.caller.ID, "", newPassword).wantProblem(t, 403, wrongPassword)
}

// newPasswords are the rules of every new password.
var newPasswords = []field{
	{"8 code points", "newPassword", `"päßwörtē"`, ""},
	{"7 code points of 4 octets", "newPassword", quoted(strings.Repeat("👩", 7)), "too_short"},
	{"129 code points", "newPassword", quoted(strings.Repeat("a", 129)), "too_long"},
	{"empty", "newPassword", `""`, "too_short"},
	{"a common one", "newPassword", `"Password1"`, "common_password"},
	{"a control character", "newPassword", `"a\u0007bcdefgh"`, "control_character"},
	{"a number", "newPassword", `12345678`, "invalid_type"},
	{"null", "newPassword", `null`, "null"},
}

func TestNewPasswordRules(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	hash := queryOne[string](t, a, "SELECT password_hash FROM credentials WHERE user_id = $1", u.ID)
	try := func(t *testing.T, method, path string, valid map[string]string, c field) {
		t.Helper()
		valid[c.field] = c.value
		got := a.as(t, u).send(t, method, path, object(valid))
		if c.rule == "" {
			got.wantDone(t)
			return
		}
		got.wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/"+c.field+" "+c.rule)
		if strings.Contains(string(got.Body), "Password1") {
			t.Errorf("it echoes the password: %s", got)
		}
	}
	for _, c := range append(newPasswords,
		field{"too long to be one", "currentPassword", quoted(strings.Repeat("a", 1025)), "too_long"},
		field{"a number", "currentPassword", `1`, "invalid_type"},
	) {
		t.Run("setPassword/"+c.name, func(t *testing.T) {
			try(t, "PUT", "/api/users/"+u.ID.String()+"/password", map[string]string{"currentPassword": quoted(password), "newPassword": quoted(newPassword)}, c)
			a.exec(t, "UPDATE credentials SET password_hash = $2 WHERE user_id = $1", u.ID, hash)
		})
	}
	for _, c := range append(newPasswords,
		field{"too long to be one", "token", quoted(strings.Repeat("a", 1025)), "too_long"},
		field{"a number", "token", `1`, "invalid_type"},
	) {
		t.Run("redeemPasswordReset/"+c.name, func(t *testing.T) {
			try(t, "POST", "/api/password-resets", map[string]string{"token": quoted(a.reset(t, u.ID)), "newPassword": quoted(newPassword)}, c)
		})
	}
}

// locked holds the row of a user, until it is released.
func (a *api) locked(t *testing.T, user uuid.UUID) (release func()) {
	t.Helper()
	tx := must(a.Pool.Begin(t.Context()))(t)
	t.Cleanup(func() { _ = tx.Rollback(t.Context()) })
	if _, err := tx.Exec(t.Context(), "SELECT FROM users WHERE id = $1 FOR UPDATE", user); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestOneOfTwoChangesWins: both know the current password until one of them makes
// it an old one.
func TestOneOfTwoChangesWins(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	servers := []*api{a.as(t, u), a.replica(t).as(t, u)}
	release := a.locked(t, u.ID)
	var all sync.WaitGroup
	answers := make([]answer, 2)
	for i, server := range servers {
		all.Go(func() { answers[i] = server.setPassword(t, u.ID, password, fmt.Sprint(newPassword, i)) })
	}
	a.waiting(t)(2)
	release()
	all.Wait()
	winner := slices.IndexFunc(answers, func(got answer) bool { return got.Status == http.StatusNoContent })
	if winner < 0 {
		t.Fatalf("got %v", answers)
	}
	// The other one's session has ended with the old password.
	answers[1-winner].wantProblem(t, 401, nobody)
	if !a.signsIn(t, u.Email, fmt.Sprint(newPassword, winner)) || a.signsIn(t, u.Email, fmt.Sprint(newPassword, 1-winner)) {
		t.Error("the password is not the winner's")
	}
}

// TestTwoChangesByOneSession is the same where both have a session that stays.
func TestTwoChangesByOneSession(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	mine := a.as(t, u)
	release := a.locked(t, u.ID)
	var all sync.WaitGroup
	answers := make([]answer, 2)
	for i := range answers {
		all.Go(func() { answers[i] = mine.setPassword(t, u.ID, password, fmt.Sprint(newPassword, i)) })
	}
	a.waiting(t)(2)
	release()
	all.Wait()
	if answers[0].Status != http.StatusNoContent {
		slices.Reverse(answers)
	}
	answers[0].wantDone(t)
	answers[1].wantProblem(t, 403, wrongPassword)
}

// TestASignInWhileThePasswordChanges: it was let in by the old password, and its
// session would outlive the change that ended all others.
func TestASignInWhileThePasswordChanges(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	mine := a.as(t, u)
	release := a.locked(t, u.ID)
	var all sync.WaitGroup
	all.Go(func() { mine.setPassword(t, u.ID, password, newPassword).wantDone(t) })
	a.waiting(t)(1)
	all.Go(func() {
		if a.signsIn(t, u.Email, password) {
			t.Error("the old password signs in")
		}
	})
	a.waiting(t)(2)
	release()
	all.Wait()
	if n := queryOne[int](t, a, "SELECT count(*) FROM sessions WHERE user_id = $1", u.ID); n != 1 {
		t.Errorf("%d sessions, want the one that called", n)
	}
}

// A sign-in may hash the same password again while it is being changed.
func TestSetPasswordOverARehash(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	again := must(auth.NewPasswords().Hash(t.Context(), password))(t)
	mine := a.as(t, u)
	release := a.locked(t, u.ID)
	var all sync.WaitGroup
	all.Go(func() { mine.setPassword(t, u.ID, password, newPassword).wantDone(t) })
	a.waiting(t)(1)
	a.exec(t, "UPDATE credentials SET password_hash = $2 WHERE user_id = $1", u.ID, again)
	release()
	all.Wait()
	if !a.signsIn(t, u.Email, newPassword) {
		t.Error("the new password does not sign in")
	}
}

// Tries with a wrong password count together with those to sign in.
func TestSetPasswordIsLimited(t *testing.T) {
	t.Parallel()
	a := newAPI(t, testkit.Rates("100/1m", "3000/1m"))
	u, other := a.user(t, dbsqlc.User{}), a.user(t, dbsqlc.User{})
	mine := a.as(t, u)
	for range 12 { // none of these counts
		mine.send(t, "PUT", "/api/users/"+u.ID.String()+"/password", `{"currentPassword":"x","newPassword":"1"}`).wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/newPassword too_short")
	}
	mine.setPassword(t, u.ID, password, newPassword).wantDone(t)
	for range 10 {
		mine.setPassword(t, u.ID, password, newPassword).wantProblem(t, 403, wrongPassword)
	}
	for _, current := range []string{"wrong", newPassword} {
		got := mine.setPassword(t, u.ID, current, password)
		got.wantProblem(t, 429, rateLimited)
		if got.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	a.send(t, "POST", "/api/session", fmt.Sprintf(`{"email":%q,"password":"x"}`, u.Email), "Authorization:").wantProblem(t, 429, rateLimited)
	a.as(t, other).setPassword(t, other.ID, password, newPassword).wantDone(t)
}

// TestWhoResetsAPassword: admins, and keys of theirs; of an admin, who may also
// make admins.
func TestWhoResetsAPassword(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	admin := a.admin(t)
	targets := map[role.Role]dbsqlc.User{}
	for _, r := range role.All {
		targets[r] = a.user(t, dbsqlc.User{Role: r})
	}
	all := []auth.Permission{auth.PasswordsReset, auth.UsersAdmin}
	for _, c := range []struct {
		name   string
		caller *api
		may    []role.Role
		lacks  auth.Permission
	}{
		{"an admin", a.as(t, admin), role.All, ""},
		{"an editor", a.as(t, a.user(t, dbsqlc.User{Role: role.Editor})), nil, auth.PasswordsReset},
		{"a viewer", a.as(t, a.user(t, dbsqlc.User{Role: role.Viewer})), nil, auth.PasswordsReset},
		{"a key with both scopes", a.withKey(t, admin, all...), role.All, ""},
		{"a key with one", a.withKey(t, admin, auth.PasswordsReset), []role.Role{role.Editor, role.Viewer}, auth.UsersAdmin},
		{"a key with the other", a.withKey(t, admin, auth.UsersAdmin), nil, auth.PasswordsReset},
		{"an editor's key", a.withKey(t, targets[role.Editor], all...), nil, auth.PasswordsReset},
	} {
		for r, target := range targets {
			t.Run(c.name+" of a "+string(r), func(t *testing.T) {
				got := c.caller.send(t, "POST", "/api/users/"+target.ID.String()+"/password-reset", "")
				if slices.Contains(c.may, r) {
					if got.Status != http.StatusCreated {
						t.Errorf("got %s", got)
					}
					return
				}
				got.wantMissing(t, c.lacks)
			})
		}
	}
	nowhere := "/api/users/" + uuid.NewString() + "/password-reset"
	a.send(t, "POST", nowhere, "").wantProblem(t, 404, roster.ErrorCodeNotFound)
	a.anonymous(t).send(t, "POST", nowhere, "").wantProblem(t, 401, nobody)
	a.withKey(t, admin, auth.UsersRead).send(t, "POST", nowhere, "").wantMissing(t, auth.PasswordsReset)
}

func TestPasswordReset(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	b := a.replica(t)
	u := a.user(t, dbsqlc.User{})
	session := testkit.Session(t, a.Pool, u.ID)
	got := a.send(t, "POST", "/api/users/"+u.ID.String()+"/password-reset", "")
	made := decode[struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expiresAt"`
	}](t, got.Body)
	if got.Status != 201 || got.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(made.Token, "rsr_") {
		t.Fatalf("%s %v", got, got.Header)
	}
	left := made.ExpiresAt.Sub(queryOne[time.Time](t, a, "SELECT clock_timestamp()"))
	if left > time.Hour || left < time.Hour-time.Minute {
		t.Errorf("it ends in %v", left)
	}
	// Until it is redeemed, nothing changes.
	b.wantKnown(t, session, true)
	if !a.signsIn(t, u.Email, password) {
		t.Error("the password ended before the reset")
	}
	a.redeem(t, made.Token, newPassword).wantDone(t)
	changed := queryOne[time.Time](t, a, "SELECT clock_timestamp()")
	a.wantKnown(t, session, false)
	if dead := b.awaitUnknown(t, session); dead.Sub(changed) > auth.Fresh+300*time.Millisecond {
		t.Errorf("a session of the user was known on a replica for %v", dead.Sub(changed))
	}
	for _, server := range []*api{a, b} {
		if server.signsIn(t, u.Email, password) || !server.signsIn(t, u.Email, newPassword) {
			t.Error("the old password still signs in, or the new one does not")
		}
	}
	a.redeem(t, made.Token, password).wantProblem(t, 422, resetInvalid)

	for operation, actor := range map[string]string{"createPasswordReset": "user", "redeemPasswordReset": "anonymous"} {
		if n := queryOne[int](t, a, "SELECT count(*) FROM audit WHERE operation = $1 AND actor = $2 AND target = 'password' AND target_id = $3", operation, actor, u.ID); n != 1 {
			t.Errorf("%s: %d rows in the audit log", operation, n)
		}
	}
}

// A user who never had a password gets one so.
func TestPasswordResetOfAUserWithoutAPassword(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	a.exec(t, "DELETE FROM credentials WHERE user_id = $1", u.ID)
	a.redeem(t, a.reset(t, u.ID), newPassword).wantDone(t)
	if !a.signsIn(t, u.Email, newPassword) {
		t.Error("the new password does not sign in")
	}
}

// TestInvalidResets: one answer for all, but for its id.
func TestInvalidResets(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	reset := func(more ...string) string {
		u := a.user(t, dbsqlc.User{})
		token := a.reset(t, u.ID)
		for _, sql := range more {
			a.exec(t, sql, u.ID)
		}
		return token
	}
	older := func() string {
		u := a.user(t, dbsqlc.User{})
		token := a.reset(t, u.ID)
		a.reset(t, u.ID)
		return token
	}
	used := reset()
	a.redeem(t, used, newPassword).wantDone(t)
	good := reset()
	for name, token := range map[string]string{
		"used":                             used,
		"expired":                          reset("UPDATE password_resets SET expires_at = statement_timestamp() WHERE user_id = $1"),
		"of a disabled user":               reset("UPDATE users SET disabled = true WHERE id = $1"),
		"of a deleted user":                reset("DELETE FROM users WHERE id = $1"),
		"not the newest":                   older(),
		"nobody's":                         string(auth.NewResetToken()),
		"a session's":                      string(auth.NewSessionToken()),
		"cut":                              good[:len(good)-1],
		"lengthened":                       good + "0",
		"in another case":                  strings.ToUpper(good),
		"with spaces":                      " " + good + " ",
		"empty":                            "",
		"a text that is no token in UTF-8": "päßwörter",
	} {
		t.Run(name, func(t *testing.T) {
			got := a.redeem(t, token, newPassword)
			got.wantProblem(t, 422, resetInvalid)
			p := decode[roster.Problem](t, got.Body)
			p.RequestID = ""
			if p.Detail != "The token is wrong, used up or expired: ask for another one." || len(p.Errors) > 0 {
				t.Errorf("it tells which: %s", got)
			}
		})
	}
	a.redeem(t, good, newPassword).wantDone(t)
}

// A disabled user's reset is gone when the user is enabled again.
func TestResetOfAUserWhoWasDisabled(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	token := a.reset(t, u.ID)
	for _, disabled := range []bool{true, false} {
		if _, err := a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Disabled: &disabled}); err != nil {
			t.Fatal(err)
		}
	}
	a.redeem(t, token, newPassword).wantProblem(t, 422, resetInvalid)
}

// A reset that was made for a viewer does not open the admin that the viewer became:
// who makes one for an admin needs more.
func TestResetOfAUserOfAnotherRole(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	token := a.reset(t, u.ID)
	if _, err := a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Role: roster.Ptr(roster.RoleAdmin)}); err != nil {
		t.Fatal(err)
	}
	a.redeem(t, token, newPassword).wantProblem(t, 422, resetInvalid)
}

func TestOneRedeemsAReset(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	servers := []*api{a, a.replica(t)}
	u := a.user(t, dbsqlc.User{})
	token := a.reset(t, u.ID)
	status := make([]int, 20)
	var all sync.WaitGroup
	for i := range status {
		all.Go(func() {
			got := servers[i%2].redeem(t, token, fmt.Sprint(newPassword, i))
			if status[i] = got.Status; got.Status == http.StatusUnprocessableEntity {
				got.wantProblem(t, 422, resetInvalid)
			}
		})
	}
	all.Wait()
	winner := slices.Index(status, http.StatusNoContent)
	others := slices.DeleteFunc(slices.Clone(status), func(s int) bool { return s == http.StatusUnprocessableEntity || s == http.StatusServiceUnavailable })
	if winner < 0 || len(others) != 1 {
		t.Fatalf("got %v", status)
	}
	if !a.signsIn(t, u.Email, fmt.Sprint(newPassword, winner)) {
		t.Error("the password is not the winner's")
	}
	if n := queryOne[int](t, a, "SELECT count(*) FROM audit WHERE operation = 'redeemPasswordReset'"); n != 1 {
		t.Errorf("%d rows in the audit log", n)
	}
}

// Making and redeeming at once: whatever comes first, nobody waits for ever, and
// no older token holds.
func TestResetsAtOnce(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	token := a.reset(t, u.ID)
	release := a.locked(t, u.ID)
	var all sync.WaitGroup
	var next string
	all.Go(func() {
		got := a.redeem(t, token, newPassword)
		if got.Status != http.StatusNoContent {
			got.wantProblem(t, 422, resetInvalid)
		}
	})
	all.Go(func() { next = a.reset(t, u.ID) })
	a.waiting(t)(2)
	release()
	all.Wait()
	a.redeem(t, token, newPassword).wantProblem(t, 422, resetInvalid)
	a.redeem(t, next, newPassword).wantDone(t)
}

// A malformed token is refused without the database, a wrong one while it is away
// cannot be.
func TestAMalformedTokenAsksTheDatabaseNothing(t *testing.T) {
	t.Parallel()
	b := newBroken(t)
	b.proxy.Set(testkit.Refuse)
	b.redeem(t, "rsr_0Jd8tq4yqEw2Zc9bLk7mXn3vRf6sTa1uHg5iPo0YxDe4lQzBw1A", newPassword).wantProblem(t, 422, resetInvalid)
	b.redeem(t, string(auth.NewResetToken()), newPassword).wantProblem(t, 503, roster.ErrorCodeUnavailable)
}

// Wrong tokens count for the address, together with tries to sign in.
func TestRedeemIsLimited(t *testing.T) {
	t.Parallel()
	a := newAPI(t, testkit.Rates("100/1m", "3000/1m"))
	u := a.user(t, dbsqlc.User{})
	for range 3 { // these do not count
		a.redeem(t, a.reset(t, u.ID), newPassword).wantDone(t)
	}
	token := a.reset(t, u.ID)
	for i := range 20 {
		wrong := string(auth.NewResetToken())
		if i%2 == 0 {
			wrong = "rsr_"
		}
		a.redeem(t, wrong, newPassword).wantProblem(t, 422, resetInvalid)
	}
	got := a.redeem(t, token, newPassword)
	got.wantProblem(t, 429, rateLimited)
	if got.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	a.send(t, "POST", "/api/session", `{"email":"ada@example.org","password":"x"}`, "Authorization:").wantProblem(t, 429, rateLimited)
}

// TestPasswordsAndTokensLeaveNoTrace looks through all tables and the log.
func TestPasswordsAndTokensLeaveNoTrace(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	const wrong = "south sea bubble 1720"
	pending, redeemed, unknown := a.reset(t, a.user(t, dbsqlc.User{}).ID), a.reset(t, u.ID), string(auth.NewResetToken())
	a.redeem(t, redeemed, newPassword+" one").wantDone(t)
	mine := a.as(t, u)
	mine.setPassword(t, u.ID, newPassword+" one", newPassword+" two").wantDone(t)
	mine.setPassword(t, u.ID, wrong, newPassword+" three").wantProblem(t, 403, wrongPassword)
	a.redeem(t, unknown, newPassword+" four").wantProblem(t, 422, resetInvalid)
	last := a.redeem(t, redeemed, newPassword+" five")
	a.Log.Await(t, last.Header.Get("X-Request-Id"))
	everything := map[string]string{"the database": a.dump(t), "the log": a.Log.String()}
	if !strings.Contains(everything["the database"], "password_resets (") || !strings.Contains(everything["the log"], "/password") {
		t.Fatal("this is not what was to be looked through")
	}
	for _, secret := range []string{newPassword, wrong, pending, redeemed, unknown} {
		for where, text := range everything {
			if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("%q is in %s", secret, where)
			}
		}
	}
}
