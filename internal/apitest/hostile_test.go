package apitest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/email"
	"github.com/roster-api/roster/internal/server"
	"github.com/roster-api/roster/internal/testkit"
)

// TestHostile sends requests made from the served document, as many of them broken in
// some way as not, and holds each answer, and then the database, against it. The
// torture tests send sixty times as many.
//
// A life is a subtest, named by the seed of all that it sends: what one of them found
// is found again with -run 'TestHostile/^SEED$'.
func TestHostile(t *testing.T) {
	t.Parallel()
	liveHostile(t, 8, 400)
}

// liveHostile starts a server as the command does, and lets lives of n requests each
// loose on it, some at once. It returns what it logs at the end.
func liveHostile(t *testing.T, lives, n int) {
	h := newHostile(t)
	seeds := make(chan uint64)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for seed := range seeds {
				t.Run(fmt.Sprint(seed), func(t *testing.T) { h.live(t, seed, n) })
			}
		})
	}
	for seed := range lives {
		seeds <- uint64(seed + 1)
	}
	close(seeds)
	workers.Wait()
	h.checkDatabase(t)
	h.report(t, lives)
}

// hostile is a server, its document, and what all lives counted.
type hostile struct {
	address  string
	pool     *pgxpool.Pool // not the server's
	contract *contract
	ops      []*operation
	log      *testkit.Log
	key      *audit.Key

	mu       sync.Mutex
	lived    int
	total    int
	statuses map[string]map[int]int // by operation; 0: no answer
	broken   map[string]int         // how often each way of breaking was used
}

func newHostile(t *testing.T) *hostile {
	t.Helper()
	h := &hostile{log: &testkit.Log{}, statuses: map[string]map[int]int{}, broken: map[string]int{}}
	log := slog.New(slog.NewJSONHandler(h.log, nil))
	url := testkit.Database(t)
	serving := must(db.Open(url, db.Options{Timeout: server.MaxDeadline}))(t)
	t.Cleanup(serving.Close)
	handler := must(server.New(server.Options{Pool: serving, Log: log}))(t)
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	h.address = l.Addr().String()

	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	h.key = must(audit.NewKey(strings.Repeat("0123456789abcdef", 4)))(t)
	sealer := audit.NewSealer(serving, h.key, 0, log)
	var running sync.WaitGroup
	running.Go(func() { sealer.Run(ctx) })
	running.Go(func() {
		if err := server.Serve(ctx, l, handler, log, 10*time.Second); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); running.Wait() })

	h.pool = must(pgxpool.New(t.Context(), url))(t)
	t.Cleanup(h.pool.Close)
	resp := must(http.Get("http://" + h.address + "/openapi.json"))(t)
	defer resp.Body.Close()
	body := must(io.ReadAll(resp.Body))(t)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("no document: %s", body)
	}
	h.contract = must(newContract(body))(t)
	h.ops = operations(h.contract.doc)
	return h
}

// live sends n requests that follow from a seed and from the answers to those before:
// a life knows nothing of the users, sessions and keys of the others.
func (h *hostile) live(t *testing.T, seed uint64, n int) {
	w := newWorld(t, h, seed)
	wire := &wire{address: h.address}
	defer wire.close()
	for i := range n {
		w.index = i
		w.refill(t)
		q := w.request()
		got, err := wire.send(q)
		w.count(q, got)
		faults := w.judge(q, got, err)
		if len(faults) > 0 {
			t.Errorf("%s\n%s", w.told(q, got), strings.Join(faults, "\n"))
		}
		w.learn(q, got)
		if len(faults) > 0 && w.faulty() {
			t.Fatal("and so on")
		}
	}
	w.checkChanges(t)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lived++
	h.total += n
	for op, statuses := range w.statuses {
		if h.statuses[op] == nil {
			h.statuses[op] = map[int]int{}
		}
		for status, n := range statuses {
			h.statuses[op][status] += n
		}
	}
	for how, n := range w.broken {
		h.broken[how] += n
	}
}

func clip(b []byte) []byte {
	if len(b) > 3000 {
		return append(slices.Clip(b[:2900]), fmt.Sprintf(" ... and %d octets more", len(b)-2900)...)
	}
	return b
}

// checkDatabase holds what is left in the database against the document.
func (h *hostile) checkDatabase(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	rows, err := h.pool.Query(ctx, `SELECT email, json_build_object('id', id, 'name', name, 'email', email, 'role', role, 'disabled', disabled,
		'createdAt', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
		'updatedAt', to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text FROM users`)
	if err != nil {
		t.Fatal(err)
	}
	type stored struct{ Email, Text string }
	users := must(pgx.CollectRows(rows, pgx.RowToStructByPos[stored]))(t)
	for _, u := range users {
		if err := h.contract.validate(pointer("components", "schemas", "User"), []byte(u.Text)); err != nil {
			t.Errorf("a user breaks the schema: %v", err)
		}
		if canonical, ok := email.Canonical(u.Email); !ok || canonical != u.Email {
			t.Errorf("the address %q is not canonical", u.Email)
		}
	}
	for what, sql := range map[string]string{
		"enabled admins who can sign in": "SELECT count(*) > 0 FROM users u JOIN credentials c ON c.user_id = u.id WHERE u.role = 'admin' AND NOT u.disabled",
		"a count for each role":          "SELECT (SELECT sum(admins + editors + viewers) FROM user_counts) = (SELECT count(*) FROM users)",
		"sessions of enabled users":      "SELECT NOT EXISTS (SELECT FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.disabled)",
		"names of keys as they may be":   "SELECT NOT EXISTS (SELECT FROM keys WHERE cardinality(scopes) = 0 OR expires_at > created_at + interval '10 years 1 day')",
	} {
		var holds bool
		if err := h.pool.QueryRow(ctx, sql).Scan(&holds); err != nil || !holds {
			t.Errorf("%s: %t, %v", what, holds, err)
		}
	}

	if err := audit.NewSealer(h.pool, h.key, 0, slog.New(slog.DiscardHandler)).Seal(ctx); err != nil {
		t.Error(err)
	}
	report := must(audit.Verify(ctx, h.pool, h.key, nil, nil))(t)
	var entries int64
	if err := h.pool.QueryRow(ctx, "SELECT count(*) FROM audit").Scan(&entries); err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) > 0 || report.Waiting != 0 || report.Sealed != entries || entries == 0 {
		t.Errorf("the audit log does not verify: %+v, %d rows", report, entries)
	}
	h.log.Lines(t) // each is JSON
	t.Logf("%d users, %d rows in the audit log, all in the chain", len(users), entries)
}

// report tells what was sent, and fails where the requests do not reach far enough.
func (h *hostile) report(t *testing.T, lives int) {
	t.Helper()
	classes, answered := map[string]int{}, 0
	for _, op := range slices.Sorted(maps.Keys(h.statuses)) {
		good := 0
		for status, n := range h.statuses[op] {
			class := "no answer"
			if status > 0 {
				class = fmt.Sprintf("%dxx", status/100)
			}
			classes[class] += n
			if status >= 200 && status < 400 {
				good += n
			}
			answered += n
		}
		t.Logf("%-20s %v", op, h.statuses[op])
		if good == 0 && h.lived == lives {
			t.Errorf("no request of %s was carried out: the generator does not know how to ask for it", op)
		}
	}
	t.Logf("ways of breaking: %v", h.broken)
	t.Logf("%d requests of %d operations, answers by class: %v", answered, len(h.statuses), classes)
	if h.lived < lives {
		return // not all were asked for
	}
	if len(h.statuses) != len(h.ops) || 5*classes["2xx"] < answered {
		t.Errorf("%d of %d operations, and %d of %d requests carried out; want at least a fifth", len(h.statuses), len(h.ops), classes["2xx"], answered)
	}
}

// oneOf is one of some.
func oneOf[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }
