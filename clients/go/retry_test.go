package roster_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	roster "github.com/roster-api/roster/clients/go"
)

// script is a server that gives one answer after the other, the last one for
// ever. Inside a synctest bubble its waits take no time.
type script struct {
	steps   []step
	sent    []time.Time
	bodies  []string
	headers []http.Header
}

type step struct {
	status int
	header map[string]string
	body   string
	err    error
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body := ""
	if r.Body != nil {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(data)
	}
	next := s.steps[min(len(s.sent), len(s.steps)-1)]
	s.sent = append(s.sent, time.Now())
	s.bodies = append(s.bodies, body)
	s.headers = append(s.headers, r.Header)
	if next.err != nil {
		return nil, next.err
	}
	response := &http.Response{
		StatusCode: next.status, ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(next.body)), Request: r,
	}
	for name, value := range next.header {
		response.Header.Set(name, value)
	}
	return response, nil
}

func (s *script) waits() []time.Duration {
	var waits []time.Duration
	for i := 1; i < len(s.sent); i++ {
		waits = append(waits, s.sent[i].Sub(s.sent[i-1]))
	}
	return waits
}

// over makes a client that talks to rt.
func over(t *testing.T, rt http.RoundTripper, options ...roster.Option) *roster.Client {
	t.Helper()
	options = append([]roster.Option{roster.WithHTTPClient(&http.Client{Transport: rt})}, options...)
	client, err := roster.New("https://roster.example.org", options...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

const someUser = `{"id":"019a8b1e-7c1f-7d3a-9c55-000000000001","name":"Ada","email":"ada@example.org","role":"viewer",
	"disabled":false,"createdAt":"2026-03-14T09:26:53Z","updatedAt":"2026-03-14T09:26:53Z"}`

var success = step{status: 200, body: someUser}

var id = exampleID(1)

// operations are the calls of the retry matrix.
var operations = map[string]func(context.Context, *roster.Client) error{
	"list": func(ctx context.Context, c *roster.Client) error {
		_, err := c.ListUsers(ctx, nil)
		return err
	},
	"get": func(ctx context.Context, c *roster.Client) error {
		_, err := c.GetUser(ctx, id)
		return err
	},
	"create": func(ctx context.Context, c *roster.Client) error {
		_, err := c.CreateUser(ctx, roster.UserCreate{Name: "Ada"})
		return err
	},
	"replace": func(ctx context.Context, c *roster.Client) error {
		_, err := c.ReplaceUser(ctx, id, roster.UserReplace{Name: "Ada"})
		return err
	},
	"replace if": func(ctx context.Context, c *roster.Client) error {
		_, err := c.ReplaceUser(ctx, id, roster.UserReplace{Name: "Ada"}, roster.IfMatch(`"1"`))
		return err
	},
	"update": func(ctx context.Context, c *roster.Client) error {
		_, err := c.UpdateUser(ctx, id, roster.UserUpdate{Name: roster.Ptr("Ada")})
		return err
	},
	"update if": func(ctx context.Context, c *roster.Client) error {
		_, err := c.UpdateUser(ctx, id, roster.UserUpdate{Name: roster.Ptr("Ada")}, roster.IfMatch(`"1"`))
		return err
	},
	"delete": func(ctx context.Context, c *roster.Client) error { return c.DeleteUser(ctx, id) },
	"delete if": func(ctx context.Context, c *roster.Client) error {
		return c.DeleteUser(ctx, id, roster.IfMatch(`"1"`))
	},
	"set password": func(ctx context.Context, c *roster.Client) error {
		return c.SetPassword(ctx, id, roster.PasswordSet{NewPassword: "correct horse battery"})
	},
	"create reset": func(ctx context.Context, c *roster.Client) error {
		_, err := c.CreatePasswordReset(ctx, id)
		return err
	},
	"redeem reset": func(ctx context.Context, c *roster.Client) error {
		return c.RedeemPasswordReset(ctx, roster.PasswordResetRedeem{Token: "rsr_1"})
	},
	"sign in": func(ctx context.Context, c *roster.Client) error {
		_, _, err := c.SignIn(ctx, "ada@example.org", "correct horse battery")
		return err
	},
	"get session": func(ctx context.Context, c *roster.Client) error {
		_, err := c.GetSession(ctx)
		return err
	},
	"sign out": func(ctx context.Context, c *roster.Client) error { return c.SignOut(ctx) },
	"list sessions": func(ctx context.Context, c *roster.Client) error {
		_, err := c.ListSessions(ctx, nil)
		return err
	},
	"revoke session":        func(ctx context.Context, c *roster.Client) error { return c.RevokeSession(ctx, id) },
	"revoke other sessions": func(ctx context.Context, c *roster.Client) error { return c.RevokeOtherSessions(ctx) },
	"list audit": func(ctx context.Context, c *roster.Client) error {
		_, err := c.ListAudit(ctx, nil)
		return err
	},
	"list keys": func(ctx context.Context, c *roster.Client) error {
		_, err := c.ListKeys(ctx, nil)
		return err
	},
	"create key": func(ctx context.Context, c *roster.Client) error {
		_, err := c.CreateKey(ctx, roster.KeyCreate{Name: "Nightly export"})
		return err
	},
	"rotate key": func(ctx context.Context, c *roster.Client) error {
		_, err := c.RotateKey(ctx, id, roster.KeyRotate{})
		return err
	},
	"revoke key": func(ctx context.Context, c *roster.Client) error { return c.RevokeKey(ctx, id) },
}

func TestRetryMatrix(t *testing.T) {
	all := slices.Collect(maps.Keys(operations))
	once := []string{"replace if", "update", "update if", "delete if", "set password", "redeem reset"}
	repeatable := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(once, name) })
	done := step{status: 200, body: strings.Replace(someUser, "{", `{"token":"rss_1",`, 1)}
	after := map[string]string{"Retry-After": "1"}
	tests := []struct {
		name  string
		first step
		again []string // the operations that are sent again
	}{
		{"429 with Retry-After", step{status: 429, header: after}, all},
		{"429 without", step{status: 429}, repeatable},
		{"503 with Retry-After", step{status: 503, header: after}, all},
		{"503 without", step{status: 503}, repeatable},
		{"no connection", step{err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}, all},
		{"connection lost", step{err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}}, repeatable},
		{"answer cut off", step{err: io.ErrUnexpectedEOF}, repeatable},
		{"no such host", step{err: &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}}, nil},
		{"DNS away", step{err: &net.OpError{Op: "dial", Err: &net.DNSError{IsTemporary: true}}}, all},
		{"wrong certificate", step{err: &tls.CertificateVerificationError{Err: errors.New("expired")}}, nil},
		{"not TLS", step{err: http.ErrSchemeMismatch}, nil},
		{"500 with Retry-After", step{status: 500, header: after}, nil},
		{"502", step{status: 502}, nil},
		{"504", step{status: 504}, nil},
		{"409 with Retry-After", step{status: 409, header: after}, nil},
		{"404", step{status: 404}, nil},
		{"412", step{status: 412}, nil},
	}
	for _, test := range tests {
		for _, name := range all {
			t.Run(test.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &script{steps: []step{test.first, done}}
					err := operations[name](t.Context(), over(t, s))
					want := 1
					if slices.Contains(test.again, name) {
						want = 2
					}
					if len(s.sent) != want {
						t.Errorf("sent %d times, want %d", len(s.sent), want)
					}
					if (err == nil) != (want == 2) {
						t.Errorf("error %v", err)
					}
					if s.bodies[0] != s.bodies[len(s.bodies)-1] {
						t.Errorf("bodies differ: %q", s.bodies)
					}
				})
			})
		}
	}
}

func TestRetryAfter(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	tests := []struct {
		name, value string // the value may need the bubble's clock:
		at          time.Duration
		min, max    time.Duration // of the wait; 0, 0: no second try
		reported    time.Duration // in the error, where there is no second try
	}{
		{name: "seconds", value: "2", min: 2 * time.Second, max: 2200 * time.Millisecond},
		{name: "zero", value: "0", max: 200 * time.Millisecond},
		{name: "the longest", value: "30", min: 30 * time.Second, max: 30200 * time.Millisecond},
		{name: "too long", value: "31", reported: 31 * time.Second},
		{name: "a date", at: 5 * time.Second, min: 5 * time.Second, max: 5200 * time.Millisecond},
		{name: "a date too far", at: time.Hour, reported: time.Hour},
		{name: "a date in the past", at: -time.Hour, max: 200 * time.Millisecond},
		{name: "beyond time.Duration", value: "18446744073709551615", reported: 100 * 365 * 24 * time.Hour},
		{name: "no number", value: "soon", max: 200 * time.Millisecond},
		{name: "negative", value: "-5", max: 200 * time.Millisecond},
		{name: "empty", value: "", max: 200 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if test.at != 0 {
					test.value = date(test.at)
				}
				s := &script{steps: []step{{status: 503, header: map[string]string{"Retry-After": test.value}}, success}}
				_, err := over(t, s).GetUser(t.Context(), id)
				if test.max == 0 {
					var e *roster.APIError
					if !errors.As(err, &e) || e.RetryAfter != test.reported || e.Tries != 1 || len(s.sent) != 1 {
						t.Fatalf("sent %d times: %#v", len(s.sent), err)
					}
					return
				}
				if err != nil || len(s.sent) != 2 {
					t.Fatalf("sent %d times: %v", len(s.sent), err)
				}
				if wait := s.waits()[0]; wait < test.min || wait > test.max {
					t.Errorf("waited %v, want %v to %v", wait, test.min, test.max)
				}
			})
		})
	}
}

func TestBackoffGrowsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []step{{status: 503}}}
		_, err := over(t, s, roster.WithRetries(6), roster.WithMaxRetryWait(2*time.Second)).GetUser(t.Context(), id)
		var e *roster.APIError
		if !errors.As(err, &e) || e.Status != 503 || e.Tries != 7 || len(s.sent) != 7 {
			t.Fatalf("sent %d times: %v", len(s.sent), err)
		}
		most := 200 * time.Millisecond
		for i, wait := range s.waits() {
			if wait < most/2 || wait > most {
				t.Errorf("wait %d is %v, want %v to %v", i, wait, most/2, most)
			}
			most = min(2*most, 2*time.Second)
		}
	})
}

func TestRetriesCanBeSet(t *testing.T) {
	for name, test := range map[string]struct {
		options []roster.Option
		sent    int
	}{
		"default":         {nil, 4},
		"one":             {[]roster.Option{roster.WithRetries(1)}, 2},
		"none":            {[]roster.Option{roster.WithoutRetries()}, 1},
		"negative":        {[]roster.Option{roster.WithRetries(-1)}, 1},
		"no wait":         {[]roster.Option{roster.WithMaxRetryWait(0)}, 4},
		"a negative wait": {[]roster.Option{roster.WithMaxRetryWait(-1)}, 4},
		"very many":       {[]roster.Option{roster.WithRetries(100)}, 101},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{steps: []step{{status: 503}}}
				_, err := over(t, s, test.options...).GetUser(t.Context(), id)
				if err == nil || len(s.sent) != test.sent {
					t.Errorf("sent %d times, want %d: %v", len(s.sent), test.sent, err)
				}
			})
		})
	}
}

func TestRetryDoesNotOutlastTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		s := &script{steps: []step{{status: 429, header: map[string]string{"Retry-After": "10"}}}}
		start := time.Now()
		_, err := over(t, s).GetUser(ctx, id)
		var e *roster.APIError
		if !errors.As(err, &e) || e.Status != 429 || e.RetryAfter != 10*time.Second {
			t.Errorf("error %v", err)
		}
		if time.Since(start) != 0 || len(s.sent) != 1 {
			t.Errorf("waited %v and sent %d times, although the deadline comes first", time.Since(start), len(s.sent))
		}
	})
}

func TestRetryEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		s := &script{steps: []step{{status: 429, header: map[string]string{"Retry-After": "10"}}}}
		start := time.Now()
		_, err := over(t, s).GetUser(ctx, id)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("not the context's error: %v", err)
		}
		var e *roster.APIError
		if !errors.As(err, &e) || e.Status != 429 {
			t.Errorf("what it waited for is lost: %v", err)
		}
		if time.Since(start) != 3*time.Second {
			t.Errorf("ended after %v", time.Since(start))
		}
	})
}

func TestDeadContextSendsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &script{steps: []step{success}}
	_, err := over(t, s).GetUser(ctx, id)
	if !errors.Is(err, context.Canceled) || len(s.sent) != 0 {
		t.Errorf("sent %d times: %v", len(s.sent), err)
	}
}

// What was to go and is not found after a try whose answer was lost is gone.
func TestRemovalAfterALostAnswer(t *testing.T) {
	notFound := step{
		status: 404, header: map[string]string{"Content-Type": "application/problem+json"},
		body: `{"type":"about:blank","title":"Not Found","status":404,"detail":"","code":"not_found","requestId":"","errors":[]}`,
	}
	foreign := step{status: 404, header: map[string]string{"Content-Type": "text/html"}}
	for name, test := range map[string]struct {
		steps []step
		done  bool
	}{
		"lost answer":           {[]step{{err: io.ErrUnexpectedEOF}, notFound}, true},
		"503, outcome unknown":  {[]step{{status: 503}, notFound}, true},
		"lost, then refused":    {[]step{{err: io.ErrUnexpectedEOF}, {status: 429}, notFound}, true},
		"never sent":            {[]step{{err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}, notFound}, false},
		"refused by the limit":  {[]step{{status: 429}, notFound}, false},
		"first try":             {[]step{notFound}, false},
		"a proxy finds nothing": {[]step{{status: 503}, foreign}, false},
	} {
		for _, removal := range []string{"delete", "revoke session", "revoke key"} {
			t.Run(name+"/"+removal, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					err := operations[removal](t.Context(), over(t, &script{steps: test.steps}))
					if (err == nil) != test.done {
						t.Errorf("error %v", err)
					}
				})
			})
		}
	}
}

// The same over a real connection: the server hangs up in the middle of a body.
func TestBodyCutOffIsReadAgain(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(len(someUser)))
		if requests.Add(1) == 1 {
			_, _ = io.WriteString(w, someUser[:50])
			return
		}
		_, _ = io.WriteString(w, someUser)
	}))
	defer server.Close()
	client, err := roster.New(server.URL, roster.WithMaxRetryWait(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	user, err := client.GetUser(t.Context(), id)
	if err != nil || user.Name != "Ada" || requests.Load() != 2 {
		t.Errorf("%d requests: %v, %v", requests.Load(), user, err)
	}
	requests.Store(0)
	if _, err = client.CreateUser(t.Context(), roster.UserCreate{}); err != nil || requests.Load() != 2 {
		t.Errorf("a create: %d requests: %v", requests.Load(), err)
	}
	requests.Store(0)
	if _, err = client.UpdateUser(t.Context(), id, roster.UserUpdate{}); err == nil || requests.Load() != 1 {
		t.Errorf("an update: %d requests: %v", requests.Load(), err)
	}
}

// And with a server that is not there.
func TestNoConnection(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	tries := 0
	client, err := roster.New(server.URL, roster.WithMaxRetryWait(time.Millisecond),
		roster.WithRequestEditor(func(context.Context, *http.Request) error { tries++; return nil }))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateUser(t.Context(), roster.UserCreate{Name: "Ada"})
	var network *net.OpError
	if !errors.As(err, &network) || tries != 4 {
		t.Errorf("%d tries: %v", tries, err)
	}
}

// A server that hangs: the http.Client's own timeout ends a try, not the call.
func TestTimeoutOfATry(t *testing.T) {
	release := make(chan struct{})
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 1 {
			<-release
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.Copy(w, bytes.NewBufferString(someUser))
	}))
	defer server.Close()
	defer close(release)
	client, err := roster.New(server.URL, roster.WithMaxRetryWait(time.Millisecond),
		roster.WithHTTPClient(&http.Client{Timeout: 100 * time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = client.GetUser(t.Context(), id); err != nil || requests.Load() != 2 {
		t.Errorf("%d requests: %v", requests.Load(), err)
	}
}
