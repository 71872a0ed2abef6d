package apitest

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// TestRestarts is the torture of this name, once for each replica.
func TestRestarts(t *testing.T) {
	t.Parallel()
	restarts(t, 2)
}

// restarts restarts one of two replicas behind a balancer after the other, while
// clients read and write. No request fails, and each ends as it should.
func restarts(t *testing.T, times int) {
	const rate = 200
	url := testkit.Database(t)
	pool := must(pgxpool.New(t.Context(), url))(t)
	t.Cleanup(pool.Close)
	admin := testkit.User(t, pool, dbsqlc.User{Role: role.Admin})
	token := testkit.Session(t, pool, admin.ID)
	var requests [][]byte
	for i := range 20 {
		u := testkit.User(t, pool, dbsqlc.User{})
		head := fmt.Sprintf(" /api/users/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n", u.ID, token)
		body := fmt.Sprintf(`{"name":"User %d"}`, i)
		requests = append(requests, []byte("GET"+head+"\r\n"),
			[]byte(fmt.Sprintf("PATCH%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", head, len(body), body)))
	}

	b := newBalancer(t)
	replicas := [2]*program{start(t, url, nil), start(t, url, nil)}
	for _, p := range replicas {
		b.watch(t, p)
	}

	// Load goes on in pieces until all restarts are done.
	load := openLoop{addr: b.addr, conns: 64, next: func(n int) []byte { return requests[n%len(requests)] }}
	done, sum := make(chan struct{}), make(chan offered)
	go func() {
		all := offered{statuses: map[string]int{}}
		for over := false; !over; {
			select {
			case <-done:
				over = true
			default:
			}
			o := load.run(rate, time.Second)
			all.sent += o.sent
			all.good = append(all.good, o.good...)
			for status, n := range o.statuses {
				all.statuses[status] += n
			}
		}
		sum <- all
	}()
	clean := 0
	for n := range times {
		i := n % len(replicas)
		old := replicas[i]
		if err := old.process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		select {
		case <-old.ended:
		case <-time.After(30 * time.Second):
			t.Fatalf("it does not stop; it said:\n%s", old.said())
		}
		if status := old.state.ExitCode(); status == 0 {
			clean++
		} else {
			t.Errorf("restart %d: exit status %d; it said:\n%s", n, status, old.said())
		}
		replicas[i] = start(t, url, nil)
		b.watch(t, replicas[i])
	}
	close(done)
	all := <-sum
	slices.Sort(all.good)
	failed := all.sent - all.statuses["200"]
	t.Logf("%d restarts, %d with exit status 0; %d requests, %s", times, clean, all.sent, timesOf(all.good))
	t.Logf("%d of %d requests failed (%v); the goal is 0", failed, all.sent, all.statuses)
	if failed != 0 {
		t.Error("requests failed")
	}
}
