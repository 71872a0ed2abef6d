//go:build torture && linux

package apitest

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/db/embedded"
	"github.com/roster-api/roster/internal/server"
	"github.com/roster-api/roster/internal/testkit"
)

// TestTortureFaults has the database, and the way to it, fail in each way for some
// seconds under requests, and then counts the goroutines: none is left that waits for
// an answer that never comes.
func TestTortureFaults(t *testing.T) {
	const lasting, mostHeal, mostHealth = 5 * time.Second, 2 * time.Second, time.Second
	pg := ownPostgres(t)
	breaks := func(f testkit.Fault) func(*broken) { return func(b *broken) { b.proxy.Set(f) } }
	readOnly := func(onOff string) func(*broken) {
		return func(b *broken) {
			for _, sql := range []string{"ALTER SYSTEM SET default_transaction_read_only = " + onOff, "SELECT pg_reload_conf()"} {
				pg.execute(t, sql)
			}
		}
	}
	for _, fault := range []struct {
		name       string
		reads      bool
		begin, end func(*broken)
	}{
		{"stopped", false, func(*broken) { pg.stop(t) }, func(*broken) { pg.start(t) }},
		{"frozen", false, func(*broken) { pg.signal(t, syscall.SIGSTOP) }, func(*broken) { pg.signal(t, syscall.SIGCONT) }},
		{"refused", false, breaks(testkit.Refuse), breaks(testkit.None)},
		{"reset", false, breaks(testkit.Reset), breaks(testkit.None)},
		{"the way frozen", false, breaks(testkit.Freeze), breaks(testkit.None)},
		{"half closed", false, breaks(testkit.Half), breaks(testkit.None)},
		{"read-only", true, readOnly("on"), readOnly("off")},
	} {
		t.Run(fault.name, func(t *testing.T) {
			b := pg.broken(t)
			b.closeIdle()
			before := steady()

			fault.begin(b)
			end := time.Now().Add(lasting)
			var mu sync.Mutex
			var longest, health time.Duration
			answers := 0
			var all sync.WaitGroup
			for range 3 {
				for _, r := range b.requests() {
					if fault.reads && (r[0] == "GET" || r[0] == "HEAD") {
						continue
					}
					all.Go(func() {
						for first := true; first || time.Now().Before(end); first = false {
							began := time.Now()
							b.wantUnavailable(t, r, server.MaxDeadline+slack)
							mu.Lock()
							longest = max(longest, time.Since(began))
							answers++
							mu.Unlock()
						}
					})
				}
			}
			all.Go(func() {
				for time.Now().Before(end) {
					began := time.Now()
					if got := b.send(t, "GET", "/health", ""); got.Status != http.StatusOK {
						t.Errorf("/health: %s", got)
					}
					health = max(health, time.Since(began))
					b.wantUnavailable(t, [3]string{"GET", "/ready", ""}, 2*time.Second+slack)
				}
			})
			all.Wait()
			fault.end(b)
			began := time.Now()
			b.awaitHealth(t)
			for !b.writes(t) && time.Since(began) < 10*time.Second {
				time.Sleep(10 * time.Millisecond)
			}
			healed := time.Since(began)
			b.send(t, "PATCH", "/api/users/"+b.user.ID.String(), `{"name":"Ada"}`).user(t)

			began = time.Now()
			after := 0
			for time.Since(began) < 20*time.Second {
				b.closeIdle()
				if after = runtime.NumGoroutine(); after <= before {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			t.Logf("%d answers 503; the longest after %v, the goal is at most %v; /health after %v, the goal is at most %v", answers,
				longest.Round(time.Millisecond), server.MaxDeadline+slack, health.Round(time.Millisecond), mostHealth)
			t.Logf("healed in %v; the goal is at most %v", healed.Round(time.Millisecond), mostHeal)
			t.Logf("goroutines: %d before, %d after %v; the goal is no more than before", before, after, time.Since(began).Round(time.Millisecond))
			if healed > mostHeal || health > mostHealth || after > before {
				t.Error("a goal is missed")
			}
		})
	}
}

// writes reports whether a write is carried out on every connection, and /ready says yes.
func (b *broken) writes(t *testing.T) bool {
	var bad atomic.Int32
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			if b.send(t, "PATCH", "/api/users/"+b.user.ID.String(), `{"name":"Ada"}`).Status != http.StatusOK {
				bad.Add(1)
			}
		})
	}
	all.Wait()
	return bad.Load() == 0 && b.send(t, "GET", "/ready", "").Status == http.StatusOK
}

// closeIdle ends the connections that wait for a next request; each has goroutines.
func (b *broken) closeIdle() {
	b.HTTP.Transport.(*checked).next.(*http.Transport).CloseIdleConnections()
}

// steady is how many goroutines there are once their number does not change.
func steady() int {
	n, since := runtime.NumGoroutine(), time.Now()
	for began := since; time.Since(since) < time.Second && time.Since(began) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
		if now := runtime.NumGoroutine(); now != n {
			n, since = now, time.Now()
		}
	}
	return n
}

// own is a PostgreSQL of the test's own, which it may stop.
type own struct {
	dir    string
	server *embedded.Server
}

func ownPostgres(t *testing.T) *own {
	t.Helper()
	base := os.TempDir()
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		base = "/dev/shm"
	}
	dir := must(os.MkdirTemp(base, "rf-"))(t)
	if err := os.Chmod(dir, 0o711); err != nil { // as root, PostgreSQL's user must get in
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	o := &own{dir: dir}
	o.start(t)
	t.Cleanup(func() { o.stop(t) })
	return o
}

func (o *own) start(t *testing.T) {
	t.Helper()
	o.server = must(embedded.Start(context.Background(), embedded.Options{DataDir: o.dir, Binaries: os.Getenv(testkit.PostgresEnv)}))(t)
}

func (o *own) stop(t *testing.T) {
	t.Helper()
	if err := o.server.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// signal reaches all of its processes: they work in its folder.
func (o *own) signal(t *testing.T, what syscall.Signal) {
	t.Helper()
	found, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range found {
		if cwd, err := os.Readlink(link); err == nil && cwd == filepath.Join(o.dir, "postgres", "data") {
			pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
			_ = syscall.Kill(pid, what) // it may have ended
		}
	}
}

func (o *own) execute(t *testing.T, sql string) {
	t.Helper()
	conn := must(pgx.Connect(t.Context(), o.server.AdminURL("")))(t)
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// broken is a server on it, by way of a proxy, and with the usual deadline.
func (o *own) broken(t *testing.T) *broken {
	t.Helper()
	name := "test_" + strconv.FormatInt(time.Now().UnixNano(), 36)
	o.execute(t, "CREATE DATABASE "+name+" OWNER "+embedded.Database)
	url := o.server.URL(name)
	proxy := testkit.NewProxy(t, url)
	a := newServer(t, testkit.WithDatabase(proxy.URL))
	if err := db.Migrate(t.Context(), url, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	direct := must(pgxpool.New(t.Context(), url))(t)
	defer direct.Close()
	b := &broken{a.as(t, root(t, a.Pool)), proxy, nil, testkit.User(t, direct, dbsqlc.User{})}
	b.awaitHealth(t)
	return b
}
