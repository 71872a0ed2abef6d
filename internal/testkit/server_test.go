package testkit

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
)

func TestNew(t *testing.T) {
	t.Parallel()
	s := New(t)
	admin := User(t, s.Pool, dbsqlc.User{Name: "Ada", Role: role.Admin})
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/api/users", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+Session(t, s.Pool, admin.ID))
	resp, err := s.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %v %s", resp.StatusCode, err, body)
	}
	line := s.Log.Await(t, resp.Header.Get("X-Request-Id"))
	if line["status"] != 200.0 || line["route"] != "/api/users" {
		t.Errorf("logged %v", line)
	}
}

// TestProxy holds each fault to what it says, for a connection that is open and
// for one that comes.
func TestProxy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		fault    Fault
		timesOut bool
	}{
		{"refuse", Refuse, false}, {"reset", Reset, false}, {"freeze", Freeze, true}, {"half", Half, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := NewProxy(t, Database(t))
			connect := func(patience time.Duration) (*pgx.Conn, error) {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				return pgx.Connect(ctx, p.URL)
			}
			open, err := connect(10 * time.Second)
			if err != nil {
				t.Fatal(err)
			}
			defer open.Close(context.Background())

			p.Set(c.fault)
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if err := open.Ping(ctx); err == nil {
				t.Error("the open connection still works")
			}
			if timedOut := ctx.Err() != nil; timedOut != c.timesOut {
				t.Errorf("the open connection fails after %v", time.Since(start))
			}
			start = time.Now()
			if _, err := connect(300 * time.Millisecond); err == nil {
				t.Error("a new connection works")
			}
			if timedOut := time.Since(start) >= 300*time.Millisecond; timedOut != c.timesOut {
				t.Errorf("a new connection fails after %v", time.Since(start))
			}

			p.Set(None)
			again, err := connect(10 * time.Second)
			if err != nil {
				t.Fatalf("after the fault: %v", err)
			}
			if err := again.Ping(t.Context()); err != nil {
				t.Errorf("after the fault: %v", err)
			}
			again.Close(t.Context())
		})
	}
}
