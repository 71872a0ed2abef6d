package apitest

import (
	"regexp"
	"strings"
	"testing"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
)

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	own := regexp.MustCompile(`^[0-9a-v]{16}$`)
	for _, c := range []struct {
		sent string
		kept bool
	}{
		{"", false}, {"my-id_1.2", true}, {strings.Repeat("x", 64), true}, {strings.Repeat("x", 65), false},
		{"a b", false}, {"a/b", false}, {"<b>", false}, {"a,b", false}, {"\u00e9", false},
	} {
		for _, path := range []string{"/api/users", "/api/users/nobody", "/nothing", "/health", "/openapi.json"} {
			var header []string
			if c.sent != "" {
				header = []string{"X-Request-Id: " + c.sent}
			}
			got := a.send(t, "GET", path, "", header...)
			id := got.Header.Get("X-Request-Id")
			if (id == c.sent) != c.kept || !c.kept && !own.MatchString(id) {
				t.Errorf("%s: %q became %q", path, c.sent, id)
			}
			if got.Status >= 400 && decode[roster.Problem](t, got.Body).RequestID != id {
				t.Errorf("%s: the problem says another id: %s", path, got)
			}
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	for _, path := range []string{
		"/api/users", "/api/users?limit=1&sort=name", "/api/users/" + u.ID.String(), "/health", "/ready", "/openapi.yaml", "/openapi.json",
		"/api/users?limit=0", "/api/users/nobody", "/nothing",
	} {
		get := a.send(t, "GET", path, "", "X-Request-Id: same", "Accept-Encoding: identity")
		head := a.send(t, "HEAD", path, "", "X-Request-Id: same", "Accept-Encoding: identity")
		if head.Status != get.Status || len(head.Body) != 0 {
			t.Errorf("HEAD %s: %s, GET %d", path, head, get.Status)
		}
		for name := range get.Header {
			if g, h := get.Header.Get(name), head.Header.Get(name); g != h && name != "Date" && name != "Content-Length" {
				t.Errorf("HEAD %s: %s is %q, and %q of a GET", path, name, h, g)
			}
		}
		if n := head.Header.Get("Content-Length"); n != "" && n != get.Header.Get("Content-Length") {
			t.Errorf("HEAD %s: Content-Length %s, and %s of a GET", path, n, get.Header.Get("Content-Length"))
		}
	}
}

// TestForwardedHeadersMeanNothing: nobody has said which proxy to believe.
func TestForwardedHeadersMeanNothing(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.user(t, dbsqlc.User{})
	a.user(t, dbsqlc.User{})
	const evil = "evil.example"
	forwarded := []string{
		"X-Forwarded-Host: " + evil, "X-Forwarded-Proto: gopher", "X-Forwarded-For: " + evil, "X-Forwarded-Prefix: /" + evil,
		"Forwarded: host=" + evil + ";proto=gopher;for=192.0.2.7", "X-Real-Ip: 192.0.2.7", "X-Original-Url: /" + evil, "X-Rewrite-Url: /" + evil, "X-Http-Method-Override: DELETE",
	}
	for _, path := range []string{"/api/users?limit=1", "/openapi.json", "/openapi.yaml", "/nothing"} {
		got := a.send(t, "GET", path, "", append(forwarded, "Accept-Encoding: identity")...)
		text := string(got.Body)
		for name, values := range got.Header {
			text += name + strings.Join(values, "")
		}
		if strings.Contains(text, evil) || strings.Contains(text, "gopher") || strings.Contains(text, "$schema") {
			t.Errorf("%s: %s", path, text)
		}
		if line := a.Log.Await(t, got.Header.Get("X-Request-Id")); path != "/nothing" && line["client"] != "127.0.0.1" {
			t.Errorf("the log believes the client: %v", line)
		}
	}
	if n := a.count(t); n != 2 {
		t.Errorf("%d users are left", n)
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	for _, path := range []string{"/api/users", "/api/users/" + u.ID.String(), "/nothing", "/health", "/openapi.json"} {
		got := a.send(t, "GET", path, "")
		cache := got.Header.Get("Cache-Control")
		if got.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(got.Header.Get("Content-Security-Policy"), "default-src 'none'") ||
			got.Header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(cache, "private") && !strings.Contains(cache, "no-store") {
			t.Errorf("%s: %v", path, got.Header)
		}
		for _, name := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Origin", "Set-Cookie"} {
			if got.Header.Get(name) != "" {
				t.Errorf("%s: %s is %q", path, name, got.Header.Get(name))
			}
		}
	}
}
