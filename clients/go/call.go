package roster

import (
	"bytes"
	"context"
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
}

// ReadOption is a setting of a call that reads a single resource.
type ReadOption interface{ read(*call) }

// WriteOption is a setting of a call that changes a single resource.
type WriteOption interface{ write(*call) }

type callOption func(*call)

func (o callOption) read(c *call)  { o(c) }
func (o callOption) write(c *call) { o(c) }

// Header sets a header of one call.
func Header(name, value string) CallOption {
	return callOption(func(c *call) { c.set(name, value) })
}

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
}

// newCall takes what a generated request builder returns.
func newCall(request *http.Request, err error) *call {
	if err != nil {
		err = fmt.Errorf("roster: %w", err)
	}
	return &call{request: request, header: http.Header{}, err: err}
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

// try sends the call once and reads the answer.
func (c *Client) try(ctx context.Context, call *call) (*answer, error) {
	request := call.request.Clone(ctx)
	if call.request.GetBody != nil {
		body, err := call.request.GetBody()
		if err != nil {
			return nil, permanent{call.fail(err)}
		}
		request.Body = body
	}
	for _, edit := range c.editors {
		if err := edit(ctx, request); err != nil {
			return nil, permanent{call.fail(err)}
		}
	}
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
	return &answer{status: response.StatusCode, header: response.Header, body: body, call: call}, nil
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
