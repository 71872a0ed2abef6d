package apitest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// key is a key as it is on the wire.
type key struct {
	ID         string     `json:"id"`
	UserID     string     `json:"userId"`
	Name       string     `json:"name"`
	Scopes     []string   `json:"scopes"`
	CreatedAt  time.Time  `json:"createdAt"`
	LastUsedAt *time.Time `json:"lastUsedAt"`
	ExpiresAt  *time.Time `json:"expiresAt"`
}

// shown is a key with its secret.
type shown struct {
	Key               key        `json:"key"`
	Secret            string     `json:"secret"`
	PreviousExpiresAt *time.Time `json:"previousExpiresAt"`
}

// makeKey makes a key over HTTP.
func (a *api) makeKey(t *testing.T, body string) shown {
	t.Helper()
	got := a.send(t, "POST", "/api/keys", body)
	if got.Status != http.StatusCreated {
		t.Fatalf("got %s, want a key", got)
	}
	return decode[shown](t, got.Body)
}

// rotateKey gives a key a new secret over HTTP.
func (a *api) rotateKey(t *testing.T, id, body string) shown {
	t.Helper()
	got := a.send(t, "POST", "/api/keys/"+id+"/rotate", body)
	if got.Status != http.StatusCreated {
		t.Fatalf("got %s, want a key", got)
	}
	return decode[shown](t, got.Body)
}

// permissions asks who calls with a secret; nothing: nobody.
func (a *api) permissions(t *testing.T, secret string) (may []string, known bool) {
	t.Helper()
	got := a.send(t, "GET", "/api/session", "", "Authorization: Bearer "+secret)
	switch got.Status {
	case http.StatusOK:
		return decode[struct {
			UserID       string   `json:"userId"`
			Name         string   `json:"name"`
			Email        string   `json:"email"`
			Role         string   `json:"role"`
			Credential   string   `json:"credential"`
			CredentialID string   `json:"credentialId"`
			Permissions  []string `json:"permissions"`
			ExpiresAt    *string  `json:"expiresAt"`
		}](t, got.Body).Permissions, true
	case http.StatusUnauthorized:
		return nil, false
	}
	t.Fatalf("who am I: %s", got)
	return nil, false
}

// known reports whether somebody is known by a secret. It asks for what needs no
// look at the key itself, which getSession does.
func (a *api) known(t *testing.T, secret string) bool {
	t.Helper()
	got := a.send(t, "GET", "/api/users?limit=1", "", "Authorization: Bearer "+secret)
	if got.Status != http.StatusOK && got.Status != http.StatusForbidden {
		got.wantProblem(t, 401, "unauthenticated")
	}
	return got.Status != http.StatusUnauthorized
}

func (a *api) wantKnown(t *testing.T, secret string, want bool) {
	t.Helper()
	if known := a.known(t, secret); known != want {
		t.Errorf("the secret is known: %t, want %t", known, want)
	}
}

// wantMissing is a forbidden that says which permission was missing.
func (a answer) wantMissing(t *testing.T, permission auth.Permission) {
	t.Helper()
	a.wantProblem(t, 403, "forbidden")
	if !strings.Contains(string(a.Body), `"permission":"`+string(permission)+`"`) {
		t.Errorf("got %s, want %s missing", a, permission)
	}
}

func (a *api) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := a.Pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// queryOne reads one value.
func queryOne[T any](t *testing.T, a *api, sql string, args ...any) (v T) {
	t.Helper()
	if err := a.Pool.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// awaitUnknown asks until a secret is known no more, and returns when the last
// request began to which it still was, on the database's clock (the zero time: there
// was none), so that a busy machine is not taken for a slow end.
func (a *api) awaitUnknown(t *testing.T, secret string) (last time.Time) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		began := a.clock(t)
		if !a.known(t, secret) {
			return last
		}
		last = began
	}
	t.Fatal("the secret still works")
	return last
}

// clock is the database's.
func (a *api) clock(t *testing.T) time.Time {
	t.Helper()
	return queryOne[time.Time](t, a, "SELECT clock_timestamp()")
}

// wantEnd is a secret that ends at a moment: not before, and at most as late as a
// look at the database is remembered.
func (a *api) wantEnd(t *testing.T, secret string, at time.Time) {
	t.Helper()
	last := a.awaitUnknown(t, secret)
	ended := a.clock(t)
	if ended.Before(at) || last.After(at.Add(auth.Fresh+50*time.Millisecond)) {
		t.Errorf("it was to end at %v, was last known at %v and unknown by %v", at, last, ended)
	}
}

// What a key may do is what its scopes name and its owner's role has.
func TestKeyScopesByRole(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	var scopes []auth.Permission
	for _, g := range auth.Grants {
		scopes = append(scopes, g.Permission) // those of which no key may be made, too
	}
	for _, r := range role.All {
		owner := a.user(t, dbsqlc.User{Role: r})
		for _, scope := range scopes {
			t.Run(fmt.Sprintf("%s of %s", scope, r), func(t *testing.T) {
				secret := testkit.Key(t, a.Pool, owner.ID, scope)
				want := []string{}
				if slices.Contains(auth.Scopes(r), scope) {
					want = append(want, string(scope))
				}
				if got, known := a.permissions(t, secret); !known || !slices.Equal(got, want) {
					t.Errorf("it may %q, want %q", got, want)
				}
			})
		}
	}
}

// A key follows its owner, on this replica at once.
func TestKeyFollowsItsOwner(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.admin(t) // who stays
	owner := a.admin(t)
	one := "/api/users/" + owner.ID.String()
	service := a.as(t, owner)
	secret := service.makeKey(t, `{"name":"all","scopes":["users:read","users:write","users:delete","audit:read"]}`).Secret
	with := "Authorization: Bearer " + secret
	may := func(want ...string) {
		t.Helper()
		if got, _ := a.permissions(t, secret); !slices.Equal(got, want) {
			t.Errorf("it may %q, want %q", got, want)
		}
	}
	may("users:read", "users:write", "users:delete", "audit:read")

	a.send(t, "PATCH", one, `{"role":"editor"}`).user(t)
	may("users:read", "users:write")
	a.send(t, "DELETE", "/api/users/"+uuid.NewString(), "", with).wantMissing(t, auth.UsersDelete)

	a.send(t, "PATCH", one, `{"role":"viewer"}`).user(t)
	may("users:read")
	a.send(t, "POST", "/api/users", `{"name":"Ada","email":"ada@example.org","password":"`+password+`"}`, with).wantMissing(t, auth.UsersWrite)

	a.send(t, "PATCH", one, `{"disabled":true}`).user(t)
	a.wantKnown(t, secret, false)
	a.send(t, "GET", "/api/users", "", with).wantProblem(t, 401, "unauthenticated")

	a.send(t, "PATCH", one, `{"disabled":false,"role":"admin"}`).user(t)
	may("users:read", "users:write", "users:delete", "audit:read")

	a.send(t, "DELETE", one, "")
	a.wantKnown(t, secret, false)
	if left := queryOne[int](t, a, "SELECT (SELECT count(*) FROM keys) + (SELECT count(*) FROM key_secrets)"); left != 0 {
		t.Errorf("%d rows are left of the key", left)
	}
}

func TestCreateKey(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	got := a.send(t, "POST", "/api/keys", `{"name":" Nightly 👩‍💻 ","scopes":["users:read","stats:read"],"expiresAt":"2027-03-14T01:02:03.1234567+01:00"}`)
	if got.Status != http.StatusCreated {
		t.Fatal(got)
	}
	made := decode[shown](t, got.Body)
	if got.Header.Get("Location") != "/api/keys/"+made.Key.ID || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", got.Header)
	}
	if k := made.Key; k.UserID != a.caller.ID.String() || k.Name != " Nightly 👩‍💻 " || !slices.Equal(k.Scopes, []string{"users:read", "stats:read"}) ||
		k.LastUsedAt != nil || k.ExpiresAt == nil || !k.ExpiresAt.Equal(time.Date(2027, 3, 14, 0, 2, 3, 123456000, time.UTC)) {
		t.Errorf("made %s", got)
	}
	if !strings.HasPrefix(made.Secret, "rst_") || len(made.Secret) != 53 {
		t.Errorf("the secret is %q", made.Secret)
	}
	a.wantKnown(t, made.Secret, true)
	if forever := a.makeKey(t, `{"name":"x","scopes":["users:read"]}`); forever.Key.ExpiresAt != nil {
		t.Errorf("it expires: %v", forever.Key.ExpiresAt)
	}
}

func TestCreateKeyRefuses(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	for _, c := range []struct{ name, body, rule string }{
		{"no name", `{"scopes":["users:read"]}`, "/name required"},
		{"empty name", `{"name":"","scopes":["users:read"]}`, "/name too_short"},
		{"blank name", `{"name":" \u00a0\u200b","scopes":["users:read"]}`, "/name blank"},
		{"long name", `{"name":"` + strings.Repeat("😀", 101) + `","scopes":["users:read"]}`, "/name too_long"},
		{"control character", `{"name":"a\u0000","scopes":["users:read"]}`, "/name control_character"},
		{"no scopes", `{"name":"x"}`, "/scopes required"},
		{"empty scopes", `{"name":"x","scopes":[]}`, "/scopes too_few"},
		{"scope twice", `{"name":"x","scopes":["users:read","users:read"]}`, "/scopes repeated"},
		{"unknown scope", `{"name":"x","scopes":["users:read","users:*"]}`, "/scopes not_allowed"},
		{"permission that is no scope", `{"name":"x","scopes":["keys:own"]}`, "/scopes not_allowed"},
		{"null scope", `{"name":"x","scopes":[null]}`, "/scopes null"},
		{"null end", `{"name":"x","scopes":["users:read"],"expiresAt":null}`, "/expiresAt null"},
		{"no time", `{"name":"x","scopes":["users:read"],"expiresAt":"tomorrow"}`, "/expiresAt invalid_format"},
		{"in the past", `{"name":"x","scopes":["users:read"],"expiresAt":"` + at(-time.Second) + `"}`, "/expiresAt out_of_range"},
		{"long ago", `{"name":"x","scopes":["users:read"],"expiresAt":"0000-01-01T00:00:00Z"}`, "/expiresAt out_of_range"},
		{"too far", `{"name":"x","scopes":["users:read"],"expiresAt":"` + at(10*366*24*time.Hour) + `"}`, "/expiresAt out_of_range"},
		{"end of time", `{"name":"x","scopes":["users:read"],"expiresAt":"9999-12-31T23:59:59.999999999Z"}`, "/expiresAt out_of_range"},
		{"no id", `{"name":"x","scopes":["users:read"],"userId":"x"}`, "/userId"},
		{"id in braces", `{"name":"x","scopes":["users:read"],"userId":"{019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21}"}`, "/userId too_long"},
		{"secret of one's own", `{"name":"x","scopes":["users:read"],"secret":"rst_x"}`, " unknown_field"},
		{"id of one's own", `{"name":"x","scopes":["users:read"],"id":"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"}`, " unknown_field"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := a.send(t, "POST", "/api/keys", c.body)
			if got.Status != 422 || !strings.Contains(rules(t, got), c.rule) {
				t.Errorf("got %s, want %s", got, c.rule)
			}
		})
	}
	t.Cleanup(func() {
		if n := countKeys(a); n != 0 {
			t.Errorf("%d keys were made", n)
		}
	})
}

func countKeys(a *api) (n int) {
	n = -1
	_ = a.Pool.QueryRow(context.Background(), "SELECT count(*) FROM keys").Scan(&n) // the test's own context ended
	return n
}

// rules is what a refusal says of the parts of the request.
func rules(t *testing.T, a answer) string {
	t.Helper()
	var all []string
	for _, f := range decode[roster.Problem](t, a.Body).Errors {
		all = append(all, f.Pointer+" "+f.Code)
	}
	return strings.Join(all, ", ")
}

// Who may own which key.
func TestCreateKeyOwners(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	viewer, editor, other := a.user(t, dbsqlc.User{}), a.user(t, dbsqlc.User{Role: role.Editor}), a.admin(t)
	disabled := a.user(t, dbsqlc.User{Disabled: true})
	body := func(owner uuid.UUID, scope string) string {
		return fmt.Sprintf(`{"name":"x","scopes":["users:read",%q],"userId":%q}`, scope, owner)
	}
	for _, c := range []struct {
		name   string
		caller dbsqlc.User
		body   string
		want   func(*testing.T, answer)
	}{
		{"an admin's own", a.caller, body(a.caller.ID, "users:delete"), made(a.caller)},
		{"an admin for a viewer", a.caller, body(viewer.ID, "stats:read"), made(viewer)},
		{"an admin for another admin", a.caller, body(other.ID, "users:admin"), made(other)},
		{"an admin, more than the viewer has", a.caller, body(viewer.ID, "users:write"), refused("/scopes beyond_owner")},
		{"an admin, more than the editor has", a.caller, body(editor.ID, "users:delete"), refused("/scopes beyond_owner")},
		{"an admin for nobody", a.caller, body(uuid.Nil, "stats:read"), func(t *testing.T, got answer) { got.wantProblem(t, 404, "not_found") }},
		{"an admin for a disabled user", a.caller, body(disabled.ID, "stats:read"), refused("/userId disabled")},
		{"an editor's own", editor, body(editor.ID, "users:write"), made(editor)},
		{"an editor, more than they have", editor, body(editor.ID, "users:delete"), missing(auth.UsersDelete)},
		{"an editor for a viewer", editor, body(viewer.ID, "stats:read"), missing(auth.KeysAdmin)},
		{"a viewer for nobody", viewer, body(uuid.Nil, "stats:read"), missing(auth.KeysAdmin)},
		{"a viewer, more than they have", viewer, `{"name":"x","scopes":["users:read","audit:read"]}`, missing(auth.AuditRead)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.want(t, a.as(t, c.caller).send(t, "POST", "/api/keys", c.body))
		})
	}
	t.Run("nobody", func(t *testing.T) {
		t.Parallel()
		a.anonymous(t).send(t, "POST", "/api/keys", body(viewer.ID, "stats:read")).wantProblem(t, 401, "unauthenticated")
	})
}

func made(owner dbsqlc.User) func(*testing.T, answer) {
	return func(t *testing.T, got answer) {
		t.Helper()
		if got.Status != 201 || decode[shown](t, got.Body).Key.UserID != owner.ID.String() {
			t.Errorf("got %s, want a key of %s", got, owner.ID)
		}
	}
}

func refused(rule string) func(*testing.T, answer) {
	return func(t *testing.T, got answer) {
		t.Helper()
		got.wantProblem(t, 422, "validation_failed", rule)
	}
}

func missing(p auth.Permission) func(*testing.T, answer) {
	return func(t *testing.T, got answer) {
		t.Helper()
		got.wantMissing(t, p)
	}
}

// Keys make, see and end no keys, and set nobody's role that is their owner's.
func TestKeysMakeNoKeys(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	var all []auth.Permission
	for _, g := range auth.Grants {
		all = append(all, g.Permission)
	}
	mine := a.makeKey(t, `{"name":"x","scopes":["users:read"]}`)
	one := "/api/keys/" + mine.Key.ID
	k := a.withKey(t, a.caller, all...)
	k.send(t, "GET", "/api/keys", "").wantMissing(t, auth.KeysAdmin)
	k.send(t, "POST", "/api/keys", `{"name":"x","scopes":["users:read"]}`).wantMissing(t, auth.KeysOwn)
	k.send(t, "POST", one+"/rotate", `{}`).wantMissing(t, auth.KeysAdmin)
	k.send(t, "DELETE", one, "").wantMissing(t, auth.KeysAdmin)
	a.wantKnown(t, mine.Secret, true)

	for _, r := range []string{"editor", "viewer"} {
		k.send(t, "PATCH", "/api/users/"+a.caller.ID.String(), `{"role":"`+r+`"}`).wantProblem(t, 403, "forbidden")
	}
	editor := a.user(t, dbsqlc.User{Role: role.Editor})
	a.withKey(t, editor, all...).send(t, "PATCH", "/api/users/"+editor.ID.String(), `{"role":"viewer"}`).wantProblem(t, 403, "forbidden")
}

// A key ends on the database's clock: not before, and at most a second later.
func TestKeyExpires(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	ends := queryOne[time.Time](t, a, "SELECT clock_timestamp() + interval '2 seconds'")
	made := a.makeKey(t, fmt.Sprintf(`{"name":"x","scopes":["users:read"],"expiresAt":%q}`, ends.Format(time.RFC3339Nano)))
	a.wantKnown(t, made.Secret, true)
	a.wantEnd(t, made.Secret, ends)
	a.send(t, "POST", "/api/keys/"+made.Key.ID+"/rotate", `{}`).wantProblem(t, 404, "not_found")
	if got := a.send(t, "DELETE", "/api/keys/"+made.Key.ID, ""); got.Status != 204 {
		t.Errorf("revoke what has expired: %s", got)
	}
}

func TestRotateKey(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	made := a.makeKey(t, `{"name":"x","scopes":["users:read"]}`)
	now := a.clock(t)
	near := func(at *time.Time, after time.Duration) {
		t.Helper()
		if at == nil || at.Before(now.Add(after)) || at.After(now.Add(after+time.Minute)) {
			t.Errorf("the one before ends at %v, want %v", at, now.Add(after))
		}
	}

	got := a.send(t, "POST", "/api/keys/"+made.Key.ID+"/rotate", `{}`)
	second := decode[shown](t, got.Body)
	if got.Status != 201 || got.Header.Get("Cache-Control") != "no-store" || second.Secret == made.Secret || second.Key.ID != made.Key.ID || second.Key.Name != "x" {
		t.Errorf("got %s %v", got, got.Header)
	}
	near(second.PreviousExpiresAt, 24*time.Hour)
	third := a.rotateKey(t, made.Key.ID, `{"overlapSeconds":604800}`)
	near(third.PreviousExpiresAt, 7*24*time.Hour)
	for _, secret := range []string{made.Secret, second.Secret, third.Secret} {
		a.wantKnown(t, secret, true)
	}
	// The first one still ends after the day that it was given.
	if ends := queryOne[time.Time](t, a, "SELECT min(expires_at) FROM key_secrets"); !ends.Equal(*second.PreviousExpiresAt) {
		t.Errorf("the first ends at %v", ends)
	}

	last := a.rotateKey(t, made.Key.ID, `{"overlapSeconds":0}`)
	if last.PreviousExpiresAt != nil {
		t.Errorf("at once is %v", last.PreviousExpiresAt)
	}
	for _, secret := range []string{made.Secret, second.Secret, third.Secret} {
		a.wantKnown(t, secret, false)
	}
	a.wantKnown(t, last.Secret, true)
	if n := queryOne[int](t, a, "SELECT count(*) FROM key_secrets"); n != 1 {
		t.Errorf("%d secrets are kept", n)
	}

	for body, rule := range map[string]string{
		`{"overlapSeconds":-1}`: "/overlapSeconds out_of_range", `{"overlapSeconds":604801}`: "/overlapSeconds out_of_range",
		`{"overlapSeconds":null}`: "/overlapSeconds null", `{"overlapSeconds":1.5}`: "/overlapSeconds invalid_type", `{"secret":"x"}`: " unknown_field",
	} {
		a.send(t, "POST", "/api/keys/"+made.Key.ID+"/rotate", body).wantProblem(t, 422, "validation_failed", rule)
	}
	a.wantKnown(t, last.Secret, true)
}

// For a while both secrets work, then only the new one. A key that ends before the
// overlap does says so.
func TestRotateKeyOverlaps(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	ends := queryOne[time.Time](t, a, "SELECT clock_timestamp() + interval '1 hour'")
	made := a.makeKey(t, fmt.Sprintf(`{"name":"x","scopes":["users:read"],"expiresAt":%q}`, ends.Format(time.RFC3339Nano)))
	long := a.rotateKey(t, made.Key.ID, `{"overlapSeconds":7200}`)
	if long.PreviousExpiresAt == nil || !long.PreviousExpiresAt.Equal(ends) {
		t.Errorf("the one before ends at %v, the key at %v", long.PreviousExpiresAt, ends)
	}
	short := a.rotateKey(t, made.Key.ID, `{"overlapSeconds":2}`)
	a.wantKnown(t, long.Secret, true)
	a.wantEnd(t, long.Secret, *short.PreviousExpiresAt)
	a.wantKnown(t, made.Secret, false)
	a.wantKnown(t, short.Secret, true)
}

// Many rotations at once: each secret works, and none of them is lost.
func TestRotateKeyRaces(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	made := a.makeKey(t, `{"name":"x","scopes":["users:read"]}`)
	var all sync.WaitGroup
	secrets := make([]string, 8)
	for i := range secrets {
		all.Go(func() { secrets[i] = a.rotateKey(t, made.Key.ID, `{"overlapSeconds":60}`).Secret })
	}
	all.Wait()
	for _, secret := range secrets {
		a.wantKnown(t, secret, true)
	}
	if n := queryOne[int](t, a, "SELECT count(*) FROM key_secrets WHERE expires_at IS NULL"); n != 1 {
		t.Errorf("%d secrets work for ever", n)
	}
}

// What is not there and what is somebody else's get one answer.
func TestKeysOfOthers(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	owner, other := a.user(t, dbsqlc.User{Role: role.Editor}), a.user(t, dbsqlc.User{Role: role.Editor})
	made := a.as(t, owner).makeKey(t, `{"name":"x","scopes":["users:read"]}`)
	stranger := a.as(t, other)
	for _, id := range []string{made.Key.ID, uuid.NewString()} {
		for _, got := range []answer{
			stranger.send(t, "POST", "/api/keys/"+id+"/rotate", `{"overlapSeconds":0}`),
			stranger.send(t, "DELETE", "/api/keys/"+id, ""),
		} {
			got.wantProblem(t, 404, "not_found")
			if !strings.Contains(string(got.Body), `"detail":"There is no such key."`) {
				t.Errorf("got %s", got)
			}
		}
	}
	a.wantKnown(t, made.Secret, true)
	renewed := a.rotateKey(t, made.Key.ID, `{"overlapSeconds":0}`)
	if renewed.Key.UserID != owner.ID.String() {
		t.Errorf("it belongs to %s", renewed.Key.UserID)
	}
	if got := a.as(t, owner).send(t, "DELETE", "/api/keys/"+made.Key.ID, ""); got.Status != 204 {
		t.Error(got)
	}
	a.wantKnown(t, renewed.Secret, false)
	a.send(t, "DELETE", "/api/keys/"+made.Key.ID, "").wantProblem(t, 404, "not_found")
	a.send(t, "DELETE", "/api/keys/x", "").wantProblem(t, 422, "validation_failed", "/path/id invalid_format")
}

// A revoked key is dead on this replica at once, and on every other in a second.
func TestRevokeKeyEverywhere(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	second := newServer(t, testkit.WithDatabase(a.DatabaseURL))
	made := a.makeKey(t, `{"name":"x","scopes":["users:read"]}`)
	second.wantKnown(t, made.Secret, true)
	a.wantKnown(t, made.Secret, true)
	if got := a.send(t, "DELETE", "/api/keys/"+made.Key.ID, ""); got.Status != 204 {
		t.Fatal(got)
	}
	revoked := a.clock(t)
	a.wantKnown(t, made.Secret, false)
	if last := second.awaitUnknown(t, made.Secret); last.After(revoked.Add(auth.Fresh)) {
		t.Errorf("elsewhere it lived for %v more", last.Sub(revoked))
	}
}

// tracer counts statements.
type tracer struct{ n atomic.Int64 }

func (c *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.n.Add(1)
	return ctx
}

func (*tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// What cannot be a key is refused without asking the database; what can be one is
// asked about once.
func TestBadKeysAskNothing(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	secret := a.makeKey(t, `{"name":"x","scopes":["users:read"]}`).Secret
	counted := &tracer{}
	config := must(pgxpool.ParseConfig(a.DatabaseURL))(t)
	config.ConnConfig.Tracer = counted
	pool := must(pgxpool.NewWithConfig(t.Context(), config))(t)
	t.Cleanup(pool.Close)
	if err := pool.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}

	swap := func(s string, i int) string { // another letter of the same alphabet
		b := []byte(s)
		if b[i] = 'a'; s[i] == 'a' {
			b[i] = 'b'
		}
		return string(b)
	}
	bad := map[string]string{
		"cut by one": secret[:52], "cut in half": secret[:26], "cut at the front": secret[1:], "only the prefix": "rst_",
		"lengthened": secret + "0", "doubled": secret + secret, "quoted": `"` + secret + `"`,
		"another checksum": swap(secret, 52), "another secret": swap(secret, 20), "another first letter": swap(secret, 4),
		"another prefix": "rsx_" + secret[4:], "a session's prefix": "rss_" + secret[4:], "another case": strings.ToUpper(secret),
		"a letter of no alphabet": secret[:20] + "-" + secret[21:], "the hash": fmt.Sprintf("%x", auth.Token(secret).Hash()),
	}
	for name, text := range bad {
		before := counted.n.Load()
		p, err := auth.NewVerifier(pool, auth.Lifetimes{Idle: time.Hour, Max: time.Hour}, nil).Verify(t.Context(), text)
		if p != nil || err != nil || counted.n.Load() != before {
			t.Errorf("%s: %v, %v, %d statements", name, p, err, counted.n.Load()-before)
		}
		a.send(t, "GET", "/api/users", "", "Authorization: Bearer "+text).wantProblem(t, 401, "unauthenticated")
	}

	v := auth.NewVerifier(pool, auth.Lifetimes{Idle: time.Hour, Max: time.Hour}, nil)
	before := counted.n.Load()
	if p, err := v.Verify(t.Context(), string(auth.NewKeyToken())); p != nil || err != nil || counted.n.Load() != before+1 {
		t.Errorf("one that was never made: %v, %v, %d statements", p, err, counted.n.Load()-before)
	}
}

// Secrets are in no table and no log line; what the database has of one is its
// SHA-256.
func TestKeySecretsAreNowhere(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	made := a.makeKey(t, `{"name":"x","scopes":["users:read"]}`)
	secrets := []string{made.Secret, a.rotateKey(t, made.Key.ID, `{}`).Secret}
	for _, secret := range secrets {
		a.wantKnown(t, secret, true)
		a.wantKnown(t, secret[:50], false)
	}
	dump := a.dump(t)
	if !strings.Contains(dump, made.Key.ID) {
		t.Fatal("the dump has not even the key's id")
	}
	for i, secret := range secrets {
		hash := fmt.Sprintf("%x", auth.Token(secret).Hash())
		if !strings.Contains(dump, hash) {
			t.Errorf("secret %d: its hash is in no table", i)
		}
		for _, part := range []string{secret, secret[4:47], secret[4:24]} {
			if strings.Contains(dump, part) {
				t.Errorf("secret %d is in a table", i)
			}
			if strings.Contains(a.Log.String(), part) {
				t.Errorf("secret %d is in the log", i)
			}
		}
		if strings.Contains(a.Log.String(), hash) {
			t.Errorf("the hash of secret %d is in the log", i)
		}
	}
}

// dump is all rows of all tables as text.
func (a *api) dump(t *testing.T) string {
	t.Helper()
	tables, err := a.Pool.Query(t.Context(), "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
	names := must(pgx.CollectRows(tables, pgx.RowTo[string]))(t)
	if err != nil || len(names) < 10 {
		t.Fatalf("%d tables, %v", len(names), err)
	}
	var all strings.Builder
	for _, name := range names {
		rows, _ := a.Pool.Query(t.Context(), "SELECT t::text FROM "+name+" t")
		for _, row := range must(pgx.CollectRows(rows, pgx.RowTo[string]))(t) {
			all.WriteString(name + " " + row + "\n")
		}
	}
	return all.String()
}

// The use of a key is written down, at most once a minute.
func TestKeyLastUsed(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	made := a.makeKey(t, `{"name":"x","scopes":["users:read"]}`)
	a.exec(t, "CREATE TABLE touches (at timestamptz)")
	a.exec(t, `CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO touches VALUES (NEW.last_used_at); RETURN NULL; END $$`)
	a.exec(t, "CREATE TRIGGER touched AFTER UPDATE ON keys FOR EACH ROW EXECUTE FUNCTION touched()")
	touches := func() int { return queryOne[int](t, a, "SELECT count(*) FROM touches") }
	await := func(n int) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); touches() < n; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("written %d times, want %d", touches(), n)
			}
		}
	}
	// Each has a memory of its own, as replicas do.
	use := func() {
		t.Helper()
		v := auth.NewVerifier(a.Pool, auth.Lifetimes{Idle: time.Hour, Max: time.Hour}, nil)
		if p, err := v.Verify(t.Context(), made.Secret); p == nil || err != nil {
			t.Errorf("%v, %v", p, err)
		}
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(use)
	}
	all.Wait()
	await(1)
	list := a.send(t, "GET", "/api/keys", "")
	k := decode[struct {
		Data       []key             `json:"data"`
		Pagination roster.Pagination `json:"pagination"`
	}](t, list.Body).Data[0]
	if k.LastUsedAt == nil || time.Since(*k.LastUsedAt) > time.Minute {
		t.Errorf("last used %v", k.LastUsedAt)
	}

	a.exec(t, "ALTER TABLE keys DISABLE TRIGGER touched")
	a.exec(t, "UPDATE keys SET last_used_at = statement_timestamp() - interval '61 seconds'")
	a.exec(t, "ALTER TABLE keys ENABLE TRIGGER touched")
	for range 5 {
		use()
	}
	await(2)
	for range 5 {
		use()
	}
	// Whoever is late writes nothing either.
	if err := dbsqlc.New(a.Pool).TouchKeys(t.Context(), []uuid.UUID{uuid.MustParse(made.Key.ID)}); err != nil {
		t.Fatal(err)
	}
	if n := touches(); n != 2 {
		t.Errorf("written %d times, want 2", n)
	}
}

type keyPage struct {
	Data       []key             `json:"data"`
	Pagination roster.Pagination `json:"pagination"`
}

func (a *api) keys(t *testing.T, query string) (names []string, p keyPage) {
	t.Helper()
	got := a.send(t, "GET", "/api/keys"+query, "")
	if got.Status != http.StatusOK {
		t.Fatal(got)
	}
	p = decode[keyPage](t, got.Body)
	for _, k := range p.Data {
		names = append(names, k.Name)
	}
	return names, p
}

func TestListKeys(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	viewer := a.as(t, a.user(t, dbsqlc.User{}))
	for i := range 5 {
		a.makeKey(t, fmt.Sprintf(`{"name":"a%d","scopes":["users:read"]}`, i))
		viewer.makeKey(t, fmt.Sprintf(`{"name":"v%d","scopes":["users:read"]}`, i))
	}
	of := "?userId=" + viewer.caller.ID.String()
	for _, c := range []struct {
		by    *api
		query string
		want  string
	}{
		{a, "", "a4 a3 a2 a1 a0"},
		{a, "?all=false", "a4 a3 a2 a1 a0"},
		{a, "?userId=" + a.caller.ID.String(), "a4 a3 a2 a1 a0"},
		{a, of, "v4 v3 v2 v1 v0"},
		{a, "?all=true", "v4 a4 v3 a3 v2 a2 v1 a1 v0 a0"},
		{a, "?all=true&limit=3&page=2", "a3 v2 a2"},
		{a, "?userId=" + uuid.Nil.String(), ""},
		{viewer, "", "v4 v3 v2 v1 v0"},
		{viewer, of, "v4 v3 v2 v1 v0"},
		{viewer, of + "&limit=2&page=3", "v0"},
	} {
		if got, _ := c.by.keys(t, c.query); strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %q, want %s", c.query, got, c.want)
		}
	}
	for _, query := range []string{"?all=true", "?userId=" + a.caller.ID.String(), "?userId=" + uuid.Nil.String()} {
		viewer.send(t, "GET", "/api/keys"+query, "").wantMissing(t, auth.KeysAdmin)
	}
	a.send(t, "GET", "/api/keys"+of+"&all=true", "").wantProblem(t, 422, "validation_failed", "/query/userId not_allowed")
	a.send(t, "GET", "/api/keys?userId={"+uuid.NewString()+"}", "").wantProblem(t, 422, "validation_failed", "/query/userId invalid_format")
	a.send(t, "GET", "/api/keys?all=1", "").wantProblem(t, 422, "validation_failed", "/query/all invalid_type")
	a.anonymous(t).send(t, "GET", "/api/keys", "").wantProblem(t, 401, "unauthenticated")

	// By cursor, there and back.
	var walked []string
	names, p := a.keys(t, "?all=true&limit=3")
	for {
		walked = append(walked, names...)
		if p.Pagination.Next == nil {
			break
		}
		names, p = a.keys(t, "?all=true&limit=3&cursor="+*p.Pagination.Next)
	}
	if got := strings.Join(walked, " "); got != "v4 a4 v3 a3 v2 a2 v1 a1 v0 a0" || p.Pagination.Total != 10 || p.Pagination.Page != 4 {
		t.Errorf("walked %s, at the end %+v", got, p.Pagination)
	}
	names, _ = a.keys(t, "?all=true&limit=3&cursor="+*p.Pagination.Prev)
	if got := strings.Join(names, " "); got != "v1 a1 v0" {
		t.Errorf("back to %s", got)
	}
	// A cursor is bound to whose keys it goes through.
	a.send(t, "GET", "/api/keys?limit=3&cursor="+*p.Pagination.Prev, "").wantProblem(t, 422, "validation_failed", "/query/cursor cursor_mismatch")
}

// Each change of a key is one row of the audit log, with no secret.
func TestKeysAreAudited(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	made := a.makeKey(t, `{"name":"x","scopes":["users:read"]}`)
	a.rotateKey(t, made.Key.ID, `{"overlapSeconds":60}`)
	a.send(t, "DELETE", "/api/keys/"+made.Key.ID, "")
	a.send(t, "DELETE", "/api/keys/"+made.Key.ID, "").wantProblem(t, 404, "not_found")
	a.send(t, "POST", "/api/keys", `{"name":"x","scopes":[]}`).wantProblem(t, 422, "validation_failed", "/scopes too_few")
	rows, _ := a.Pool.Query(t.Context(), "SELECT operation || ' ' || actor || ' ' || (before <> '{}')::text || ' ' || (after <> '{}')::text FROM audit WHERE target = 'key' AND target_id = $1 AND actor_id = $2 ORDER BY id",
		made.Key.ID, a.caller.ID)
	got := must(pgx.CollectRows(rows, pgx.RowTo[string]))(t)
	if want := []string{"createKey user false true", "rotateKey user false true", "revokeKey user true false"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := queryOne[int](t, a, "SELECT count(*) FROM audit"); n != 3 {
		t.Errorf("%d rows in all", n)
	}
}
