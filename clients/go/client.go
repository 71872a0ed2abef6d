// Package roster is the Go client of Roster, a users-and-access API.
//
//	client, err := roster.New("https://roster.example.org", roster.WithKey(os.Getenv("ROSTER_KEY")))
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
// # Who is calling
//
// A service calls by its key: [WithKey]. A program that works for a person calls by
// a session: [Client.SignIn] gives its token, and [Client.With] a client that has
// it. With [WithCredentials] the client signs in by itself, and again when the
// session has ended, once for all calls that wait for it.
//
// A credential goes to the server of [New] only: to another scheme, host or port no
// redirect is followed. The texts of clients and errors do not have it; those of
// passwords and of new secrets, such as [UserCreate], do.
//
// # Errors
//
// An answer that is not a success is an [*APIError]. Decide by its code, which
// [CodeOf] finds in any error:
//
//	switch roster.CodeOf(err) {
//	case roster.ErrorCodeEmailTaken:
//		...
//	case roster.ErrorCodeUnauthenticated: // no valid key or session: 401
//	case roster.ErrorCodeSignInFailed: // a wrong email or password: 401
//	case roster.ErrorCodeForbidden: // 403, see PermissionOf(err)
//	case roster.ErrorCodeRateLimited: // 429, see RetryAfterOf(err)
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
//     refused for its own first try, and a change of one's password for the old
//     password, so they are not repeated.
//   - CreateUser and CreateKey likewise: each call has an Idempotency-Key, the same
//     for all its tries, and the server carries it out once. Only the secret of a
//     key that was made by a try whose answer was lost is gone; then CreateKey
//     fails with [ErrorCodeSecretNotReplayable], and [APIError].ResourceID is the
//     key, to rotate or to revoke.
//
// Between two tries it waits 0.2, 0.4, 0.8 ... seconds at most, at random, where the
// server names no time. It never waits past the end of the context.
package roster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Version is the version of this package. The default User-Agent has it.
const Version = "0.1.0"

// Client calls one Roster server. It is safe for concurrent use. The zero value is
// not usable; see [New].
type Client struct {
	// A pointer, so that no way of package fmt to look into a struct that holds a
	// Client finds a secret.
	*settings
}

type settings struct {
	server     string // with a slash at the end
	shown      string // the same for people, without a password in it
	http       *http.Client
	credential *credential // nil: anonymous
	header     http.Header
	editors    []func(context.Context, *http.Request) error
	retry      retrier
	err        error // an option that cannot be
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
	c := &Client{&settings{
		server: strings.TrimSuffix(u.String(), "/") + "/",
		shown:  u.Redacted(),
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
	}}
	return c.apply(options)
}

// With returns a copy of the client with other settings, such as somebody's token.
// Both share what is not set again, connections too; the client stays as it is.
func (c *Client) With(options ...Option) (*Client, error) {
	own := *c.settings
	own.header = c.header.Clone()
	own.editors = slices.Clone(c.editors)
	return (&Client{&own}).apply(options)
}

func (c *Client) apply(options []Option) (*Client, error) {
	for _, option := range options {
		option(c)
	}
	if c.err != nil {
		return nil, c.err
	}
	return c, nil
}

// String gives the server, and no secret.
func (c Client) String() string {
	if c.settings == nil {
		return "roster client"
	}
	return "roster client of " + c.shown
}

// Format writes the same for every verb, so that none shows a secret.
func (c Client) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, c.String()) }

// WithHTTPClient sets the client that sends the requests, as it is now. The default one gives
// up a try after 30 seconds, follows no redirects and shares
// [http.DefaultTransport]; nil keeps it. Redirects to another scheme, host or port
// are not followed by this one either.
func WithHTTPClient(client *http.Client) Option {
	return func(c *Client) {
		if client != nil {
			c.http = within(c.server, client)
		}
	}
}

// within returns a copy of a client that stays with one server: what it sends may
// hold a credential, in a header or in the body.
func within(server string, client *http.Client) *http.Client {
	home, err := url.Parse(server)
	if err != nil {
		panic(err) // New has parsed it
	}
	own := *client
	own.CheckRedirect = func(request *http.Request, via []*http.Request) error {
		switch {
		case origin(request.URL) != origin(home):
			return http.ErrUseLastResponse
		case client.CheckRedirect != nil:
			return client.CheckRedirect(request, via)
		case len(via) >= 10: // as net/http
			return errors.New("stopped after 10 redirects")
		}
		return nil
	}
	return &own
}

func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
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

// WithoutRetries sends every call once. A call whose token has ended is still
// repeated with another one, see [WithCredentials].
func WithoutRetries() Option { return WithRetries(0) }

// WithMaxRetryWait sets the longest wait between two tries; 30 seconds is the
// default. When Retry-After asks for more, the call ends at once with the server's
// error, whose RetryAfter says how long to wait.
func WithMaxRetryWait(d time.Duration) Option {
	return func(c *Client) { c.retry.maxWait = max(d, 0) }
}
