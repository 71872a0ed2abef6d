// Package roster is the Go client of Roster, a users-and-access API.
//
//	client, err := roster.New("https://roster.example.org")
//	if err != nil {
//		return err
//	}
//	for user, err := range client.Users(ctx, &roster.ListUsersParams{Role: roster.Ptr(roster.RoleAdmin)}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(user.Name)
//	}
//
// There is one method for each operation of the API, with the operation's name.
//
// # Errors
//
// An answer that is not a success is an [*APIError]. Decide by its code, which
// [CodeOf] finds in any error:
//
//	switch roster.CodeOf(err) {
//	case roster.ErrorCodeEmailTaken:
//		...
//	}
//
// # Changes by several writers
//
// Without a condition the last write wins. A method that reads or writes a single
// user gives its version along; with [IfUnchanged] a write takes place only while
// the user is still of that version, and else fails with
// [ErrorCodePreconditionFailed].
//
// # Retries
//
// What is safe to send again is sent again, up to three times (see [WithRetries]):
//
//   - A call that was refused with 429 or 503, after the time that Retry-After
//     names: the server says that it did not act, and when to come again. Without
//     that header the refusal is a proxy's, which may not know whether the server
//     acted; then only what is in the last point is repeated. See [APIError].Tries
//     for the one doubt that remains.
//   - A call for which no connection could be made.
//   - A call whose answer was lost, if doing it twice is the same as doing it once:
//     reads, and replace and delete without a condition. A delete that finds nothing
//     the second time has done its work. A write with a condition could be
//     refused for its own first try, so it is not repeated.
//
// Between two tries it waits 0.2, 0.4, 0.8 ... seconds at most, at random, where the
// server names no time. It never waits past the end of the context.
package roster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Version is the version of this package. The default User-Agent has it.
const Version = "0.1.0"

// Client calls one Roster server. It is safe for concurrent use.
type Client struct {
	server  string // with a slash at the end
	http    *http.Client
	header  http.Header
	editors []func(context.Context, *http.Request) error
	retry   retrier
}

// Option is a setting of a [Client].
type Option func(*Client)

// New makes a client of the server at baseURL, such as
// "https://roster.example.org". A path in it is kept as a prefix. New does not
// connect.
func New(baseURL string, options ...Option) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("roster: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("roster: %q is no URL of a server: it needs http:// or https:// and a host", u.Redacted())
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("roster: the URL of a server has no query and no fragment")
	}
	c := &Client{
		server: strings.TrimSuffix(u.String(), "/") + "/",
		http: &http.Client{
			Timeout: 30 * time.Second,
			// Roster never redirects; to follow would turn a POST into a GET.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		header: http.Header{
			"Accept":     {"application/json, application/problem+json"},
			"User-Agent": {"roster-go/" + Version},
		},
		retry: retrier{max: defaultRetries, maxWait: defaultMaxWait},
	}
	for _, option := range options {
		option(c)
	}
	return c, nil
}

// WithHTTPClient sets the client that sends the requests. The default one gives
// up a try after 30 seconds, follows no redirects and shares
// [http.DefaultTransport]; nil keeps it.
func WithHTTPClient(client *http.Client) Option {
	return func(c *Client) {
		if client != nil {
			c.http = client
		}
	}
}

// WithUserAgent sets the User-Agent header.
func WithUserAgent(name string) Option { return WithHeader("User-Agent", name) }

// WithHeader sets a header of every request.
func WithHeader(name, value string) Option {
	return func(c *Client) { c.header.Set(name, value) }
}

// WithRequestEditor adds a function that may change every request before it is
// sent, such as to sign it. It runs for each try. An error from it ends the call.
func WithRequestEditor(edit func(ctx context.Context, request *http.Request) error) Option {
	return func(c *Client) { c.editors = append(c.editors, edit) }
}

// WithRetries sets how often a call may be sent again after its first try; 3 is
// the default, 0 or less means never.
func WithRetries(max int) Option {
	return func(c *Client) { c.retry.max = max }
}

// WithoutRetries sends every call once.
func WithoutRetries() Option { return WithRetries(0) }

// WithMaxRetryWait sets the longest wait between two tries; 30 seconds is the
// default. When Retry-After asks for more, the call ends at once with the server's
// error, whose RetryAfter says how long to wait.
func WithMaxRetryWait(d time.Duration) Option {
	return func(c *Client) { c.retry.maxWait = max(d, 0) }
}
