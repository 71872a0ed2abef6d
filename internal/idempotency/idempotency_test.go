package idempotency_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/idempotency"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const password = testkit.Password

// replica is one process of those that work on a database.
type replica struct {
	*idempotency.Requests
	pool *pgxpool.Pool
}

func newReplica(pool *pgxpool.Pool) replica {
	return replica{idempotency.New(pool, auth.NewPasswords()), pool}
}

// caller is a context of a new user's.
func caller(t *testing.T) context.Context {
	t.Helper()
	return auth.NewContext(t.Context(), auth.SessionOf(uuid.New(), dbsqlc.User{ID: uuid.New()}))
}

// do carries out a request whose effect is counted, if run says so.
func (r replica) do(ctx context.Context, key, operation string, body any, run func() (idempotency.Outcome, error)) (*idempotency.Earlier, error) {
	return r.Do(ctx, idempotency.Key{Header: key}, operation, body, func(c *idempotency.Claim) error {
		return c.InTx(ctx, r.pool, func(context.Context, *dbsqlc.Queries) (idempotency.Outcome, error) { return run() })
	})
}

func wantCode(t *testing.T, err error, code problem.Code) {
	t.Helper()
	var e *problem.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// never is for what must not be carried out, nor cost anything.
func never(t *testing.T) func() (idempotency.Outcome, error) {
	return func() (idempotency.Outcome, error) {
		t.Error("it is carried out")
		return idempotency.Outcome{}, errors.New("never")
	}
}

func TestDo(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	a, b := newReplica(pool), newReplica(pool)
	ctx := caller(t)
	hash, err := auth.NewPasswords().Hash(ctx, password)
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.New()
	done := func() (idempotency.Outcome, error) {
		return idempotency.Outcome{ResourceID: id, PasswordHash: hash, Answer: map[string]string{"name": "Ada"}}, nil
	}
	body := map[string]string{"name": "Ada", "email": "ada@example.org"}

	refused := errors.New("refused")
	if _, err := a.do(ctx, "k", "make", body, func() (idempotency.Outcome, error) { o, _ := done(); return o, refused }); !errors.Is(err, refused) {
		t.Fatalf("got %v", err)
	}
	if earlier, err := a.do(ctx, "k", "make", body, done); earlier != nil || err != nil {
		t.Fatalf("after a refusal: %v, %v", earlier, err)
	}
	for _, r := range []replica{a, b} {
		earlier, err := r.do(ctx, "k", "make", body, never(t))
		if err != nil || earlier == nil {
			t.Fatalf("the second time: %v, %v", earlier, err)
		}
		var got map[string]string
		if err := earlier.Answer(ctx, password, &got); err != nil || got["name"] != "Ada" {
			t.Errorf("got %v, %v", got, err)
		}
		wantCode(t, earlier.Answer(ctx, password+"!", &got), problem.IdempotencyMismatch)
		_, err = r.do(ctx, "k", "make", map[string]string{"name": "Ada", "email": "ada@example.com"}, never(t))
		wantCode(t, err, problem.IdempotencyMismatch)
		_, err = r.do(ctx, "k", "unmake", body, never(t))
		wantCode(t, err, problem.IdempotencyMismatch)
	}
	for name, again := range map[string]func() (*idempotency.Earlier, error){
		"another caller": func() (*idempotency.Earlier, error) { return a.do(caller(t), "k", "make", body, done) },
		"another key":    func() (*idempotency.Earlier, error) { return a.do(ctx, "K", "make", body, done) },
		"no key":         func() (*idempotency.Earlier, error) { return a.do(ctx, "", "make", body, done) },
	} {
		if earlier, err := again(); earlier != nil || err != nil {
			t.Errorf("%s: %v, %v", name, earlier, err)
		}
	}
}

// TestInFlight: while one works, others are told so at once; in the same process
// before it costs anything.
func TestInFlight(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	a, b := newReplica(pool), newReplica(pool)
	ctx := caller(t)
	within, release := make(chan struct{}), make(chan struct{})
	var first sync.WaitGroup
	first.Go(func() {
		if _, err := a.do(ctx, "k", "make", 1, func() (idempotency.Outcome, error) {
			close(within)
			<-release
			return idempotency.Outcome{ResourceID: uuid.New()}, nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-within
	_, err := a.Do(ctx, idempotency.Key{Header: "k"}, "make", 1, func(*idempotency.Claim) error {
		t.Error("it costs something")
		return nil
	})
	wantCode(t, err, problem.IdempotencyInFlight)
	_, err = b.do(ctx, "k", "make", 1, never(t))
	wantCode(t, err, problem.IdempotencyInFlight)
	if _, err := a.do(ctx, "k-2", "make", 1, func() (idempotency.Outcome, error) { return idempotency.Outcome{}, nil }); err != nil {
		t.Errorf("another key: %v", err)
	}
	close(release)
	first.Wait()
	if earlier, err := b.do(ctx, "k", "make", 1, never(t)); earlier == nil || err != nil {
		t.Errorf("then: %v, %v", earlier, err)
	}
}

// TestDoneMeanwhile: what another replica did, after this one had looked, is found
// where its own try is refused.
func TestDoneMeanwhile(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	a, b := newReplica(pool), newReplica(pool)
	for name, refusal := range map[string]error{
		"as taken by the first": problem.New(problem.EmailTaken, ""),
		"by the claim":          nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := caller(t)
			id := uuid.New()
			earlier, err := a.Do(ctx, idempotency.Key{Header: "k"}, "make", 1, func(c *idempotency.Claim) error {
				if earlier, err := b.do(ctx, "k", "make", 1, func() (idempotency.Outcome, error) { return idempotency.Outcome{ResourceID: id}, nil }); earlier != nil || err != nil {
					t.Errorf("the other one: %v, %v", earlier, err)
				}
				if refusal != nil {
					return refusal
				}
				return c.InTx(ctx, pool, func(context.Context, *dbsqlc.Queries) (idempotency.Outcome, error) { return never(t)() })
			})
			if earlier == nil || err != nil {
				t.Fatalf("got %v, %v", earlier, err)
			}
			var p *problem.Error
			if shown := earlier.SecretShown("/api/keys/"); !errors.As(shown, &p) || p.ResourceID != id.String() {
				t.Errorf("got %v, want %v", shown, id)
			}
		})
	}
}

// A request that failed in an unknown way is not said to be another's.
func TestAPanicEndsTheClaim(t *testing.T) {
	t.Parallel()
	a := newReplica(testkit.Pool(t))
	ctx := caller(t)
	func() {
		defer func() { _ = recover() }()
		_, _ = a.do(ctx, "k", "make", 1, func() (idempotency.Outcome, error) { panic("within") })
	}()
	if earlier, err := a.do(ctx, "k", "make", 1, func() (idempotency.Outcome, error) { return idempotency.Outcome{}, nil }); earlier != nil || err != nil {
		t.Errorf("got %v, %v", earlier, err)
	}
}
