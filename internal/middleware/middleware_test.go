package middleware

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/roster-api/roster/internal/problem"
)

// chain puts wrappers around a handler, the first one outermost.
func chain(h http.HandlerFunc, wrappers ...func(http.Handler) http.Handler) http.Handler {
	var all http.Handler = h
	for i := len(wrappers) - 1; i >= 0; i-- {
		all = wrappers[i](all)
	}
	return all
}

func jsonLog(level slog.Level) (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: level})), &b
}

// lines parses what was logged.
func lines(t *testing.T, b *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for s := bufio.NewScanner(bytes.NewReader(b.Bytes())); s.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", s.Bytes(), err)
		}
		all = append(all, line)
	}
	return all
}

func problemIn(t *testing.T, w *httptest.ResponseRecorder) problem.Error {
	t.Helper()
	var e problem.Error
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d %v: %s", w.Code, w.Header(), w.Body)
	}
	return e
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	own := regexp.MustCompile(`^[0-9a-v]{16}$`)
	for _, c := range []struct {
		name string
		sent []string
		kept bool
	}{
		{"none", nil, false},
		{"a word", []string{"abc"}, true},
		{"all that is allowed", []string{"AZaz09._-"}, true},
		{"64 characters", []string{strings.Repeat("a", 64)}, true},
		{"65 characters", []string{strings.Repeat("a", 65)}, false},
		{"empty", []string{""}, false},
		{"a space", []string{"a b"}, false},
		{"a slash, as chi's own have", []string{"host/abc-000001"}, false},
		{"markup", []string{"<script>"}, false},
		{"a letter outside ASCII", []string{"\u00e9"}, false},
		{"a line break", []string{"a\nb"}, false},
		{"a quote", []string{`a"b`}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inside := ""
			h := chain(func(_ http.ResponseWriter, r *http.Request) { inside = problem.RequestFrom(r.Context()).ID }, RequestID)
			r := httptest.NewRequest("GET", "/", nil)
			r.Header["X-Request-Id"] = c.sent
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)

			got := w.Header().Get("X-Request-Id")
			if got != inside {
				t.Errorf("the answer says %q, the problem %q", got, inside)
			}
			if kept := len(c.sent) > 0 && got == c.sent[0]; kept != c.kept {
				t.Errorf("%q became %q", c.sent, got)
			}
			if !c.kept && !own.MatchString(got) {
				t.Errorf("%q is no id of Roster's", got)
			}
		})
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 10_000 {
		seen[NewID()] = true
	}
	if len(seen) != 10_000 {
		t.Errorf("%d ids of 10000", len(seen))
	}
}

func TestRecover(t *testing.T) {
	t.Parallel()
	log, logged := jsonLog(slog.LevelInfo)
	h := chain(func(http.ResponseWriter, *http.Request) { panic("the SECRET reason") }, RequestID, Log(log), Recover(log))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/x", nil))

	e := problemIn(t, w)
	if w.Code != 500 || e.Code != problem.Internal || e.RequestID != w.Header().Get("X-Request-Id") {
		t.Errorf("%d %+v", w.Code, e)
	}
	if strings.Contains(w.Body.String(), "SECRET") || strings.Contains(w.Body.String(), ".go") {
		t.Errorf("the answer tells %s", w.Body)
	}
	all := lines(t, logged)
	if len(all) != 2 || all[0]["msg"] != "panic" || all[1]["msg"] != "request" {
		t.Fatalf("logged %v", all)
	}
	if all[0]["requestId"] != e.RequestID || !strings.Contains(all[0]["stack"].(string), "middleware_test.go") {
		t.Errorf("the panic is logged as %v", all[0])
	}
	if all[1]["level"] != "ERROR" || all[1]["error"] != "internal: panic: the SECRET reason" || all[1]["requestId"] != e.RequestID {
		t.Errorf("the request is logged as %v", all[1])
	}
}

// TestRecoverAfterTheAnswerBegan uses a real connection: what the client sees must
// be broken, not a whole answer of which half is missing.
func TestRecoverAfterTheAnswerBegan(t *testing.T) {
	t.Parallel()
	log, logged := jsonLog(slog.LevelInfo)
	s := httptest.NewUnstartedServer(chain(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half of it")
		w.(http.Flusher).Flush()
		panic("too late")
	}, RequestID, Log(log), Recover(log)))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.Start()
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err == nil {
		t.Errorf("the answer %q looks whole", body)
	}
	if strings.Contains(string(body), "internal") {
		t.Errorf("a problem follows the answer: %q", body)
	}
	s.Close() // the handler has ended
	all := lines(t, logged)
	if len(all) != 2 || all[0]["msg"] != "panic" || all[1]["msg"] != "request" {
		t.Errorf("logged %v, want the panic and the request", all)
	}
}

func TestRecoverLeavesAnAbort(t *testing.T) {
	t.Parallel()
	log, logged := jsonLog(slog.LevelInfo)
	h := chain(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, RequestID, Recover(log))
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("%v came through", err)
		}
		if logged.Len() > 0 {
			t.Errorf("logged %s", logged)
		}
	}()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}

func TestBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		length int64
		want   int
	}{
		{0, 200}, {10, 200}, {11, 413}, {1 << 40, 413}, {-1, 200}, // -1: it does not say
	} {
		h := chain(func(http.ResponseWriter, *http.Request) {}, Body(10))
		r := httptest.NewRequest("POST", "/", io.NopCloser(untouched{t}))
		r.ContentLength = c.length
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("a body of %d: %d, want %d", c.length, w.Code, c.want)
		}
		if c.want == 413 && problemIn(t, w).Code != problem.TooLarge {
			t.Errorf("a body of %d: %s", c.length, w.Body)
		}
	}
}

// untouched is a body that nobody may read.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	h := chain(func(_ http.ResponseWriter, r *http.Request) {
		end, ok := r.Context().Deadline()
		if left := time.Until(end); !ok || left > time.Minute || left < 50*time.Second {
			t.Errorf("the work may take until %v", end)
		}
	}, Deadline(time.Minute))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}
