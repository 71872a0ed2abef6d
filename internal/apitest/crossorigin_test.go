package apitest

import (
	"net/http"
	"strings"
	"testing"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/testkit"
)

// The origins of the matrix: the server's own is that of its address.
const (
	allowedOrigin = "https://app.example.org"
	foreignOrigin = "https://evil.example"
)

// cookieWrites says from where a browser's cookie may write: for each Sec-Fetch-Site,
// whether it passes with each Origin. A request with neither says nothing of where it
// is from, and a program has no need of the cookie.
const cookieWrites = `
	             -    own  allowed foreign null own-over-https several two-lines
	-            no   yes  yes     no      no   no             no      no
	same-origin  yes  yes  yes     yes     yes  yes            yes     no
	none         yes  yes  yes     yes     yes  yes            yes     no
	same-site    no   no   yes     no      no   no             no      no
	cross-site   no   no   yes     no      no   no             no      no
	unknown      no   no   no      no      no   no             no      no
	two-sites    no   no   no      no      no   no             no      no
`

// originCell is one of the matrix, with the headers that it means.
type originCell struct {
	site, origin string
	header       []string
	passes       bool
}

func originCells(a *api) []originCell {
	own := a.URL
	origins := map[string][]string{
		"-": nil, "own": {own}, "allowed": {allowedOrigin}, "foreign": {foreignOrigin}, "null": {"null"},
		"own-over-https": {"https" + strings.TrimPrefix(own, "http")}, "several": {own + " " + foreignOrigin}, "two-lines": {own, allowedOrigin},
	}
	sites := map[string][]string{"-": nil, "unknown": {"elsewhere"}, "two-sites": {"same-origin", "same-origin"}}
	lines := strings.Split(strings.TrimSpace(cookieWrites), "\n")
	names := strings.Fields(lines[0])
	var cells []originCell
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		site := words[0]
		values, ok := sites[site]
		if !ok {
			values = []string{site}
		}
		for i, word := range words[1:] {
			c := originCell{site: site, origin: names[i], passes: word == "yes"}
			for _, v := range values {
				c.header = append(c.header, "Sec-Fetch-Site: "+v)
			}
			for _, v := range origins[names[i]] {
				c.header = append(c.header, "Origin: "+v)
			}
			cells = append(cells, c)
		}
	}
	return cells
}

// TestCrossOriginWrites tries every cell of the matrix with what can call, and what
// can be called.
func TestCrossOriginWrites(t *testing.T) {
	t.Parallel()
	a := newServer(t, testkit.Origins(allowedOrigin))
	cells := originCells(a)
	if len(cells) != 56 {
		t.Fatalf("%d cells", len(cells))
	}
	rename := `{"name":"Renamed"}`
	credentials := `{"email":"nobody@example.org","password":"wrong horse battery"}`
	for name, try := range map[string]struct {
		call    func(t *testing.T, u dbsqlc.User, token string, header []string) answer
		success int
		// Whether it passes with a given cell: most are as the matrix says.
		passes func(originCell) bool
	}{
		"a write with the cookie": {func(t *testing.T, u dbsqlc.User, token string, header []string) answer {
			return a.send(t, "PATCH", userPath(u.ID), rename, append(header, "Cookie: __Host-roster="+token)...)
		}, 200, nil},
		"signOut with the cookie": {func(t *testing.T, _ dbsqlc.User, token string, header []string) answer {
			return a.send(t, "DELETE", "/api/session", "", append(header, "Cookie: __Host-roster="+token)...)
		}, 204, nil},
		"signIn with a cookie": {func(t *testing.T, _ dbsqlc.User, token string, header []string) answer {
			return a.send(t, "POST", "/api/session", credentials, append(header, "Cookie: __Host-roster="+token)...)
		}, 401, nil},
		// A program that signs in says nothing of its origin, and has no cookie that
		// a page could make it send.
		"signIn without a cookie": {func(t *testing.T, _ dbsqlc.User, _ string, header []string) answer {
			return a.send(t, "POST", "/api/session", credentials, header...)
		}, 401, func(c originCell) bool { return c.passes || c.site == "-" && c.origin == "-" }},
		// With the header the cookie is ignored, so nobody's browser is being used.
		"a write with a token beside the cookie": {func(t *testing.T, u dbsqlc.User, token string, header []string) answer {
			return a.send(t, "PATCH", userPath(u.ID), rename, append(header, "Cookie: __Host-roster="+token, "Authorization: Bearer "+token)...)
		}, 200, func(originCell) bool { return true }},
		"a write with a token": {func(t *testing.T, u dbsqlc.User, token string, header []string) answer {
			return a.send(t, "PATCH", userPath(u.ID), rename, append(header, "Authorization: Bearer "+token)...)
		}, 200, func(originCell) bool { return true }},
		"a read with the cookie": {func(t *testing.T, u dbsqlc.User, token string, header []string) answer {
			return a.send(t, "GET", userPath(u.ID), "", append(header, "Cookie: __Host-roster="+token)...)
		}, 200, func(originCell) bool { return true }},
		// Nobody is signed in, and that is what it says; nothing could be done anyway.
		"a write without any credential": {func(t *testing.T, u dbsqlc.User, _ string, header []string) answer {
			return a.send(t, "PATCH", userPath(u.ID), rename, header...)
		}, 401, func(c originCell) bool { return c.passes || c.site == "-" && c.origin == "-" }},
		"redeemPasswordReset": {func(t *testing.T, _ dbsqlc.User, token string, header []string) answer {
			return a.send(t, "POST", "/api/password-resets", `{"token":"x","newPassword":"`+otherPassword+`"}`, append(header, "Cookie: __Host-roster="+token)...)
		}, 422, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c := range cells {
				u := a.user(t, dbsqlc.User{})
				token := testkit.Session(t, a.Pool, u.ID)
				got := try.call(t, u, token, c.header)
				passes := c.passes
				if try.passes != nil {
					passes = try.passes(c)
				}
				if passes {
					if got.Status != try.success {
						t.Errorf("site %s, origin %s: %s, want %d", c.site, c.origin, got, try.success)
					}
					continue
				}
				got.wantProblem(t, 403, roster.ErrorCodeCrossOrigin)
				if t.Failed() {
					t.Fatalf("site %s, origin %s", c.site, c.origin)
				}
				if len(got.Header["Set-Cookie"]) > 0 {
					t.Errorf("site %s, origin %s: it sets a cookie", c.site, c.origin)
				}
				left := queryOne[int](t, a, "SELECT count(*) FROM users u JOIN sessions s ON s.user_id = u.id WHERE u.id = $1 AND u.name = $2 AND u.updated_at = $3", u.ID, u.Name, u.UpdatedAt)
				if left != 1 {
					t.Errorf("site %s, origin %s: it was refused, and done", c.site, c.origin)
				}
			}
		})
	}
}

// Every way to change something is guarded: each operation of the document that is no
// GET, with the cookie of an admin, from a foreign page and from nowhere.
func TestEveryWriteIsGuarded(t *testing.T) {
	t.Parallel()
	table := must(readAccess())(t)
	cases := accessCases()
	a := newAPI(t)
	a.admin(t)
	guarded := 0
	for _, op := range table.operations {
		c := a.called(t, table, "admin")
		r := cases[op.id+" "+op.rows[0].what](t, c)
		if r.method == http.MethodGet {
			continue
		}
		guarded++
		cookie := "Cookie: __Host-roster=" + c.token
		for _, header := range [][]string{
			{cookie}, {cookie, "Origin: " + foreignOrigin}, {cookie, "Sec-Fetch-Site: cross-site"}, {cookie, "Sec-Fetch-Site: same-site", "Origin: " + foreignOrigin},
			// No method in a header or in the query makes a GET of it, and no media type a form.
			{cookie, "X-Http-Method-Override: GET"}, {cookie, "Content-Type: text/plain"},
		} {
			before := c.state(t)
			got := c.send(t, r.method, r.path, r.body, header...)
			if got.Status != 403 {
				t.Errorf("%s with %q: %s", op.id, header[1:], got)
				continue
			}
			got.wantProblem(t, 403, roster.ErrorCodeCrossOrigin)
			if c.state(t) != before {
				t.Errorf("%s with %q was refused, and done", op.id, header[1:])
			}
		}
		if got := c.send(t, r.method, r.path, r.body, cookie, "Sec-Fetch-Site: same-origin"); got.Status != op.success {
			t.Errorf("%s from its own page: %s", op.id, got)
		}
	}
	if guarded < 12 {
		t.Errorf("%d operations were tried", guarded)
	}
}

// Behind a proxy that speaks HTTPS, the outside address is the own origin, and the
// same host by http: is not.
func TestCrossOriginBehindAProxy(t *testing.T) {
	t.Parallel()
	a := newServer(t, testkit.PublicURL("https://roster.example.org"))
	for origin, passes := range map[string]bool{
		"https://roster.example.org": true, "http://roster.example.org": false, "https://roster.example.org:8443": false,
		"https://roster.example.org:443": false, "https://ROSTER.example.org": false, "https://example.org": false, "https://roster.example.org.evil.example": false,
		"https://xroster.example.org": false, "https://roster.example.org/": false, "null": false, "": false,
	} {
		u := a.user(t, dbsqlc.User{})
		header := []string{"Host: roster.example.org", "Cookie: " + auth.Cookie + "=" + testkit.Session(t, a.Pool, u.ID)}
		if origin != "" {
			header = append(header, "Origin: "+origin)
		}
		got := a.send(t, "PATCH", userPath(u.ID), `{"name":"Renamed"}`, header...)
		if passes && got.Status != 200 || !passes && got.Status != 403 {
			t.Errorf("Origin %q: %s", origin, got)
		}
	}
}

// Who sends the cookie by hand learns what to do instead.
func TestCrossOriginTellsPrograms(t *testing.T) {
	t.Parallel()
	a := newServer(t)
	u := a.user(t, dbsqlc.User{})
	got := a.send(t, "DELETE", "/api/session", "", "Cookie: __Host-roster="+testkit.Session(t, a.Pool, u.ID))
	got.wantProblem(t, 403, roster.ErrorCodeCrossOrigin)
	if !strings.Contains(string(got.Body), "Authorization: Bearer") {
		t.Errorf("it says %s", got)
	}
}
