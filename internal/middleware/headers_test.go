package middleware

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	all := Headers(false)
	h := chain(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Cache-Control", "no-store") }, all)
	for range 2 { // what one answer changes is not left for the next
		w := httptest.NewRecorder()
		chain(func(http.ResponseWriter, *http.Request) {}, all).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		for name, want := range map[string]string{
			"X-Content-Type-Options":       "nosniff",
			"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control":                "private, no-cache",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
}

func TestHeadersKeepToHTTPS(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		https, tls bool
		host, want string
	}{
		{"http on this machine", false, false, "localhost:8080", ""},
		{"https here", true, true, "roster.example.org", "max-age=31536000"},
		{"https here, by address", true, true, "10.0.0.7:8443", "max-age=31536000"},
		{"https here, a name that looks local", true, true, "localhost.example.org", "max-age=31536000"},
		{"https here, on this machine", true, true, "localhost:8443", ""},
		{"https here, on this machine, in capitals", true, true, "LOCALHOST", ""},
		{"behind a proxy", true, false, "roster.example.org", "max-age=31536000"},
		{"behind a proxy that passes no Host on", true, false, "localhost:8080", "max-age=31536000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "/", nil)
			r.Host, r.TLS = c.host, nil
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			w := httptest.NewRecorder()
			chain(func(http.ResponseWriter, *http.Request) {}, Headers(c.https)).ServeHTTP(w, r)
			if got := w.Header().Get("Strict-Transport-Security"); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
