// Package apitest tests the API as its clients meet it: through the Go SDK where
// that can say it, else by plain HTTP. It is a module of its own, so that the
// server's module needs neither the SDK's nor the validator's.
package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// password is one that every rule accepts.
const password = testkit.Password

// api is a server, the SDK's client of it, and plain HTTP to it, both with a
// session of one user. Every answer to either is held against the document.
type api struct {
	*testkit.Server
	*roster.Client
	caller dbsqlc.User // whose session it is; the zero value: nobody's
	token  string
}

// newAPI starts a server, called by an admin. He has no password, so he is not one
// of those who the server takes care to keep.
func newAPI(t *testing.T, options ...testkit.Option) *api {
	t.Helper()
	a := newServer(t, options...)
	return a.as(t, root(t, a.Pool))
}

// newServer starts a server, called with no credential.
func newServer(t *testing.T, options ...testkit.Option) *api {
	t.Helper()
	s := testkit.New(t, options...)
	s.HTTP.Transport = &checked{t: t, log: s.Log, next: s.HTTP.Transport}
	return (&api{Server: s}).anonymous(t)
}

const rootEmail = "root@roster.test"

// root stores the admin who calls.
func root(t *testing.T, pool *pgxpool.Pool) dbsqlc.User {
	t.Helper()
	u := testkit.User(t, pool, dbsqlc.User{
		Name: "Root", Email: rootEmail, Role: role.Admin, CreatedAt: time.Unix(0, 0).UTC(), UpdatedAt: time.Unix(0, 0).UTC(),
	})
	if _, err := pool.Exec(t.Context(), "DELETE FROM credentials WHERE user_id = $1", u.ID); err != nil {
		t.Fatal(err)
	}
	return u
}

// as is the same server, called with a session of the user.
func (a *api) as(t *testing.T, user dbsqlc.User) *api {
	t.Helper()
	return a.with(t, user, testkit.Session(t, a.Pool, user.ID))
}

// withKey is the same server, called with a key of the user that has these scopes.
func (a *api) withKey(t *testing.T, owner dbsqlc.User, scopes ...auth.Permission) *api {
	t.Helper()
	return a.with(t, owner, testkit.Key(t, a.Pool, owner.ID, scopes...))
}

// anonymous is the same server, called with no credential.
func (a *api) anonymous(t *testing.T) *api {
	t.Helper()
	return a.with(t, dbsqlc.User{}, "")
}

// with is the same server, called with a credential.
func (a *api) with(t *testing.T, caller dbsqlc.User, token string) *api {
	t.Helper()
	options := []roster.Option{roster.WithHTTPClient(a.HTTP), roster.WithoutRetries()}
	if token != "" {
		options = append(options, roster.WithHeader("Authorization", "Bearer "+token))
	}
	return &api{Server: a.Server, Client: must(roster.New(a.URL, options...))(t), caller: caller, token: token}
}

// user stores a user without going through the API.
func (a *api) user(t *testing.T, partial dbsqlc.User) dbsqlc.User {
	t.Helper()
	return testkit.User(t, a.Pool, partial)
}

// admin stores an enabled admin.
func (a *api) admin(t *testing.T) dbsqlc.User { return a.user(t, dbsqlc.User{Role: role.Admin}) }

// answer is an answer that has been read to its end.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// send makes a request with the caller's session, unless a header says another
// credential. A body is JSON unless a header, written "Name: value", says another;
// "Name:" takes a header away.
func (a *api) send(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, content)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case value == "" && (r.Header.Get(name) != "" || name == "Authorization"):
			r.Header[name] = nil
		case name == "Host":
			r.Host = value
		case name == "Content-Type":
			r.Header.Set(name, value)
		default:
			r.Header.Add(name, value)
		}
	}
	return a.do(t, r)
}

func (a *api) do(t *testing.T, r *http.Request) answer {
	t.Helper()
	if _, set := r.Header["Authorization"]; !set && r.Header.Get("Cookie") == "" && a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	resp, err := a.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.Status, a.Body) }

// user decodes a success.
func (a answer) user(t *testing.T) roster.User {
	t.Helper()
	if a.Status != http.StatusOK && a.Status != http.StatusCreated {
		t.Fatalf("got %s, want a user", a)
	}
	return decode[roster.User](t, a.Body)
}

// page decodes a success.
func (a answer) page(t *testing.T) roster.PaginatedResponseUser {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("got %s, want a page", a)
	}
	return decode[roster.PaginatedResponseUser](t, a.Body)
}

// wantProblem is a refusal with this status and code. rules are what it says of
// the parts of the request, as "pointer code", in their order.
func (a answer) wantProblem(t *testing.T, status int, code roster.ErrorCode, rules ...string) {
	t.Helper()
	if a.Status != status {
		t.Errorf("got %s, want %d %s", a, status, code)
		return
	}
	p := decode[roster.Problem](t, a.Body)
	var got []string
	for _, f := range p.Errors {
		got = append(got, f.Pointer+" "+f.Code)
	}
	if p.Code != code || !slices.Equal(got, rules) {
		t.Errorf("got %s with %q, want %s with %q", a, got, code, rules)
	}
}

// wantCode is a refusal, as the SDK gives it.
func wantCode(t *testing.T, err error, code roster.ErrorCode) {
	t.Helper()
	if got := roster.CodeOf(err); got != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func decode[T any](t *testing.T, body []byte) T {
	t.Helper()
	var v T
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return v
}

// must is for what a test needs and does not test.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	return string(must(json.Marshal(v))(t))
}
