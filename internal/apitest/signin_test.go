package apitest

import (
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/testkit"
)

// signInWith tries to sign in with no credential of another kind, unless a header
// says so.
func (a *api) signInWith(t *testing.T, email, password string, header ...string) answer {
	t.Helper()
	return a.send(t, "POST", "/api/session", jsonOf(t, map[string]any{"email": email, "password": password}), append([]string{"Authorization:"}, header...)...)
}

// signedIn is the answer of a sign-in.
type signedIn struct {
	Identity struct {
		UserID, CredentialID uuid.UUID
		Name, Email          string
		Role                 roster.Role
		Credential           string
		Permissions          []string
		ExpiresAt            time.Time
	}
	Token string
}

// begun decodes a success.
func (a answer) begun(t *testing.T) signedIn {
	t.Helper()
	if a.Status != http.StatusCreated {
		t.Fatalf("got %s, want a session", a)
	}
	return decode[signedIn](t, a.Body)
}

// cookie is the one that an answer sets.
func (a answer) cookie(t *testing.T) *http.Cookie {
	t.Helper()
	lines := a.Header["Set-Cookie"]
	if len(lines) != 1 {
		t.Fatalf("%d cookies: %q", len(lines), lines)
	}
	return must(http.ParseSetCookie(lines[0]))(t)
}

// failure is a way not to sign in.
type failure struct{ email, password string }

// weakHash is one of [testkit.Password] that was made with less than what is asked
// for today; dearHash would take 4 GiB.
const (
	weakHash = "$argon2id$v=19$m=1024,t=1,p=1$YSBzYWx0IG9mIHRlc3RzIQ$nyqwuFb2xBWPJUDhngx0V/9fv9QQakArrOFguMafu8M"
	dearHash = "$argon2id$v=19$m=4194304,t=2,p=1$YSBzYWx0IG9mIHRlc3RzIQ$nyqwuFb2xBWPJUDhngx0V/9fv9QQakArrOFguMafu8M"
)

// failures are all the ways not to sign in, which nobody may tell apart.
func failures(t *testing.T, a *api) map[string]failure {
	t.Helper()
	enabled, disabled := a.user(t, dbsqlc.User{}), a.user(t, dbsqlc.User{Disabled: true})
	without, dear, gone := a.user(t, dbsqlc.User{}), a.user(t, dbsqlc.User{}), a.user(t, dbsqlc.User{})
	a.exec(t, "DELETE FROM credentials WHERE user_id = $1", without.ID)
	a.exec(t, "UPDATE credentials SET password_hash = $2 WHERE user_id = $1", dear.ID, dearHash)
	a.exec(t, "DELETE FROM users WHERE id = $1", gone.ID)
	return map[string]failure{
		"wrong":                  {enabled.Email, "wrong horse battery"},
		"unknown":                {"nobody@example.org", password},
		"disabled":               {disabled.Email, password},
		"disabled and wrong":     {disabled.Email, "wrong horse battery"},
		"no password":            {without.Email, password},
		"empty":                  {enabled.Email, ""},
		"empty, no password":     {without.Email, ""},
		"empty, unknown":         {"nobody@example.org", ""},
		"a hash that is refused": {dear.Email, password},
		"deleted":                {gone.Email, password},
		"no address":             {"nonsense", password},
		"nothing":                {"", ""},
		"cut":                    {enabled.Email, password[:len(password)-1]},
		"longer":                 {enabled.Email, password + " "},
		"another case":           {enabled.Email, strings.ToUpper(password)},
		"1024 characters":        {enabled.Email, strings.Repeat("x", 1024)},
		"the hash":               {enabled.Email, dearHash},
	}
}

// Whoever cannot sign in gets one and the same answer: status, body and headers. The
// time is in the torture tests.
func TestSignInFailuresAreOne(t *testing.T) {
	t.Parallel()
	a := newServer(t)
	var status int
	var body, headers string
	for name, f := range failures(t, a) {
		got := a.signInWith(t, f.email, f.password)
		got.wantProblem(t, 401, "sign_in_failed")
		p := decode[roster.Problem](t, got.Body)
		if p.RequestID == "" || p.RequestID != got.Header.Get("X-Request-Id") {
			t.Errorf("%s: the id of the request is %q", name, p.RequestID)
		}
		p.RequestID = ""
		lines := []string{}
		for _, header := range slices.Sorted(maps.Keys(got.Header)) {
			value := fmt.Sprint(got.Header[header])
			if header == "Date" || header == "X-Request-Id" {
				value = "" // of each answer
			}
			lines = append(lines, header+": "+value)
		}
		if status == 0 {
			status, body, headers = got.Status, jsonOf(t, p), strings.Join(lines, "\n")
			if strings.Contains(headers, "Set-Cookie") || !strings.Contains(headers, "Cache-Control: [no-store]") {
				t.Errorf("the headers are\n%s", headers)
			}
		}
		if got.Status != status || jsonOf(t, p) != body || strings.Join(lines, "\n") != headers {
			t.Errorf("%s: %s\n%s\nothers: %d %s\n%s", name, got, strings.Join(lines, "\n"), status, body, headers)
		}
	}
	if n := queryOne[int](t, a, "SELECT count(*) FROM sessions"); n != 0 {
		t.Errorf("%d sessions were started", n)
	}
}

// A sign-in checks only upper lengths: any other rule would tell what passwords and
// addresses can be.
func TestSignInRules(t *testing.T) {
	t.Parallel()
	a := newServer(t)
	u := a.user(t, dbsqlc.User{})
	for _, address := range []string{u.Email, "nobody@example.org"} {
		a.signInWith(t, address, strings.Repeat("x", 1025)).wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/password too_long")
		a.send(t, "POST", "/api/session", `{"email":"`+address+`"}`).wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/password required")
		a.send(t, "POST", "/api/session", `{"email":"`+address+`","password":null}`).wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/password null")
	}
	a.signInWith(t, strings.Repeat("x", 1025), password).wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/email too_long")
	a.send(t, "POST", "/api/session", `{"email":"`+u.Email+`","password":"`+password+`","role":"admin"}`).
		wantProblem(t, 422, roster.ErrorCodeValidationFailed, " unknown_field")
}

// A sign-in sets the one cookie that browsers take from no other host, and shows the
// token to nobody.
func TestSignInSetsACookie(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options []testkit.Option
		age     int
	}{
		"by default": {nil, 24 * 60 * 60},
		"as set":     {[]testkit.Option{testkit.Lifetimes(time.Hour, 2*time.Hour)}, 2 * 60 * 60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newServer(t, c.options...)
			u := a.user(t, dbsqlc.User{Role: "editor"})
			before := time.Now()
			got := a.signInWith(t, u.Email, password)
			in := got.begun(t)
			cookie := got.cookie(t)
			if cookie.Name != "__Host-roster" || cookie.Path != "/" || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode ||
				cookie.Domain != "" || cookie.MaxAge != c.age || cookie.Partitioned || cookie.Quoted || len(cookie.Unparsed) > 0 {
				t.Errorf("the cookie is %s", cookie.Raw)
			}
			if strings.Contains(strings.ToLower(cookie.Raw), "domain") {
				t.Errorf("the cookie is %s", cookie.Raw)
			}
			if in.Token != "" || strings.Contains(string(got.Body), cookie.Value) || strings.Contains(string(got.Body), "token") {
				t.Errorf("the body shows the token: %s", got)
			}
			i := in.Identity
			ends := before.Add(time.Duration(c.age) * time.Second)
			if i.UserID != u.ID || i.Name != u.Name || i.Email != u.Email || i.Role != "editor" || i.Credential != "session" ||
				i.ExpiresAt.Before(ends.Add(-time.Minute)) || i.ExpiresAt.After(ends.Add(time.Minute)) {
				t.Errorf("who signed in is %+v", i)
			}
			if got.Header.Get("Location") != "/api/session" || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers: %v", got.Header)
			}
			// It is the session, and the only one.
			read := a.send(t, "GET", "/api/session", "", "Cookie: __Host-roster="+cookie.Value)
			if read.Status != 200 || !strings.Contains(string(read.Body), i.CredentialID.String()) {
				t.Errorf("with the cookie: %s", read)
			}
			if n := queryOne[int](t, a, "SELECT count(*) FROM sessions"); n != 1 {
				t.Errorf("%d sessions", n)
			}
		})
	}
}

// Who asks for the token gets it in the body, and no cookie.
func TestSignInGivesATokenWhenAsked(t *testing.T) {
	t.Parallel()
	a := newServer(t)
	u := a.user(t, dbsqlc.User{})
	got := a.send(t, "POST", "/api/session", `{"email":"`+u.Email+`","password":"`+password+`","token":true}`)
	in := got.begun(t)
	if in.Token == "" || len(got.Header["Set-Cookie"]) > 0 || got.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %s, %v", got, got.Header)
	}
	read := a.send(t, "GET", "/api/session", "", "Authorization: Bearer "+in.Token)
	if read.Status != 200 || !strings.Contains(string(read.Body), in.Identity.CredentialID.String()) {
		t.Errorf("with the token: %s", read)
	}
	// Only true asks.
	got = a.send(t, "POST", "/api/session", `{"email":"`+u.Email+`","password":"`+password+`","token":false}`)
	if in := got.begun(t); in.Token != "" || got.cookie(t).Value == "" {
		t.Errorf("got %s", got)
	}
	a.send(t, "POST", "/api/session?token=true", `{"email":"`+u.Email+`","password":"`+password+`"}`).
		wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/query unknown_parameter")
}

// Whoever has an address may write it in any of its forms.
func TestSignInWithAnyFormOfTheEmail(t *testing.T) {
	t.Parallel()
	a := newServer(t)
	for _, addresses := range forms {
		u := a.user(t, dbsqlc.User{Email: addresses[0]})
		for _, address := range addresses {
			got := a.signInWith(t, address, password)
			if got.Status != 201 || got.begun(t).Identity.UserID != u.ID {
				t.Errorf("%q: %s", address, got)
			}
		}
		a.exec(t, "DELETE FROM users WHERE id = $1", u.ID)
	}
}

// A sign-in works with whatever is left of an old session, and whatever else is sent.
func TestSignInWithAStaleCredential(t *testing.T) {
	t.Parallel()
	a := newServer(t)
	u, other := a.user(t, dbsqlc.User{}), a.user(t, dbsqlc.User{})
	stale := testkit.Session(t, a.Pool, u.ID)
	a.exec(t, "DELETE FROM sessions")
	for name, header := range map[string][]string{
		"a stale cookie":          {"Cookie: __Host-roster=" + stale},
		"a cookie that is none":   {"Cookie: __Host-roster=nonsense"},
		"another's good cookie":   {"Cookie: __Host-roster=" + testkit.Session(t, a.Pool, other.ID)},
		"a stale bearer token":    {"Authorization: Bearer " + stale},
		"a scheme that is none":   {"Authorization: Basic YTpi"},
		"two cookies of the name": {"Cookie: __Host-roster=a; __Host-roster=b"},
	} {
		got := a.send(t, "POST", "/api/session", jsonOf(t, map[string]any{"email": u.Email, "password": password}), append(header, "Sec-Fetch-Site: same-origin")...)
		if in := got.begun(t); in.Identity.UserID != u.ID {
			t.Errorf("%s: %s", name, got)
		}
		read := a.send(t, "GET", "/api/session", "", "Cookie: __Host-roster="+got.cookie(t).Value)
		if read.Status != 200 || !strings.Contains(string(read.Body), u.ID.String()) {
			t.Errorf("%s: then %s", name, read)
		}
	}
}

// A hash that nobody has made here, which would take 4 GiB to check, lets nobody in,
// costs nothing, and stands in the log. It measures memory and so runs alone.
func TestSignInRefusesADearHash(t *testing.T) {
	a := newServer(t)
	u := a.user(t, dbsqlc.User{})
	a.exec(t, "UPDATE credentials SET password_hash = $2 WHERE user_id = $1", u.ID, dearHash)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := a.signInWith(t, u.Email, password)
	runtime.ReadMemStats(&after)
	got.wantProblem(t, 401, "sign_in_failed")
	if grown := (after.Sys - before.Sys) >> 20; grown > 256 {
		t.Errorf("it took %d MiB", grown)
	}
	if taken := (after.TotalAlloc - before.TotalAlloc) >> 20; taken > 256 {
		t.Errorf("%d MiB were used", taken)
	}
	if line := a.Log.Await(t, got.Header.Get("X-Request-Id")); !strings.Contains(fmt.Sprint(line["error"]), "too dear") {
		t.Errorf("the log says %v", line)
	}
	if stored := queryOne[string](t, a, "SELECT password_hash FROM credentials WHERE user_id = $1", u.ID); stored != dearHash {
		t.Errorf("the hash became %s", stored)
	}
}

// A hash of weaker settings is replaced when its user signs in, and nothing else of
// the user is.
func TestSignInRaisesAWeakHash(t *testing.T) {
	t.Parallel()
	a := newServer(t)
	u := a.user(t, dbsqlc.User{})
	hash := func() string {
		return queryOne[string](t, a, "SELECT password_hash FROM credentials WHERE user_id = $1", u.ID)
	}
	a.exec(t, "UPDATE credentials SET password_hash = $2 WHERE user_id = $1", u.ID, weakHash)
	a.signInWith(t, u.Email, "wrong horse battery").wantProblem(t, 401, "sign_in_failed")
	if hash() != weakHash {
		t.Error("a wrong password raised it")
	}
	a.signInWith(t, u.Email, password).begun(t)
	raised := hash()
	if !strings.HasPrefix(raised, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("it became %s", raised)
	}
	a.signInWith(t, u.Email, password).begun(t)
	if hash() != raised {
		t.Error("a good one was replaced")
	}
	a.signInWith(t, u.Email, "wrong horse battery").wantProblem(t, 401, "sign_in_failed")
	if at := queryOne[time.Time](t, a, "SELECT updated_at FROM users WHERE id = $1", u.ID); !at.Equal(u.UpdatedAt) {
		t.Error("the user was written")
	}

	// All who sign in at once do, although each of them raises it.
	a.exec(t, "UPDATE credentials SET password_hash = $2 WHERE user_id = $1", u.ID, weakHash)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if got := a.signInWith(t, u.Email, password); got.Status != 201 {
				t.Errorf("one of them: %s", got)
			}
		})
	}
	all.Wait()
}

// Whoever changes a password, disables or deletes a user ends all their sessions: also
// one of a sign-in that is on its way, and has looked at the password before.
func TestSignInMeetsAChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql    string
		status int
	}{
		"nothing":                 {"SELECT $1::uuid", 201},
		"another password":        {"UPDATE credentials SET password_hash = '" + otherHash + "' WHERE user_id = $1", 401},
		"the same password":       {"UPDATE credentials SET password_hash = '" + weakHash + "' WHERE user_id = $1", 201},
		"the password taken away": {"DELETE FROM credentials WHERE user_id = $1", 401},
		"the user disabled":       {"UPDATE users SET disabled = true WHERE id = $1", 401},
		"the user deleted":        {"DELETE FROM users WHERE id = $1", 401},
		"another role":            {"UPDATE users SET role = 'editor' WHERE id = $1", 201},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newServer(t)
			u := a.user(t, dbsqlc.User{})
			tx := must(a.Pool.Begin(t.Context()))(t)
			defer func() { _ = tx.Rollback(t.Context()) }()
			if _, err := tx.Exec(t.Context(), "SELECT FROM users WHERE id = $1 FOR UPDATE", u.ID); err != nil {
				t.Fatal(err)
			}
			var got answer
			var signIn sync.WaitGroup
			signIn.Go(func() { got = a.signInWith(t, u.Email, password) })
			for waiting := false; !waiting; { // until it has looked at the password, and waits to begin
				waiting = queryOne[bool](t, a, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
			}
			if _, err := tx.Exec(t.Context(), c.sql, u.ID); err != nil {
				t.Fatal(err)
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			signIn.Wait()
			if got.Status != c.status {
				t.Fatalf("got %s, want %d", got, c.status)
			}
			if n := queryOne[int](t, a, "SELECT count(*) FROM sessions"); (n == 1) != (c.status == 201) {
				t.Errorf("%d sessions", n)
			}
			if c.status == 401 {
				got.wantProblem(t, 401, "sign_in_failed")
			} else if name == "another role" && got.begun(t).Identity.Role != "editor" {
				t.Errorf("who signed in is told the role of before: %s", got)
			}
		})
	}
}

// otherHash is one of another password.
const otherHash = "$argon2id$v=19$m=1024,t=1,p=1$YSBzYWx0IG9mIHRlc3RzIQ$AAAAAAb2xBWPJUDhngx0V/9fv9QQakArrOFguMafu8M"

// Signing out ends the session that calls and no other, and takes the cookie back.
func TestSignOut(t *testing.T) {
	t.Parallel()
	a := newServer(t)
	u := a.user(t, dbsqlc.User{})
	one, two := a.signInWith(t, u.Email, password).cookie(t).Value, a.signInWith(t, u.Email, password).cookie(t).Value
	out := a.send(t, "DELETE", "/api/session", "", "Cookie: __Host-roster="+one, "Sec-Fetch-Site: same-origin")
	if out.Status != 204 || len(out.Body) > 0 {
		t.Fatalf("got %s", out)
	}
	if c := out.cookie(t); c.Name != auth.Cookie || c.Value != "" || c.MaxAge != -1 || c.Path != "/" || !c.Secure || !c.HttpOnly || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
		t.Errorf("the cookie is %s", c.Raw) // a browser would keep the old one
	}
	for token, status := range map[string]int{one: 401, two: 200} {
		for _, header := range []string{"Cookie: __Host-roster=" + token, "Authorization: Bearer " + token} {
			if got := a.send(t, "GET", "/api/session", "", header); got.Status != status {
				t.Errorf("then %s", got)
			}
		}
	}
	a.send(t, "DELETE", "/api/session", "", "Cookie: __Host-roster="+one, "Sec-Fetch-Site: same-origin").wantProblem(t, 401, roster.ErrorCodeUnauthenticated)
}

// Neither the password nor a token is in the log or in the database, whether it let
// somebody in or not.
func TestSignInLeavesNoTrace(t *testing.T) {
	t.Parallel()
	a := newServer(t)
	u := a.user(t, dbsqlc.User{})
	secrets := []string{password, "planted wrong password"}
	for _, secret := range secrets {
		a.signInWith(t, u.Email, secret)
	}
	cookie := a.signInWith(t, u.Email, password).cookie(t).Value
	bearer := a.send(t, "POST", "/api/session", `{"email":"`+u.Email+`","password":"`+password+`","token":true}`).begun(t).Token
	unknown := string(auth.NewSessionToken())
	last := answer{}
	for _, token := range []string{cookie, bearer, unknown} {
		a.send(t, "GET", "/api/session", "", "Cookie: __Host-roster="+token)
		last = a.send(t, "GET", "/api/session", "", "Authorization: Bearer "+token)
		secrets = append(secrets, token, token[4:40])
	}
	a.Log.Await(t, last.Header.Get("X-Request-Id"))
	for where, text := range map[string]string{"the log": a.Log.String(), "the database": a.dump(t)} {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s has %q", where, secret)
			}
		}
	}
}

// Sign-ins that cannot be served are refused before they cost the database anything.
func TestSignInFloodSparesTheDatabase(t *testing.T) {
	t.Parallel()
	const at = 100
	statements := &testkit.Statements{}
	a := newServer(t, testkit.CountStatements(statements))
	var tried, refused atomic.Int64
	end := time.Now().Add(1500 * time.Millisecond)
	var all sync.WaitGroup
	for range at {
		all.Go(func() {
			for time.Now().Before(end) {
				tried.Add(1)
				got := a.signInWith(t, "nobody@example.org", "wrong horse battery")
				switch {
				case got.Status == 503 && got.Header.Get("Retry-After") == "1":
					refused.Add(1)
					time.Sleep(10 * time.Millisecond) // else the flood is all that the machine does
				case got.Status != 401:
					t.Errorf("got %s, Retry-After %q", got, got.Header.Get("Retry-After"))
				}
			}
		})
	}
	all.Wait()
	asked := statements.Of("GetCredential")
	t.Logf("%d sign-ins: %d refused, %d reached the database", tried.Load(), refused.Load(), asked)
	if refused.Load() < at || asked > int(tried.Load())/2 {
		t.Error("the flood reaches the database, or is none")
	}
}
