package tally_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/internal/tally"
	"github.com/roster-api/roster/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// counted is what stands in the database, and how many writes that took at least.
func counted(t *testing.T, pool *pgxpool.Pool) (n, rows int64) {
	t.Helper()
	err := pool.QueryRow(t.Context(), "SELECT coalesce(sum(sign_in_failures), 0), count(*) FROM day_counts").Scan(&n, &rows)
	if err != nil {
		t.Fatal(err)
	}
	return n, rows
}

// A flood is one write; what was written is not written again.
func TestFlood(t *testing.T) {
	t.Parallel()
	pool, f := testkit.Pool(t), tally.NewFailures()
	for range 2 {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 1000 {
					f.Add()
				}
			})
		}
		all.Wait()
	}
	for range 3 {
		if err := f.Flush(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
		if n, rows := counted(t, pool); n != 16_000 || rows != 1 {
			t.Fatalf("%d failures in %d rows", n, rows)
		}
	}
}

// What could not be written is written later, on the day on which it happened.
func TestFailuresOutliveAnOutage(t *testing.T) {
	t.Parallel()
	pool, f := testkit.Pool(t), tally.NewFailures()
	f.AddAt(2, time.Now().Add(-24*time.Hour))
	gone, end := context.WithCancel(t.Context())
	end()
	if err := f.Flush(gone, pool); err == nil {
		t.Fatal("written without a database")
	}
	f.Add()
	if err := f.Flush(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	var yesterday int64
	err := pool.QueryRow(t.Context(), "SELECT sum(sign_in_failures) FROM day_counts WHERE day = (now() AT TIME ZONE 'UTC')::date - 1").Scan(&yesterday)
	if err != nil || yesterday != 3 {
		t.Errorf("%d on the day before: %v", yesterday, err)
	}
}

// Run sleeps until there is something, and writes once a second at most, however
// much comes.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, log := tally.NewFailures(), &lines{}
		pool, err := pgxpool.New(t.Context(), "postgres://nobody@/nothing?host=/nowhere")
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			f.Run(ctx, pool, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
			close(done)
		}()
		time.Sleep(time.Hour)
		if n := log.count(); n != 0 {
			t.Errorf("%d tries with nothing to write", n)
		}
		for range 1000 {
			f.Add()
			time.Sleep(10 * time.Millisecond)
		}
		synctest.Wait()
		if n := log.count(); n < 9 || n > 10 {
			t.Errorf("%d tries in ten seconds", n)
		}
		end()
		<-done
		if f.Kept() != 1000 {
			t.Errorf("%d are kept of 1000", f.Kept())
		}
		pool.Close()
	})
}

// A nil count is one that nobody wants.
func TestNoFailures(t *testing.T) {
	t.Parallel()
	var f *tally.Failures
	f.Add()
}

type lines struct {
	mu sync.Mutex
	n  int
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	return len(p), nil
}

func (l *lines) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}
