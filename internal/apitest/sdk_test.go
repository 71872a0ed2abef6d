package apitest

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
)

// sdk is a client as a service makes one.
func (a *api) sdk(t *testing.T, options ...roster.Option) *roster.Client {
	t.Helper()
	return must(roster.New(a.URL, append([]roster.Option{roster.WithHTTPClient(a.HTTP)}, options...)...))(t)
}

// TestSDKSignsInOnce: many callers at once are one sign-in, and so they are when
// their session has ended.
func TestSDKSignsInOnce(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	c := a.sdk(t, roster.WithCredentials(func(context.Context) (string, string, error) { return u.Email, password, nil }))
	signIns := func() (n int) {
		if err := a.Pool.QueryRow(t.Context(), "SELECT count(*) FROM audit WHERE operation = 'signIn' AND actor_id = $1", u.ID).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for round := 1; round <= 2; round++ {
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, err := c.GetUser(t.Context(), u.ID); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := signIns(); n != round {
			t.Errorf("%d sign-ins, want %d", n, round)
		}
		for _, s := range must(a.ListSessions(t.Context(), &roster.ListSessionsParams{UserID: &u.ID}))(t).Data {
			if err := a.RevokeSession(t.Context(), s.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSDKSignInRefused: the refusal is the caller's to see, and the next call tries
// again.
func TestSDKSignInRefused(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{Disabled: true})
	c := a.sdk(t, roster.WithCredentials(func(context.Context) (string, string, error) { return u.Email, password, nil }))
	_, err := c.GetUser(t.Context(), u.ID)
	var refused *roster.SignInError
	if !errors.As(err, &refused) || roster.CodeOf(err) != roster.ErrorCodeSignInFailed {
		t.Errorf("got %v, want a SignInError of sign_in_failed", err)
	}
	if _, err := a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Disabled: roster.Ptr(false)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetUser(t.Context(), u.ID); err != nil {
		t.Errorf("enabled again: %v", err)
	}
}

// TestSDKForbidden: the error says which permission was missing.
func TestSDKForbidden(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{Role: role.Editor})
	err := a.as(t, u).DeleteUser(t.Context(), a.user(t, dbsqlc.User{}).ID)
	if roster.CodeOf(err) != roster.ErrorCodeForbidden || roster.PermissionOf(err) != roster.PermissionUsersDelete {
		t.Errorf("got %v, missing %q", err, roster.PermissionOf(err))
	}
}

// losing drops the first answer to each kind of request that makes something.
type losing struct {
	next http.RoundTripper
	lost atomic.Int64
}

func (l *losing) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err == nil && r.Method == http.MethodPost && l.lost.Add(1) == 1 {
		resp.Body.Close()
		return nil, errors.New("the answer is lost")
	}
	return resp, err
}

// TestSDKRepeatsCreates: a create whose answer is lost is sent again with the same
// Idempotency-Key, so it makes one thing.
func TestSDKRepeatsCreates(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	through := func() *roster.Client {
		return must(roster.New(a.URL, roster.WithToken(a.token), roster.WithHTTPClient(&http.Client{Transport: &losing{next: a.HTTP.Transport}})))(t)
	}
	made, err := through().CreateUser(t.Context(), roster.UserCreate{Name: "Ada", Email: "ada@example.org", Password: password})
	if err != nil || made.Email != "ada@example.org" || a.count(t) != 1 {
		t.Errorf("%+v, %v, %d users", made, err, a.count(t))
	}

	_, err = through().CreateKey(t.Context(), roster.KeyCreate{Name: "Nightly export", Scopes: []roster.Scope{roster.ScopeUsersRead}})
	var e *roster.APIError
	if !errors.As(err, &e) || e.Code != roster.ErrorCodeSecretNotReplayable {
		t.Fatalf("got %v, want secret_not_replayable", err)
	}
	rotated, err := a.RotateKey(t.Context(), e.ResourceID, roster.KeyRotate{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.sdk(t, roster.WithKey(rotated.Secret)).ListUsers(t.Context(), nil); err != nil {
		t.Errorf("the key that was made, rotated: %v", err)
	}
	if n := must(a.ListKeys(t.Context(), nil))(t).Pagination.Total; n != 1 {
		t.Errorf("%d keys", n)
	}
}
