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
		accept, refused []string
	}{
		{"no outside address", "", loopback, append(foreign, "roster.example.org")},
		{
			"https", "https://roster.example.org", append(loopback, "roster.example.org", "roster.example.org:443", "ROSTER.Example.Org"),
			append(foreign, "roster.example.org:80", "roster.example.org:8443", "www.roster.example.org"),
		},
		{
			"http", "http://roster.example.org", append(loopback, "roster.example.org", "roster.example.org:80"),
			append(foreign, "roster.example.org:443"),
		},
		{
			"with a port", "https://roster.example.org:8443", append(loopback, "roster.example.org:8443"),
			append(foreign, "roster.example.org:443"),
		},
		{
			"an address", "http://[2001:db8::7]:8080", append(loopback, "[2001:db8::7]:8080"),
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
			h := chain(func(http.ResponseWriter, *http.Request) {}, Host(public))
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
