// Package auth knows who is calling, and whether they may.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"runtime"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/roster-api/roster/internal/problem"
)

// The cost of a hash: OWASP's first choice for argon2id, 19 MiB, two passes, one
// lane. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	saltLength   = 16
	keyLength    = 32
)

// How many may hash at once, how many may wait for a turn, and how long. One hash
// takes a core for tens of milliseconds: who would wait longer is better told to
// come back. It also takes 19 MiB, which bounds the turns where cores are many.
const (
	mostTurns   = 4
	queueLength = 32
	queueWait   = 2 * time.Second
)

// Passwords hashes passwords, a bounded number at a time, so that a flood of them
// takes neither the memory nor the cores that all other requests need.
type Passwords struct {
	turns chan struct{} // a place to hash
	queue chan struct{} // a place to hash or to wait
	idKey func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte
}

// NewPasswords makes a hasher that uses half of the cores, at least one.
func NewPasswords() *Passwords {
	turns := turnsOn(runtime.GOMAXPROCS(0))
	return &Passwords{
		turns: make(chan struct{}, turns),
		queue: make(chan struct{}, turns+queueLength),
		idKey: argon2.IDKey,
	}
}

func turnsOn(cores int) int { return min(max(1, cores/2), mostTurns) }

// Hash returns the argon2id hash of a password in PHC form
// (https://github.com/P-H-C/phc-string-format). It fails with a problem,
// unavailable, when too many wait already or the wait is too long.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if err := p.wait(ctx); err != nil {
		return "", err
	}
	defer p.done()

	h := argonHash{memory: argonMemory, time: argonTime, threads: argonThreads, salt: make([]byte, saltLength)}
	rand.Read(h.salt) // never fails, see crypto/rand
	h.key = p.derive(password, h, keyLength)
	return h.String(), nil
}

// Verify reports whether a password is the one of a hash, and whether it should
// be hashed again because the hash costs less than one of today.
//
// It takes the same time whatever comes out. An empty hash, of a user who is
// unknown or has no password, is never matched; nor is one that Roster would not
// make, for which err is [ErrHashRefused]: log it, and answer as to a wrong
// password. Any other error is the problem of [Passwords.Hash].
func (p *Passwords) Verify(ctx context.Context, password, hash string) (ok, rehash bool, err error) {
	h, refused := noHash, error(nil)
	if hash != "" {
		if h, refused = parseArgonHash(hash); refused != nil {
			h = noHash
		}
	}
	if err := p.wait(ctx); err != nil {
		return false, false, err
	}
	defer p.done()

	key := p.derive(password, h, uint32(len(h.key)))
	for _, rest := range h.rest() { // a hash of older settings would tell by its time that its user exists
		p.derive(password, rest, keyLength)
	}
	same := subtle.ConstantTimeCompare(key, h.key) == 1
	ok = same && hash != "" && refused == nil
	return ok, ok && h.weak(), refused
}

// VerifyNone takes the time of [Passwords.Verify], for a user who cannot sign in.
func (p *Passwords) VerifyNone(ctx context.Context, password string) error {
	_, _, err := p.Verify(ctx, password, "")
	return err
}

func (p *Passwords) derive(password string, h argonHash, length uint32) []byte {
	return p.idKey([]byte(password), h.salt, h.time, h.memory, h.threads, length)
}

func (p *Passwords) wait(ctx context.Context) error {
	if ctx.Err() != nil { // else a free turn might still be taken
		return crowded()
	}
	select {
	case p.queue <- struct{}{}:
	default:
		return crowded()
	}
	timer := time.NewTimer(queueWait)
	defer timer.Stop()
	select {
	case p.turns <- struct{}{}:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	<-p.queue
	return crowded()
}

// Crowded is the problem of [Passwords.Hash] where so many wait that it would come at
// once. Who asks before other work spares that work when it would be for nothing.
func (p *Passwords) Crowded() error {
	if len(p.queue) == cap(p.queue) {
		return crowded()
	}
	return nil
}

func crowded() error {
	return problem.New(problem.Unavailable, "Too many passwords are waiting to be hashed; try again.")
}

func (p *Passwords) done() {
	<-p.turns
	<-p.queue
}
