//go:build torture && linux

package apitest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// TestTortureOverload: Roster and PostgreSQL share a core, the clients have another.
// They ask at rates up to three times what can be answered, and at that rate nearly as
// many are answered, in time, as at the best of the rates.
func TestTortureOverload(t *testing.T) {
	const (
		users   = 2000
		callers = 100
		within  = time.Second
		lasting = time.Second
		rounds  = 15
		atOnce  = 110 // clients of a closed loop, which find what can be answered: hardly any is shed
		goal    = .80
	)
	offers := []float64{1, 1.2, 1.5, 2, 3} // times what can be answered
	if runtime.NumCPU() < 2 {
		t.Skip("it takes two cores")
	}
	url := testkit.Database(t)
	pool := must(pgxpool.New(t.Context(), url))(t)
	t.Cleanup(pool.Close)
	if err := db.SeedUsers(t.Context(), pool, users, func(int) {}); err != nil {
		t.Fatal(err)
	}
	var tokens []string
	for _, admin := range testkit.Users(t, pool, slices.Repeat([]dbsqlc.User{{Role: role.Admin}}, callers)...) {
		tokens = append(tokens, testkit.Session(t, pool, admin.ID))
	}

	onOneCore(t, pool)
	// A process of its own reads the log of requests away: this one spins, and would leave Roster waiting for milliseconds.
	p := start(t, url, []string{"bash", "-c", `exec taskset -c 0 "$@" 2> >(exec grep --line-buffered -vF '"msg":"request"' >&2)`, "roster"})
	load := mixed(t, pool, "http://"+p.addr, tokens)
	l := newSpinning(t, p.addr, func(n int) []byte { return load[n%len(load)] })
	run := func(what string, work func() offered) float64 {
		before := cpu(t, p.process.Pid)
		o := work()
		busy := cpu(t, p.process.Pid) - before
		t.Logf("%s: %.0f/s good in %v (%s), shed %s; sent late by %s; %v; Roster had %.0f %% of its core", what, o.goodput(within), within,
			timesOf(o.good), timesOf(o.shed), timesOf(o.late), o.statuses, 100*busy.Seconds()/o.lasting.Seconds())
		if o.noRetry > 0 {
			t.Errorf("%d answers 503 without Retry-After", o.noRetry)
		}
		for status := range o.statuses {
			if !slices.Contains([]string{"200", "503"}, status) {
				t.Errorf("%d x %s", o.statuses[status], status)
			}
		}
		return o.goodput(within)
	}
	l.closed(atOnce, lasting)            // connections are open, statements prepared
	good := make([]float64, len(offers)) // answers a second, as the mean of all rounds
	for range rounds {
		// The machine may be busy with other things: what can be answered is that of a moment before.
		can := run("what can be answered", func() offered { return l.closed(atOnce, lasting) })
		for i, times := range offers {
			good[i] += run(fmt.Sprintf("%.1f times that", times), func() offered { return l.open(times*can, lasting) }) / rounds
		}
	}
	best := slices.Max(good)
	for i, times := range offers {
		t.Logf("%.1f times what can be answered: %.0f/s good in %v, %.0f %% of the best", times, good[i], within, 100*good[i]/best)
	}
	kept := good[len(good)-1] / best
	t.Logf("users, lists and changes at %.0f times what can be answered: as much is good in %v as %.0f %% of the best; the goal is over %.0f %%",
		offers[len(offers)-1], within, 100*kept, 100*goal)
	if kept < goal {
		t.Error("it does less when more is asked of it")
	}
	after := l.closed(4, lasting)
	if after.statuses["200"] != after.sent {
		t.Errorf("afterwards it does not answer as before: %v", after.statuses)
	}
}

// mixed is requests of many callers: of ten, five get a user, four a page of the list, and
// one changes a user. Users and pages are asked for alike.
func mixed(t *testing.T, pool *pgxpool.Pool, url string, tokens []string) [][]byte {
	t.Helper()
	ids := must(pgx.CollectRows(must(pool.Query(t.Context(), "SELECT id::text FROM users"))(t), pgx.RowTo[string]))(t)
	pages := []string{"/api/users"}
	for {
		r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, url+pages[len(pages)-1], nil))(t)
		r.Header.Set("Authorization", "Bearer "+tokens[0])
		answer := must(http.DefaultClient.Do(r))(t)
		page := decode[roster.PaginatedResponseUser](t, must(io.ReadAll(answer.Body))(t))
		_ = answer.Body.Close()
		if page.Pagination.Next == nil {
			break
		}
		pages = append(pages, cursorPath("limit=20", *page.Pagination.Next))
	}
	var load [][]byte
	for i := range 10 * len(ids) {
		method, path, body := "GET", "/api/users/"+ids[i*7%len(ids)], ""
		switch i % 10 {
		case 0:
			method, body = "PATCH", fmt.Sprintf(`{"name":"User %d"}`, i)
		case 1, 3, 5, 7:
			path = pages[i*7%len(pages)]
		}
		if body != "" {
			body = fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		} else {
			body = "\r\n"
		}
		load = append(load, fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n%s", method, path, tokens[i%len(tokens)], body))
	}
	return load
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
