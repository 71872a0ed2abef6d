package apitest

import (
	"net/http"
	"strings"
	"testing"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// Where a credential may stand, and which one counts: a header makes the cookie
// ignored, also a header that is no good.
func TestWhichCredentialCounts(t *testing.T) {
	t.Parallel()
	a := newServer(t)
	u, other := a.user(t, dbsqlc.User{}), a.user(t, dbsqlc.User{})
	good, others := testkit.Session(t, a.Pool, u.ID), testkit.Session(t, a.Pool, other.ID)
	stale := string(auth.NewSessionToken())
	key := testkit.Key(t, a.Pool, other.ID, auth.UsersRead)
	cookie := "Cookie: __Host-roster=" + good
	for _, c := range []struct {
		name   string
		header []string
		want   *dbsqlc.User // nil: nobody
	}{
		{"nothing", nil, nil},
		{"a cookie", []string{cookie}, &u},
		{"a token", []string{"Authorization: Bearer " + good}, &u},
		{"a key", []string{"Authorization: Bearer " + key}, &other},
		{"the scheme in lower case", []string{"Authorization: bearer " + good}, &u},
		{"the scheme in upper case", []string{"Authorization: BEARER " + good}, &u},
		{"two spaces", []string{"Authorization: Bearer  " + good}, &u},
		{"a token beside another's cookie", []string{cookie, "Authorization: Bearer " + others}, &other},
		{"a key beside another's cookie", []string{cookie, "Authorization: Bearer " + key}, &other},

		{"a stale token beside a good cookie", []string{cookie, "Authorization: Bearer " + stale}, nil},
		{"nonsense beside a good cookie", []string{cookie, "Authorization: Bearer nonsense"}, nil},
		{"an empty token beside a good cookie", []string{cookie, "Authorization: Bearer"}, nil},
		{"another scheme beside a good cookie", []string{cookie, "Authorization: Basic YTpi"}, nil},
		{"the token as another scheme", []string{"Authorization: Token " + good}, nil},
		{"the token as Basic", []string{"Authorization: Basic " + good}, nil},
		{"the token alone", []string{"Authorization: " + good}, nil},
		{"two tokens", []string{"Authorization: Bearer " + good, "Authorization: Bearer " + good}, nil},
		{"two tokens in a line", []string{"Authorization: Bearer " + good + ", Bearer " + good}, nil},
		{"a tab", []string{"Authorization: Bearer\t" + good}, nil},
		{"more behind the token", []string{"Authorization: Bearer " + good + " x"}, nil},
		{"a quoted token", []string{`Authorization: Bearer "` + good + `"`}, nil},

		{"another cookie's name", []string{"Cookie: roster=" + good}, nil},
		{"the name without its prefix in case", []string{"Cookie: __host-roster=" + good}, nil},
		{"a Secure name", []string{"Cookie: __Secure-roster=" + good}, nil},
		{"the first of two cookies counts", []string{"Cookie: __Host-roster=" + stale + "; __Host-roster=" + good}, nil},
		{"a key's header", []string{"X-Api-Key: " + key}, nil},
		{"a proxy's header", []string{"Proxy-Authorization: Bearer " + good}, nil},
		{"a user's header", []string{"X-Forwarded-User: " + u.Email, "X-Remote-User: " + u.Email, "Remote-User: " + u.Email}, nil},
	} {
		got := a.send(t, "GET", "/api/session", "", c.header...)
		switch {
		case c.want == nil:
			if got.Status != 401 {
				t.Errorf("%s: %s", c.name, got)
				continue
			}
			got.wantProblem(t, 401, roster.ErrorCodeUnauthenticated)
			if len(got.Header["Set-Cookie"]) > 0 || got.Header.Get("Www-Authenticate") != `Bearer realm="roster"` {
				t.Errorf("%s: %v", c.name, got.Header)
			}
		case got.Status != 200 || !strings.Contains(string(got.Body), c.want.ID.String()):
			t.Errorf("%s: %s", c.name, got)
		}
	}
	for _, in := range []string{"?access_token=", "?token=", "?key=", "?__Host-roster="} {
		if got := a.send(t, "GET", "/api/session"+in+good, ""); got.Status != 401 {
			t.Errorf("in the query %s: %s", in, got)
		}
	}
}

// A token that is not exactly one that was given out is nobody's, and one that cannot
// be any does not even cost a look at the database.
func TestMalformedSessionTokens(t *testing.T) {
	t.Parallel()
	statements := &testkit.Statements{}
	a := newServer(t, testkit.CountStatements(statements))
	u := a.user(t, dbsqlc.User{})
	good := testkit.Session(t, a.Pool, u.ID)
	flip := func(i int) string {
		letter := byte('x')
		if good[i] == letter {
			letter = 'y'
		}
		return good[:i] + string(letter) + good[i+1:]
	}
	asked := func() int { return statements.Of("VerifySessions", "VerifyKeys") }
	for name, token := range map[string]string{
		"cut by one": good[:52], "cut by many": good[:20], "longer by one": good + "0", "longer by a dot": good + ".",
		"upper case": strings.ToUpper(good), "lower case": strings.ToLower(good), "another case of one letter": swapOne(good),
		"a key's prefix": "rst_" + good[4:], "a reset's prefix": "rsr_" + good[4:], "a capital prefix": "RSS_" + good[4:], "no prefix": good[4:],
		"another letter in front": flip(4), "another letter in the middle": flip(25), "another letter of the checksum": flip(50),
		"zeros": "rss_" + strings.Repeat("0", 49), "nonsense": "nonsense", "very long": strings.Repeat("rss_", 5000),
	} {
		for _, header := range []string{"Authorization: Bearer " + token, "Cookie: __Host-roster=" + token} {
			a.send(t, "GET", "/api/session", "", header).wantProblem(t, 401, roster.ErrorCodeUnauthenticated)
		}
		if n := asked(); n != 0 {
			t.Fatalf("%s: the database was asked", name)
		}
	}
	// A reset's token is well formed, and no credential.
	a.send(t, "GET", "/api/session", "", "Authorization: Bearer "+string(auth.NewResetToken())).wantProblem(t, 401, roster.ErrorCodeUnauthenticated)
	if n := asked(); n != 0 {
		t.Error("a reset's token was asked about")
	}
	// The count is one that counts.
	a.send(t, "GET", "/api/session", "", "Authorization: Bearer "+string(auth.NewSessionToken())).wantProblem(t, 401, roster.ErrorCodeUnauthenticated)
	a.send(t, "GET", "/api/session", "", "Authorization: Bearer "+string(auth.NewKeyToken())).wantProblem(t, 401, roster.ErrorCodeUnauthenticated)
	if n := asked(); n != 2 {
		t.Errorf("two unknown tokens were asked about %d times", n)
	}
	if got := a.send(t, "GET", "/api/session", "", "Authorization: Bearer "+good); got.Status != 200 {
		t.Errorf("the good one: %s", got)
	}
}

// swapOne changes the case of the last letter of the random part that has one.
func swapOne(token string) string {
	b := []byte(token)
	for i := 46; ; i-- {
		if b[i] >= 'A' && b[i] <= 'Z' || b[i] >= 'a' && b[i] <= 'z' {
			b[i] ^= 0x20
			return string(b)
		}
	}
}

// Answers to somebody are kept by nobody else: none says public, and those with a
// secret, and all refusals, may not be kept at all.
func TestNobodyElseKeepsAnAnswer(t *testing.T) {
	t.Parallel()
	table := must(readAccess())(t)
	cases := accessCases()
	a := newAPI(t)
	a.admin(t)
	for _, op := range table.operations {
		c := a.called(t, table, string(role.Admin))
		r := cases[op.id+" "+op.rows[0].what](t, c)
		got := c.send(t, r.method, r.path, r.body)
		kept := got.Header.Get("Cache-Control")
		if strings.Contains(kept, "public") || strings.Contains(kept, "s-maxage") {
			t.Errorf("%s: Cache-Control is %q", op.id, kept)
		}
		secret := strings.Contains(string(got.Body), `"secret"`) || strings.Contains(string(got.Body), `"token"`) || len(got.Header["Set-Cookie"]) > 0 && got.Status == 201
		if secret && kept != "no-store" {
			t.Errorf("%s shows a secret, and Cache-Control is %q", op.id, kept)
		}
		// A shared cache keeps what was asked with Authorization only when told to
		// (RFC 9111, section 3.5); with a cookie it would, unless told not to.
		session := testkit.Session(t, a.Pool, c.me.ID)
		if r.method == http.MethodGet {
			got := c.send(t, r.method, r.path, "", "Cookie: __Host-roster="+session)
			if kept := got.Header.Get("Cache-Control"); got.Status != 200 || !strings.Contains(kept, "private") && !strings.Contains(kept, "no-store") {
				t.Errorf("%s with a cookie: %d, Cache-Control %q", op.id, got.Status, kept)
			}
		}
	}
}
