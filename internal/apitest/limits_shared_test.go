//go:build unix

package apitest

import (
	"strings"
	"testing"
	"time"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/storage"
	"github.com/roster-api/roster/internal/testkit"
)

// sharing is a server that limits in a Redis, by a client of its own.
func sharing(t *testing.T, server *testkit.RedisServer) testkit.Option {
	t.Helper()
	c := must(storage.OpenRedis(server.URL()))(t)
	t.Cleanup(func() { _ = c.Close() })
	return testkit.WithRedis(c)
}

// twoServers share a database and a Redis.
func twoServers(t *testing.T, server *testkit.RedisServer, address, caller string) (here, there *api) {
	t.Helper()
	here = newServer(t, testkit.Rates(address, caller), sharing(t, server))
	there = newServer(t, testkit.Rates(address, caller), sharing(t, server), testkit.WithDatabase(here.DatabaseURL))
	return here, there
}

// Two servers with one Redis have one quota for a caller, and one for tries to sign in.
func TestServersShareLimits(t *testing.T) {
	t.Parallel()
	here, there := twoServers(t, testkit.Redis(t), "1000/24h", "30/24h")
	servers := []*api{here, there}
	exactly(t, servers, 30, func() int {
		u := here.user(t, dbsqlc.User{})
		first := here.as(t, u)
		callers, turn := []*api{first, there.with(t, u, first.token)}, 0
		n, refused := until429(t, func() answer {
			turn++
			return callers[turn%2].send(t, "GET", "/api/session", "")
		})
		refused.wantProblem(t, 429, roster.ErrorCodeRateLimited)
		return n
	})
	exactly(t, servers, 10, func() int {
		email, turn := here.user(t, dbsqlc.User{}).Email, 0
		n, _ := until429(t, func() answer {
			turn++
			return servers[turn%2].signInWith(t, email, "wrong horse battery")
		})
		return n
	})
	// A sign-in that succeeds gives back at the other server, too.
	u := here.user(t, dbsqlc.User{})
	exactly(t, servers, 24, func() (n int) {
		for i := range 24 {
			if servers[i%2].signInWith(t, u.Email, password).Status == 201 {
				n++
			}
		}
		return n
	})
}

// exactly counts what is admitted. On a busy machine Redis may not answer in time, and
// then each server counts alone; the log says so, and that time says nothing.
func exactly(t *testing.T, servers []*api, want int, count func() int) {
	t.Helper()
	absences := func() (n int) {
		for _, s := range servers {
			n += strings.Count(s.Log.String(), "Redis does not answer") + strings.Count(s.Log.String(), "Redis answers again")
		}
		return n
	}
	for range 20 {
		before := absences()
		n := count()
		if n == want {
			return
		}
		if before%2 == 0 && before == absences() {
			t.Errorf("%d were admitted, want %d", n, want)
			return
		}
	}
	t.Error("Redis was away all the time")
}

// A Redis that stops costs nobody an answer; each server then has a quota of its own,
// less what it has seen, and they share one again soon after it is back.
func TestServersWithoutTheirRedis(t *testing.T) {
	t.Parallel()
	const quota = 60
	server := testkit.Redis(t)
	here, there := twoServers(t, server, "100000/1m", "60/24h")
	u := here.user(t, dbsqlc.User{})
	first := here.as(t, u)
	both := []*api{first, there.with(t, u, first.token)}
	admitted := [2]int{}
	round := func(times int) {
		t.Helper()
		for range times {
			for i, a := range both {
				start := time.Now()
				got := a.send(t, "GET", "/api/session", "")
				switch {
				case got.Status == 200:
					admitted[i]++
				case got.Status != 429:
					t.Fatalf("%s", got)
				}
				if took := time.Since(start); took > 3*time.Second {
					t.Errorf("an answer took %v", took)
				}
			}
		}
	}
	round(10)
	server.Stop()
	round(quota + 20)
	for i, n := range admitted {
		if n < quota/2 || float64(n) > 1.2*quota {
			t.Errorf("server %d admitted %d of %d", i, n, quota)
		}
	}
	server.Start()
	for start := time.Now(); !strings.Contains(here.Log.String(), "limits are shared") || !strings.Contains(there.Log.String(), "limits are shared"); {
		if time.Since(start) > 20*time.Second { // 5 s, and what a busy machine adds
			t.Fatal("Redis is not found again")
		}
		round(1)
	}
	before := admitted
	round(quota)
	if admitted != before {
		t.Errorf("%v were admitted, and with Redis back %v", before, admitted)
	}
}
