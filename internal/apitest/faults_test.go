package apitest

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// deadline is short, so that a test of what hangs is; slack is for a busy machine.
const (
	deadline = 700 * time.Millisecond
	slack    = 1500 * time.Millisecond
)

var faults = map[string]testkit.Fault{
	"refuse": testkit.Refuse, "reset": testkit.Reset, "freeze": testkit.Freeze, "half": testkit.Half,
}

// TestFaults breaks the way to the database in every way. Each answer is a 503 in
// time and says when to come back, the process stays alive, and it heals by itself.
//
// It is not parallel, as all others are: it counts goroutines, and those of other
// tests would count.
func TestFaults(t *testing.T) {
	testkit.Database(t) // the server of all tests has started
	before := goleak.IgnoreCurrent()
	t.Run("all", func(t *testing.T) {
		for name, fault := range faults {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				testFault(t, fault)
			})
		}
	})
	var leaked error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if leaked = goleak.Find(before); leaked == nil { // which tries again for a while
			return
		}
	}
	t.Error(leaked)
}

// broken is a server behind a proxy, and a way to its database around it.
type broken struct {
	*api
	proxy  *testkit.Proxy
	direct *pgxpool.Pool
	user   dbsqlc.User
}

func newBroken(t *testing.T) *broken {
	t.Helper()
	url := testkit.Database(t)
	proxy := testkit.NewProxy(t, url)
	direct := must(pgxpool.New(t.Context(), url))(t)
	t.Cleanup(direct.Close)
	b := &broken{newAPI(t, testkit.Deadline(deadline), testkit.WithDatabase(proxy.URL)), proxy, direct, dbsqlc.User{}}
	testkit.User(t, direct, dbsqlc.User{Role: role.Admin})
	b.user = testkit.User(t, direct, dbsqlc.User{})
	b.awaitHealth(t) // connections are open
	return b
}

// requests is one of each operation.
func (b *broken) requests() [][3]string {
	one := "/api/users/" + b.user.ID.String()
	return [][3]string{
		{"GET", "/api/users", ""}, {"GET", "/api/users?q=user&sort=name", ""}, {"GET", one, ""}, {"HEAD", one, ""},
		{"POST", "/api/users", `{"name":"Ada","email":"ada@example.org","password":"` + password + `"}`},
		{"PUT", one, fmt.Sprintf(`{"name":"Ada","email":%q,"role":"viewer"}`, b.user.Email)}, {"PATCH", one, `{"name":"Ada"}`}, {"DELETE", one, ""},
	}
}

func testFault(t *testing.T, fault testkit.Fault) {
	b := newBroken(t)
	b.proxy.Set(fault)
	var all sync.WaitGroup
	for range 3 { // more than the pool has connections
		for _, r := range b.requests() {
			all.Go(func() { b.wantUnavailable(t, r, deadline+slack) })
		}
	}
	for range 5 {
		start := time.Now()
		if got := b.send(t, "GET", "/health", ""); got.Status != http.StatusOK || time.Since(start) > slack {
			t.Errorf("/health: %s after %v", got, time.Since(start))
		}
	}
	all.Wait()
	b.wantUnavailable(t, [3]string{"GET", "/ready", ""}, 2*time.Second+slack)

	b.proxy.Set(testkit.None)
	if took := b.awaitHealth(t); took > 2*time.Second {
		t.Errorf("it took %v to heal", took)
	}
	if got := b.send(t, "GET", "/ready", ""); got.Status != http.StatusOK {
		t.Errorf("/ready: %s after it has healed", got)
	}
	if read, err := b.GetUser(t.Context(), b.user.ID); err != nil || read.Name != b.user.Name {
		t.Errorf("a refused write took place: %+v, %v", read, err)
	}
	b.testInFlight(t, fault)
}

// testInFlight breaks the way while a write waits for a lock in the database.
func (b *broken) testInFlight(t *testing.T, fault testkit.Fault) {
	lock := must(b.direct.Begin(t.Context()))(t)
	defer func() { _ = lock.Rollback(t.Context()) }()
	if _, err := lock.Exec(t.Context(), "SELECT FROM users WHERE id = $1 FOR UPDATE", b.user.ID); err != nil {
		t.Fatal(err)
	}
	var writer sync.WaitGroup
	writer.Go(func() {
		b.wantUnavailable(t, [3]string{"PATCH", "/api/users/" + b.user.ID.String(), `{"name":"Ada"}`}, deadline+slack)
	})
	for waiting := false; !waiting; { // until it waits for the lock
		if err := b.direct.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	b.proxy.Set(fault)
	writer.Wait()
	b.proxy.Set(testkit.None)
	b.awaitHealth(t)
}

func (b *broken) wantUnavailable(t *testing.T, r [3]string, within time.Duration) {
	start := time.Now()
	got := b.send(t, r[0], r[1], r[2])
	took := time.Since(start)
	if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("%s %s: %s, Retry-After %q", r[0], r[1], got, got.Header.Get("Retry-After"))
		return
	}
	if r[0] != "HEAD" {
		got.wantProblem(t, 503, roster.ErrorCodeUnavailable)
	}
	if took > within {
		t.Errorf("%s %s: answered after %v, want %v", r[0], r[1], took, within)
	}
	line := b.Log.Await(t, got.Header.Get("X-Request-Id"))
	if cause, _ := line["error"].(string); line["level"] != "ERROR" || cause == "" {
		t.Errorf("%s %s is logged without its cause: %v", r[0], r[1], line)
	}
}

// awaitHealth returns how long it took until every connection of the pool was good.
func (b *broken) awaitHealth(t *testing.T) time.Duration {
	t.Helper()
	start := time.Now()
	for time.Since(start) < 10*time.Second {
		statuses := make([]int, 12)
		var all sync.WaitGroup
		for i := range statuses {
			// Pages that differ: callers of one and the same would share connections.
			all.Go(func() { statuses[i] = b.send(t, "GET", "/api/users?limit="+strconv.Itoa(i+1), "").Status })
		}
		all.Wait()
		good := 0
		for _, status := range statuses {
			if status == http.StatusOK {
				good++
			} else if status != http.StatusServiceUnavailable {
				t.Errorf("a %d on the way", status)
			}
		}
		if good == len(statuses) {
			return time.Since(start)
		}
	}
	t.Fatal("it does not heal")
	return 0
}

// TestBusyDatabase: a statement that waits too long ends in a 503, and leaves
// nothing behind in the database.
func TestBusyDatabase(t *testing.T) {
	t.Parallel()
	a := newAPI(t, testkit.Deadline(deadline))
	u := a.user(t, dbsqlc.User{})
	lock := must(pgxpool.New(t.Context(), a.DatabaseURL))(t)
	t.Cleanup(lock.Close)
	tx := must(lock.Begin(t.Context()))(t)
	if _, err := tx.Exec(t.Context(), "LOCK TABLE users IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	got := a.send(t, "GET", "/api/users/"+u.ID.String(), "")
	got.wantProblem(t, 503, roster.ErrorCodeUnavailable)
	if took := time.Since(start); got.Header.Get("Retry-After") == "" || took < deadline/2 || took > deadline+slack {
		t.Errorf("%v after %v", got.Header, took)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.send(t, "GET", "/api/users/"+u.ID.String(), "").user(t)
}

// TestReadOnlyDatabase: reads go on, writes are refused for now, and /ready says
// no.
func TestReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	url := testkit.Database(t)
	writable := must(pgxpool.New(t.Context(), url))(t)
	t.Cleanup(writable.Close)
	caller := root(t, writable)
	a := newServer(t, testkit.WithDatabase(url+"&default_transaction_read_only=on")).with(t, caller, testkit.Session(t, writable, caller.ID))
	u := testkit.User(t, writable, dbsqlc.User{})
	one := "/api/users/" + u.ID.String()
	a.send(t, "GET", one, "").user(t)
	for _, r := range [][2]string{{"PATCH", `{"name":"Ada"}`}, {"DELETE", ""}, {"PUT", `{"name":"Ada","email":"ada@example.org","role":"viewer"}`}} {
		got := a.send(t, r[0], one, r[1])
		got.wantProblem(t, 503, roster.ErrorCodeUnavailable)
	}
	a.send(t, "POST", "/api/users", `{"name":"Ada","email":"ada@example.org","password":"`+password+`"}`).wantProblem(t, 503, roster.ErrorCodeUnavailable)
	a.send(t, "GET", "/ready", "").wantProblem(t, 503, roster.ErrorCodeUnavailable)
	if got := a.send(t, "GET", "/health", ""); got.Status != 200 {
		t.Errorf("/health: %s", got)
	}
}
