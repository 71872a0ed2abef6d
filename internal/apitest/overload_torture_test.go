//go:build torture && linux

package apitest

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// TestTortureOverload: Roster and PostgreSQL share a core, the clients have another.
// They ask at three times the rate that can be answered, and nearly as many are
// answered, in time, as at the best rate.
func TestTortureOverload(t *testing.T) {
	const (
		users   = 2000
		within  = time.Second
		lasting = 2 * time.Second
		rounds  = 5
		atOnce  = 200 // clients of a closed loop: the best rate, and nothing shed
		goal    = .80
	)
	if runtime.NumCPU() < 2 {
		t.Skip("it takes two cores")
	}
	url := testkit.Database(t)
	pool := must(pgxpool.New(t.Context(), url))(t)
	t.Cleanup(pool.Close)
	if err := db.SeedUsers(t.Context(), pool, users, func(int) {}); err != nil {
		t.Fatal(err)
	}
	admin := testkit.User(t, pool, dbsqlc.User{Role: role.Admin})
	token := testkit.Session(t, pool, admin.ID)
	var ids []string
	rows := must(pool.Query(t.Context(), "SELECT id::text FROM users LIMIT 500"))(t)
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}

	onOneCore(t, pool)
	// A process of its own reads the log of requests away: this one spins, and would leave Roster waiting for milliseconds.
	p := start(t, url, []string{"bash", "-c", `exec taskset -c 0 "$@" 2> >(exec grep --line-buffered -vF '"msg":"request"' >&2)`, "roster"})
	get := func(path string) []byte {
		return []byte("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token + "\r\n\r\n")
	}
	write := func(path, body string) []byte {
		return []byte(fmt.Sprintf("PATCH %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, token, len(body), body))
	}
	var load [][]byte
	for i, id := range ids {
		switch i % 10 {
		case 0:
			load = append(load, write("/api/users/"+id, fmt.Sprintf(`{"name":"User %d"}`, i)))
		case 1, 2, 3, 4:
			load = append(load, get("/api/users"))
		default:
			load = append(load, get("/api/users/"+id))
		}
	}
	l := newSpinning(t, p.addr, func(n int) []byte { return load[n%len(load)] })
	run := func(what string, work func() offered) offered {
		before := cpu(t, p.process.Pid)
		o := work()
		busy := cpu(t, p.process.Pid) - before
		t.Logf("%s: %.0f/s good in %v (%s), shed %s; sent late by %s; %v; Roster had %.0f %% of its core", what, o.goodput(within), within,
			timesOf(o.good), timesOf(o.shed), timesOf(o.late), o.statuses, 100*busy.Seconds()/o.lasting.Seconds())
		return o
	}
	l.closed(atOnce, lasting) // connections are open, statements prepared
	var ratios []float64
	for range rounds {
		// The machine may be busy with other things: the best rate is that of a moment before.
		peak := run("at the peak", func() offered { return l.closed(atOnce, lasting) }).goodput(within)
		o := run(fmt.Sprintf("%.0f/s offered", 3*peak), func() offered { return l.open(3*peak, 2*lasting) })
		ratios = append(ratios, o.goodput(within)/peak)
		if o.noRetry > 0 {
			t.Errorf("%d answers 503 without Retry-After", o.noRetry)
		}
		for status := range o.statuses {
			if !slices.Contains([]string{"200", "503"}, status) {
				t.Errorf("%d x %s", o.statuses[status], status)
			}
		}
	}
	slices.Sort(ratios)
	median := ratios[rounds/2]
	t.Logf("users, lists and changes at three times the best rate: as much is good in %v as %.0f %% of that rate (%.0f to %.0f %% in %d rounds); the goal is over %.0f %%",
		within, 100*median, 100*ratios[0], 100*ratios[rounds-1], rounds, 100*goal)
	if median < goal {
		t.Error("it does less when more is asked of it")
	}
	after := l.closed(4, lasting)
	if after.statuses["200"] != after.sent {
		t.Errorf("afterwards it does not answer as before: %v", after.statuses)
	}
}

// onOneCore puts PostgreSQL on core 0, where Roster will be, and this process on the
// other one, until the test ends.
func onOneCore(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	var backend int
	if err := pool.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		t.Fatal(err)
	}
	stat := string(must(os.ReadFile(fmt.Sprintf("/proc/%d/stat", backend)))(t))
	postmaster := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])[1]
	pin := func(pid, cores string) {
		if out, err := exec.Command("taskset", "-a", "-p", "-c", cores, pid).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	self, all := strconv.Itoa(os.Getpid()), fmt.Sprintf("0-%d", runtime.NumCPU()-1)
	pin(postmaster, "0") // whose processes follow it
	pin(self, "1")
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() {
		runtime.GOMAXPROCS(before)
		pin(self, all)
		pin(postmaster, all)
	})
}

// cpu is the time that a process has worked.
func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat := string(must(os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)))(t))
	ticks := 0
	for _, field := range strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])[11:13] { // in user mode and in the kernel, a hundredth of a second each
		ticks += must(strconv.Atoi(field))(t)
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// goodput is the successes a second that came in time.
func (o offered) goodput(within time.Duration) float64 {
	n, _ := slices.BinarySearch(o.good, within+1)
	return float64(n) / o.lasting.Seconds()
}
