package middleware

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/problem"
)

// where is a way to reach a server, and what a page there sends as its Origin.
type where struct {
	name, public, host string
	tls                bool
	own                string
}

var (
	local   = where{"http on this machine", "", "localhost:8080", false, "http://localhost:8080"}
	secure  = where{"https here", "", "roster.example.org", true, "https://roster.example.org"}
	proxied = where{"https at a proxy", "https://roster.example.org", "roster.example.org", false, "https://roster.example.org"}
	renamed = where{"https at a proxy that passes no Host on", "https://roster.example.org", "localhost:8080", false, "https://roster.example.org"}
)

const allowedOrigin = "https://app.example.org"

// crossOrigin sends one request through the wrapper, and reports whether it passed.
func crossOrigin(t *testing.T, at where, method string, header ...string) bool {
	t.Helper()
	var public *url.URL
	if at.public != "" {
		var err error
		if public, err = url.Parse(at.public); err != nil {
			t.Fatal(err)
		}
	}
	r := httptest.NewRequest(method, "/api/users", nil)
	r.Host, r.TLS = at.host, nil
	if at.tls {
		r.TLS = &tls.ConnectionState{}
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	passed := false
	w := httptest.NewRecorder()
	chain(func(http.ResponseWriter, *http.Request) { passed = true }, CrossOrigin(public, []string{allowedOrigin})).ServeHTTP(w, r)
	if !passed && (w.Code != 403 || problemIn(t, w).Code != problem.CrossOrigin) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	return passed
}

// TestCrossOrigin tries what a request says of its origin, by what it shows of its
// caller, for every way to reach the server.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	cookie, bearer := "Cookie: a=b; "+auth.Cookie+"=token", "Authorization: Bearer token"
	cells := 0
	for _, at := range []where{local, secure, proxied, renamed} {
		for _, c := range []struct {
			says    string
			header  []string
			cookie  bool // whether it passes with the cookie
			nothing bool // and with no credential: to sign in
		}{
			{"a page of ours", []string{"Sec-Fetch-Site: same-origin", "Origin: " + at.own}, true, true},
			{"a form of ours", []string{"Sec-Fetch-Site: same-origin", "Origin: null"}, true, true},
			{"a page of ours, no Origin", []string{"Sec-Fetch-Site: same-origin"}, true, true},
			{"the person", []string{"Sec-Fetch-Site: none"}, true, true},
			{"another page of the site", []string{"Sec-Fetch-Site: same-site", "Origin: https://other.example.org"}, false, false},
			{"a foreign page", []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, false, false},
			{"a foreign page, no Origin", []string{"Sec-Fetch-Site: cross-site"}, false, false},
			{"a foreign page in a sandbox", []string{"Sec-Fetch-Site: cross-site", "Origin: null"}, false, false},
			{"a foreign page that has our name", []string{"Sec-Fetch-Site: cross-site", "Origin: " + at.own}, false, false},
			{"an allowed page", []string{"Sec-Fetch-Site: cross-site", "Origin: " + allowedOrigin}, true, true},
			{"an allowed page of the site", []string{"Sec-Fetch-Site: same-site", "Origin: " + allowedOrigin}, true, true},
			{"an allowed page, almost", []string{"Sec-Fetch-Site: cross-site", "Origin: " + allowedOrigin + "."}, false, false},

			{"an old browser, ours", []string{"Origin: " + at.own}, true, true},
			{"an old browser, allowed", []string{"Origin: " + allowedOrigin}, true, true},
			{"an old browser, foreign", []string{"Origin: https://evil.example"}, false, false},
			{"an old browser, the other scheme", []string{"Origin: " + otherScheme(at.own)}, false, false},
			{"an old browser, another port", []string{"Origin: " + at.own + "1"}, false, false},
			{"an old browser, a host that begins so", []string{"Origin: " + at.own + ".evil.example"}, false, false},
			{"an old browser, a user before the host", []string{"Origin: " + strings.Replace(at.own, "://", "://u@", 1)}, false, false},
			{"an old browser, a path", []string{"Origin: " + at.own + "/"}, false, false},
			{"an old browser, null", []string{"Origin: null"}, false, false},
			{"an old browser, an empty Origin", []string{"Origin: "}, false, false},
			{"an old browser, junk", []string{"Origin: ://"}, false, false},
			{"an old browser, no host", []string{"Origin: https://"}, false, false},

			{"nothing", nil, false, true},
			{"two origins", []string{"Origin: " + at.own, "Origin: https://evil.example"}, false, false},
			{"two origins that agree", []string{"Origin: " + at.own, "Origin: " + at.own}, false, false},
			{"two origins of one line", []string{"Origin: " + at.own + " https://evil.example"}, false, false},
			{"two sites", []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site", "Origin: " + at.own}, false, false},
			{"a site that is none", []string{"Sec-Fetch-Site: any", "Origin: " + at.own}, false, false},
			{"a site that is none, an allowed page", []string{"Sec-Fetch-Site: any", "Origin: " + allowedOrigin}, false, false},
			{"an empty site", []string{"Sec-Fetch-Site: "}, false, false},
			{"a site in capitals", []string{"Sec-Fetch-Site: Same-Origin"}, false, false},
			{"only a Referer", []string{"Referer: " + at.own + "/"}, false, true},
		} {
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
				for _, shows := range []struct {
					what   string
					header []string
					want   bool
				}{
					{"the cookie", []string{cookie}, c.cookie},
					{"nothing", nil, c.nothing},
					{"another cookie", []string{"Cookie: a=b"}, c.nothing},
					{"a token", []string{bearer}, true},
					{"a token and the cookie", []string{bearer, cookie}, true}, // which is ignored
				} {
					cells++
					if passed := crossOrigin(t, at, method, append(shows.header, c.header...)...); passed != shows.want {
						t.Errorf("%s: %s says %s, shows %s: passed %t, want %t", at.name, method, c.says, shows.what, passed, shows.want)
					}
				}
			}
			for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
				cells++
				if !crossOrigin(t, at, method, append([]string{cookie}, c.header...)...) {
					t.Errorf("%s: %s says %s: refused", at.name, method, c.says)
				}
			}
		}
	}
	if cells < 40 {
		t.Errorf("%d cells", cells)
	}
}

func otherScheme(origin string) string {
	if rest, ok := strings.CutPrefix(origin, "https://"); ok {
		return "http://" + rest
	}
	return "https://" + strings.TrimPrefix(origin, "http://")
}

// TestCrossOriginOwn: which Origin headers an old browser may send for a server.
func TestCrossOriginOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at     where
		origin string
		want   bool
	}{
		{where{public: "https://Roster.Example.org:443", host: "x"}, "https://roster.example.org", true},
		{where{public: "https://roster.example.org:8443", host: "x"}, "https://roster.example.org:8443", true},
		{where{public: "https://roster.example.org:8443", host: "x"}, "https://roster.example.org", false},
		{where{public: "https://roster.example.org", host: "localhost:8080"}, "http://localhost:8080", false},
		{where{public: "http://localhost:3000", host: "localhost:8080"}, "http://localhost:3000", true},
		{where{public: "http://localhost:3000", host: "localhost:8080"}, "http://localhost:8080", true},
		{where{public: "http://localhost:80", host: "x"}, "http://localhost", true},
		{where{host: "ROSTER.example.org:443", tls: true}, "https://roster.example.org", true},
		{where{host: "roster.example.org:80", tls: true}, "https://roster.example.org", false},
		{where{host: "[::1]:8080"}, "http://[::1]:8080", true},
		{where{host: "[::1]:80"}, "http://[::1]", true},
		{where{host: ""}, "http://", false},
		{where{host: ""}, "", false},
	} {
		if got := crossOrigin(t, c.at, "POST", "Cookie: "+auth.Cookie+"=x", "Origin: "+c.origin); got != c.want {
			t.Errorf("%+v: %q passed %t", c.at, c.origin, got)
		}
	}
}

// TestCrossOriginTellsPrograms: who sends the cookie by hand learns what to do.
func TestCrossOriginTellsPrograms(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]bool{"": true, "https://evil.example": false} {
		r := httptest.NewRequest("POST", "/", nil)
		r.AddCookie(&http.Cookie{Name: auth.Cookie, Value: "x"})
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		chain(func(http.ResponseWriter, *http.Request) {}, CrossOrigin(nil, nil)).ServeHTTP(w, r)
		if e := problemIn(t, w); strings.Contains(e.Detail, "Bearer") != want {
			t.Errorf("%q: %s", origin, e.Detail)
		}
	}
}
