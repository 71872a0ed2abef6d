package server

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/roster-api/roster/internal/problem"
)

// withoutPool makes everything but a database: a handler that asks it panics.
func withoutPool(t *testing.T, change func(*Options)) http.Handler {
	t.Helper()
	o := Options{Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func ask(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader(`{"email":"ada@example.org","password":"correct horse battery"}`)
	}
	r := httptest.NewRequest(method, path, body)
	r.Header.Set("Content-Type", "application/json")
	r.Host = "localhost"
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func wantProblem(t *testing.T, w *httptest.ResponseRecorder, code problem.Code) {
	t.Helper()
	var e problem.Error
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Errorf("%d %s: %v", w.Code, w.Body, err)
		return
	}
	if w.Code != code.Status() || e.Code != code || e.RequestID == "" || e.RequestID != w.Header().Get("X-Request-Id") ||
		w.Header().Get("Content-Type") != "application/problem+json" || e.Errors == nil {
		t.Errorf("got %d %v %s, want %s", w.Code, w.Header(), w.Body, code)
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	h := withoutPool(t, nil)
	for _, path := range []string{"/nothing", "/api", "/api/", "/api/users/", "/API/users", "/api//users", "/health/", "/openapi", "/.git/config", "/%00", "/%2e%2e/etc/passwd"} {
		wantProblem(t, ask(h, "GET", path), problem.NotFound)
	}
}

func TestMethodNotAllowed(t *testing.T) {
	t.Parallel()
	h := withoutPool(t, nil)
	for path, allow := range map[string]string{
		"/api/users": "GET, HEAD, POST",
		"/api/users/019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21": "GET, HEAD, PUT, PATCH, DELETE",
		"/health":       "GET, HEAD",
		"/ready":        "GET, HEAD",
		"/openapi.yaml": "GET, HEAD",
	} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"} {
			if strings.Contains(allow, method) {
				continue
			}
			w := ask(h, method, path)
			wantProblem(t, w, problem.MethodNotAllowed)
			if got := w.Header().Values("Allow"); strings.Join(got, ", ") != allow {
				t.Errorf("%s %s: Allow %q, want %q", method, path, got, allow)
			}
		}
	}
	// Where there is nothing, no method helps.
	for _, method := range []string{"POST", "PROPFIND"} {
		wantProblem(t, ask(h, method, "/nothing"), problem.NotFound)
	}
}

// TestPanic: a panic in a handler, behind all that stands before it, is a 500
// that tells nothing.
func TestPanic(t *testing.T) {
	t.Parallel()
	h := withoutPool(t, nil)
	for _, encoding := range []string{"identity", "gzip"} {
		w := ask(h, "POST", "/api/session", "Accept-Encoding: "+encoding)
		wantProblem(t, w, problem.Internal)
		for _, told := range []string{".go", "goroutine", "nil pointer", "pgx", "runtime"} {
			if strings.Contains(w.Body.String(), told) {
				t.Errorf("the answer tells %q: %s", told, w.Body)
			}
		}
	}
}

func TestHealthAsksNobody(t *testing.T) {
	t.Parallel()
	h := withoutPool(t, func(o *Options) { o.Gate = new(Gate) })
	for _, method := range []string{"GET", "HEAD"} {
		w := ask(h, method, "/health")
		if w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		if method == "GET" && w.Body.String() != "{\"status\":\"ok\"}\n" {
			t.Errorf("%s", w.Body)
		}
	}
}

func TestGate(t *testing.T) {
	t.Parallel()
	if new(Gate).Drain() {
		t.Error("nobody has asked /ready, and will hear of it")
	}
	gate := new(Gate)
	h := withoutPool(t, func(o *Options) { o.Gate = gate })
	for _, path := range []string{"/ready", "/api/users"} {
		w := ask(h, "GET", path)
		wantProblem(t, w, problem.Unavailable)
		if w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	for _, path := range []string{"/health", "/openapi.yaml", "/openapi.json"} {
		if w := ask(h, "GET", path); w.Code != 200 {
			t.Errorf("%s: %d while the gate is closed", path, w.Code)
		}
	}
	if !gate.Drain() {
		t.Error("somebody has asked /ready, and will not hear of it")
	}
	gate.Open()
	wantProblem(t, ask(h, "GET", "/ready"), problem.Unavailable)
	// What still comes is let in; here, without a database, it panics.
	wantProblem(t, ask(h, "POST", "/api/session"), problem.Internal)
}

func TestDocument(t *testing.T) {
	t.Parallel()
	h := withoutPool(t, nil)
	for path, media := range map[string]string{
		"/openapi.yaml": "application/yaml", "/openapi.json": "application/json", "/openapi-3.0.yaml": "application/yaml",
	} {
		w := ask(h, "GET", path)
		etag := w.Header().Get("ETag")
		if w.Code != 200 || w.Header().Get("Content-Type") != media || etag == "" || w.Body.Len() == 0 {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if again := ask(h, "GET", path, "If-None-Match: "+etag); again.Code != 304 || again.Body.Len() > 0 || again.Header().Get("ETag") != etag {
			t.Errorf("%s: %d %v, want 304", path, again.Code, again.Header())
		}
		if other := ask(h, "GET", path, `If-None-Match: "other"`); other.Code != 200 {
			t.Errorf("%s: %d, want 200", path, other.Code)
		}
		if head := ask(h, "HEAD", path); head.Code != 200 || head.Header().Get("ETag") != etag {
			t.Errorf("HEAD %s: %d %v", path, head.Code, head.Header())
		}
		if strings.Contains(w.Body.String(), "$schema") || strings.Contains(w.Body.String(), "localhost") {
			t.Errorf("%s holds what depends on the request", path)
		}
	}
}

// Who may open a page, and hold a handle of its window, is said by pages only.
func TestPagesOpenForTheirOwnOriginOnly(t *testing.T) {
	t.Parallel()
	h := withoutPool(t, nil)
	for path, want := range map[string]string{"/": "same-origin", "/users": "same-origin", "/docs": "same-origin", "/health": "", "/api/users": ""} {
		if got := ask(h, "GET", path).Header().Get("Cross-Origin-Opener-Policy"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestEveryAnswerHasTheHeaders(t *testing.T) {
	t.Parallel()
	h := withoutPool(t, nil)
	for _, path := range []string{"/health", "/nothing", "/api/users", "/openapi.yaml"} {
		w := ask(h, "GET", path)
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %q", path, policy)
		}
		if cache := w.Header().Get("Cache-Control"); !strings.Contains(cache, "private") && !strings.Contains(cache, "no-store") {
			t.Errorf("%s: Cache-Control %q", path, cache)
		}
	}
}
