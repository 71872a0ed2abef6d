package middleware

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"unicode"

	"github.com/go-chi/chi/v5"

	"github.com/roster-api/roster/internal/problem"
)

type user7 struct{}

func (user7) Caller() string { return "user:7" }

func TestLog(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, path  string
		level       slog.Level
		handler     http.HandlerFunc
		want        int // lines
		status      float64
		wantLevel   string
		wantProblem string
	}{
		{"a success", "/things/7", slog.LevelInfo, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201) }, 1, 201, "INFO", ""},
		{"an answer that sets no status", "/things/7", slog.LevelInfo, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(nil) }, 1, 200, "INFO", ""},
		{"a refusal has no cause in the log", "/things/7", slog.LevelInfo, func(w http.ResponseWriter, r *http.Request) {
			problem.New(problem.NotFound, "").Write(w, r)
		}, 1, 404, "INFO", ""},
		{"a failure has its cause", "/things/7", slog.LevelInfo, func(w http.ResponseWriter, r *http.Request) {
			problem.New(problem.Unavailable, "").WithCause(errors.New("no route")).Write(w, r)
		}, 1, 503, "ERROR", "unavailable: no route"},
		{"a refusal that somebody should look into", "/things/7", slog.LevelInfo, func(w http.ResponseWriter, r *http.Request) {
			problem.New(problem.SignInFailed, "").WithCause(errors.New("a strange hash")).Write(w, r)
		}, 1, 401, "WARN", "sign_in_failed: a strange hash"},
		{"load that is shed", "/things/7", slog.LevelInfo, func(w http.ResponseWriter, r *http.Request) {
			problem.New(problem.Unavailable, "Too many.").Write(w, r)
		}, 1, 503, "INFO", "unavailable: Too many."},
		{"a probe is not worth a line", "/health", slog.LevelInfo, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }, 0, 0, "", ""},
		{"a probe at debug", "/health", slog.LevelDebug, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }, 1, 200, "DEBUG", ""},
		{"a probe that fails", "/ready", slog.LevelInfo, func(w http.ResponseWriter, r *http.Request) {
			problem.New(problem.Unavailable, "").Write(w, r)
		}, 1, 503, "ERROR", "unavailable: The service is not able to answer just now; try again."},
		{"a quiet log", "/things/7", slog.LevelError, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }, 0, 0, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			log, logged := jsonLog(c.level)
			router := chi.NewRouter()
			router.Use(RequestID, Client([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}), Log(log))
			router.Post("/things/{id}", func(w http.ResponseWriter, r *http.Request) {
				problem.RequestFrom(r.Context()).Caller = user7{} // as Credential does
				c.handler(w, r)
			})
			router.Post("/health", c.handler)
			router.Post("/ready", c.handler)
			r := httptest.NewRequest("POST", c.path+"?q=SECRET", strings.NewReader("SECRET"))
			r.Header.Set("Authorization", "SECRET")
			r.Header.Set("Cookie", "SECRET")
			r.Header.Set("X-Forwarded-For", "198.51.100.9, 203.0.113.7")
			router.ServeHTTP(httptest.NewRecorder(), r)

			if strings.Contains(logged.String(), "SECRET") {
				t.Errorf("logged %s", logged)
			}
			all := lines(t, logged)
			if len(all) != c.want {
				t.Fatalf("%d lines, want %d: %v", len(all), c.want, all)
			}
			if c.want == 0 {
				return
			}
			line := all[0]
			cause, _ := line["error"].(string)
			if line["status"] != c.status || line["level"] != c.wantLevel || cause != c.wantProblem {
				t.Errorf("%v; want %v %s %q", line, c.status, c.wantLevel, c.wantProblem)
			}
			if c.path == "/things/7" && (line["route"] != "/things/{id}" || line["path"] != "/things/7" || line["caller"] != "user:7") {
				t.Errorf("route %v, path %v", line["route"], line["path"])
			}
			if line["method"] != "POST" || line["client"] != "203.0.113.7" || line["requestId"] == "" {
				t.Errorf("%v", line)
			}
		})
	}
}

func TestLogEscapes(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]func(*strings.Builder) slog.Handler{
		"json": func(b *strings.Builder) slog.Handler { return slog.NewJSONHandler(b, nil) },
		"text": func(b *strings.Builder) slog.Handler { return slog.NewTextHandler(b, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			h := chain(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }, RequestID, Log(slog.New(handler(&b))))
			r := httptest.NewRequest("GET", "/a%0Alevel=ERROR%1b[31m%00%7f%c2%9b%e2%80%ae", nil)
			h.ServeHTTP(httptest.NewRecorder(), r)
			line := strings.TrimSuffix(b.String(), "\n")
			for _, c := range line {
				if !unicode.IsPrint(c) {
					t.Fatalf("%U is in the log: %q", c, line)
				}
			}
		})
	}
}
