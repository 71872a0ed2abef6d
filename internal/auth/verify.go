package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/batch"
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

// Unconfirmed is how long a credential that was verified may get what is cached
// while the database is away, counted from before it was verified.
const Unconfirmed = 10 * time.Minute

// ErrUnconfirmed is why such a credential gets nothing else.
var ErrUnconfirmed = errors.New("auth: the database could not be asked whether the credential still holds")

// patience is how long a caller who could be answered from the cache waits for a
// database that did not answer the last time.
const patience = 50 * time.Millisecond

// remembered is the most credentials that are kept, and so what they can cost:
// about 400 octets each.
const remembered = 16384

// together is the most credentials that go along with a question about others.
const together = 256

// verifyTimeout bounds one look at the database.
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
	known   map[hash]*known // those verified lately
	older   map[hash]*known // those before them; so memory is bounded without a list
	epoch   uint64          // moves on when what is known must be forgotten
	changes int64           // the newest count of changes,
	counted time.Time       // and the time before it was read
	away    bool            // the last look at the database came to nothing
	asker   *batch.Asker[asked, *Principal]
}

// asked is what one question needs of a token.
type asked struct {
	hash hash
	kind Kind
}

type hash = [sha256.Size]byte

// known is what was found about a token.
type known struct {
	principal *Principal
	used      time.Time // when somebody last showed it
	at        time.Time // before the database was asked
	until     time.Time // if nothing changes
	ends      time.Time // whatever happens
	changes   int64     // the count of changes then
}

// NewVerifier makes a verifier on a pool. log gets what no caller waits for.
func NewVerifier(pool *pgxpool.Pool, lifetimes Lifetimes, log *slog.Logger) *Verifier {
	v := &Verifier{
		queries: dbsqlc.New(pool), idle: lifetimes.Idle, fresh: min(Fresh, lifetimes.Idle/4), log: log, now: time.Now,
		known: map[hash]*known{}, older: map[hash]*known{},
	}
	v.asker = batch.NewAsker(1, verifyTimeout, v.ask)
	return v
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
	if p := v.recall(h); p != nil {
		v.mu.Unlock()
		return p, nil
	}
	earlier, away := v.earlier(h), v.away
	v.mu.Unlock()
	waiting := ctx
	if away && earlier != nil {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	p, err := v.asker.Ask(waiting, asked{h, kind})
	if err != nil && earlier != nil && ctx.Err() == nil {
		return earlier, nil
	}
	return p, err
}

// earlier returns who held a token the last time that the database could be asked,
// if that is not too long ago.
func (v *Verifier) earlier(h hash) *Principal {
	k, now := v.find(h), v.now()
	if k == nil || now.Sub(k.at) >= min(Unconfirmed, v.idle) || !now.Before(k.ends) {
		return nil
	}
	p := *k.principal
	p.Unconfirmed = true
	return &p
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

// recall returns who holds a token, or nil where the database must be asked.
func (v *Verifier) recall(h hash) *Principal {
	k := v.find(h)
	if k == nil {
		return nil
	}
	k.used = v.now()
	if k.used.Sub(k.at) < v.fresh || k.used.Sub(v.counted) < v.fresh && !v.due(k, k.used) {
		return k.principal
	}
	return nil
}

// due reports whether a token must be looked at by itself, whatever the count says.
func (v *Verifier) due(k *known, now time.Time) bool {
	return k.changes != v.changes || !now.Before(k.until)
}

func (v *Verifier) find(h hash) *known {
	if k := v.known[h]; k != nil {
		return k
	}
	return v.older[h]
}

func (v *Verifier) remember(h hash, k *known) {
	if len(v.known) >= remembered/2 && v.known[h] == nil {
		v.known, v.older = v.older, v.known
		clear(v.known)
	}
	v.known[h] = k
	delete(v.older, h)
}

// ask answers for a batch of tokens, and remembers what it has found.
func (v *Verifier) ask(ctx context.Context, tokens []asked) (map[asked]*Principal, error) {
	answers := make(map[asked]*Principal, len(tokens))
	v.mu.Lock()
	epoch := v.epoch
	unknown := tokens[:0]
	for _, t := range tokens {
		if p := v.recall(t.hash); p != nil { // the question before has told
			answers[t] = p
		} else {
			unknown = append(unknown, t)
		}
	}
	if len(unknown) > 0 {
		unknown = v.along(unknown)
	}
	v.mu.Unlock()
	if len(unknown) == 0 {
		return answers, nil
	}

	at := v.now()
	found, touch, err := v.lookUp(ctx, unknown, at)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.away = err != nil
	if err != nil {
		return nil, err
	}
	if len(touch) > 0 {
		go v.touch(context.WithoutCancel(ctx), touch) // nobody waits for it
	}
	for _, t := range unknown {
		k := found[t.hash]
		if k == nil {
			continue
		}
		answers[t] = k.principal
		if v.epoch == epoch {
			v.remember(t.hash, k)
			v.changes, v.counted = k.changes, at
		}
	}
	return answers, nil
}

// along adds tokens that are in use and must be asked about by themselves, now or
// soon: with many callers, all are due half a minute after they came, or when anything
// has changed for anybody, and a question about hundreds costs little more than one
// about a few. Only such as were shown within the last second, so that none that nobody
// uses is kept alive.
func (v *Verifier) along(tokens []asked) []asked {
	now := v.now()
	soon := now.Add(trusted / 4)
	for _, all := range []map[hash]*known{v.older, v.known} {
		looked := 0
		for h, k := range all {
			if looked++; looked > 4*together || len(tokens) >= together {
				break
			}
			if now.Sub(k.used) < v.fresh && v.due(k, soon) {
				tokens = append(tokens, asked{h, k.principal.Kind})
			}
		}
	}
	return tokens
}

// lookUp asks about a batch of tokens, and says which were not used for a while.
func (v *Verifier) lookUp(ctx context.Context, tokens []asked, at time.Time) (map[hash]*known, map[Kind][]uuid.UUID, error) {
	hashes := map[Kind][][]byte{}
	for i := range tokens {
		hashes[tokens[i].kind] = append(hashes[tokens[i].kind], tokens[i].hash[:])
	}
	found := make(map[hash]*known, len(tokens))
	hold := func(p *Principal, changes int64, seconds float64) *known {
		ends := at.Add(time.Duration(seconds * float64(time.Second)))
		until := at.Add(min(trusted, v.touchEvery()/2)) // its use is noted in time
		if ends.Before(until) {
			until = ends
		}
		return &known{principal: p, used: at, at: at, until: until, ends: ends, changes: changes}
	}
	touch := map[Kind][]uuid.UUID{}
	if of := hashes[SessionKind]; of != nil {
		rows, err := v.queries.VerifySessions(ctx, dbsqlc.VerifySessionsParams{
			Hashes: of, IdleSeconds: v.idle.Seconds(), TouchSeconds: v.touchEvery().Seconds(), MostSeconds: Unconfirmed.Seconds(),
		})
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			p := &Principal{Kind: SessionKind, ID: row.ID, UserID: row.UserID, Email: row.Email, Role: row.Role}
			found[hash(row.Hash)] = hold(p.finish(nil), row.Changes, row.Holds)
			if row.Touch {
				touch[SessionKind] = append(touch[SessionKind], row.ID)
			}
		}
	}
	if of := hashes[KeyKind]; of != nil {
		rows, err := v.queries.VerifyKeys(ctx, dbsqlc.VerifyKeysParams{Hashes: of, MostSeconds: Unconfirmed.Seconds()})
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			p := &Principal{Kind: KeyKind, ID: row.ID, UserID: row.UserID, Email: row.Email, Role: row.Role, Name: row.Name}
			found[hash(row.Hash)] = hold(p.finish(row.Scopes), row.Changes, row.Holds)
			if row.Touch {
				touch[KeyKind] = append(touch[KeyKind], row.ID)
			}
		}
	}
	return found, touch, nil
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
