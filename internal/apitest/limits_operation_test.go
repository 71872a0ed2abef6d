package apitest

import (
	"testing"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/testkit"
)

// An operation's own limit is within that of all requests, is shown beside it, and
// counts only what the guard lets in.
func TestLimitOfAnOperation(t *testing.T) {
	t.Parallel()
	a := newAPI(t, testkit.Rates("1000/10m", "500/10m"))
	viewer := a.as(t, a.user(t, dbsqlc.User{}))
	path := userPath(viewer.caller.ID) + "/password-reset"
	const own = `"createPasswordReset caller";q=60;w=60`

	got := a.send(t, "POST", path, "")
	if got.Status != 201 || got.Header.Get("RateLimit-Policy") != `"caller";q=500;w=600, `+own {
		t.Fatalf("%s, %v", got, got.Header)
	}
	if r, _ := got.left(t, "createPasswordReset caller"); r != 59 {
		t.Errorf("%d are left", r)
	}
	n, refused := until429(t, func() answer { return a.send(t, "POST", path, "") })
	refused.wantProblem(t, 429, roster.ErrorCodeRateLimited)
	if n < 59 || n > 59+20 { // one comes back each second
		t.Errorf("%d more were admitted, want 59", n)
	}
	if r, wait := refused.left(t, "createPasswordReset caller"); r != 0 || wait != 1 || refused.Header.Get("Retry-After") != "1" {
		t.Errorf("%v", refused.Header)
	}
	// The caller's other requests go on.
	if got := a.send(t, "GET", "/api/session", ""); got.Status != 200 || got.Header.Get("RateLimit-Policy") != `"caller";q=500;w=600` {
		t.Errorf("another operation: %s, %v", got, got.Header)
	}
	// Who may not call it is refused for that, as often as it asks.
	for range 70 {
		got := viewer.send(t, "POST", path, "")
		got.wantProblem(t, 403, roster.ErrorCodeForbidden)
		got.left(t, "caller")
	}
	if got := a.signInWith(t, "nobody@example.org", "wrong horse battery"); got.Header.Get("RateLimit-Policy") !=
		`"address";q=1000;w=600, "sign-in address";q=20;w=60, "sign-in account";q=10;w=300` {
		t.Errorf("signIn: %v", got.Header)
	}
}

// Where limits are off, those of the operations are, too.
func TestLimitOfAnOperationIsOff(t *testing.T) {
	t.Parallel()
	a := newAPI(t, testkit.Rates("off", "off"))
	path := userPath(a.user(t, dbsqlc.User{}).ID) + "/password-reset"
	for range 70 {
		if got := a.send(t, "POST", path, ""); got.Status != 201 || got.Header.Get("RateLimit-Policy") != "" {
			t.Fatalf("%s, %v", got, got.Header)
		}
	}
}
