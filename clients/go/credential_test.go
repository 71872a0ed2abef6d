package roster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	roster "github.com/roster-api/roster/clients/go"
)

// inProcess calls the fake without a network, so that its waits can be counted on.
func (f *fake) inProcess() http.RoundTripper {
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		if r.Body == nil {
			r.Body = http.NoBody
		}
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		response := w.Result()
		response.Request = r
		return response, nil
	})
}

// held lets requests pass when the gate is closed.
func held(next http.RoundTripper, which func(*http.Request) bool, gate <-chan struct{}) http.RoundTripper {
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if which(r) {
			select {
			case <-gate:
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}
		return next.RoundTrip(r)
	})
}

func signsIn(r *http.Request) bool { return r.Method == "POST" && r.URL.Path == "/api/session" }

func credentials(email, password string) roster.Option {
	return roster.WithCredentials(func(context.Context) (string, string, error) { return email, password, nil })
}

var ada = credentials(exampleEmail, examplePassword)

func TestCredentialIsSent(t *testing.T) {
	tests := []struct {
		name    string
		options []roster.Option
		call    []roster.ReadOption
		want    string
	}{
		{"none", nil, nil, ""},
		{"a key", []roster.Option{roster.WithKey("rst_1")}, nil, "Bearer rst_1"},
		{"a key from a file", []roster.Option{roster.WithKey(" rst_1\r\n")}, nil, "Bearer rst_1"},
		{"a token", []roster.Option{roster.WithToken("rss_1")}, nil, "Bearer rss_1"},
		{"the last one", []roster.Option{roster.WithKey("rst_1"), roster.WithToken("rss_1")}, nil, "Bearer rss_1"},
		{"a header of all calls", []roster.Option{roster.WithKey("rst_1"), roster.WithHeader("authorization", "Own 1")}, nil, "Own 1"},
		{"a header of one call", []roster.Option{roster.WithKey("rst_1")}, []roster.ReadOption{roster.Header("authorization", "Own 1")}, "Own 1"},
		{"a source", []roster.Option{roster.WithTokenSource(func(context.Context) (string, error) { return "rss_1", nil })}, nil, "Bearer rss_1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sent, edited := "", ""
			options := append(test.options, roster.WithRequestEditor(func(_ context.Context, r *http.Request) error {
				edited = r.Header.Get("Authorization")
				return nil
			}))
			client := over(t, roundTrip(func(r *http.Request) { sent = r.Header.Get("Authorization") }), options...)
			if _, err := client.GetUser(t.Context(), id, test.call...); err != nil {
				t.Fatal(err)
			}
			if sent != test.want || edited != test.want {
				t.Errorf("sent %q, and an editor sees %q", sent, edited)
			}
			// What anyone may call goes without.
			_, _, _ = client.SignIn(t.Context(), "ada@example.org", "x")
			if sent != "" {
				t.Errorf("signIn has %q", sent)
			}
			sent = "?"
			_ = client.RedeemPasswordReset(t.Context(), roster.PasswordResetRedeem{Token: "rsr_1"})
			if sent != "" {
				t.Errorf("redeemPasswordReset has %q", sent)
			}
		})
	}
}

func TestCredentialThatCannotBe(t *testing.T) {
	for _, secret := range []string{"", " \n", "s3cret s3cret", "s3cret\ns3cret", "s3cret\x7f", "s3cretä"} {
		for name, option := range map[string]roster.Option{"key": roster.WithKey(secret), "token": roster.WithToken(secret)} {
			client, err := roster.New("https://roster.example.org", option)
			if err == nil || client != nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), name) {
				t.Errorf("%s %q: %v", name, secret, err)
			}
			if client, err = over(t, nil).With(option); err == nil || client != nil {
				t.Errorf("%s %q in With is taken", name, secret)
			}
		}
	}
}

// However many calls wait, the client signs in once: at the start, and when the
// session has ended under all of them at once.
func TestSignsInOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 100
		f := newFake(1)
		asked, refused, gate := atomic.Int32{}, make(chan struct{}), make(chan struct{})
		transport := held(f.inProcess(), signsIn, gate)
		transport = held(transport, func(r *http.Request) bool { return !signsIn(r) }, refused)
		client := over(t, transport, roster.WithCredentials(func(context.Context) (string, string, error) {
			asked.Add(1)
			return exampleEmail, examplePassword, nil
		}))
		for round := 1; round <= 3; round++ {
			done := make(chan error)
			for range callers {
				go func() {
					_, err := client.CreateUser(t.Context(), roster.UserCreate{Name: "Ada", Email: rndEmail()})
					done <- err
				}()
			}
			synctest.Wait() // all wait: for the sign-in in the first round, else at the server
			if round == 1 {
				close(gate)
				close(refused)
			}
			for range callers {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			if asked.Load() != int32(round) || f.signIns != round || len(f.users) != 1+round*callers {
				t.Errorf("round %d: asked %d times, signed in %d times, %d users", round, asked.Load(), f.signIns, len(f.users))
			}
			f.endSessions()
		}
	})
}

var emails atomic.Int64

func rndEmail() string { return fmt.Sprintf("new%d@example.org", emails.Add(1)) }

// All are at the server with the old token when it ends.
func TestSessionEndsUnderAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		gate := make(chan struct{})
		client := over(t, held(f.inProcess(), func(r *http.Request) bool { return r.Header.Get("X-Wait") != "" }, gate), ada)
		if _, err := client.GetUser(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		for range 100 {
			go func() {
				_, err := client.GetUser(t.Context(), id, roster.Header("X-Wait", "yes"))
				done <- err
			}()
		}
		synctest.Wait()
		f.endSessions()
		close(gate)
		for range 100 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if f.signIns != 2 {
			t.Errorf("signed in %d times", f.signIns)
		}
	})
}

// A call that hears of the end late, when another one has renewed the token, takes
// the new one.
func TestLateRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		gate := make(chan struct{})
		client := over(t, held(f.inProcess(), func(r *http.Request) bool { return r.Header.Get("X-Wait") != "" }, gate), ada)
		if _, err := client.GetUser(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() {
			_, err := client.GetUser(t.Context(), id, roster.Header("X-Wait", "yes"))
			done <- err
		}()
		synctest.Wait()
		f.endSessions()
		if _, err := client.GetUser(t.Context(), id); err != nil {
			t.Error(err)
		}
		close(gate)
		if err := <-done; err != nil || f.signIns != 2 {
			t.Errorf("signed in %d times: %v", f.signIns, err)
		}
	})
}

func TestSessionEndsInAWalk(t *testing.T) {
	client, f := onFake(t, 6, ada)
	seen := 0
	for _, err := range client.Users(t.Context(), &roster.ListUsersParams{Limit: roster.Ptr(int32(2))}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen%2 == 0 {
			f.endSessions()
		}
	}
	if seen != 6 || f.signIns != 3 {
		t.Errorf("%d users, signed in %d times", seen, f.signIns)
	}
}

// A sign-in that is refused is the error of all who wait for it, and of nobody who
// comes later.
func TestSignInRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		password, gate := "wr0ng", make(chan struct{})
		client := over(t, held(f.inProcess(), signsIn, gate), roster.WithCredentials(func(context.Context) (string, string, error) {
			return exampleEmail, password, nil
		}))
		done := make(chan error)
		for range 100 {
			go func() {
				_, err := client.GetUser(t.Context(), id)
				done <- err
			}()
		}
		synctest.Wait()
		close(gate)
		for range 100 {
			err := <-done
			var signIn *roster.SignInError
			var refused *roster.APIError
			if !errors.As(err, &signIn) || !errors.As(err, &refused) || refused.Path != "/api/session" || refused.Tries != 1 ||
				roster.CodeOf(err) != roster.ErrorCodeSignInFailed || strings.Contains(err.Error(), "wr0ng") {
				t.Fatal(err)
			}
		}
		if f.signIns != 0 || f.refused != 1 || len(f.served) != 0 {
			t.Errorf("%d sign-ins, %d refused, served %v", f.signIns, f.refused, f.served)
		}
		password = examplePassword
		if _, err := client.GetUser(t.Context(), id); err != nil || f.signIns != 1 {
			t.Errorf("later: signed in %d times: %v", f.signIns, err)
		}
	})
}

// A sign-in is retried as any other call, while all wait.
func TestSignInIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		failures := []step{{status: 429, header: map[string]string{"Retry-After": "20"}}, {status: 503}, {err: io.ErrUnexpectedEOF}}
		first := &script{steps: failures}
		client := over(t, roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if signsIn(r) && len(first.sent) < len(failures) {
				return first.RoundTrip(r)
			}
			return f.inProcess().RoundTrip(r)
		}), ada)
		done := make(chan error)
		for range 10 {
			go func() {
				_, err := client.GetUser(t.Context(), id)
				done <- err
			}()
		}
		for range 10 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if len(first.sent) != 3 || f.signIns != 1 {
			t.Errorf("%d failures, %d sign-ins", len(first.sent), f.signIns)
		}
	})
}

// A server that knows no token at all is not asked for ever.
func TestRenewalDoesNotLoop(t *testing.T) {
	f := newFake(1)
	f.deaf = true
	client := over(t, f.inProcess(), ada)
	_, err := client.GetUser(t.Context(), id)
	var e *roster.APIError
	var signIn *roster.SignInError
	if !errors.As(err, &e) || e.Code != roster.ErrorCodeUnauthenticated || e.Tries != 2 || errors.As(err, &signIn) {
		t.Error(err)
	}
	if f.signIns != 2 {
		t.Errorf("signed in %d times", f.signIns)
	}
}

// Nor does a call renew its token again after it was refused for other reasons.
func TestRenewsOnceInACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		ended := step{status: 401, header: problemType, body: problemJSON("unauthenticated", 401)}
		s := &script{steps: []step{ended, {status: 503}, ended, success}}
		client := over(t, s, roster.WithTokenSource(func(context.Context) (string, error) {
			asked++
			return fmt.Sprint("rss_", asked), nil
		}))
		if _, err := client.GetUser(t.Context(), id); roster.CodeOf(err) != roster.ErrorCodeUnauthenticated || len(s.sent) != 3 || asked != 2 {
			t.Errorf("sent %d times, asked %d times: %v", len(s.sent), asked, err)
		}
	})
}

func TestNoRenewal(t *testing.T) {
	source := roster.WithTokenSource(func(context.Context) (string, error) { return "rss_1", nil })
	ours := map[string]string{"Content-Type": "application/problem+json"}
	for name, test := range map[string]struct {
		answer  step
		options []roster.Option
	}{
		"a key":            {step{status: 401, header: ours, body: problemJSON("unauthenticated", 401)}, []roster.Option{roster.WithKey("rst_1")}},
		"nobody":           {step{status: 401, header: ours, body: problemJSON("unauthenticated", 401)}, nil},
		"one's own header": {step{status: 401, header: ours, body: problemJSON("unauthenticated", 401)}, []roster.Option{source, roster.WithHeader("Authorization", "Own 1")}},
		"a proxy's 401":    {step{status: 401, header: map[string]string{"Content-Type": "text/html"}, body: "<html>"}, []roster.Option{source}},
		"another code":     {step{status: 401, header: ours, body: problemJSON("sign_in_failed", 401)}, []roster.Option{source}},
		"403":              {step{status: 403, header: ours, body: problemJSON("forbidden", 403)}, []roster.Option{source}},
	} {
		s := &script{steps: []step{test.answer, success}}
		if _, err := over(t, s, test.options...).GetUser(t.Context(), id); err == nil || len(s.sent) != 1 {
			t.Errorf("%s: sent %d times: %v", name, len(s.sent), err)
		}
	}
}

// The end of a context frees its own caller, also the one who came first; the
// sign-in goes on for the others.
func TestContextFreesItsCallerOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		gate := make(chan struct{})
		client := over(t, held(f.inProcess(), signsIn, gate), ada)
		first, cancel := context.WithCancel(t.Context())
		gone, stays := make(chan error), make(chan error)
		go func() {
			_, err := client.GetUser(first, id)
			gone <- err
		}()
		synctest.Wait()
		go func() {
			_, err := client.GetUser(t.Context(), id)
			stays <- err
		}()
		synctest.Wait()
		cancel()
		err := <-gone
		var signIn *roster.SignInError
		if !errors.Is(err, context.Canceled) || errors.As(err, &signIn) {
			t.Errorf("who left: %v", err)
		}
		close(gate)
		if err := <-stays; err != nil || f.signIns != 1 {
			t.Errorf("who stayed: %v, signed in %d times", err, f.signIns)
		}
	})
}

// When nobody waits any more, the sign-in ends; whoever comes then is not met with
// its end.
func TestAllLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		ended := make(chan error, 1)
		client := over(t, newFake(1).inProcess(), roster.WithCredentials(func(ctx context.Context) (string, string, error) {
			if asked++; asked == 1 {
				<-ctx.Done()
				ended <- ctx.Err()
				return "", "", ctx.Err()
			}
			return exampleEmail, examplePassword, nil
		}))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		for range 3 {
			go func() {
				_, err := client.GetUser(ctx, id)
				done <- err
			}()
		}
		synctest.Wait()
		cancel()
		for range 3 {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		if _, err := client.GetUser(t.Context(), id); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) || asked != 2 {
			t.Errorf("asked %d times, and the first time %v", asked, err)
		}
		if _, err := client.GetUser(ctx, id); !errors.Is(err, context.Canceled) || asked != 2 {
			t.Errorf("a dead context: asked %d times, %v", asked, err)
		}
	})
}

func TestTokenSource(t *testing.T) {
	away := errors.New("the vault is away")
	var client *roster.Client
	for name, test := range map[string]struct {
		source func(ctx context.Context) (string, error)
		is     error
		text   string
	}{
		"an error": {func(context.Context) (string, error) { return "rss_1", away }, away, "the vault is away"},
		"nothing":  {func(context.Context) (string, error) { return "", nil }, nil, "an empty token"},
		"no end":   {func(context.Context) (string, error) { runtime.Goexit(); return "", nil }, nil, "ended without"},
		"itself": {func(ctx context.Context) (string, error) {
			_, err := client.GetSession(ctx)
			return "rss_1", err
		}, nil, "waits for its token"},
	} {
		s := &script{steps: []step{success}}
		client = over(t, s, roster.WithTokenSource(test.source))
		_, err := client.GetUser(t.Context(), id)
		var signIn *roster.SignInError
		if !errors.As(err, &signIn) || !strings.Contains(err.Error(), test.text) || test.is != nil && !errors.Is(err, test.is) || len(s.sent) != 0 {
			t.Errorf("%s: sent %d times: %v", name, len(s.sent), err)
		}
	}

	// It may sign in by the client itself.
	f := newFake(1)
	client = over(t, f.inProcess(), roster.WithTokenSource(func(ctx context.Context) (string, error) {
		_, token, err := client.SignIn(ctx, exampleEmail, examplePassword)
		return token, err
	}))
	if _, err := client.GetUser(t.Context(), id); err != nil || f.signIns != 1 {
		t.Errorf("signed in %d times: %v", f.signIns, err)
	}
}

func TestWith(t *testing.T) {
	f := newFake(1)
	team, edited := "", ""
	edit := func(text string) roster.Option {
		return roster.WithRequestEditor(func(context.Context, *http.Request) error { edited += text; return nil })
	}
	all := over(t, roundTripFunc(func(r *http.Request) (*http.Response, error) {
		team = r.Header.Get("X-Team")
		return f.inProcess().RoundTrip(r)
	}), ada, roster.WithHeader("X-Team", "a"), edit("1"), edit("2"), edit("3")) // so that there is room for a fourth
	if _, err := all.GetUser(t.Context(), id); err != nil { // and signs in
		t.Fatal(err)
	}
	other, err := all.With(edit("5"))
	if err != nil {
		t.Fatal(err)
	}
	same, err := all.With(roster.WithHeader("X-Team", "b"), roster.WithoutRetries(), edit("4"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		client       *roster.Client
		team, edited string
	}{{all, "a", "123"}, {same, "b", "1234"}, {other, "a", "1235"}} {
		team, edited = "", ""
		if _, err := test.client.GetUser(t.Context(), id); err != nil || team != test.team || edited != test.edited {
			t.Errorf("X-Team %q, edited by %q: %v", team, edited, err)
		}
	}
	if f.signIns != 1 {
		t.Errorf("a client and its copy sign in %d times", f.signIns)
	}

	_, token, err := all.SignIn(t.Context(), exampleEmail, examplePassword)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := all.With(roster.WithToken(token))
	if err != nil {
		t.Fatal(err)
	}
	f.endSessions()
	if _, err := mine.GetUser(t.Context(), id); roster.CodeOf(err) != roster.ErrorCodeUnauthenticated {
		t.Errorf("the copy's own token: %v", err)
	}
	if _, err := all.GetUser(t.Context(), id); err != nil {
		t.Errorf("the client has changed: %v", err)
	}
}

// What a client sends stays with its server, whatever http.Client sends it.
func TestRedirectLeaksNothing(t *testing.T) {
	calls := map[string]func(*roster.Client) error{
		"get": func(c *roster.Client) error { _, err := c.GetUser(t.Context(), id); return err },
		"sign in": func(c *roster.Client) error {
			_, _, err := c.SignIn(t.Context(), "ada@example.org", "s3cret")
			return err
		},
	}
	for location, follows := range map[string]bool{
		// Whether a header goes along to the same server is net/http's to say.
		"/elsewhere": true, "https://roster.example.org/elsewhere": true, "https://ROSTER.example.org:443/elsewhere": true,
		"http://roster.example.org/": false, "https://roster.example.org:8443/": false, "http://roster.example.org:443/": false,
		"https://api.roster.example.org/": false, "https://example.org/": false, "https://evil.example/": false,
		"//evil.example/": false, "https://roster.example.org@evil.example/": false,
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for name, call := range calls {
				for who, own := range map[string]*http.Client{
					"plain": {},
					"lax":   {CheckRedirect: func(*http.Request, []*http.Request) error { return nil }},
				} {
					var seen []string
					own.Transport = roundTripFunc(func(r *http.Request) (*http.Response, error) {
						seen = append(seen, r.URL.Scheme+"://"+strings.ToLower(r.URL.Host)+" "+r.Header.Get("Authorization"))
						next := step{status: status, header: map[string]string{"Location": location}}
						if len(seen) > 1 {
							next = success
						}
						return (&script{steps: []step{next}}).RoundTrip(r)
					})
					client, err := roster.New("https://roster.example.org", roster.WithKey("rst_1"), roster.WithHTTPClient(own))
					if err != nil {
						t.Fatal(err)
					}
					err = call(client)
					if !follows && (len(seen) != 1 || err == nil) {
						t.Errorf("%s, %d to %s, %s: %v, %v", name, status, location, who, seen, err)
					}
					if follows && name == "get" && (err != nil || len(seen) != 2) {
						t.Errorf("%s, %d to %s, %s: %v, %v", name, status, location, who, seen, err)
					}
				}
			}
		}
	}
}

// A client that goes round in circles at its own server ends as net/http does.
func TestRedirectsEnd(t *testing.T) {
	seen := 0
	client := over(t, roundTripFunc(func(r *http.Request) (*http.Response, error) {
		seen++
		return (&script{steps: []step{{status: 307, header: map[string]string{"Location": "/round"}}}}).RoundTrip(r)
	}), roster.WithoutRetries())
	if _, err := client.GetUser(t.Context(), id); err == nil || seen != 10 {
		t.Errorf("%d requests: %v", seen, err)
	}
}

func TestNoSecretShows(t *testing.T) {
	const secret = "s3cret"
	f := newFake(1)
	f.password = secret + " password"
	source := credentials(exampleEmail, f.password)
	for name, options := range map[string][]roster.Option{
		"key": {roster.WithKey(secret)}, "token": {roster.WithToken(secret)}, "header": {roster.WithHeader("Authorization", secret)},
		"credentials": {source},
	} {
		client, err := roster.New("https://ada:"+secret+"@roster.example.org",
			append(options, roster.WithHTTPClient(&http.Client{Transport: f.inProcess()}))...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.GetUser(t.Context(), id)
		if (err == nil) != (name == "credentials") {
			t.Errorf("%s: %v", name, err)
		}
		held := struct {
			C       *roster.Client
			c       *roster.Client
			Value   roster.Client
			Options []roster.Option
		}{client, client, *client, options}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%t", "%e"} {
			for _, value := range []any{client, *client, held, &held, options, err} {
				text := fmt.Sprintf(verb, value)
				if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) || strings.Contains(text, fmt.Sprintf("%X", secret)) {
					t.Errorf("%s, %s of %T: %s", name, verb, value, text)
				}
			}
		}
		if text := client.String(); text != "roster client of https://ada:xxxxx@roster.example.org" {
			t.Error(text)
		}
	}

	if text := fmt.Sprint(roster.Client{}, (*roster.Client)(nil)); text != "roster client <nil>" {
		t.Error(text)
	}

	// Nor do the errors of what goes wrong with it.
	for name, answer := range map[string]step{
		"refused": {status: 401, body: problemJSON("sign_in_failed", 401)}, "network": {err: errors.New("cable cut")},
		"no token": {status: 201, body: `{"identity":{}}`}, "not decoded": {status: 201, body: `{"identity":7,"token":"s3cret"}`},
		"a redirect": {status: 307, header: map[string]string{"Location": "https://evil.example/"}},
	} {
		_, err := over(t, &script{steps: []step{answer}}, roster.WithoutRetries(), source).GetUser(t.Context(), id)
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) || strings.Contains(err.Error(), exampleEmail) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
