package roster

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer is the most octets of an answer's body that are read: a page of 100
// users is a fiftieth of it.
const maxAnswer = 10 << 20

// ErrAnswerTooLarge is the error of an answer of more than 10 MiB.
var ErrAnswerTooLarge = errors.New("the answer is larger than 10 MiB")

// CallOption is a setting of any single call.
type CallOption interface {
	ReadOption
	WriteOption
	CreateOption
}

// ReadOption is a setting of a call that reads a single resource.
type ReadOption interface{ read(*call) }

// WriteOption is a setting of a call that changes a single resource.
type WriteOption interface{ write(*call) }

// CreateOption is a setting of a call that makes something and that the server
// carries out once, however often it is sent: by its Idempotency-Key.
type CreateOption interface{ create(*call) }

type callOption func(*call)

func (o callOption) read(c *call)   { o(c) }
func (o callOption) write(c *call)  { o(c) }
func (o callOption) create(c *call) { o(c) }

// Header sets a header of one call.
func Header(name, value string) CallOption {
	return callOption(func(c *call) { c.set(name, value) })
}

// IdempotencyKey sets the Idempotency-Key of a call: 1 to 255 visible ASCII
// characters, others for each thing to make. For 24 hours the server carries out one
// call for a key and a caller, and gives its answer to later ones with the same
// content; another content is refused with [ErrorCodeIdempotencyMismatch]. The calls
// that know this option send a random key by themselves, so it is needed only where
// a call must be repeatable after a restart of one's own program.
func IdempotencyKey(key string) CreateOption {
	return callOption(func(c *call) {
		if key == "" {
			c.err = errors.New("roster: the Idempotency-Key is empty")
			return
		}
		c.set(idempotencyKey, key)
	})
}

const idempotencyKey = "Idempotency-Key"

// Versioned is what knows its version, such as a [VersionedUser].
type Versioned interface{ version() string }

// IfUnchanged lets a write take place only while the resource is still as v holds
// it. Else the call fails with [ErrorCodePreconditionFailed].
func IfUnchanged(v Versioned) WriteOption { return IfMatch(versionOf(v)) }

// IfMatch lets a write take place only while the resource has this ETag, or for
// "*", while it exists. Else the call fails with [ErrorCodePreconditionFailed].
// With an empty etag the call fails without being sent, since it would be a write
// without a condition.
func IfMatch(etag string) WriteOption {
	return callOption(func(c *call) {
		if etag == "" {
			c.err = errors.New("roster: the condition of a write needs an ETag, and this one is empty")
			return
		}
		c.set("If-Match", etag)
	})
}

// IfChanged lets a read give an answer only if the resource is no longer as v holds
// it. Else the call fails with [ErrNotModified].
func IfChanged(v Versioned) ReadOption { return IfNoneMatch(versionOf(v)) }

// IfNoneMatch lets a read give an answer only if the resource no longer has this
// ETag. Else the call fails with [ErrNotModified]. An empty etag is no condition.
func IfNoneMatch(etag string) ReadOption {
	return callOption(func(c *call) {
		if etag != "" {
			c.set("If-None-Match", etag)
		}
	})
}

func versionOf(v Versioned) string {
	if v == nil {
		return ""
	}
	return v.version()
}

// call is one call of an operation, before it is sent.
type call struct {
	request *http.Request
	header  http.Header
	err     error // a call that cannot be sent

	public     bool   // it goes without a credential,
	token      string // or with this one
	idempotent bool   // doing it twice is the same as doing it once

	sent    int  // how often
	renewed bool // its credential, after the server refused one
}

// newCall takes what a generated request builder returns.
func newCall(request *http.Request, err error) *call {
	c := &call{request: request, header: http.Header{}}
	if err != nil {
		c.err = fmt.Errorf("roster: %w", err)
		return c
	}
	switch request.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		c.idempotent = true
	}
	return c
}

// reading applies the options of a read.
func reading[O ReadOption](c *call, options []O) *call {
	for _, option := range options {
		option.read(c)
	}
	return c
}

// writing applies the options of a write.
func writing[O WriteOption](c *call, options []O) *call {
	for _, option := range options {
		option.write(c)
	}
	return c
}

// creating makes a call one that the server carries out once: all its tries have
// one Idempotency-Key, by default a random one of 130 bits.
func creating(c *call, options []CreateOption) *call {
	c.set(idempotencyKey, rand.Text())
	c.idempotent = true
	for _, option := range options {
		option.create(c)
	}
	return c
}

func (c *call) set(name, value string) { c.header.Set(name, value) }

// answer is an answer that has been read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
	call   *call

	tries      int
	lost       bool          // an earlier try may have been carried out
	retryAfter time.Duration // what the server asks to wait,
	asked      bool          // if it does
}

// do sends a call, as often as it needs, and decodes its success into result,
// unless that is nil.
func (c *Client) do(ctx context.Context, call *call, result any) (*answer, error) {
	if call.err != nil {
		return nil, call.err
	}
	for name, values := range c.header {
		if call.public && name == authorization {
			continue
		}
		call.request.Header[name] = values
	}
	for name, values := range call.header {
		call.request.Header[name] = values
	}
	a, err := c.retry.do(ctx, call, c.try)
	switch {
	case err != nil:
		return nil, err // says already which call it was
	case a.status == http.StatusNotModified:
		return nil, ErrNotModified
	case a.status < 200 || a.status > 299:
		return nil, newAPIError(a)
	case result == nil:
		return a, nil
	case !isJSON(a.header):
		return nil, newAPIError(a)
	}
	if err := json.Unmarshal(a.body, result); err != nil {
		return nil, fmt.Errorf("roster: %s: the answer, %d, cannot be decoded: %w", call, a.status, err)
	}
	return a, nil
}

// fetch sends a call and returns the value that it answers with.
func fetch[T any](ctx context.Context, c *Client, call *call) (*T, error) {
	value := new(T)
	if _, err := c.do(ctx, call, value); err != nil {
		return nil, err
	}
	return value, nil
}

// remove sends a call that does away with something. That it is gone after a try
// whose answer was lost is a success.
func (c *Client) remove(ctx context.Context, call *call) error {
	_, err := c.do(ctx, call, nil)
	var e *APIError
	if errors.As(err, &e) && e.lost && e.Code == ErrorCodeNotFound && e.Method == call.request.Method {
		return nil // an earlier try has done it
	}
	return err
}

// try sends the call and reads the answer. With a token that the server does not
// know any more, it gets another one and sends the call again: once in a call.
func (c *Client) try(ctx context.Context, call *call) (*answer, error) {
	token, err := c.token(ctx, call, "")
	if err != nil {
		return nil, err
	}
	a, err := c.send(ctx, call, token)
	if err != nil || token == "" || call.renewed || c.credential.source == nil || !unauthenticated(a) {
		return a, err
	}
	call.renewed = true
	if token, err = c.token(ctx, call, token); err != nil {
		return nil, err
	}
	return c.send(ctx, call, token)
}

// token returns the token that the call goes with, if it goes with one.
func (c *Client) token(ctx context.Context, call *call, stale string) (string, error) {
	if c.credential == nil || call.public || call.request.Header.Get(authorization) != "" {
		return "", nil
	}
	if call.token != "" {
		return call.token, nil
	}
	token, err := c.credential.get(ctx, c, stale)
	if err != nil {
		return "", permanent{call.fail(err)}
	}
	return token, nil
}

const authorization = "Authorization"

func unauthenticated(a *answer) bool {
	if a.status != http.StatusUnauthorized {
		return false
	}
	p, _ := decodeProblem(a)
	return p.Code == ErrorCodeUnauthenticated
}

// send sends the call once.
func (c *Client) send(ctx context.Context, call *call, token string) (*answer, error) {
	request := call.request.Clone(ctx)
	if call.request.GetBody != nil {
		body, err := call.request.GetBody()
		if err != nil {
			return nil, permanent{call.fail(err)}
		}
		request.Body = body
	}
	if token != "" {
		request.Header.Set(authorization, "Bearer "+token)
	}
	for _, edit := range c.editors {
		if err := edit(ctx, request); err != nil {
			return nil, permanent{call.fail(err)}
		}
	}
	call.sent++
	response, err := c.http.Do(request)
	if err != nil {
		return nil, call.fail(err)
	}
	defer response.Body.Close()
	if response.Request != nil && response.Request.Method != request.Method {
		return nil, permanent{call.fail(errors.New("a redirect turned it into " + response.Request.Method))}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, call.fail(err)
	}
	if len(body) > maxAnswer {
		return nil, permanent{call.fail(ErrAnswerTooLarge)}
	}
	return &answer{status: response.StatusCode, header: response.Header, body: body, call: call, tries: call.sent}, nil
}

// String names the call for people. It leaves the query out: that may hold an
// email address, which belongs in no log.
func (c *call) String() string { return c.request.Method + " " + c.request.URL.Path }

// fail says which call failed.
func (c *call) fail(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // its text has the whole URL
	}
	return fmt.Errorf("roster: %s: %w", c, err)
}

func isJSON(header http.Header) bool {
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

func decodeProblem(a *answer) (Problem, bool) {
	var p Problem
	if !isJSON(a.header) || json.Unmarshal(bytes.TrimSpace(a.body), &p) != nil || p.Code == "" {
		return Problem{}, false
	}
	return p, true
}
