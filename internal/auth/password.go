// Package auth knows who is calling. So far: how passwords are kept.
package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
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

// How many may wait for a turn to hash, and how long. One hash takes a core for
// tens of milliseconds: who would wait longer is better told to come back.
const (
	queueLength = 32
	queueWait   = 2 * time.Second
)

// Passwords hashes passwords, a bounded number at a time, so that a flood of them
// takes neither the memory nor the cores that all other requests need.
type Passwords struct {
	turns chan struct{} // a place to hash
	queue chan struct{} // a place to hash or to wait
}

// NewPasswords makes a hasher that uses half of the cores, at least one.
func NewPasswords() *Passwords {
	turns := max(1, runtime.GOMAXPROCS(0)/2)
	return &Passwords{
		turns: make(chan struct{}, turns),
		queue: make(chan struct{}, turns+queueLength),
	}
}

// Hash returns the argon2id hash of a password in PHC form
// (https://github.com/P-H-C/phc-string-format). It fails with a problem,
// unavailable, when too many wait already or the wait is too long.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if err := p.wait(ctx); err != nil {
		return "", err
	}
	defer p.done()

	salt := make([]byte, saltLength)
	rand.Read(salt) // never fails, see crypto/rand
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, keyLength)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		argonMemory, argonTime, argonThreads, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

func (p *Passwords) wait(ctx context.Context) error {
	select {
	case p.queue <- struct{}{}:
	default:
		return problem.New(problem.Unavailable, "Too many passwords are waiting to be hashed; try again.")
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
	return problem.New(problem.Unavailable, "Too many passwords are waiting to be hashed; try again.")
}

func (p *Passwords) done() {
	<-p.turns
	<-p.queue
}
