//go:build torture && linux

package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/roster-api/roster/internal/server"
	"github.com/roster-api/roster/internal/testkit"
)

// TestTortureOutages: the database is away, in each way, three times for some seconds
// while clients ask for everything.
func TestTortureOutages(t *testing.T) {
	p := newPlain(t, data(t))
	x := testkit.NewProxy(t, p.url)
	s := unlimited(t, []string{"DATABASE_URL=" + x.URL, "ROSTER_DATA_DIR=" + p.dir})
	for range rounds(t, 3) {
		for _, o := range outages {
			seen := s.through(t, o, p, x, 5*time.Second)
			t.Logf("%s: %v", o.name, seen)
			t.Logf("%s: the longest answer %v, the goal at most %v; /health %v, the goal at most %v; healed in %v, the goal at most %v", o.name,
				seen.longest.Round(time.Millisecond), server.MaxDeadline+time.Second, seen.health.Round(time.Millisecond), mostHealth, seen.healed.Round(time.Millisecond), mostHeal)
		}
	}
}

// TestTortureAbsent: the database is not there when Roster starts, in each way.
func TestTortureAbsent(t *testing.T) {
	for _, o := range outages {
		t.Run(o.name, func(t *testing.T) {
			p := newPlain(t, data(t))
			x := testkit.NewProxy(t, p.url)
			o.begin(t, p, x)
			s := begun(t, command([]string{"DATABASE_URL=" + x.URL, "ROSTER_DATA_DIR=" + p.dir, "ROSTER_ADDR=localhost:0", "ROSTER_RATE_LIMIT=off"}, "serve"))
			s.awaitServing()
			s.token = rootKey
			s.want(http.StatusOK, http.MethodGet, "/health", "")
			s.want(http.StatusServiceUnavailable, http.MethodGet, "/ready", "")
			if !o.reads { // a database that is migrated may be read
				a := s.want(http.StatusServiceUnavailable, http.MethodGet, "/api/users", "")
				if a.header.Get("Retry-After") == "" {
					t.Errorf("503 with %v", a.header)
				}
			}
			o.end(t, p, x)
			began := time.Now()
			s.awaitReady(t, 30*time.Second)
			healed := time.Since(began)
			s.want(http.StatusOK, http.MethodGet, "/api/users", "")
			t.Logf("healed in %v; the goal is at most %v", healed.Round(time.Millisecond), mostHeal)
			if healed > mostHeal {
				t.Error("too late")
			}
		})
	}
}
