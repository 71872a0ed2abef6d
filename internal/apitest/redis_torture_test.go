//go:build torture && unix

package apitest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/storage"
	"github.com/roster-api/roster/internal/testkit"
)

// TestTortureRedisAway: two servers share a Redis, and it goes away in each way under
// requests that never pause. None of them fails for it, none waits long, each server
// then holds to about one quota, and they share one again soon after it is back.
func TestTortureRedisAway(t *testing.T) {
	const (
		quota, tries           = 200, 10 // requests of a caller; failures to sign in to an account
		mostAdmitted, mostBack = 1.2, 5 * time.Second
		absence                = 8 * time.Second // by then Roster looks for it every 4 s
	)
	r := newRedisTorture(t, quota)
	for _, fault := range r.faults() {
		t.Run(fault.name, func(t *testing.T) {
			spender := testkit.Session(t, r.pool, testkit.User(t, r.pool, dbsqlc.User{}).ID)
			account := testkit.User(t, r.pool, dbsqlc.User{}).Email
			load := r.load(t)
			r.awaitShared(t, 20*time.Second)
			spent := [2]int{r.spend(t, 0, spender, 10), r.spend(t, 1, spender, 10)}
			gone := r.waits(t, load, fault)
			var failed [2]int
			var both sync.WaitGroup
			for i := range r.servers {
				both.Go(func() { spent[i] += r.spend(t, i, spender, quota*3/2) })
				both.Go(func() { failed[i] = r.fail(t, i, account, tries*3/2) })
			}
			both.Wait()
			time.Sleep(time.Until(gone.Add(absence)))

			fault.end()
			began := time.Now()
			r.awaitShared(t, 3*mostBack)
			back := time.Since(began)
			after := r.spend(t, 0, spender, 20) + r.spend(t, 1, spender, 20)
			load.stop()

			for i := range r.servers {
				most := float64(max(spent[i]*tries, failed[i]*quota)) / (quota * tries)
				t.Logf("server %d admits %d requests of %d, and %d failures to sign in of %d: %.2f times the quota, the goal is at most %.1f",
					i, spent[i], quota, failed[i], tries, most, mostAdmitted)
				if most > mostAdmitted {
					t.Error("too many")
				}
				if !fault.shared && (spent[i] < quota/2 || failed[i] < tries/2) {
					t.Error("it refuses those who have a quota left")
				}
			}
			t.Logf("shared again after %v, the goal is at most %v; then %d more are admitted of a quota that is used up, the goal is 0", back.Round(time.Millisecond), mostBack, after)
			if back > mostBack || after > 0 {
				t.Error("a goal is missed")
			}
			t.Logf("answers: %v; %d fail, the goal is 0", load.statuses, load.failed)
			if load.failed > 0 {
				t.Errorf("such as: %s", load.failure)
			}
		})
	}
	t.Logf("in all the machine stood still %d times, %v together, which is taken off the times that are waited", len(r.stalls.all), r.stalls.sum().Round(time.Millisecond))
}

// waits begins a fault, and returns when it did so. It sees how much longer than usual
// the slowest takes. A busy machine may be to blame for some rounds; it is Redis that
// would make each one late.
func (r *redisTorture) waits(t *testing.T, load *redisLoad, fault redisFault) (began time.Time) {
	const lasting, most, rounds = 2 * time.Second, 50 * time.Millisecond, 5
	for round := 1; ; round++ {
		with := load.next()
		time.Sleep(lasting) // of requests
		without := load.next()
		began = time.Now()
		fault.begin()
		time.Sleep(lasting)
		load.next()
		var late []string
		for _, what := range slices.Sorted(maps.Keys(with.took)) {
			usual, wait := with.median(what), without.slowest(what, &r.stalls)-with.median(what)
			t.Logf("%s: usually %v, the slowest of %d %v; without Redis the slowest of %d takes %v more than usual, the goal is at most %v", what, short(usual),
				len(with.took[what]), short(with.slowest(what, &r.stalls)), len(without.took[what]), short(wait), most)
			if wait > most {
				late = append(late, what)
			}
		}
		if len(late) == 0 {
			return began
		}
		if round == rounds {
			t.Errorf("in each of %d rounds some waits too long: %q", rounds, late)
			return began
		}
		t.Log("too long; once more, since that may be the machine")
		fault.end()
		r.awaitShared(t, 15*time.Second)
	}
}

func short(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

// redisTorture is two servers of their own processes, and what is between them and
// their Redis.
type redisTorture struct {
	redis   *testkit.RedisServer
	lag     *lag
	proxy   *testkit.Proxy
	pool    *pgxpool.Pool
	servers [2]*program
	clients [2]*http.Client
	limiter *limit.Limiter // of one more server
	tokens  []string
	address atomic.Int64
	stalls  stalls
}

func newRedisTorture(t *testing.T, quota int) *redisTorture {
	t.Helper()
	r := &redisTorture{redis: testkit.Redis(t)}
	r.lag = newLag(t, strings.TrimPrefix(r.redis.URL(), "unix://"))
	r.proxy = testkit.NewProxy(t, r.lag.url)
	redisURL := "redis://" + must(url.Parse(r.proxy.URL))(t).Host

	database := testkit.Database(t)
	r.pool = must(pgxpool.New(t.Context(), database))(t)
	t.Cleanup(r.pool.Close)
	testkit.User(t, r.pool, dbsqlc.User{Role: role.Admin})
	for _, u := range testkit.Users(t, r.pool, make([]dbsqlc.User, 300)...) {
		r.tokens = append(r.tokens, testkit.Session(t, r.pool, u.ID))
	}
	for i := range r.servers {
		r.servers[i] = start(t, database, nil, "REDIS_URL="+redisURL, "ROSTER_RATE_LIMIT=50/24h",
			fmt.Sprintf("ROSTER_RATE_LIMIT_CALLER=%d/24h", quota), "ROSTER_TRUSTED_PROXIES=127.0.0.1")
		transport := &http.Transport{MaxIdleConnsPerHost: 16}
		r.clients[i] = &http.Client{Transport: transport, Timeout: 30 * time.Second}
		t.Cleanup(transport.CloseIdleConnections)
	}
	client := must(storage.OpenRedis(redisURL))(t)
	t.Cleanup(func() { _ = client.Close() })
	r.limiter = limit.Shared(client, slog.New(slog.DiscardHandler))
	r.stalls.watch(t)
	return r
}

type redisFault struct {
	name       string
	begin, end func()
	shared     bool // Redis goes on to count
}

func (r *redisTorture) faults() []redisFault {
	way := func(f testkit.Fault) func() { return func() { r.proxy.Set(f) } }
	late := func(d time.Duration) func() { return func() { r.lag.delay.Store(int64(d)) } }
	var stop chan struct{}
	var stopped sync.WaitGroup
	return []redisFault{
		{"stopped", r.redis.Stop, r.redis.Start, false},
		{"frozen", r.redis.Freeze, r.redis.Thaw, false},
		{"refused", way(testkit.Refuse), way(testkit.None), false},
		{"reset", way(testkit.Reset), way(testkit.None), false},
		{"the way frozen", way(testkit.Freeze), way(testkit.None), false},
		{"half closed", way(testkit.Half), way(testkit.None), false},
		{"slow", late(200 * time.Millisecond), late(0), false},
		{"somewhat slow", late(30 * time.Millisecond), late(0), true},
		{"now and then", func() {
			stop = make(chan struct{})
			stopped.Go(func() {
				for tick := time.NewTicker(250 * time.Millisecond); ; {
					for _, f := range []testkit.Fault{testkit.Freeze, testkit.None} {
						r.proxy.Set(f)
						select {
						case <-tick.C:
						case <-stop:
							r.proxy.Set(testkit.None)
							return
						}
					}
				}
			})
		}, func() { close(stop); stopped.Wait() }, true},
	}
}

// get asks a server, and returns its status and what the limit says is left.
func (r *redisTorture) send(i int, method, path, body string, header ...string) (status int, left string, err error) {
	q, err := http.NewRequest(method, "http://"+r.servers[i].addr+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if body != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		q.Header.Set(name, value)
	}
	a, err := r.clients[i].Do(q)
	if err != nil {
		return 0, "", err
	}
	defer a.Body.Close()
	_, err = io.Copy(io.Discard, a.Body)
	return a.StatusCode, a.Header.Get("RateLimit"), err
}

// spend asks a server as one caller, and returns how often it was let in.
func (r *redisTorture) spend(t *testing.T, i int, token string, times int) (admitted int) {
	for range times {
		switch status, _, err := r.send(i, "GET", "/api/session", "", "Authorization: Bearer "+token); {
		case status == http.StatusOK:
			admitted++
		case status != http.StatusTooManyRequests:
			t.Errorf("status %d, %v", status, err)
		}
	}
	return admitted
}

// fail tries to sign in to an account, from an address of its own each time, and
// returns how often the password was looked at.
func (r *redisTorture) fail(t *testing.T, i int, email string, times int) (admitted int) {
	for range times {
		body := fmt.Sprintf(`{"email":%q,"password":"wrong horse battery"}`, email)
		switch status, _, err := r.send(i, "POST", "/api/session", body, r.newAddress(), "Origin: http://"+r.servers[i].addr); {
		case status == http.StatusUnauthorized:
			admitted++
		case status != http.StatusTooManyRequests:
			t.Errorf("status %d, %v", status, err)
		}
	}
	return admitted
}

// newAddress is a header with an address that nobody has used.
func (r *redisTorture) newAddress() string {
	n := r.address.Add(1)
	return fmt.Sprintf("X-Forwarded-For: 10.%d.%d.%d", n>>16&255, n>>8&255, n&255)
}

// awaitShared waits until one server counts what the other one was asked.
func (r *redisTorture) awaitShared(t *testing.T, most time.Duration) {
	t.Helper()
	for began := time.Now(); time.Since(began) < most; time.Sleep(10 * time.Millisecond) {
		from := r.newAddress()
		_, first, _ := r.send(0, "GET", "/api/session", "", from)
		_, second, _ := r.send(1, "GET", "/api/session", "", from)
		if strings.Contains(first, ";r=49;") && strings.Contains(second, ";r=48;") {
			return
		}
	}
	t.Fatalf("after %v they do not share", most)
}

// redisLoad is requests without a pause.
type redisLoad struct {
	stop func()

	mu       sync.Mutex
	now      *spell
	statuses map[int]int
	failed   int
	failure  string // the last one
}

func (r *redisTorture) load(t *testing.T) *redisLoad {
	l := &redisLoad{now: newSpell(), statuses: map[int]int{}}
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	l.stop = func() { stop(); done.Wait() }
	t.Cleanup(l.stop)
	var asked atomic.Int64
	for i := range r.servers {
		for range 2 {
			for _, path := range []string{"/api/session", "/api/stats"} {
				done.Go(func() {
					for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
						token := r.tokens[int(asked.Add(1))%len(r.tokens)]
						from := time.Now()
						status, _, err := r.send(i, "GET", path, "", "Authorization: Bearer "+token)
						l.add("GET "+path, span{from, time.Now()})
						l.answered(path, status, err)
					}
				})
			}
		}
	}
	asks := []limit.Ask{{Kind: "torture", Name: "one", Rate: limit.Rate{Quota: 1_000_000, Window: time.Minute}}}
	done.Go(func() {
		for ; ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
			from := time.Now()
			r.limiter.Take(context.Background(), asks, from)
			l.add("a look at the limiter", span{from, time.Now()})
		}
	})
	return l
}

// next begins a spell: what is answered belongs to the one in which it ends.
func (l *redisLoad) next() *spell {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = newSpell()
	return l.now
}

func (l *redisLoad) add(what string, took span) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now.took[what] = append(l.now.took[what], took)
}

func (l *redisLoad) answered(path string, status int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statuses[status]++
	if status != http.StatusOK && status != http.StatusTooManyRequests {
		l.failed++
		l.failure = fmt.Sprintf("%s: status %d, %v", path, status, err)
	}
}

// spell is how long all took in a while.
type spell struct{ took map[string][]span }

func newSpell() *spell { return &spell{map[string][]span{}} }

type span struct{ from, to time.Time }

func (s *spell) median(what string) time.Duration {
	var all []time.Duration
	for _, one := range s.took[what] {
		all = append(all, one.to.Sub(one.from))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// slowest is the longest time, less what the machine stood still in it.
func (s *spell) slowest(what string, of *stalls) (most time.Duration) {
	for _, one := range s.took[what] {
		most = max(most, one.to.Sub(one.from)-of.within(one))
	}
	return most
}

// stalls are the times in which somebody who only sleeps for a moment was not woken:
// what the machine adds to everything, and nobody waits for.
type stalls struct {
	mu  sync.Mutex
	all []span
}

func (s *stalls) watch(t *testing.T) {
	const nap, usual = time.Millisecond, 2 * time.Millisecond
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			due := time.Now().Add(nap)
			time.Sleep(nap)
			if woke := time.Now(); woke.Sub(due) > usual {
				s.mu.Lock()
				s.all = append(s.all, span{due, woke})
				s.mu.Unlock()
			}
		}
	})
	t.Cleanup(func() { stop(); done.Wait() })
}

// within is how much of a time the machine stood still.
func (s *stalls) within(one span) (sum time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stall := range s.all {
		from, to := stall.from, stall.to
		if from.Before(one.from) {
			from = one.from
		}
		if to.After(one.to) {
			to = one.to
		}
		sum += max(to.Sub(from), 0)
	}
	return sum
}

func (s *stalls) sum() time.Duration {
	return s.within(span{time.Time{}, time.Now()})
}

// lag stands before a Redis and can bring its answers late.
type lag struct {
	url   string // for [testkit.NewProxy], which knows databases only
	delay atomic.Int64
}

func newLag(t *testing.T, socket string) *lag {
	t.Helper()
	dir := must(os.MkdirTemp("", "rl-"))(t) // not t.TempDir: a socket's path has to be short
	l := &lag{url: "postgres://none:none@/none?port=1&host=" + url.QueryEscape(dir)}
	listener := must(net.Listen("unix", filepath.Join(dir, ".s.PGSQL.1")))(t)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			front, err := listener.Accept()
			if err != nil {
				return
			}
			back, err := net.Dial("unix", socket)
			if err != nil {
				front.Close()
				continue
			}
			done.Go(func() { l.forward(front, back, func() {}) })
			done.Go(func() { l.forward(back, front, func() { time.Sleep(time.Duration(l.delay.Load())) }) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		done.Wait()
		os.RemoveAll(dir)
	})
	return l
}

// forward copies until either end is closed, and then closes both.
func (l *lag) forward(from, to net.Conn, wait func()) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		wait()
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}
