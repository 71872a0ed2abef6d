package apitest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/testkit"
)

// nearMisses are origins that are none of https://app.example.org and
// http://localhost:3000, and look like them.
var nearMisses = []string{
	"http://app.example.org", "https://app.example.org:443", "https://app.example.org:8443", "https://app.example.org/", "https://app.example.org.",
	"https://APP.example.org", "HTTPS://app.example.org", "https://app.example.org.evil.example", "https://evil-app.example.org",
	"https://xapp.example.org", "https://app.example.orgx", "https://example.org", "https://sub.app.example.org", "https://app.example.com",
	"https://app.example.org@evil.example", "https://evil.example/https://app.example.org", "https://app-example.org", "https://app.example.org%2eevil.example",
	"http://localhost", "http://localhost:3001", "http://localhost:30000", "https://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000",
	"null", "*", "file://", "https://", "https://app.example.org, https://evil.example", "https://app.example.org https://evil.example",
}

// grants are the headers by which a page of another origin is let in.
func grants(h http.Header) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(h)), func(name string) bool { return !strings.HasPrefix(name, "Access-Control-") })
}

func newCORS(t *testing.T, options ...testkit.Option) *api {
	return newServer(t, append(options, testkit.Origins(allowedOrigin, "http://localhost:3000"))...)
}

// preflight asks what a browser asks before a page's request. The document has no
// such requests, so the answer is not held against it.
func (a *api) preflight(t *testing.T, path string, header ...string) answer {
	t.Helper()
	b := *a
	server := *a.Server
	b.Server = &server
	b.HTTP = &http.Client{Transport: a.HTTP.Transport.(*checked).next}
	return b.send(t, http.MethodOptions, path, "", header...)
}

// varies reports whether an answer says that it depends on the Origin header: else a
// cache would give a page the answer to another. A preflight's is kept by none.
func varies(h http.Header) bool {
	for _, line := range h["Vary"] {
		for _, name := range strings.Split(line, ",") {
			if strings.EqualFold(strings.TrimSpace(name), "Origin") {
				return true
			}
		}
	}
	return false
}

// Only origins that are allowed to the letter can read an answer, or send what a page
// could not send anyway.
func TestCORSNearMisses(t *testing.T) {
	t.Parallel()
	a := newCORS(t)
	u := a.user(t, dbsqlc.User{})
	cookie := "Cookie: __Host-roster=" + testkit.Session(t, a.Pool, u.ID)
	for _, origin := range nearMisses {
		read := a.send(t, "GET", "/api/session", "", cookie, "Origin: "+origin)
		if read.Status != 200 || len(grants(read.Header)) > 0 || !varies(read.Header) {
			t.Errorf("Origin %q: %d, it is granted %q, Vary %q", origin, read.Status, grants(read.Header), read.Header["Vary"])
		}
		asked := a.preflight(t, userPath(u.ID), "Origin: "+origin, "Access-Control-Request-Method: PATCH", "Access-Control-Request-Headers: content-type")
		if len(grants(asked.Header)) > 0 {
			t.Errorf("preflight of %q: %s, it is granted %q", origin, asked, grants(asked.Header))
		}
		asked.wantProblem(t, 403, roster.ErrorCodeCrossOrigin)
		a.send(t, "PATCH", userPath(u.ID), `{"name":"Renamed"}`, cookie, "Origin: "+origin).wantProblem(t, 403, roster.ErrorCodeCrossOrigin)
	}
	if name := queryOne[string](t, a, "SELECT name FROM users WHERE id = $1", u.ID); name != u.Name {
		t.Errorf("it became %q", name)
	}
	if len(nearMisses) < 20 {
		t.Error("too few")
	}
}

// A preflight needs no credential, costs none of anybody's quota, and its answer has
// no body.
func TestCORSPreflight(t *testing.T) {
	t.Parallel()
	a := newCORS(t, testkit.Rates("1/1m", "1/1m"))
	for _, origin := range []string{allowedOrigin, "http://localhost:3000"} {
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			got := a.preflight(t, "/api/users/x", "Origin: "+origin, "Access-Control-Request-Method: "+method,
				"Access-Control-Request-Headers: authorization,content-type,idempotency-key,if-match,if-none-match,x-request-id")
			h := got.Header
			if got.Status != 204 || len(got.Body) > 0 || h.Get("Content-Type") != "" || h.Get("Content-Length") != "" && h.Get("Content-Length") != "0" {
				t.Fatalf("%s from %s: %s, %v", method, origin, got, h)
			}
			allowed := h.Get("Access-Control-Allow-Headers")
			if h.Get("Access-Control-Allow-Origin") != origin || h.Get("Access-Control-Allow-Credentials") != "true" ||
				!strings.Contains(h.Get("Access-Control-Allow-Methods"), method) || h.Get("Access-Control-Max-Age") != "3600" {
				t.Errorf("%s from %s: %v", method, origin, h)
			}
			for _, name := range []string{"authorization", "content-type", "if-match", "if-none-match", "idempotency-key", "x-request-id"} {
				if !strings.Contains(strings.ToLower(allowed), name) {
					t.Errorf("%s may not be sent: %q", name, allowed)
				}
			}
			if h.Get("RateLimit") != "" {
				t.Error("a preflight was counted")
			}
		}
		for _, ask := range [][]string{
			{"Access-Control-Request-Method: TRACE"}, {"Access-Control-Request-Method: patch"},
			{"Access-Control-Request-Method: PATCH", "Access-Control-Request-Headers: x-evil"},
			{"Access-Control-Request-Method: PATCH", "Access-Control-Request-Headers: cookie"},
		} {
			got := a.preflight(t, "/api/users/x", append(ask, "Origin: "+origin)...)
			if got.Status != 403 || got.Header.Get("Access-Control-Allow-Methods") != "" {
				t.Errorf("%q: %s, %v", ask, got, grants(got.Header))
			}
		}
	}
}

// A page of an allowed origin can read every answer, and the headers that the client
// works with: also what is refused, wherever it is refused.
func TestCORSLetsPagesRead(t *testing.T) {
	t.Parallel()
	a := newCORS(t, testkit.Rates("8/1m", "100/1m"))
	u := a.user(t, dbsqlc.User{})
	token := "Authorization: Bearer " + testkit.Session(t, a.Pool, u.ID)
	exposed := []string{"etag", "idempotency-replayed", "link", "location", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id"}
	for _, c := range []struct {
		name         string
		status       int
		method, path string
		body         string
		header       []string
	}{
		{"a read", 200, "GET", userPath(u.ID), "", []string{token}},
		{"a list", 200, "GET", "/api/users", "", []string{token}},
		{"nothing new", 304, "GET", userPath(u.ID), "", []string{token, "If-None-Match: *"}},
		{"a write", 200, "PATCH", userPath(u.ID), `{"name":"Renamed"}`, []string{token}},
		{"the health", 200, "GET", "/ready", "", nil},
		{"the document", 200, "GET", "/openapi.yaml", "", nil},
		{"nobody", 401, "GET", "/api/users", "", nil},
		{"a sign-in that fails", 401, "POST", "/api/session", `{"email":"nobody@example.org","password":"x"}`, nil},
		{"forbidden", 403, "DELETE", userPath(u.ID), "", []string{token}},
		{"nothing there", 404, "GET", "/api/nothing", "", []string{token}},
		{"no such method", 405, "POST", userPath(u.ID), "", []string{token}},
		{"no JSON", 415, "PATCH", userPath(u.ID), `x`, []string{token, "Content-Type: text/plain"}},
		{"a broken rule", 422, "PATCH", userPath(u.ID), `{"name":""}`, []string{token}},
		{"too large", 413, "PATCH", userPath(u.ID), `{"name":"` + strings.Repeat("x", 70_000) + `"}`, []string{token}},
		{"too often", 429, "GET", "/api/users", "", nil},
	} {
		got := a.send(t, c.method, c.path, c.body, append(c.header, "Origin: "+allowedOrigin)...)
		for range 20 { // until the limit is reached
			if c.status != 429 || got.Status == 429 {
				break
			}
			got = a.send(t, c.method, c.path, c.body, append(c.header, "Origin: "+allowedOrigin)...)
		}
		h := got.Header
		if got.Status != c.status || h.Get("Access-Control-Allow-Origin") != allowedOrigin || h.Get("Access-Control-Allow-Credentials") != "true" || !varies(h) {
			t.Errorf("%s: %d, %v", c.name, got.Status, h)
		}
		readable := strings.Split(strings.ToLower(strings.ReplaceAll(strings.Join(h["Access-Control-Expose-Headers"], ","), " ", "")), ",")
		slices.Sort(readable)
		if !slices.Equal(readable, exposed) {
			t.Errorf("%s: a page can read %q, want %q", c.name, readable, exposed)
		}
	}
}

// Where no origins are set, nothing is granted, to nobody.
func TestCORSIsOff(t *testing.T) {
	t.Parallel()
	a := newServer(t)
	u := a.user(t, dbsqlc.User{})
	token := "Authorization: Bearer " + testkit.Session(t, a.Pool, u.ID)
	for _, origin := range []string{allowedOrigin, a.URL, "null", "*", "http://localhost:3000"} {
		if got := a.send(t, "GET", "/api/session", "", token, "Origin: "+origin); got.Status != 200 || len(grants(got.Header)) > 0 {
			t.Errorf("Origin %q: %s, %q", origin, got, grants(got.Header))
		}
		got := a.preflight(t, "/api/session", "Origin: "+origin, "Access-Control-Request-Method: DELETE")
		if got.Status < 400 || len(grants(got.Header)) > 0 {
			t.Errorf("preflight of %q: %s, %q", origin, got, grants(got.Header))
		}
	}
}
