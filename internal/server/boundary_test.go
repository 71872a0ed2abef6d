package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/roster-api/roster/internal/problem"
)

const (
	app       = "https://app.example.org"
	preflight = "Access-Control-Request-Method: DELETE"
)

// TestCORSIsOffByDefault: no answer has its headers, and OPTIONS is a method as any
// that a path does not have.
func TestCORSIsOffByDefault(t *testing.T) {
	t.Parallel()
	h := withoutPool(t, nil)
	for _, path := range []string{"/api/users", "/nothing", "/openapi.yaml", "/docs/", "/health"} {
		for _, method := range []string{"GET", "OPTIONS"} {
			w := ask(h, method, path, "Origin: "+app, preflight)
			for name := range w.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s: %s", method, path, name)
				}
			}
			if method == "OPTIONS" && w.Code != http.StatusMethodNotAllowed && w.Code != http.StatusNotFound {
				t.Errorf("OPTIONS %s: %d", path, w.Code)
			}
		}
	}
}

// TestCORSOnEveryAnswer: an allowed page can read what is refused, too.
func TestCORSOnEveryAnswer(t *testing.T) {
	t.Parallel()
	h := withoutPool(t, func(o *Options) { o.Origins = []string{app} })
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/openapi.json", 200},
		{"GET", "/api/users", 401},
		{"GET", "/nothing", 404},
		{"POST", "/health", 405},
		{"OPTIONS", "/api/users", 405}, // no preflight
	} {
		w := ask(h, c.method, c.path, "Origin: "+app, "Accept-Encoding: gzip")
		if w.Code != c.want || !slices.Equal(w.Header().Values("Access-Control-Allow-Origin"), []string{app}) || w.Header().Get("Access-Control-Allow-Credentials") != "true" {
			t.Errorf("%s %s: %d %v", c.method, c.path, w.Code, w.Header())
		}
		if vary := strings.Join(w.Header().Values("Vary"), ","); c.method != "OPTIONS" && (!strings.Contains(vary, "Origin") || !strings.Contains(vary, "Accept-Encoding")) {
			t.Errorf("%s %s: Vary %q", c.method, c.path, vary)
		}
	}
	// A preflight is answered for any path, by nobody behind.
	if w := ask(h, "OPTIONS", "/api/users", "Origin: "+app, preflight); w.Code != http.StatusNoContent || w.Body.Len() > 0 || w.Header().Get("Access-Control-Allow-Methods") != "DELETE" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	wantProblem(t, ask(h, "OPTIONS", "/api/users", "Origin: https://evil.example", preflight), problem.CrossOrigin)

	closed := withoutPool(t, func(o *Options) { o.Origins, o.Gate = []string{app}, new(Gate) })
	if w := ask(closed, "GET", "/api/users", "Origin: "+app); w.Code != 503 || w.Header().Get("Access-Control-Allow-Origin") != app {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if _, err := New(Options{Origins: []string{"*"}}); err == nil {
		t.Error("every origin went through")
	}
}

// TestForeignPagesCannotSignIn: nor do anything else that is not safe. The matrix
// stands beside the wrapper.
func TestForeignPagesCannotSignIn(t *testing.T) {
	t.Parallel()
	h := withoutPool(t, nil)
	for _, path := range []string{"/api/session", "/api/users", "/api/password-resets"} {
		w := ask(h, "POST", path, "Sec-Fetch-Site: cross-site", "Origin: https://evil.example", "Content-Type: text/plain")
		wantProblem(t, w, problem.CrossOrigin)
	}
}

func TestHTTPSIsRemembered(t *testing.T) {
	t.Parallel()
	public := &url.URL{Scheme: "https", Host: "roster.example.org"}
	for https, want := range map[bool]string{true: "max-age=31536000", false: ""} {
		h := withoutPool(t, func(o *Options) { o.HTTPS, o.PublicURL = https, public })
		for _, path := range []string{"/health", "/api/users", "/docs/", "/openapi.yaml", "/nothing"} {
			w := ask(h, "GET", path)
			if got := w.Header().Get("Strict-Transport-Security"); got != want {
				t.Errorf("https %t, %s: %q, want %q", https, path, got, want)
			}
			if own := w.Header().Get("Cross-Origin-Resource-Policy"); own != "same-origin" {
				t.Errorf("%s: Cross-Origin-Resource-Policy %q", path, own)
			}
		}
	}
}
