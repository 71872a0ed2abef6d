// Package idempotency carries out a request once, however often it is sent, if its
// caller names it by an Idempotency-Key
// (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).
//
// What a request did and that it did it are one transaction. So of a request whose
// answer was lost, a later one with the same key finds either all or nothing.
package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/problem"
)

// Replayed is the value of the header Idempotency-Replayed, which an answer has
// that is not the first one.
const Replayed = "true"

// Requests carries out requests that have a key.
type Requests struct {
	queries   *dbsqlc.Queries
	passwords *auth.Passwords

	mu      sync.Mutex
	running map[name]struct{} // in this process
}

// name is a key among all callers'.
type name struct {
	caller uuid.UUID
	key    string
}

// New makes a Requests. For the document alone, both may be nil.
func New(pool *pgxpool.Pool, passwords *auth.Passwords) *Requests {
	return &Requests{queries: dbsqlc.New(pool), passwords: passwords, running: map[name]struct{}{}}
}

// Do carries out a request by calling once, which makes its change in [Claim.InTx].
// If the caller sent the request before with the same key, nothing is done and Do
// returns what came of it then. Without a key it just calls once.
//
// body tells one request from another: the validated body, as a value that has a
// JSON form, without any password. Do fails with the problems idempotency_mismatch,
// when the key was used with another operation or body, and idempotency_in_flight,
// or with the error of once, of which nothing is remembered.
func (r *Requests) Do(ctx context.Context, key Key, operation string, body any, once func(*Claim) error) (*Earlier, error) {
	if key.Header == "" {
		return nil, once(new(Claim))
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	c := &Claim{
		name:        name{auth.From(ctx).CallerID(), key.Header},
		fingerprint: sha256.Sum256(append([]byte(operation+"\n"), encoded...)),
	}
	if earlier, err := r.earlier(ctx, c); earlier != nil || err != nil {
		return earlier, err
	}
	if !r.start(c.name) {
		return nil, problem.New(problem.IdempotencyInFlight, "")
	}
	defer r.end(c.name)

	err = once(c)
	if err == nil || problem.From(err).Code == problem.Unavailable {
		return nil, err
	}
	// It may have been carried out meanwhile, on another replica too, and refused
	// here just for that: the email is taken by the very user who was to be made.
	if earlier, lookErr := r.earlier(ctx, c); earlier != nil || lookErr != nil {
		return earlier, lookErr
	}
	return nil, err
}

// earlier returns what came of the request before, or nil.
func (r *Requests) earlier(ctx context.Context, c *Claim) (*Earlier, error) {
	row, err := c.find(ctx, r.queries)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case [sha256.Size]byte(row.Fingerprint) != c.fingerprint:
		return nil, problem.New(problem.IdempotencyMismatch, "")
	}
	return &Earlier{passwords: r.passwords, row: row}, nil
}

// start says no to a second one at once, before it costs anything. Between
// processes the database does, in [Claim.InTx].
func (r *Requests) start(n name) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.running[n]; ok {
		return false
	}
	r.running[n] = struct{}{}
	return true
}

func (r *Requests) end(n name) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, n)
}

// Claim is the right to carry out a request. The zero Claim is that of a request
// without a key.
type Claim struct {
	name        name
	fingerprint [sha256.Size]byte
}

// Named reports whether the request has a key. One that has none and changes
// something in a single statement needs no InTx.
func (c *Claim) Named() bool { return c.name.key != "" }

// Outcome is what a later request with the same key is answered from.
type Outcome struct {
	ResourceID   uuid.UUID // of what was made
	PasswordHash string    // of the password in the body; empty: it has none
	Answer       any       // the body of the answer; nil: it holds a secret
}

// InTx runs a function in one transaction, as [db.InTx] does, and keeps its outcome
// there.
func (c *Claim) InTx(ctx context.Context, pool *pgxpool.Pool, run func(ctx context.Context, q *dbsqlc.Queries) (Outcome, error)) error {
	return db.InTx(ctx, pool, func(ctx context.Context, q *dbsqlc.Queries) error {
		if !c.Named() {
			_, err := run(ctx, q)
			return err
		}
		if err := c.take(ctx, q); err != nil {
			return err
		}
		outcome, err := run(ctx, q)
		if err != nil {
			return err
		}
		return c.keep(ctx, q, outcome)
	})
}

// take makes sure that nobody works under the key, or has, until the transaction
// ends. To whoever has, [Requests.Do] looks once more.
func (c *Claim) take(ctx context.Context, q *dbsqlc.Queries) error {
	got, err := q.ClaimIdempotencyKey(ctx, c.name.lock())
	if err != nil {
		return err
	}
	if got {
		// Not in one statement with the lock, whose view would be older than the lock.
		if _, err = c.find(ctx, q); errors.Is(err, pgx.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return problem.New(problem.IdempotencyInFlight, "")
}

func (c *Claim) find(ctx context.Context, q *dbsqlc.Queries) (dbsqlc.IdempotencyKey, error) {
	return q.FindIdempotencyKey(ctx, dbsqlc.FindIdempotencyKeyParams{Caller: c.name.caller, Key: c.name.key})
}

func (c *Claim) keep(ctx context.Context, q *dbsqlc.Queries, o Outcome) error {
	row := dbsqlc.PutIdempotencyKeyParams{
		Caller: c.name.caller, Key: c.name.key, Fingerprint: c.fingerprint[:], ResourceID: o.ResourceID,
	}
	if o.PasswordHash != "" {
		row.PasswordHash = &o.PasswordHash
	}
	if o.Answer != nil {
		var err error
		if row.Answer, err = json.Marshal(o.Answer); err != nil {
			return err
		}
	}
	put, err := q.PutIdempotencyKey(ctx, row)
	if err == nil && put == 0 { // never, under the lock; but rather nothing than twice
		return problem.New(problem.IdempotencyInFlight, "")
	}
	return err
}

// lock is the number of the database's lock for a key. Should two keys ever share
// one, one of them is told to try again.
func (n name) lock() int64 {
	sum := sha256.Sum256(append(n.caller[:], n.key...))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// Earlier is what came of a request before.
type Earlier struct {
	passwords *auth.Passwords
	row       dbsqlc.IdempotencyKey
}

// Answer decodes the body of the first answer, if the password is that of the
// first request; else it fails with the problem idempotency_mismatch. Comparing
// takes the time of a hash, and its turn among those.
func (e *Earlier) Answer(ctx context.Context, password string, body any) error {
	if e.row.PasswordHash == nil || e.row.Answer == nil {
		return fmt.Errorf("idempotency: what was kept of %s has no answer", e.row.ResourceID)
	}
	ok, _, err := e.passwords.Verify(ctx, password, *e.row.PasswordHash)
	switch {
	case errors.Is(err, auth.ErrHashRefused):
		return problem.New(problem.IdempotencyMismatch, "").WithCause(err)
	case err != nil:
		return err
	case !ok:
		return problem.New(problem.IdempotencyMismatch, "")
	}
	return json.Unmarshal(e.row.Answer, body)
}

// SecretShown is the problem that is answered instead of a secret that was shown
// once: it names what was made, by its id and by its place below path.
func (e *Earlier) SecretShown(path string) error {
	p := problem.New(problem.SecretNotReplayable, "")
	p.ResourceID = e.row.ResourceID.String()
	return huma.ErrorWithHeaders(p, http.Header{"Location": {path + p.ResourceID}})
}

// AddLocation documents the Location of [Earlier.SecretShown].
func AddLocation(responses map[string]*huma.Response, path string) {
	conflict := responses["409"]
	if conflict.Headers == nil {
		conflict.Headers = map[string]*huma.Param{}
	}
	conflict.Headers["Location"] = &huma.Param{
		Description: "With secret_not_replayable: the path of what was made.",
		Schema:      &huma.Schema{Type: huma.TypeString},
		Example:     path + "019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21",
	}
}

// Problems are those that an operation with a key can answer; see
// [problem.Responses].
var Problems = []problem.Code{problem.IdempotencyInFlight, problem.IdempotencyMismatch}
