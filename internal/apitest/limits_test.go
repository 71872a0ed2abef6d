package apitest

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/testkit"
)

// until429 asks until it is refused, and returns how often it was not.
func until429(t *testing.T, ask func() answer) (admitted int, refused answer) {
	t.Helper()
	for ; admitted < 1000; admitted++ {
		if refused = ask(); refused.Status == http.StatusTooManyRequests {
			return admitted, refused
		}
	}
	t.Fatal("nobody is refused")
	return
}

// left reads RateLimit: what remains, and for how many seconds.
func (a answer) left(t *testing.T, policy string) (remaining, seconds int) {
	t.Helper()
	form := regexp.MustCompile(`^"` + policy + `";r=(\d+);t=(\d+)$`)
	found := form.FindStringSubmatch(a.Header.Get("RateLimit"))
	if found == nil {
		t.Fatalf("RateLimit is %q, want that of %s", a.Header.Get("RateLimit"), policy)
	}
	return must(strconv.Atoi(found[1]))(t), must(strconv.Atoi(found[2]))(t)
}

// Who shows no valid credential is known by the address, whatever it shows; who shows
// one is known by it, from wherever. No one's quota is another's.
func TestLimitsTellCallersApart(t *testing.T) {
	t.Parallel()
	a := newServer(t, testkit.Rates("5/10m", "7/10m"))
	u, other := a.user(t, dbsqlc.User{}), a.user(t, dbsqlc.User{})
	first, second := a.as(t, u), a.as(t, u)
	stale, malformed := "Authorization: Bearer "+string(auth.NewSessionToken()), "Authorization: Bearer nonsense"

	// Five from an address, of all kinds that are nobody's.
	tries := []func() answer{
		func() answer { return a.send(t, "GET", "/api/users", "") },
		func() answer { return a.send(t, "GET", "/api/users", "", stale) },
		func() answer { return a.send(t, "GET", "/api/users", "", malformed) },
		func() answer {
			return a.send(t, "GET", "/api/users", "", "Cookie: __Host-roster="+string(auth.NewSessionToken()))
		},
		func() answer { return a.send(t, "GET", "/api/users", "", "Authorization: Basic YTpi") },
	}
	for i, try := range tries {
		got := try()
		if r, _ := got.left(t, "address"); got.Status != 401 || r != len(tries)-1-i {
			t.Errorf("try %d: %s, %d are left", i, got, r)
		}
	}
	for _, try := range append(tries, func() answer { return a.signInWith(t, u.Email, password) }) {
		got := try()
		got.wantProblem(t, 429, roster.ErrorCodeRateLimited)
		if r, _ := got.left(t, "address"); r != 0 || got.Header.Get("Retry-After") == "" || !strings.HasPrefix(got.Header.Get("RateLimit-Policy"), `"address";q=5;w=600`) {
			t.Errorf("refused with %v", got.Header)
		}
	}

	// All sessions of a user share seven, by header or by cookie, and from the same address.
	sessions := []func() answer{
		func() answer { return first.send(t, "GET", "/api/session", "") },
		func() answer { return second.send(t, "GET", "/api/session", "") },
		func() answer { return a.send(t, "GET", "/api/session", "", "Cookie: __Host-roster="+first.token) },
	}
	for i := range 7 {
		got := sessions[i%3]()
		if r, _ := got.left(t, "caller"); got.Status != 200 || r != 6-i || got.Header.Get("RateLimit-Policy") != `"caller";q=7;w=600` {
			t.Errorf("request %d: %s, %v", i, got, got.Header)
		}
	}
	for _, ask := range sessions {
		ask().wantProblem(t, 429, roster.ErrorCodeRateLimited)
	}
	third := a.as(t, u)
	third.send(t, "GET", "/api/session", "").wantProblem(t, 429, roster.ErrorCodeRateLimited)

	// Each key has a quota of its own, and so has another user.
	for _, c := range []*api{a.withKey(t, u, auth.UsersRead), a.withKey(t, u, auth.UsersRead), a.as(t, other)} {
		if n, _ := until429(t, func() answer { return c.send(t, "GET", "/api/session", "") }); n != 7 {
			t.Errorf("%d were admitted, want 7", n)
		}
	}
	// What needs no database is not limited.
	for _, path := range []string{"/health", "/ready", "/docs/", "/openapi.yaml"} {
		if got := a.send(t, "GET", path, ""); got.Status == 429 || got.Header.Get("RateLimit") != "" {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// What is refused for what it asks counts, too.
func TestLimitsCountRefusals(t *testing.T) {
	t.Parallel()
	a := newServer(t, testkit.Rates("100/10m", "6/10m"))
	u := a.as(t, a.user(t, dbsqlc.User{}))
	for i, ask := range []func() answer{
		func() answer { return u.send(t, "DELETE", userPath(u.caller.ID), "") },
		func() answer { return u.send(t, "GET", "/api/users/x", "") },
		func() answer { return u.send(t, "PATCH", userPath(u.caller.ID), "{") },
		func() answer { return u.send(t, "POST", "/api/users", userBody("viewer")) },
		func() answer { return u.send(t, "GET", "/api/users?nothing=1", "") },
		func() answer { return u.send(t, "GET", userPath(u.caller.ID), "", "If-None-Match: *") },
	} {
		got := ask()
		if r, _ := got.left(t, "caller"); r != 5-i {
			t.Errorf("%s: %d are left, want %d", got, r, 5-i)
		}
	}
	u.send(t, "GET", "/api/session", "").wantProblem(t, 429, roster.ErrorCodeRateLimited)
}

// Without limits nothing is refused, and no header speaks of them.
func TestLimitsAreOff(t *testing.T) {
	t.Parallel()
	a := newServer(t, testkit.Rates("off", "off"))
	u := a.as(t, a.user(t, dbsqlc.User{}))
	for range 150 {
		for _, got := range []answer{a.send(t, "GET", "/api/session", ""), u.send(t, "GET", "/api/session", "")} {
			if got.Status == 429 || got.Header.Get("RateLimit") != "" || got.Header.Get("RateLimit-Policy") != "" {
				t.Fatalf("%s, %v", got, got.Header)
			}
		}
	}
}

// A client that waits as long as Retry-After says is not refused a second time, and the
// header says no more than it must.
func TestRetryAfterIsEnough(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rates, policy string }{{"2/2s", "address"}, {"3/2s", "caller"}} {
		t.Run(c.policy, func(t *testing.T) {
			t.Parallel()
			a := newServer(t, testkit.Rates(c.rates, c.rates))
			caller := a
			if c.policy == "caller" {
				caller = a.as(t, a.user(t, dbsqlc.User{}))
			}
			ask := func() answer { return caller.send(t, "GET", "/api/session", "") }
			for range 3 {
				_, refused := until429(t, ask)
				wait := must(strconv.Atoi(refused.Header.Get("Retry-After")))(t)
				if _, seconds := refused.left(t, c.policy); wait < 1 || wait > 1 || seconds != wait {
					t.Errorf("Retry-After %d, RateLimit %q", wait, refused.Header.Get("RateLimit"))
				}
				time.Sleep(time.Duration(wait) * time.Second)
				if got := ask(); got.Status == 429 {
					t.Errorf("it has waited, and got %s", got)
				}
			}
		})
	}
}

// TestSignInIsLimitedByAccount: ten wrong passwords in five minutes, from wherever,
// known or not; the right one does not help then, and another account is not concerned.
func TestSignInIsLimitedByAccount(t *testing.T) {
	t.Parallel()
	a := newServer(t, testkit.Rates("10000/1m", "10000/1m"), testkit.Proxies("127.0.0.1/32"))
	known, other := a.user(t, dbsqlc.User{Email: "ada@example.org"}), a.user(t, dbsqlc.User{})
	var addresses atomic.Int64
	signIn := func(email, password string) answer {
		return a.signInWith(t, email, password, fmt.Sprintf("X-Forwarded-For: 198.51.100.%d", addresses.Add(1)))
	}
	var bodies, headers []string
	for _, spellings := range [][]string{{"ada@example.org", "ADA@example.org"}, {"nobody@example.org", "Nobody@Example.org"}, {"nonsense", "NONSENSE"}} {
		var all []answer
		for i := range 10 {
			all = append(all, signIn(spellings[i%2], "wrong horse battery"))
		}
		for _, got := range all {
			got.wantProblem(t, 401, "sign_in_failed")
		}
		refused := signIn(spellings[0], password)
		refused.wantProblem(t, 429, roster.ErrorCodeRateLimited)
		p := decode[roster.Problem](t, refused.Body)
		p.RequestID = ""
		wait := must(strconv.Atoi(refused.Header.Get("Retry-After")))(t)
		if wait < 15 || wait > 30 { // one comes back in 30 s
			t.Errorf("%s: Retry-After is %d", spellings[0], wait)
		}
		bodies, headers = append(bodies, jsonOf(t, p)), append(headers, refused.Header.Get("RateLimit-Policy"))
	}
	// Known or not, nobody can tell.
	for i := range bodies {
		if bodies[i] != bodies[0] || headers[i] != headers[0] {
			t.Errorf("%s %s, and %s %s", bodies[0], headers[0], bodies[i], headers[i])
		}
	}
	if got := signIn(other.Email, password); got.Status != 201 {
		t.Errorf("another account: %s", got)
	}
	// Whoever is signed in stays it.
	if got := a.as(t, known).send(t, "GET", "/api/session", ""); got.Status != 200 {
		t.Errorf("a session of the account: %s", got)
	}
}

// TestSignInIsLimitedByAddress: twenty failures in a minute, whatever accounts; others
// are not concerned.
func TestSignInIsLimitedByAddress(t *testing.T) {
	t.Parallel()
	a := newServer(t, testkit.Rates("10000/1m", "10000/1m"), testkit.Proxies("127.0.0.1/32"))
	u := a.user(t, dbsqlc.User{})
	signIn := func(address, email, password string) answer {
		return a.signInWith(t, email, password, "X-Forwarded-For: "+address)
	}
	start := time.Now()
	n := 0
	until := func() answer {
		n++
		return signIn("198.51.100.7", fmt.Sprintf("nobody-%d@example.org", n), "wrong horse battery")
	}
	admitted, refused := until429(t, until)
	refused.wantProblem(t, 429, roster.ErrorCodeRateLimited)
	// Of the quota one comes back in three seconds.
	if most := 20 + int(time.Since(start)/(3*time.Second)) + 1; admitted < 20 || admitted > most {
		t.Errorf("%d were admitted, want 20 to %d", admitted, most)
	}
	signIn("198.51.100.7", u.Email, password).wantProblem(t, 429, roster.ErrorCodeRateLimited)
	if got := signIn("198.51.100.8", u.Email, password); got.Status != 201 {
		t.Errorf("another address: %s", got)
	}
	// The rest of the API is another quota.
	if got := a.send(t, "GET", "/api/users", "", "X-Forwarded-For: 198.51.100.7"); got.Status != 401 {
		t.Errorf("another request from it: %s", got)
	}
}

// Only failures use the quotas up: who signs in again and again may.
func TestSignInThatSucceedsIsNotLimited(t *testing.T) {
	t.Parallel()
	a := newServer(t, testkit.Rates("10000/1m", "10000/1m"))
	u := a.user(t, dbsqlc.User{})
	for i := range 30 {
		if got := a.signInWith(t, u.Email, password); got.Status != 201 {
			t.Fatalf("sign-in %d: %s", i, got)
		}
	}
}

// Who waits as long as a refused sign-in says is heard again.
func TestSignInRetryAfterIsEnough(t *testing.T) {
	t.Parallel()
	a := newServer(t, testkit.Rates("10000/1m", "10000/1m"))
	n := 0
	_, refused := until429(t, func() answer {
		n++
		return a.signInWith(t, fmt.Sprintf("nobody-%d@example.org", n), "wrong horse battery")
	})
	wait := must(strconv.Atoi(refused.Header.Get("Retry-After")))(t)
	if wait < 1 || wait > 3 {
		t.Fatalf("Retry-After is %d", wait)
	}
	time.Sleep(time.Duration(wait) * time.Second)
	a.signInWith(t, "nobody@example.org", "wrong horse battery").wantProblem(t, 401, "sign_in_failed")
}

// spray makes n requests at once, each with another X-Forwarded-For, and counts those
// that were admitted.
func spray(t *testing.T, a *api, n int, address func(int) string) (admitted int) {
	t.Helper()
	const at = 8
	client := a.plain(t, at)
	var passed atomic.Int64
	var all sync.WaitGroup
	for part := range at {
		all.Go(func() {
			for i := part; i < n; i += at {
				status, _ := a.ask(t, client, "GET", "/api/users", "", "X-Forwarded-For", address(i))
				switch status {
				case http.StatusUnauthorized:
					passed.Add(1)
				case http.StatusTooManyRequests:
				default:
					t.Errorf("status %d", status)
					return
				}
			}
		})
	}
	all.Wait()
	return int(passed.Load())
}

// TestForwardedAddresses: ten thousand addresses that a client makes up are one
// caller, and those that a trusted proxy tells of are as many as they are.
func TestForwardedAddresses(t *testing.T) {
	t.Parallel()
	const n, quota = 10_000, 100
	v4 := func(i int) string { return fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255) }
	for name, c := range map[string]struct {
		proxies []string
		address func(int) string
		one     bool
	}{
		"made up, no proxy is trusted":       {nil, v4, true},
		"made up, another proxy is trusted":  {[]string{"192.0.2.0/24"}, v4, true},
		"told by a trusted proxy":            {[]string{"127.0.0.0/8"}, v4, false},
		"made up before a trusted proxy":     {[]string{"127.0.0.0/8"}, func(i int) string { return v4(i) + ", 198.51.100.7" }, true},
		"made up before two trusted proxies": {[]string{"127.0.0.0/8", "192.0.2.0/24"}, func(i int) string { return v4(i) + ", 198.51.100.7, 192.0.2.9" }, true},
		"IPv6 networks, by a trusted proxy":  {[]string{"127.0.0.0/8"}, func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i) }, false},
		"one IPv6 network of many addresses": {[]string{"127.0.0.0/8"}, func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) }, true},
		"nonsense, by a trusted proxy":       {[]string{"127.0.0.0/8"}, func(i int) string { return fmt.Sprintf("nonsense-%d", i) }, true},
		"IPv4 written as IPv6, by a proxy":   {[]string{"127.0.0.0/8"}, func(i int) string { return fmt.Sprintf("::ffff:198.51.100.%d", i%2) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newServer(t, testkit.Rates("100/10m", "off"), testkit.Proxies(c.proxies...))
			n := n
			if !strings.HasPrefix(name, "made up, no") && !strings.HasPrefix(name, "told") {
				n = 1000
			}
			start := time.Now()
			admitted := spray(t, a, n, c.address)
			if !c.one {
				if admitted != n {
					t.Errorf("%d of %d were admitted", admitted, n)
				}
				return
			}
			callers := 1
			if strings.HasPrefix(name, "IPv4 written") {
				callers = 2
			}
			// One comes back in six seconds.
			if most := callers * (quota + int(time.Since(start)/(6*time.Second)) + 1); admitted < callers*quota || admitted > most {
				t.Errorf("%d of %d were admitted, want %d to %d", admitted, n, callers*quota, most)
			}
		})
	}
}

// The address of the log and of a session is the same one.
func TestTheAddressIsTheClients(t *testing.T) {
	t.Parallel()
	a := newServer(t, testkit.Proxies("127.0.0.1/32"))
	u := a.user(t, dbsqlc.User{})
	for sent, want := range map[string]string{
		"198.51.100.7": "198.51.100.7", "203.0.113.1, 198.51.100.8": "198.51.100.8", "2001:db8::1": "2001:db8::1", "nonsense": "127.0.0.1", "": "127.0.0.1",
	} {
		header := []string{}
		if sent != "" {
			header = append(header, "X-Forwarded-For: "+sent)
		}
		got := a.signInWith(t, u.Email, password, header...)
		id := got.begun(t).Identity.CredentialID
		if kept := queryOne[string](t, a, "SELECT address FROM sessions WHERE id = $1", id); kept != want {
			t.Errorf("X-Forwarded-For %q: the session is of %q, want %q", sent, kept, want)
		}
		if line := a.Log.Await(t, got.Header.Get("X-Request-Id")); line["client"] != want {
			t.Errorf("X-Forwarded-For %q: the log has %q", sent, line["client"])
		}
		if kept := queryOne[string](t, a, "SELECT address FROM audit WHERE target_id = $1", id); kept != want {
			t.Errorf("X-Forwarded-For %q: the audit log has %q", sent, kept)
		}
	}
}
