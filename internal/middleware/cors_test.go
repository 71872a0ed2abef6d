package middleware

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/roster-api/roster/internal/problem"
)

// called is an answer of the handler behind the CORS wrapper.
const called = http.StatusTeapot

func corsOf(t *testing.T, origins ...string) http.Handler {
	t.Helper()
	cors, err := CORS(origins)
	if err != nil {
		t.Fatal(err)
	}
	return chain(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(called) }, cors)
}

func askCORS(h http.Handler, method string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/api/users", nil)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header[http.CanonicalHeaderKey(name)] = append(r.Header[http.CanonicalHeaderKey(name)], value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// granted returns the headers by which CORS grants anything.
func granted(h http.Header) []string {
	var names []string
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			names = append(names, name)
		}
	}
	return names
}

func TestCORSIsOff(t *testing.T) {
	t.Parallel()
	h := corsOf(t)
	for _, w := range []*httptest.ResponseRecorder{
		askCORS(h, "GET", "Origin: https://app.example.org"),
		askCORS(h, "OPTIONS", "Origin: https://app.example.org", "Access-Control-Request-Method: PUT"),
	} {
		if w.Code != called || len(w.Header()) > 0 {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	}
}

func TestCORSRefusesItsSettings(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"*", "null", "https://*", "http://example.org", "https://example.org/", "example.org", ""} {
		if _, err := CORS([]string{origin}); err == nil {
			t.Errorf("%q went through", origin)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	h := corsOf(t, "https://app.example.org", "http://localhost:3000", "http://localhost:3000")
	for _, origin := range []string{"https://app.example.org", "http://localhost:3000"} {
		w := askCORS(h, "POST", "Origin: "+origin)
		exposed := strings.Split(strings.ReplaceAll(strings.ToLower(w.Header().Get("Access-Control-Expose-Headers")), " ", ""), ",")
		if w.Code != called || w.Header().Get("Access-Control-Allow-Origin") != origin || w.Header().Get("Access-Control-Allow-Credentials") != "true" ||
			!slices.Contains(w.Header().Values("Vary"), "Origin") {
			t.Errorf("%s: %d %v", origin, w.Code, w.Header())
		}
		for _, name := range []string{"etag", "location", "link", "retry-after", "ratelimit", "ratelimit-policy", "x-request-id", "idempotency-replayed"} {
			if !slices.Contains(exposed, name) {
				t.Errorf("%s: %s is not exposed: %q", origin, name, exposed)
			}
		}
	}
	// A cache must keep the answer without the headers apart from that with them.
	if w := askCORS(h, "GET"); w.Code != called || w.Header().Get("Vary") != "Origin" || granted(w.Header()) != nil {
		t.Errorf("no page: %d %v", w.Code, w.Header())
	}
}

func TestCORSPreflight(t *testing.T) {
	t.Parallel()
	h := corsOf(t, "https://app.example.org")
	const origin = "Origin: https://app.example.org"
	all := "authorization,content-type,idempotency-key,if-match,if-none-match,x-request-id" // browsers sort them
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		w := askCORS(h, "OPTIONS", origin, "Access-Control-Request-Method: "+method, "Access-Control-Request-Headers: "+all)
		head := w.Header()
		if w.Code != 204 || w.Body.Len() > 0 || head.Get("Access-Control-Allow-Origin") != "https://app.example.org" || head.Get("Access-Control-Allow-Credentials") != "true" ||
			head.Get("Access-Control-Max-Age") != "3600" || head.Get("Access-Control-Allow-Headers") != all {
			t.Errorf("%s: %d %v %s", method, w.Code, head, w.Body)
		}
		// Browsers need no permission for these three.
		if safe := method == "GET" || method == "HEAD" || method == "POST"; !safe && head.Get("Access-Control-Allow-Methods") != method {
			t.Errorf("%s: %v", method, head)
		}
	}
	for name, sent := range map[string][]string{
		"another origin":  {"Origin: https://evil.example", "Access-Control-Request-Method: PUT"},
		"another method":  {origin, "Access-Control-Request-Method: PURGE"},
		"another header":  {origin, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-other"},
		"an empty method": {origin, "Access-Control-Request-Method: "},
	} {
		w := askCORS(h, "OPTIONS", sent...)
		if w.Code != 403 || granted(w.Header()) != nil || problemIn(t, w).Code != problem.CrossOrigin {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
	}
	// These are no preflights: who is behind says what they are.
	for _, sent := range [][]string{{}, {origin}, {"Access-Control-Request-Method: PUT"}} {
		if w := askCORS(h, "OPTIONS", sent...); w.Code != called {
			t.Errorf("%v: %d %v", sent, w.Code, w.Header())
		}
	}
}

func TestCORSNearMisses(t *testing.T) {
	t.Parallel()
	h := corsOf(t, "https://app.example.org", "http://localhost:3000")
	misses := []string{
		"http://app.example.org", "https://app.example.org:444", "https://app.example.org:443", "https://app.example.org:80",
		"https://example.org", "https://x.app.example.org", "https://xapp.example.org", "https://app.example.org.evil.example",
		"https://app.example.orgx", "https://app.example.or", "https://app-example.org", "https://app.example.org.",
		"https://app.example.org/", "https://app.example.org/x", "https://app.example.org@evil.example", "https://evil.example#https://app.example.org",
		"https://evil.example/https://app.example.org", "HTTPS://app.example.org", "https://APP.example.org", "https://app.ex\u00e4mple.org",
		"null", "", "*", "https://", "app.example.org", " https://app.example.org", "https://app.example.org https://app.example.org",
		"https://app.example.org,https://evil.example", "http://localhost", "http://localhost:3001", "https://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000",
	}
	if len(misses) < 20 {
		t.Errorf("%d origins", len(misses))
	}
	for _, origin := range misses {
		if w := askCORS(h, "GET", "Origin: "+origin); granted(w.Header()) != nil || w.Header().Get("Vary") != "Origin" {
			t.Errorf("%q: %v", origin, w.Header())
		}
		if w := askCORS(h, "OPTIONS", "Origin: "+origin, "Access-Control-Request-Method: DELETE"); w.Code != 403 || granted(w.Header()) != nil {
			t.Errorf("preflight of %q: %d %v", origin, w.Code, w.Header())
		}
	}
}

// TestCORSLetsPagesReadRefusals: what is refused or panics behind the wrapper
// still has its headers.
func TestCORSLetsPagesReadRefusals(t *testing.T) {
	t.Parallel()
	cors, err := CORS([]string{"https://app.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	log, _ := jsonLog(0)
	for _, code := range []problem.Code{problem.Unauthenticated, problem.Forbidden, problem.CrossOrigin, problem.RateLimited, problem.Internal, problem.Unavailable, ""} {
		h := chain(func(w http.ResponseWriter, r *http.Request) {
			if code == "" {
				panic("on purpose")
			}
			problem.New(code, "").Write(w, r)
		}, RequestID, Recover(log), Headers(false), cors)
		w := askCORS(h, "POST", "Origin: https://app.example.org")
		if w.Code < 400 || w.Header().Get("Access-Control-Allow-Origin") != "https://app.example.org" {
			t.Errorf("%s: %d %v", code, w.Code, w.Header())
		}
		problemIn(t, w)
	}
}
