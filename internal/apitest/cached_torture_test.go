//go:build torture && linux

package apitest

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/cache"
	"github.com/roster-api/roster/internal/testkit"
)

// TestTortureCold: five hundred ask at once for what nobody has computed. It is
// computed once. Whom the server has no room for meanwhile is told to come again, and
// then gets it, too; so also where it takes long.
func TestTortureCold(t *testing.T) {
	const many, rounds = 500, 10
	var statements testkit.Statements
	a := newServer(t, testkit.CountStatements(&statements))
	crowd := newCrowd(t, a, many)
	var sum burst
	for range rounds {
		a.Cache.Invalidate(t.Context(), cache.Name("site-stats"))
		before := statements.Of("GetStats")
		b := crowd.ask(t, "/api/stats")
		b.statements = statements.Of("GetStats") - before
		if b.statements != 1 {
			t.Errorf("%d statements for %d at once", b.statements, many)
		}
		sum.add(b)
	}
	t.Logf("%d times %d at once: %d statements, the goal is %d", rounds, many, sum.statements, rounds)
	t.Logf("%d of %d get 200, the goal is all; %d are told to come again first; those at once: %s", sum.good, rounds*many, sum.shed, timesOf(sum.sorted()))
	if sum.good != rounds*many {
		t.Errorf("others: %v", sum.others)
	}

	// The statement waits for a lock.
	a.Cache.Invalidate(t.Context(), cache.Name("site-stats"))
	before := statements.Of("GetStats")
	lock := must(a.Pool.Begin(t.Context()))(t)
	if _, err := lock.Exec(t.Context(), "LOCK TABLE day_counts IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	released := make(chan struct{})
	time.AfterFunc(2*time.Second, func() { _ = lock.Rollback(context.Background()); close(released) })
	b := crowd.ask(t, "/api/stats")
	<-released
	n := statements.Of("GetStats") - before
	t.Logf("%d at once for what takes 2 s: %d statement, the goal is 1; %d get 200, the goal is all; %d times one is told to come again first", many, n, b.good, b.shed)
	if n != 1 || b.good != many {
		t.Errorf("others: %v", b.others)
	}
}

// crowd is callers who ask at once, each with a session and a connection of its own.
type crowd struct {
	addr    string
	tokens  []string
	clients []*rawClient
}

func newCrowd(t *testing.T, a *api, many int) *crowd {
	t.Helper()
	c := &crowd{addr: strings.TrimPrefix(a.URL, "http://")}
	for _, u := range testkit.Users(t, a.Pool, make([]dbsqlc.User, many)...) {
		c.tokens = append(c.tokens, testkit.Session(t, a.Pool, u.ID))
		c.clients = append(c.clients, &rawClient{addr: c.addr})
	}
	t.Cleanup(func() {
		for _, client := range c.clients {
			client.close()
		}
	})
	return c
}

func (c *crowd) get(path, token string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + c.addr + "\r\nAuthorization: Bearer " + token + "\r\n\r\n")
}

// burst is what a crowd gets.
type burst struct {
	statements, good, shed int // 200 in the end; 503 with a time to come again
	others                 map[string]int
	times                  []time.Duration // of those who get 200 at once
}

func (b *burst) add(more burst) {
	b.statements, b.good, b.shed = b.statements+more.statements, b.good+more.good, b.shed+more.shed
	b.times = append(b.times, more.times...)
	if b.others == nil {
		b.others = map[string]int{}
	}
	for status, n := range more.others {
		b.others[status] += n
	}
}

func (b *burst) sorted() []time.Duration {
	slices.Sort(b.times)
	return b.times
}

// ask has all of them ask at once, on connections that are open, and come again in a
// second, as they are told, for some time.
func (c *crowd) ask(t *testing.T, path string) burst {
	t.Helper()
	for _, client := range c.clients {
		if status, _, err := client.do(c.get("/health", "")); status != "200" {
			t.Fatal(status, err)
		}
	}
	b := burst{others: map[string]int{}}
	gate := make(chan struct{})
	var mu sync.Mutex
	var all sync.WaitGroup
	for i, client := range c.clients {
		all.Go(func() {
			<-gate
			for try := 0; try < 8; try++ {
				began := time.Now()
				status, retry, err := client.do(c.get(path, c.tokens[i]))
				took := time.Since(began)
				mu.Lock()
				switch {
				case status == "200":
					b.good++
					if try == 0 {
						b.times = append(b.times, took)
					}
				case status == "503" && retry:
					b.shed++
				case err != nil:
					b.others[err.Error()]++
				default:
					b.others[status]++
				}
				mu.Unlock()
				if status != "503" {
					return
				}
				time.Sleep(time.Second)
			}
		})
	}
	close(gate)
	all.Wait()
	return b
}

// TestTortureCachedWithoutADatabase: the database is stopped, or frozen, for longer
// than a cached answer is fresh. Whoever was known before gets it all the same, soon.
func TestTortureCachedWithoutADatabase(t *testing.T) {
	const rate, piece, most, oldest, fresh = 100, 10 * time.Second, 100 * time.Millisecond, 10 * time.Minute, time.Minute
	pg := ownPostgres(t)
	for _, fault := range []struct {
		name       string
		begin, end func()
		pieces     int // of 10 s each
	}{
		{"stopped", func() { pg.stop(t) }, func() { pg.start(t) }, 8},
		{"frozen", func() { pg.signal(t, syscall.SIGSTOP) }, func() { pg.signal(t, syscall.SIGCONT) }, 3},
	} {
		t.Run(fault.name, func(t *testing.T) {
			b := pg.broken(t)
			crowd := newCrowd(t, b.api, 50)
			load := openLoop{addr: crowd.addr, conns: 32, next: func(n int) []byte { return crowd.get("/api/stats", crowd.tokens[n%len(crowd.tokens)]) }}
			with := load.run(rate, 3*time.Second)
			fault.begin()
			first := load.run(rate, 3*time.Second) // they learn that it is away
			// A busy machine may be to blame for some pieces of the time.
			refused := first.sent - first.statuses["200"]
			var times, p99s []time.Duration
			for range fault.pieces {
				o := load.run(rate, piece)
				refused += o.sent - o.statuses["200"]
				times, p99s = append(times, o.good...), append(p99s, percentile(o.good, .99))
			}
			slices.Sort(times)
			slices.Sort(p99s)
			got := b.send(t, "GET", "/api/stats", "")
			fault.end()
			b.awaitHealth(t)

			age := time.Duration(must(strconv.Atoi(got.Header.Get("Age")))(t)) * time.Second
			lasting, p99 := time.Duration(fault.pieces)*piece, p99s[fault.pieces/2]
			t.Logf("with it: %v, %s", with.statuses, timesOf(with.good))
			t.Logf("in the first 3 s without it: %v, %s", first.statuses, timesOf(first.good))
			t.Logf("then for %v: %s; %d are refused, the goal is 0", lasting, timesOf(times), refused)
			t.Logf("p99 of each %v: the median is %v, the goal is at most %v; from %v to %v", piece, p99, most, p99s[0], p99s[fault.pieces-1])
			t.Logf("the last answer is %v old, the goal is at most %v", age, oldest)
			if refused > 0 || p99 > most {
				t.Error("a goal is missed")
			}
			if got.Status != http.StatusOK || age > oldest {
				t.Errorf("%s, %v old", got, age)
			}
			if lasting > fresh && age <= fresh {
				t.Errorf("%v old: this does not test what is stale", age)
			}
		})
	}
}

// percentile is of times in order.
func percentile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return times[int(q*float64(len(times)-1))].Round(100 * time.Microsecond)
}
