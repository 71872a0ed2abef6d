package apitest

import (
	"net/http"
	"sync"
	"testing"
	"time"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// verifications is how often a server asked who somebody is.
func verifications(s *testkit.Statements) int { return s.Of("VerifySessions", "VerifyKeys") }

// plain is a client whose answers are not held against the document, for tests of many
// requests.
func (a *api) plain(t *testing.T, most int) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: most}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

// ask makes a request with a credential, and returns the status and the headers.
func (a *api) ask(t *testing.T, client *http.Client, method, path, token string, header ...string) (int, http.Header) {
	r, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, nil)
	if err != nil {
		t.Error(err)
		return 0, nil
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Error(err)
		return 0, nil
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header
}

// A thousand requests with one session are one look at the database a second, whoever
// waits for it.
func TestVerificationIsRemembered(t *testing.T) {
	t.Parallel()
	for name, credential := range map[string]func(*testing.T, *api, dbsqlc.User) string{
		"session": func(t *testing.T, a *api, u dbsqlc.User) string { return testkit.Session(t, a.Pool, u.ID) },
		"key": func(t *testing.T, a *api, u dbsqlc.User) string {
			return testkit.Key(t, a.Pool, u.ID, auth.UsersRead)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const requests, at = 1000, 8
			statements := &testkit.Statements{}
			a := newServer(t, testkit.CountStatements(statements))
			u := a.user(t, dbsqlc.User{})
			token := credential(t, a, u)
			client := a.plain(t, at)
			start := time.Now()
			var all sync.WaitGroup
			for range at {
				all.Go(func() {
					for range requests / at {
						if status, _ := a.ask(t, client, "GET", "/api/users/"+u.ID.String(), token); status != 200 {
							t.Errorf("status %d", status)
							return
						}
					}
				})
			}
			all.Wait()
			took, n := time.Since(start), verifications(statements)
			t.Logf("%d requests in %v: %d looks at the database", requests, took.Round(time.Millisecond), n)
			// The second is counted from before a look, so there is one more a second
			// at most for the time that the looks took.
			if most := int(took/auth.Fresh) + 2; n > most {
				t.Errorf("%d looks, want %d at most", n, most)
			}
			// What is a second old is looked at again.
			time.Sleep(auth.Fresh)
			a.ask(t, client, "GET", "/api/users/"+u.ID.String(), token)
			if again := verifications(statements); again != n+1 {
				t.Errorf("after a second: %d looks more, want 1", again-n)
			}
		})
	}
}

// A thousand callers who come at once are asked about together.
func TestVerificationOfManyAtOnce(t *testing.T) {
	t.Parallel()
	const n = 1000
	statements := &testkit.Statements{}
	a := newServer(t, testkit.CountStatements(statements))
	tokens := make([]string, n)
	partials := make([]dbsqlc.User, 50)
	users := testkit.Users(t, a.Pool, partials...)
	for i := range tokens {
		tokens[i] = testkit.Session(t, a.Pool, users[i%len(users)].ID)
	}
	client := a.plain(t, n)
	client.Transport.(*http.Transport).MaxConnsPerHost = 100 // as many as find room
	before := verifications(statements)
	var all sync.WaitGroup
	for _, token := range tokens {
		all.Go(func() {
			// A 404 has been let in, and asks the database nothing.
			if status, _ := a.ask(t, client, "GET", "/api/sessions?cursor=x", token); status != 422 {
				t.Errorf("status %d", status)
			}
		})
	}
	all.Wait()
	asked := verifications(statements) - before
	t.Logf("%d callers: %d looks at the database", n, asked)
	if asked >= n/2 || asked == 0 {
		t.Errorf("%d looks for %d callers", asked, n)
	}
}

// TestWhatEndsACredential: whatever takes a credential away does so at once on the
// server that was told, and within a second on another one.
func TestWhatEndsACredential(t *testing.T) {
	t.Parallel()
	disable := func(a *api, t *testing.T, u dbsqlc.User) error {
		_, err := a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Disabled: roster.Ptr(true)})
		return err
	}
	remove := func(a *api, t *testing.T, u dbsqlc.User) error { return a.DeleteUser(t.Context(), u.ID) }
	demote := func(a *api, t *testing.T, u dbsqlc.User) error {
		_, err := a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Role: roster.Ptr(roster.RoleViewer)})
		return err
	}
	replace := func(a *api, t *testing.T, u dbsqlc.User) error {
		_, err := a.ReplaceUser(t.Context(), u.ID, roster.UserReplace{Name: u.Name, Email: u.Email, Role: roster.RoleViewer})
		return err
	}
	setPassword := func(a *api, t *testing.T, u dbsqlc.User) error {
		if got := a.as(t, u).setPassword(t, u.ID, password, otherPassword); got.Status != 204 {
			t.Fatal(got)
		}
		return nil
	}
	redeem := func(a *api, t *testing.T, u dbsqlc.User) error {
		if got := a.redeem(t, a.newReset(t, u.ID), otherPassword); got.Status != 204 {
			t.Fatal(got)
		}
		return nil
	}
	for name, c := range map[string]struct {
		end    func(*api, *testing.T, dbsqlc.User) error
		key    bool
		status int // of a request that only an editor may make
	}{
		"a disabled user's session": {disable, false, 401},
		"a disabled user's key":     {disable, true, 401},
		"a deleted user's session":  {remove, false, 401},
		"a deleted user's key":      {remove, true, 401},
		"a demoted user's session":  {demote, false, 403},
		"a demoted user's key":      {demote, true, 403},
		"a replaced user's session": {replace, false, 403},
		"a replaced user's key":     {replace, true, 403},
		"a changed password":        {setPassword, false, 401},
		"a reset password":          {redeem, false, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here := newAPI(t)
			there := newServer(t, testkit.WithDatabase(here.DatabaseURL))
			here.admin(t)
			u := here.user(t, dbsqlc.User{Role: role.Editor})
			token := testkit.Session(t, here.Pool, u.ID)
			if c.key {
				token = testkit.Key(t, here.Pool, u.ID, auth.UsersRead, auth.UsersWrite)
			}
			status := func(a *api) int {
				// Who may write is told that nobody is there.
				return a.send(t, "PATCH", "/api/users/019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21", `{}`, "Authorization: Bearer "+token).Status
			}
			for _, a := range []*api{here, there} {
				if got := status(a); got != 404 {
					t.Fatalf("before: %d", got)
				}
			}
			if err := c.end(here, t, u); err != nil {
				t.Fatal(err)
			}
			ended := time.Now()
			if got := status(here); got != c.status {
				t.Errorf("at once on the same server: %d, want %d", got, c.status)
			}
			for {
				asked := time.Now()
				got := status(there)
				if got == c.status {
					break
				}
				if late := asked.Sub(ended); got != 404 || late > auth.Fresh {
					t.Fatalf("on another server: %d, %v after it was ended", got, late)
				}
			}
		})
	}
}

// Without its database a server judges nobody: a credential that it would have to look
// at is a 503. One that cannot be any is a 401 all the same.
func TestVerificationWithoutADatabase(t *testing.T) {
	t.Parallel()
	url := testkit.Database(t)
	proxy := testkit.NewProxy(t, url)
	direct := newServer(t, testkit.WithDatabase(url))
	a := newServer(t, testkit.WithDatabase(proxy.URL), testkit.Deadline(deadline))
	u := direct.user(t, dbsqlc.User{})
	good := map[string]string{
		"a session": testkit.Session(t, direct.Pool, u.ID), "a key": testkit.Key(t, direct.Pool, u.ID, auth.UsersRead),
		"an unknown session": string(auth.NewSessionToken()), "an unknown key": string(auth.NewKeyToken()),
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			proxy.Set(fault)
			for credential, token := range good {
				for _, header := range []string{"Authorization: Bearer " + token, "Cookie: __Host-roster=" + token} {
					got := a.send(t, "GET", "/api/session", "", header)
					got.wantProblem(t, 503, roster.ErrorCodeUnavailable)
					if got.Header.Get("Retry-After") == "" || got.Header.Get("Www-Authenticate") != "" {
						t.Errorf("%s: %v", credential, got.Header)
					}
				}
			}
			a.send(t, "GET", "/api/session", "", "Authorization: Bearer nonsense").wantProblem(t, 401, roster.ErrorCodeUnauthenticated)
			a.send(t, "GET", "/api/session", "").wantProblem(t, 401, roster.ErrorCodeUnauthenticated)
			a.signInWith(t, u.Email, password).wantProblem(t, 503, roster.ErrorCodeUnavailable)
			proxy.Set(testkit.None)
			for end := time.Now().Add(10 * time.Second); ; {
				if got := a.send(t, "GET", "/api/session", "", "Authorization: Bearer "+good["a key"]); got.Status == 200 {
					break
				} else if got.Status != 503 || time.Now().After(end) {
					t.Fatalf("on the way back: %s", got)
				}
			}
			time.Sleep(auth.Fresh) // what is remembered now would hide the next fault
		})
	}
}
