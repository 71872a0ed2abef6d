package roster_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"

	roster "github.com/roster-api/roster/clients/go"
)

func TestSignIn(t *testing.T) {
	f := newFake(1)
	client := over(t, f.inProcess())
	who, token, err := client.SignIn(t.Context(), exampleEmail, examplePassword)
	if err != nil || token == "" || who.Email != exampleEmail || who.Credential != roster.CredentialSession {
		t.Fatalf("%v, %v", who, err)
	}
	mine, err := client.With(roster.WithToken(token))
	if err != nil {
		t.Fatal(err)
	}
	me, err := mine.GetSession(t.Context())
	if err != nil || me.UserID != who.UserID {
		t.Errorf("%v, %v", me, err)
	}
	if _, err := client.GetSession(t.Context()); roster.CodeOf(err) != roster.ErrorCodeUnauthenticated {
		t.Errorf("the client itself: %v", err)
	}
	if _, token, err := client.SignIn(t.Context(), exampleEmail, "wrong"); roster.CodeOf(err) != roster.ErrorCodeSignInFailed || token != "" {
		t.Errorf("a wrong password: %v", err)
	}
	for _, body := range []string{`{"identity":{}}`, `{"identity":{},"token":""}`, `{}`} {
		if _, _, err := over(t, &script{steps: []step{{status: 201, body: body}}}).SignIn(t.Context(), "a", "b"); err == nil {
			t.Errorf("%s is taken", body)
		}
	}
}

func TestSignOut(t *testing.T) {
	f := newFake(1)
	client := over(t, f.inProcess(), ada)
	for range 2 { // without a session, there is nothing to do
		if err := client.SignOut(t.Context()); err != nil || len(f.served) != 0 || f.signIns != 0 {
			t.Errorf("served %v, signed in %d times: %v", f.served, f.signIns, err)
		}
	}
	for round := 1; round <= 2; round++ {
		if _, err := client.GetSession(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := client.SignOut(t.Context()); err != nil || len(f.sessions) != 0 || f.signIns != round {
			t.Errorf("%d sessions, signed in %d times: %v", len(f.sessions), f.signIns, err)
		}
	}

	// One that has ended already is not made anew to be ended.
	if _, err := client.GetSession(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.endSessions()
	if err := client.SignOut(t.Context()); err != nil || f.signIns != 3 || f.strangers != 1 {
		t.Errorf("signed in %d times, refused %d times: %v", f.signIns, f.strangers, err)
	}

	fixed := over(t, f.inProcess(), roster.WithToken("rss_ended"))
	if err := fixed.SignOut(t.Context()); roster.CodeOf(err) != roster.ErrorCodeUnauthenticated {
		t.Errorf("a token of one's own: %v", err)
	}
}

// A sign-out whose answer was lost finds the session ended the second time.
func TestSignOutAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := step{status: 401, header: map[string]string{"Content-Type": "application/problem+json"}, body: problemJSON("unauthenticated", 401)}
		s := &script{steps: []step{{err: io.ErrUnexpectedEOF}, ended}}
		if err := over(t, s, roster.WithToken("rss_1")).SignOut(t.Context()); err != nil || len(s.sent) != 2 {
			t.Errorf("sent %d times: %v", len(s.sent), err)
		}
		s = &script{steps: []step{ended}}
		var e *roster.APIError
		if err := over(t, s, roster.WithToken("rss_1")).SignOut(t.Context()); !errors.As(err, &e) {
			t.Errorf("the first try: %v", err)
		}
	})
}
