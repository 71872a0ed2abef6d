package auth

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
)

// Lifetimes bound a session.
type Lifetimes struct {
	Idle time.Duration // without use
	Max  time.Duration // in all
}

// Fresh is how long a verified credential is taken without another look at the
// database, counted from before that look. It is how late a revocation can be.
const Fresh = time.Second

// trusted is how long a verified credential is taken without a look at it alone,
// while the database says every [Fresh] that nothing has changed for anybody.
const trusted = 30 * time.Second

// remembered is the most credentials that are kept, and so what they can cost:
// about 400 octets each.
const remembered = 16384

// verifyTimeout bounds one look at the database: behind one that hangs, all others wait.
const verifyTimeout = 2 * time.Second

// touchEvery is how often the use of a session or a key is written down.
const touchEvery = time.Minute

// Verifier finds out who is calling. It remembers for [Fresh]; what it does not
// know it asks for in batches: while one question is under way, the next ones
// gather and go together, so that many callers at once cost few round trips.
//
// Each answer comes with the database's count of what has changed for callers. So
// the first question in a second, whoever is asked about, tells that all others who
// were verified at the same count still hold.
type Verifier struct {
	queries *dbsqlc.Queries
	idle    time.Duration
	fresh   time.Duration // Fresh, or less where sessions may be idle for a short time only
	log     *slog.Logger
	now     func() time.Time

	mu      sync.Mutex
	known   map[hash]known // those verified lately
	older   map[hash]known // those before them; so memory is bounded without a list
	epoch   uint64         // moves on when what is known must be forgotten
	changes int64          // the newest count of changes,
	counted time.Time      // and the time before it was read
	waiting map[hash]*question
	asking  bool
}

type hash = [sha256.Size]byte

// known is what was found about a token: nobody, for one that is not valid.
type known struct {
	principal *Principal
	at        time.Time // before the database was asked
	until     time.Time // if nothing changes
	changes   int64     // the count of changes then
}

// question is one token that is asked about, for all who wait for it.
type question struct {
	kind   Kind
	done   chan struct{}
	answer known
	err    error
}

// NewVerifier makes a verifier on a pool. log gets what no caller waits for.
func NewVerifier(pool *pgxpool.Pool, lifetimes Lifetimes, log *slog.Logger) *Verifier {
	return &Verifier{
		queries: dbsqlc.New(pool), idle: lifetimes.Idle, fresh: min(Fresh, lifetimes.Idle/4), log: log, now: time.Now,
		known: map[hash]known{}, older: map[hash]known{}, waiting: map[hash]*question{},
	}
}

// Verify returns who holds a token, or nil when nobody does: it is malformed,
// unknown, expired or revoked, or its user is disabled.
func (v *Verifier) Verify(ctx context.Context, token string) (*Principal, error) {
	var kind Kind
	switch {
	case wellFormed(token, sessionPrefix):
		kind = SessionKind
	case wellFormed(token, keyPrefix):
		kind = KeyKind
	default:
		return nil, nil
	}
	h := Token(token).Hash()

	v.mu.Lock()
	if k, ok := v.recall(h); ok {
		v.mu.Unlock()
		return k.principal, nil
	}
	q, ok := v.waiting[h]
	if !ok {
		q = &question{kind: kind, done: make(chan struct{})}
		v.waiting[h] = q
	}
	if !v.asking {
		v.asking = true
		// The question is everybody's: it goes on when this caller gives up.
		go v.ask(context.WithoutCancel(ctx))
	}
	v.mu.Unlock()

	select {
	case <-q.done:
		return q.answer.principal, q.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Forget makes the next look at every credential a look at the database. Who
// ends a session or a key, or changes what a user may do, calls it, so that on
// this replica it takes effect at once; on the others it does within [Fresh].
func (v *Verifier) Forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.epoch++
	clear(v.known)
	clear(v.older)
}

func (v *Verifier) recall(h hash) (known, bool) {
	k, ok := v.known[h]
	if !ok {
		k, ok = v.older[h]
	}
	now := v.now()
	return k, ok && (now.Sub(k.at) < v.fresh ||
		k.changes == v.changes && now.Sub(v.counted) < v.fresh && now.Before(k.until))
}

func (v *Verifier) remember(h hash, k known) {
	if len(v.known) >= remembered/2 {
		v.known, v.older = v.older, v.known
		clear(v.known)
	}
	v.known[h] = k
}

// ask asks until nobody waits any more.
func (v *Verifier) ask(ctx context.Context) {
	for {
		v.mu.Lock()
		batch, epoch := v.waiting, v.epoch
		v.waiting = map[hash]*question{}
		for h, q := range batch {
			if k, ok := v.recall(h); ok { // those who asked before have learnt it meanwhile
				q.answer = k
				close(q.done)
				delete(batch, h)
			}
		}
		if len(batch) == 0 {
			v.asking = false
			v.mu.Unlock()
			return
		}
		v.mu.Unlock()

		at := v.now()
		found, touch, err := v.lookUp(ctx, batch, at)

		v.mu.Lock()
		for h, q := range batch {
			q.answer, q.err = found[h], err
			if err == nil && q.answer.principal != nil && v.epoch == epoch {
				v.remember(h, q.answer)
				v.changes, v.counted = q.answer.changes, at
			}
			close(q.done)
		}
		v.mu.Unlock()
		if len(touch) > 0 {
			go v.touch(ctx, touch) // nobody waits for it
		}
	}
}

// lookUp asks about a batch of tokens, and says which were not used for a while.
func (v *Verifier) lookUp(ctx context.Context, batch map[hash]*question, at time.Time) (map[hash]known, map[Kind][]uuid.UUID, error) {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	hashes := map[Kind][][]byte{}
	for h, q := range batch {
		hashes[q.kind] = append(hashes[q.kind], h[:])
	}
	found := make(map[hash]known, len(batch))
	most := min(trusted, v.touchEvery()/2).Seconds() // its use is noted in time
	touch := map[Kind][]uuid.UUID{}
	if of := hashes[SessionKind]; of != nil {
		rows, err := v.queries.VerifySessions(ctx, dbsqlc.VerifySessionsParams{
			Hashes: of, IdleSeconds: v.idle.Seconds(), TouchSeconds: v.touchEvery().Seconds(), MostSeconds: most,
		})
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			p := &Principal{Kind: SessionKind, ID: row.ID, UserID: row.UserID, Email: row.Email, Role: row.Role}
			found[hash(row.Hash)] = known{p.finish(nil), at, after(at, row.Holds), row.Changes}
			if row.Touch {
				touch[SessionKind] = append(touch[SessionKind], row.ID)
			}
		}
	}
	if of := hashes[KeyKind]; of != nil {
		rows, err := v.queries.VerifyKeys(ctx, dbsqlc.VerifyKeysParams{Hashes: of, MostSeconds: most})
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			p := &Principal{Kind: KeyKind, ID: row.ID, UserID: row.UserID, Email: row.Email, Role: row.Role, Name: row.Name}
			found[hash(row.Hash)] = known{p.finish(row.Scopes), at, after(at, row.Holds), row.Changes}
			if row.Touch {
				touch[KeyKind] = append(touch[KeyKind], row.ID)
			}
		}
	}
	return found, touch, nil
}

func after(at time.Time, seconds float64) time.Time {
	return at.Add(time.Duration(seconds * float64(time.Second)))
}

// touchEvery is shorter where sessions may be idle for a short time only.
func (v *Verifier) touchEvery() time.Duration { return min(touchEvery, v.idle/4) }

// touch writes down that credentials are in use. When it fails, the next look
// tries again.
func (v *Verifier) touch(ctx context.Context, ids map[Kind][]uuid.UUID) {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	var err error
	if of := ids[SessionKind]; of != nil {
		err = v.queries.TouchSessions(ctx, dbsqlc.TouchSessionsParams{Ids: of, TouchSeconds: v.touchEvery().Seconds()})
	}
	if of := ids[KeyKind]; of != nil && err == nil {
		err = v.queries.TouchKeys(ctx, of)
	}
	if err != nil {
		v.log.Warn("the last use of sessions and keys could not be written", "error", err)
	}
}
