package middleware

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/problem"
)

var perMinute = Rates{Address: limit.Rate{Quota: 3, Window: time.Minute}, Caller: limit.Rate{Quota: 5, Window: time.Minute}}

// asker sends requests to a handler that says ok, behind a limit of its own.
type asker struct{ http.Handler }

func newAsker(rates Rates, proxies ...netip.Prefix) asker {
	return newOwnAsker(rates, nil, proxies...)
}

// newOwnAsker is newAsker of an operation that has limits of its own.
func newOwnAsker(rates Rates, own []limit.Limit, proxies ...netip.Prefix) asker {
	return asker{chain(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		RequestID, Client(proxies), known, admit(rates, own))}
}

func admit(rates Rates, own []limit.Limit) func(http.Handler) http.Handler {
	limits := NewLimits(limit.New(), rates)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if limits.Admit(w, r, own) {
				next.ServeHTTP(w, r)
			}
		})
	}
}

func (a asker) ask(peer string, change func(*http.Request) *http.Request) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = peer
	if change != nil {
		r = change(r)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

func forwarded(value string) func(*http.Request) *http.Request {
	return func(r *http.Request) *http.Request {
		r.Header.Set("X-Forwarded-For", value)
		return r
	}
}

// by makes a request that of a session of a user.
func by(user uuid.UUID) func(*http.Request) *http.Request {
	return func(r *http.Request) *http.Request {
		p := auth.SessionOf(uuid.New(), dbsqlc.User{ID: user})
		return r.WithContext(context.WithValue(r.Context(), caller{}, p))
	}
}

type caller struct{}

// known does with the caller of by what Credential does.
func known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, ok := r.Context().Value(caller{}).(*auth.Principal); ok {
			problem.RequestFrom(r.Context()).Caller = p
		}
		next.ServeHTTP(w, r)
	})
}

// A list of one item with parameters that are integers (RFC 9651, section 3.1).
var fieldForm = regexp.MustCompile(`^"([ !#-\[\]-~]*)"((?:;[a-z*][a-z0-9_.*-]*=-?[0-9]{1,15})+)$`)

// field reads a header as a structured field.
func field(t *testing.T, w *httptest.ResponseRecorder, name string) (item string, parameters map[string]int) {
	t.Helper()
	lines := w.Header().Values(name)
	if len(lines) != 1 {
		t.Fatalf("%s is %q", name, lines)
	}
	parts := fieldForm.FindStringSubmatch(lines[0])
	if parts == nil {
		t.Fatalf("%s: %s is no structured field", name, lines[0])
	}
	parameters = map[string]int{}
	for p := range strings.SplitSeq(parts[2][1:], ";") {
		key, value, _ := strings.Cut(p, "=")
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Fatal(err)
		}
		parameters[key] = n
	}
	return parts[1], parameters
}

func TestLimitSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAsker(perMinute)
		for i, want := range []struct {
			status, left, reset int
			retry               string
		}{
			{204, 2, 40, ""}, {204, 1, 20, ""}, {204, 0, 20, ""}, {429, 0, 20, "20"}, {429, 0, 20, "20"},
		} {
			w := a.ask("203.0.113.7:4711", nil)
			name, policy := field(t, w, "RateLimit-Policy")
			if name != "address" || len(policy) != 2 || policy["q"] != 3 || policy["w"] != 60 {
				t.Errorf("answer %d: the policy %s %v", i, name, policy)
			}
			name, left := field(t, w, "RateLimit")
			if name != "address" || len(left) != 2 || left["r"] != want.left || left["t"] != want.reset {
				t.Errorf("answer %d: %s %v, want %+v", i, name, left, want)
			}
			if w.Code != want.status || w.Header().Get("Retry-After") != want.retry {
				t.Errorf("answer %d: %d, Retry-After %q; want %+v", i, w.Code, w.Header().Get("Retry-After"), want)
			}
			if w.Code == 429 && problemIn(t, w).Code != problem.RateLimited {
				t.Errorf("answer %d: %s", i, w.Body)
			}
		}
		w := a.ask("203.0.113.7:4711", by(uuid.New()))
		if name, policy := field(t, w, "RateLimit-Policy"); w.Code != 204 || name != "caller" || policy["q"] != 5 || policy["w"] != 60 {
			t.Errorf("a caller from the same address: %d, %s %v", w.Code, name, policy)
		}
		if name, left := field(t, w, "RateLimit"); name != "caller" || left["r"] != 4 {
			t.Errorf("a caller from the same address: %s %v", name, left)
		}
	})
}

// Who asks as fast as may be, and waits for Retry-After when told to, is told
// once at a time.
func TestLimitOfAClientThatObeys(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1/1s", "3/1m", "7/1m", "100/1m", "3000/1m", "999/7s"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			rate, err := limit.ParseRate(text)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				a := newAsker(Rates{Address: rate})
				refused, waited := 0, false
				for range 3*rate.Quota + 50 {
					time.Sleep(time.Millisecond) // never on a whole second
					w := a.ask("203.0.113.7:4711", nil)
					_, left := field(t, w, "RateLimit")
					if left["r"] > rate.Quota || left["t"] > int(rate.Window.Seconds()) || left["t"] < 1 {
						t.Fatalf("RateLimit %v", left)
					}
					if w.Code != 429 {
						waited = false
						continue
					}
					if waited {
						t.Fatal("429 after the wait, too")
					}
					seconds, err := strconv.Atoi(w.Header().Get("Retry-After"))
					if err != nil || seconds < left["t"] {
						t.Fatalf("Retry-After %d, %v", seconds, left)
					}
					time.Sleep(time.Duration(seconds) * time.Second)
					refused, waited = refused+1, true
				}
				if refused == 0 {
					t.Error("never refused")
				}
			})
		})
	}
}

// admitted counts the requests that pass.
func (a asker) admitted(n int, each func(i int) *httptest.ResponseRecorder) int {
	passed := 0
	for i := range n {
		if each(i).Code == http.StatusNoContent {
			passed++
		}
	}
	return passed
}

func TestLimitTellsCallersApart(t *testing.T) {
	t.Parallel()
	const n = 10_000
	user, proxy := uuid.New(), netip.MustParsePrefix("10.0.0.0/8")
	rotated := func(i int) string { return fmt.Sprintf("198.%d.%d.7", i/250, i%250) }
	for _, c := range []struct {
		name string
		each func(a asker, i int) *httptest.ResponseRecorder
		want int
	}{
		{"rotated headers of a stranger are one caller", func(a asker, i int) *httptest.ResponseRecorder {
			return a.ask("203.0.113.7:4711", forwarded(rotated(i)))
		}, 3},
		{"rotated headers through a proxy are one caller", func(a asker, i int) *httptest.ResponseRecorder {
			return a.ask("10.1.2.3:4711", forwarded(rotated(i)+", 203.0.113.7"))
		}, 3},
		{"rotated addresses that a proxy saw are many", func(a asker, i int) *httptest.ResponseRecorder {
			return a.ask("10.1.2.3:4711", forwarded("203.0.113.7, "+rotated(i)))
		}, n},
		{"rotated ports are one caller", func(a asker, i int) *httptest.ResponseRecorder {
			return a.ask(fmt.Sprintf("203.0.113.7:%d", 1+i), nil)
		}, 3},
		{"IPv4 and IPv4 in IPv6 are one caller", func(a asker, i int) *httptest.ResponseRecorder {
			return a.ask([]string{"203.0.113.7:1", "[::ffff:203.0.113.7]:1"}[i%2], nil)
		}, 3},
		{"a spray from one /64 is one caller", func(a asker, i int) *httptest.ResponseRecorder {
			return a.ask(fmt.Sprintf("[2001:db8:1:2:%x:%x:0:1]:4711", i, i*7%65536), nil)
		}, 3},
		{"two /64 are two callers", func(a asker, i int) *httptest.ResponseRecorder {
			return a.ask(fmt.Sprintf("[2001:db8:1:%d::1]:4711", i%2), nil)
		}, 6},
		{"all without an address are one caller", func(a asker, i int) *httptest.ResponseRecorder {
			return a.ask([]string{"@", "", "pipe"}[i%3], forwarded(rotated(i)))
		}, 3},
		{"a user is one caller, by any session, from anywhere", func(a asker, i int) *httptest.ResponseRecorder {
			return a.ask(rotated(i)+":4711", by(user))
		}, 5},
		{"users are many callers, from one address", func(a asker, _ int) *httptest.ResponseRecorder {
			return a.ask("203.0.113.7:4711", by(uuid.New()))
		}, n},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := newAsker(perMinute, proxy)
				if got := a.admitted(n, func(i int) *httptest.ResponseRecorder { return c.each(a, i) }); got != c.want {
					t.Errorf("%d admitted, want %d", got, c.want)
				}
			})
		})
	}
}

func TestLimitOff(t *testing.T) {
	t.Parallel()
	a := newAsker(Rates{})
	for i := range 1000 {
		w := a.ask("203.0.113.7:4711", map[bool]func(*http.Request) *http.Request{true: by(uuid.New())}[i%2 == 0])
		if w.Code != 204 || w.Header().Get("RateLimit") != "" || w.Header().Get("RateLimit-Policy") != "" {
			t.Fatalf("%d %v", w.Code, w.Header())
		}
	}
}

// An operation's own limits: by address, by caller, and one of failures, which it
// counts itself.
func TestLimitOfAnOperation(t *testing.T) {
	t.Parallel()
	own, err := limit.Declared("makeTea", limit.Declare(limit.Per("4/1m", limit.ByAddress), limit.Per("2/1m", limit.ByCaller), limit.FailuresByAccount))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		a := newOwnAsker(Rates{Address: limit.Rate{Quota: 100, Window: time.Minute}, Caller: limit.Rate{Quota: 3, Window: time.Hour}}, own)
		ada, ben, cy := by(uuid.New()), by(uuid.New()), by(uuid.New())
		const mine = `, "makeTea address";q=4;w=60, "makeTea caller";q=2;w=60, "sign-in account";q=10;w=300`
		for i, step := range []struct {
			peer   string
			who    func(*http.Request) *http.Request
			status int
			left   string
			policy string
			retry  string
		}{
			{"203.0.113.7:1", ada, 204, `"makeTea caller";r=1;t=30`, `"caller";q=3;w=3600`, ""},
			{"203.0.113.8:1", ada, 204, `"makeTea caller";r=0;t=30`, `"caller";q=3;w=3600`, ""},
			{"203.0.113.9:1", ada, 429, `"makeTea caller";r=0;t=30`, `"caller";q=3;w=3600`, "30"}, // and costs nothing:
			{"203.0.113.7:1", ben, 204, `"makeTea caller";r=1;t=30`, `"caller";q=3;w=3600`, ""},
			{"203.0.113.7:1", ben, 204, `"makeTea caller";r=0;t=30`, `"caller";q=3;w=3600`, ""},
			{"203.0.113.7:1", nil, 204, `"makeTea address";r=0;t=15`, `"address";q=100;w=60`, ""},
			{"203.0.113.7:1", cy, 429, `"makeTea address";r=0;t=15`, `"caller";q=3;w=3600`, "15"},
			{"203.0.113.9:1", cy, 204, `"makeTea caller";r=1;t=30`, `"caller";q=3;w=3600`, ""},
		} {
			w := a.ask(step.peer, step.who)
			h := w.Header()
			if w.Code != step.status || h.Get("RateLimit") != step.left || h.Get("RateLimit-Policy") != step.policy+mine || h.Get("Retry-After") != step.retry {
				t.Errorf("request %d: %d, %v", i, w.Code, h)
			}
		}
		time.Sleep(30 * time.Second)
		// One of the hour's three is left: that is the tightest now.
		if w := a.ask("203.0.113.10:1", ada); w.Code != 204 || w.Header().Get("RateLimit") != `"caller";r=0;t=1170` && w.Header().Get("RateLimit") != `"makeTea caller";r=0;t=30` {
			t.Errorf("%d, %v", w.Code, w.Header())
		}
		if w := a.ask("203.0.113.10:1", ada); w.Code != 429 || w.Header().Get("RateLimit") != `"caller";r=0;t=1170` || w.Header().Get("Retry-After") != "1170" {
			t.Errorf("%d, %v", w.Code, w.Header())
		}
	})
	// Only the caller's general limit is off; then the operation's stays.
	a := newOwnAsker(Rates{Address: limit.Rate{Quota: 100, Window: time.Minute}}, own)
	ada := by(uuid.New())
	if got := a.admitted(10, func(int) *httptest.ResponseRecorder { return a.ask("203.0.113.7:1", ada) }); got != 2 {
		t.Errorf("%d admitted", got)
	}
	if w := a.ask("203.0.113.7:1", ada); !strings.HasPrefix(w.Header().Get("RateLimit-Policy"), `"makeTea address"`) {
		t.Errorf("%v", w.Header())
	}
	// Without limits, these are off, too.
	a = newOwnAsker(Rates{}, own)
	for range 100 {
		if w := a.ask("203.0.113.7:1", ada); w.Code != 204 || w.Header().Get("RateLimit") != "" || w.Header().Get("RateLimit-Policy") != "" {
			t.Fatalf("%d, %v", w.Code, w.Header())
		}
	}
}

// The cost of knowing the address, and of limiting it.
func BenchmarkLimit(b *testing.B) {
	endless := Rates{Address: limit.Rate{Quota: 1e9, Window: time.Second}}
	for name, h := range map[string]http.Handler{
		"without": chain(func(http.ResponseWriter, *http.Request) {}, RequestID),
		"address": chain(func(http.ResponseWriter, *http.Request) {}, RequestID, Client(nil)),
		"limit":   chain(func(http.ResponseWriter, *http.Request) {}, RequestID, Client(nil), admit(endless, nil)),
	} {
		b.Run(name, func(b *testing.B) {
			r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}
