package middleware

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/roster-api/roster/internal/problem"
)

func TestHost(t *testing.T) {
	t.Parallel()
	loopback := []string{
		"localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:8080", "127.0.0.2:80", "127.255.255.254",
		"[::1]", "[::1]:8080", "[0:0:0:0:0:0:0:1]:8080",
	}
	foreign := []string{
		"", ":8080", "example.org", "example.org:8080", "localhost.example.org", "127.0.0.1.example.org", "localhost@example.org",
		"0.0.0.0", "0.0.0.0:8080", "[::]:8080", "10.0.0.1", "192.168.0.1:8080", "128.0.0.1", "[2001:db8::1]:8080", "localhost:8080@example.org",
		"2130706433", "0x7f000001", "0177.0.0.1", "127.1", "xlocalhost", "[localhost", "roster.example.org.evil.test",
	}
	for _, c := range []struct {
		name, public    string
		exposed         bool
		accept, refused []string
	}{
		{"no outside address", "", false, loopback, append(foreign, "roster.example.org")},
		{"exposed, no outside address", "", true, append(loopback, append(foreign, "roster.example.org")...), nil},
		{
			"exposed", "https://roster.example.org", true, append(loopback, "roster.example.org", "roster.example.org:443"),
			append(foreign, "roster.example.org:8443"),
		},
		{
			"https", "https://roster.example.org", false, append(loopback, "roster.example.org", "roster.example.org:443", "ROSTER.Example.Org"),
			append(foreign, "roster.example.org:80", "roster.example.org:8443", "www.roster.example.org"),
		},
		{
			"http", "http://roster.example.org", false, append(loopback, "roster.example.org", "roster.example.org:80"),
			append(foreign, "roster.example.org:443"),
		},
		{
			"with a port", "https://roster.example.org:8443", false, append(loopback, "roster.example.org:8443"),
			append(foreign, "roster.example.org:443"),
		},
		{
			"an address", "http://[2001:db8::7]:8080", false, append(loopback, "[2001:db8::7]:8080"),
			append(foreign, "[2001:db8::7]:8081", "[2001:db8::8]:8080"),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var public *url.URL
			if c.public != "" {
				var err error
				if public, err = url.Parse(c.public); err != nil {
					t.Fatal(err)
				}
			}
			h := chain(func(http.ResponseWriter, *http.Request) {}, Host(public, c.exposed))
			ask := func(host string) *httptest.ResponseRecorder {
				r := httptest.NewRequest("GET", "/", nil)
				r.Host = host
				r.Header.Set("X-Forwarded-Host", "localhost") // never counts
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w
			}
			for _, host := range c.accept {
				if w := ask(host); w.Code != 200 {
					t.Errorf("%q: %d, want 200", host, w.Code)
				}
			}
			for _, host := range c.refused {
				if w := ask(host); w.Code != 421 || problemIn(t, w).Code != problem.Misdirected {
					t.Errorf("%q: %d, want 421", host, w.Code)
				}
			}
		})
	}
}

// TestHostOfProbes: who probes a server that others reach may know it by its bare
// address, as a kubelet does.
func TestHostOfProbes(t *testing.T) {
	t.Parallel()
	public := &url.URL{Scheme: "https", Host: "roster.example.org"}
	for _, c := range []struct {
		path, host string
		exposed    bool
		want       int
	}{
		{"/ready", "10.0.0.7:8080", true, 200},
		{"/ready", "10.0.0.7", true, 200},
		{"/ready", "[fd00::7]:8080", true, 200},
		{"/health", "10.0.0.7:8080", true, 200},
		{"/ready", "10.0.0.7:8080", false, 421}, // only pages whose name lies come so
		{"/health", "10.0.0.7:8080", false, 421},
		{"/ready", "evil.example", true, 421},
		{"/ready", "10.0.0.7.evil.example", true, 421},
		{"/ready", "", true, 421},
		{"/ready/", "10.0.0.7:8080", true, 421},
		{"/api/users", "10.0.0.7:8080", true, 421},
		{"/", "10.0.0.7:8080", true, 421},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		chain(func(http.ResponseWriter, *http.Request) {}, Host(public, c.exposed)).ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s of %q, exposed %t: %d, want %d", c.path, c.host, c.exposed, w.Code, c.want)
		}
	}
}
