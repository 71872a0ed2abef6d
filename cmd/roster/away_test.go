//go:build linux

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/roster-api/roster/internal/server"
	"github.com/roster-api/roster/internal/testkit"
)

// outage is a database that is away, or does not do what it should, for a while.
type outage struct {
	name     string
	everyday bool // the others have everyday tests elsewhere
	reads    bool // they go on
	begin    func(t testing.TB, p *plain, x *testkit.Proxy)
	end      func(t testing.TB, p *plain, x *testkit.Proxy)
}

// outages are made with a real PostgreSQL, and with a proxy in front of it.
var outages = []outage{
	{"stopped", false, false,
		func(_ testing.TB, p *plain, _ *testkit.Proxy) { p.stop() },
		func(_ testing.TB, p *plain, _ *testkit.Proxy) { p.start() }},
	{"frozen", true, false,
		func(t testing.TB, p *plain, _ *testkit.Proxy) { signalPostgres(t, p.dir, syscall.SIGSTOP) },
		func(t testing.TB, p *plain, _ *testkit.Proxy) { signalPostgres(t, p.dir, syscall.SIGCONT) }},
	{"the way to it is refused", false, false, breaks(testkit.Refuse), breaks(testkit.None)},
	{"the way to it is reset", false, false, breaks(testkit.Reset), breaks(testkit.None)},
	{"the way to it is frozen", false, false, breaks(testkit.Freeze), breaks(testkit.None)},
	{"the way to it is half closed", false, false, breaks(testkit.Half), breaks(testkit.None)},
	{"read-only", true, true,
		func(_ testing.TB, p *plain, _ *testkit.Proxy) { p.readOnly("on") },
		func(_ testing.TB, p *plain, _ *testkit.Proxy) { p.readOnly("off") }},
	{"a standby, then promoted", true, true,
		func(t testing.TB, p *plain, _ *testkit.Proxy) {
			p.stop()
			signalFile := filepath.Join(p.data(), "standby.signal")
			if err := os.WriteFile(signalFile, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			p.own(signalFile)
			p.start()
		},
		func(t testing.TB, p *plain, _ *testkit.Proxy) {
			conn := connect(t, p.admin)
			execute1(t, conn, "SELECT pg_promote()")
		}},
}

func breaks(f testkit.Fault) func(testing.TB, *plain, *testkit.Proxy) {
	return func(_ testing.TB, _ *plain, x *testkit.Proxy) { x.Set(f) }
}

// readOnly is what an administrator does to a whole server, those connected to it too.
func (p *plain) readOnly(onOff string) {
	p.t.Helper()
	conn := connect(p.t, p.admin)
	execute1(p.t, conn, "ALTER SYSTEM SET default_transaction_read_only = "+onOff)
	execute1(p.t, conn, "SELECT pg_reload_conf()")
	eventually(p.t, 5*time.Second, "the setting holds", func() bool {
		var now string
		return conn.QueryRow(p.t.Context(), "SHOW default_transaction_read_only").Scan(&now) == nil && now == onOff
	})
}

// own gives a file to PostgreSQL's user.
func (p *plain) own(path string) {
	p.t.Helper()
	info, err := os.Stat(p.data())
	if err != nil {
		p.t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		p.t.Fatal(err)
	}
}

// TestOutages: a database that is away for a moment, in each way. Roster lives, says
// that it is not ready, refuses in time, and is back by itself.
func TestOutages(t *testing.T) {
	t.Parallel()
	p := newPlain(t, data(t))
	x := testkit.NewProxy(t, p.url)
	s := unlimited(t, []string{"DATABASE_URL=" + x.URL, "ROSTER_DATA_DIR=" + p.dir})
	for _, o := range outages {
		if !o.everyday {
			continue // TestDatabaseGoesAway, and the API's TestFaults
		}
		t.Logf("%s: %v", o.name, s.through(t, o, p, x, 200*time.Millisecond))
	}
}

// mostHeal is the time in which all is well again after an outage.
const mostHeal = 2 * time.Second

// mostHealth is the time in which /health answers, on a busy machine.
const mostHealth = time.Second

// figures are what was seen of an outage.
type figures struct {
	longest, health, ready, healed time.Duration
	answers                        map[string]int
}

func (f figures) String() string {
	ms := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	return fmt.Sprintf("answers %v, the longest after %v; /health after at most %v, /ready %v; healed in %v",
		f.answers, ms(f.longest), ms(f.health), ms(f.ready), ms(f.healed))
}

// through has an outage last while clients ask for everything, at least once each, and
// checks all that they are told.
func (s *serving) through(t testing.TB, o outage, p *plain, x *testkit.Proxy, lasting time.Duration) figures {
	t.Helper()
	one := s.want(http.StatusCreated, http.MethodPost, "/api/users", fmt.Sprintf(`{"name":"One","email":"one-%d@example.org","password":%q}`, time.Now().UnixNano(), password)).header.Get("Location")
	o.begin(t, p, x)
	if o.reads { // it was restarted, perhaps: connections of before break once
		s.awaitGood(t, http.MethodGet, one, "")
	}
	end := time.Now().Add(lasting)
	f := figures{answers: map[string]int{}}
	var mu sync.Mutex
	var all sync.WaitGroup
	ask := func(method, path, body string, longest *time.Duration, want ...int) {
		all.Go(func() {
			for first := true; first || time.Now().Before(end); first = false {
				began := time.Now()
				a, err := s.do(method, path, body)
				took := time.Since(began)
				if err != nil {
					t.Errorf("%s: %s %s: %v", o.name, method, path, err)
					return
				}
				mu.Lock()
				*longest = max(*longest, took)
				if longest == &f.longest {
					f.answers[fmt.Sprint(a.status)]++
				}
				mu.Unlock()
				good := false
				for _, status := range want {
					good = good || a.status == status
				}
				if !good || a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "" {
					t.Errorf("%s: %s %s: %d, Retry-After %q, %s", o.name, method, path, a.status, a.header.Get("Retry-After"), a.body)
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	read := []int{http.StatusServiceUnavailable}
	if o.reads {
		read = []int{http.StatusOK}
	}
	for range 3 {
		ask(http.MethodGet, "/api/users", "", &f.longest, read...)
		ask(http.MethodGet, one, "", &f.longest, read...)
		ask(http.MethodPatch, one, `{"name":"Other"}`, &f.longest, http.StatusServiceUnavailable)
		ask(http.MethodDelete, one, "", &f.longest, http.StatusServiceUnavailable)
	}
	if lasting > time.Second { // else a frozen database would keep it for the whole deadline
		ask(http.MethodPost, "/api/session", fmt.Sprintf(`{"email":%q,"password":%q}`, rootEmail, password), &f.longest, http.StatusServiceUnavailable)
	}
	ask(http.MethodGet, "/health", "", &f.health, http.StatusOK)
	ask(http.MethodGet, "/ready", "", &f.ready, http.StatusServiceUnavailable)
	all.Wait()
	if most := server.MaxDeadline + time.Second; f.longest > most {
		t.Errorf("%s: an answer after %v, want at most %v", o.name, f.longest, most)
	}
	if f.health > mostHealth {
		t.Errorf("%s: /health after %v", o.name, f.health)
	}

	o.end(t, p, x)
	began := time.Now()
	s.awaitReady(t, 30*time.Second)
	s.awaitGood(t, http.MethodPatch, one, `{"name":"Again"}`)
	if f.healed = time.Since(began); f.healed > mostHeal {
		t.Errorf("%s: it took %v to heal", o.name, f.healed)
	}
	return f
}

// awaitGood waits until a request is answered well on every connection of the pool.
func (s *serving) awaitGood(t testing.TB, method, path, body string) {
	t.Helper()
	eventually(t, 30*time.Second, method+" "+path+" is answered", func() bool {
		var bad atomic.Int32
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() {
				if a, err := s.do(method, path, body); err != nil || a.status != http.StatusOK {
					bad.Add(1)
				}
			})
		}
		all.Wait()
		return bad.Load() == 0
	})
}
