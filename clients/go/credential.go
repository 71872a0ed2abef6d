package roster

import (
	"context"
	"errors"
	"strings"
	"sync"
)

// WithKey makes the client call as a service, by its key. Space around the key is
// cut off, as around one that was read from a file.
//
// Of the options WithKey, [WithToken], [WithTokenSource] and [WithCredentials] the
// last one counts.
func WithKey(key string) Option { return withFixed("key", key) }

// WithToken makes the client call by a session, whose token [Client.SignIn] gave.
// When the session has ended, calls fail with [ErrorCodeUnauthenticated].
func WithToken(token string) Option { return withFixed("token", token) }

func withFixed(what, token string) Option {
	return func(c *Client) {
		token = strings.TrimSpace(token)
		if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			c.err = errors.New("roster: the " + what + " is empty, or has characters that none has")
			return
		}
		c.credential = &credential{token: token}
	}
}

// WithCredentials makes the client sign in by itself: when it first needs to, and
// again when its session has ended. However many calls wait for that, it signs in
// once, and asks ask once, whose secrets it does not keep. Then it repeats each
// call once. When it cannot sign in, the calls that wait for it fail with a
// [*SignInError], and the next call tries again.
//
// ask may be called from any goroutine. Its context ends when no call waits any
// more; the end of one call's context frees only that call.
func WithCredentials(ask func(ctx context.Context) (email, password string, err error)) Option {
	return withSource(func(ctx context.Context, c *Client) (string, error) {
		email, password, err := ask(ctx)
		if err != nil {
			return "", err
		}
		_, token, err := c.SignIn(ctx, email, password)
		return token, err
	})
}

// WithTokenSource is as [WithCredentials], for tokens that come from elsewhere:
// source gives a key or a session's token when the client first needs one, and
// another one when the server knows the last one no more.
//
// source may call [Client.SignIn] on the same client; other methods would wait for
// the token that it is to give, and fail.
func WithTokenSource(source func(ctx context.Context) (token string, err error)) Option {
	return withSource(func(ctx context.Context, _ *Client) (string, error) { return source(ctx) })
}

func withSource(source func(context.Context, *Client) (string, error)) Option {
	return func(c *Client) { c.credential = &credential{source: source} }
}

// SignInError is the error of a call that was not carried out because the client
// had no valid token and could not get one. What went wrong is in it: [CodeOf]
// finds [ErrorCodeSignInFailed], [errors.Is] the error of one's own source.
type SignInError struct{ Err error }

// Error gives what went wrong. It has no secret that its cause does not show.
func (e *SignInError) Error() string { return "cannot sign in: " + e.Err.Error() }

// Unwrap returns what went wrong.
func (e *SignInError) Unwrap() error { return e.Err }

// credential is what a client shows to be known. A client and its copies share it.
type credential struct {
	source func(context.Context, *Client) (string, error) // nil: the token stays

	mu      sync.Mutex
	token   string   // empty: none yet, or none any more
	pending *renewal // of the token, for all who wait
}

type renewal struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiting int // those who wait, under the credential's lock
	token   string
	err     error
}

// renewing is the key under which the context of a renewal has its credential.
type renewing struct{}

var (
	errSourceWaits  = errors.New("the token source calls the client that waits for its token")
	errSourceEnded  = errors.New("the token source ended without an answer")
	errSourceIsVoid = errors.New("the token source gave an empty token")
)

// get returns the token to send: any but stale, which the server has refused. Who
// finds none joins the renewal that is under way, or starts one.
func (k *credential) get(ctx context.Context, c *Client, stale string) (string, error) {
	if k.source == nil {
		return k.token, nil
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if ctx.Value(renewing{}) == k {
		return "", &SignInError{errSourceWaits}
	}
	k.mu.Lock()
	if k.token == stale {
		k.token = ""
	}
	if token := k.token; token != "" {
		k.mu.Unlock()
		return token, nil
	}
	r := k.pending
	if r == nil {
		r = k.renew(ctx, c)
	}
	r.waiting++
	k.mu.Unlock()

	select {
	case <-r.done:
		return r.token, r.err
	case <-ctx.Done():
		k.leave(r)
		return "", ctx.Err()
	}
}

// renew asks the source, apart from the context of the call that happens to be the
// first: others wait too. The lock is held.
func (k *credential) renew(ctx context.Context, c *Client) *renewal {
	ctx, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), renewing{}, k))
	r := &renewal{done: make(chan struct{}), cancel: cancel, err: &SignInError{errSourceEnded}}
	k.pending = r
	go func() {
		defer k.finish(r) // also when the source ends its goroutine
		token, err := k.source(ctx, c)
		switch {
		case err != nil:
			r.err = &SignInError{err}
		case token == "":
			r.err = &SignInError{errSourceIsVoid}
		default:
			r.token, r.err = token, nil
		}
	}()
	return r
}

func (k *credential) finish(r *renewal) {
	k.mu.Lock()
	if k.pending == r { // and was not left by all
		k.pending, k.token = nil, r.token
	}
	k.mu.Unlock()
	close(r.done)
	r.cancel()
}

// leave ends a renewal that nobody waits for any more. Whoever comes now starts
// another one.
func (k *credential) leave(r *renewal) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.waiting--; r.waiting > 0 {
		return
	}
	r.cancel()
	if k.pending == r {
		k.pending = nil
	}
}

// held returns the token that there is, without asking for one.
func (k *credential) held() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.token
}

// drop forgets a token that has ended, unless there is a newer one.
func (k *credential) drop(token string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.source != nil && k.token == token {
		k.token = ""
	}
}
