package apitest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

const (
	idempotencyMismatch = roster.ErrorCode("idempotency_mismatch")
	idempotencyInFlight = roster.ErrorCode("idempotency_in_flight")
)

// newAda is the body that makes a user.
func newAda(email, password string) string {
	return fmt.Sprintf(`{"name":"Ada","email":%q,"password":%q}`, email, password)
}

// replica is another server on the same database, with the same caller.
func (a *api) replica(t *testing.T) *api {
	t.Helper()
	s := testkit.New(t, testkit.WithDatabase(a.DatabaseURL))
	s.HTTP.Transport = &checked{t: t, log: s.Log, next: s.HTTP.Transport}
	return (&api{Server: s}).with(t, a.caller, a.token)
}

// once sends a request with an Idempotency-Key.
func (a *api) once(t *testing.T, path, key, body string) answer {
	t.Helper()
	return a.send(t, "POST", path, body, "Idempotency-Key: "+key)
}

// wantFirst is an answer that is no replay.
func (a answer) wantFirst(t *testing.T) roster.User {
	t.Helper()
	if a.Status != http.StatusCreated || a.Header.Get("Idempotency-Replayed") != "" {
		t.Fatalf("got %s, replayed %q, want the first answer", a, a.Header.Get("Idempotency-Replayed"))
	}
	return a.user(t)
}

func TestCreateUserTwiceWithAKey(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	first := a.once(t, "/api/users", "k-1", newAda("ada@example.org", password))
	u := first.wantFirst(t)
	// The same request, though its bytes are others: another server, the fields in
	// another order, the address in another form, a default that is said.
	for name, again := range map[string]answer{
		"the same":         a.once(t, "/api/users", "k-1", newAda("ada@example.org", password)),
		"on a replica":     a.replica(t).once(t, "/api/users", "k-1", newAda("ada@example.org", password)),
		"in other letters": a.once(t, "/api/users", "k-1", `{"role":"viewer", "password":"`+password+`", "email":"ADA@Example.org","name":"Ada"}`),
	} {
		if again.Status != 201 || string(again.Body) != string(first.Body) || again.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: got %s, replayed %q, want %s", name, again, again.Header.Get("Idempotency-Replayed"), first)
		}
		for _, header := range []string{"Location", "ETag"} {
			if again.Header.Get(header) != first.Header.Get(header) {
				t.Errorf("%s: %s is %q, want %q", name, header, again.Header.Get(header), first.Header.Get(header))
			}
		}
	}
	if n := queryOne[int](t, a, "SELECT count(*) FROM audit WHERE operation = 'createUser' AND target_id = $1", u.ID); n != 1 {
		t.Errorf("%d rows in the audit log", n)
	}
	// It is the answer of then, whatever has become of the user.
	if _, err := a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Name: roster.Ptr("Grace")}); err != nil {
		t.Fatal(err)
	}
	if again := a.once(t, "/api/users", "k-1", newAda("ada@example.org", password)); string(again.Body) != string(first.Body) {
		t.Errorf("after a change: %s", again)
	}
	// Without a key, and with another, it is another request.
	a.send(t, "POST", "/api/users", newAda("ada@example.org", password)).wantProblem(t, 409, roster.ErrorCodeEmailTaken)
	a.once(t, "/api/users", "k-2", newAda("ada@example.org", password)).wantProblem(t, 409, roster.ErrorCodeEmailTaken)
	if n := queryOne[int](t, a, "SELECT count(*) FROM idempotency_keys"); n != 1 {
		t.Errorf("%d keys are remembered, want 1", n)
	}
}

func TestAKeyStandsForOneRequest(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.once(t, "/api/users", "k", newAda("ada@example.org", password)).wantFirst(t)
	for name, body := range map[string]string{
		"another password": newAda("ada@example.org", password+"!"),
		"another address":  newAda("grace@example.org", password),
		"another name":     `{"name":"Grace","email":"ada@example.org","password":"` + password + `"}`,
		"another role":     `{"name":"Ada","email":"ada@example.org","password":"` + password + `","role":"editor"}`,
	} {
		t.Run(name, func(t *testing.T) {
			a.once(t, "/api/users", "k", body).wantProblem(t, 422, idempotencyMismatch)
		})
	}
	t.Run("another operation", func(t *testing.T) {
		a.once(t, "/api/keys", "k", `{"name":"export","scopes":["users:read"]}`).wantProblem(t, 422, idempotencyMismatch)
		if made := a.once(t, "/api/keys", "k-2", `{"name":"export","scopes":["users:read"]}`); made.Status != 201 {
			t.Fatal(made)
		}
		a.once(t, "/api/users", "k-2", newAda("grace@example.org", password)).wantProblem(t, 422, idempotencyMismatch)
	})
	t.Run("what is not valid is refused first", func(t *testing.T) {
		a.once(t, "/api/users", "k", `{"name":"Ada","email":"ada@example.org"}`).wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/password required")
	})
	if n := queryOne[int](t, a, "SELECT count(*) FROM users WHERE email IN ('ada@example.org', 'grace@example.org')"); n != 1 {
		t.Errorf("%d users, want 1", n)
	}
}

func TestIdempotencyKeyRules(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for i, c := range []struct {
		name, rule string
		keys       []string
	}{
		{"one character", "", []string{"!"}},
		{"255 characters", "", []string{strings.Repeat("~", 255)}},
		{"quoted, as the draft writes it", "", []string{`"8e03978e-40d5-43dd-bc93-6894a57f9324"`}},
		{"256 characters", "too_long", []string{strings.Repeat("a", 256)}},
		{"empty", "empty", []string{""}},
		{"a space within", "invalid_format", []string{"a b"}},
		{"a tab within", "invalid_format", []string{"a\tb"}},
		{"letters beyond ASCII", "invalid_format", []string{"schlüssel"}},
		{"no UTF-8", "invalid_format", []string{"a\xffb"}},
		{"two", "repeated", []string{"a", "b"}},
		{"the same twice", "repeated", []string{"a", "a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := must(http.NewRequestWithContext(t.Context(), "POST", a.URL+"/api/users", strings.NewReader(newAda(fmt.Sprintf("rule-%d@example.org", i), password))))(t)
			r.Header["Content-Type"] = []string{"application/json"}
			r.Header["Idempotency-Key"] = c.keys
			got := a.do(t, r)
			if c.rule == "" {
				got.wantFirst(t)
				return
			}
			got.wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/header/Idempotency-Key "+c.rule)
		})
	}
}

// TestAKeyIsItsCallers': one text is another key for each user and each key, and
// the same for all sessions of a user.
func TestAKeyIsItsCallers(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	other := a.as(t, a.user(t, dbsqlc.User{Role: role.Editor}))
	service := a.withKey(t, a.caller, auth.UsersWrite)
	seen := map[uuid.UUID]bool{}
	for i, caller := range []*api{a, other, service} {
		u := caller.once(t, "/api/users", "k", newAda(fmt.Sprintf("caller-%d@example.org", i), password)).wantFirst(t)
		seen[u.ID] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d users, want 3", len(seen))
	}
	again := a.as(t, a.caller).once(t, "/api/users", "k", newAda("caller-0@example.org", password))
	if again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("by another session of the user: %s", again)
	}
	// Who may not do it any more gets no answer of before either.
	a.exec(t, "UPDATE users SET role = 'viewer' WHERE id = $1", other.caller.ID)
	demoted := other.as(t, other.caller) // a session that nothing is remembered of
	demoted.once(t, "/api/users", "k", newAda("caller-1@example.org", password)).wantProblem(t, 403, roster.ErrorCode("forbidden"))
}

func TestARefusedRequestIsNotRemembered(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	taken := a.user(t, dbsqlc.User{Email: "ada@example.org"})
	a.once(t, "/api/users", "k", newAda("ada@example.org", password)).wantProblem(t, 409, roster.ErrorCodeEmailTaken)
	a.once(t, "/api/users", "k", newAda("ada@example.org", "1")).wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/password too_short")
	if n := queryOne[int](t, a, "SELECT count(*) FROM idempotency_keys"); n != 0 {
		t.Fatalf("%d keys are remembered", n)
	}
	if err := a.DeleteUser(t.Context(), taken.ID); err != nil {
		t.Fatal(err)
	}
	a.once(t, "/api/users", "k", newAda("ada@example.org", password+"!")).wantFirst(t)
}

func TestAKeyIsForgottenAfterADay(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	age := func(by string) {
		t.Helper()
		a.exec(t, "UPDATE idempotency_keys SET created_at = statement_timestamp() - $1::interval", by)
	}
	u := a.once(t, "/api/users", "k", newAda("ada@example.org", password)).wantFirst(t)
	age("23 hours 59 minutes")
	if again := a.once(t, "/api/users", "k", newAda("ada@example.org", password)); again.user(t).ID != u.ID {
		t.Errorf("within a day: %s", again)
	}
	age("24 hours 1 second")
	a.once(t, "/api/users", "k", newAda("ada@example.org", password)).wantProblem(t, 409, roster.ErrorCodeEmailTaken)
	next := a.once(t, "/api/users", "k", newAda("grace@example.org", password)).wantFirst(t) // the row of before is still there
	if again := a.once(t, "/api/users", "k", newAda("grace@example.org", password)); again.user(t).ID != next.ID {
		t.Errorf("used again: %s", again)
	}
	if err := db.Sweep(t.Context(), a.Pool); err != nil {
		t.Fatal(err)
	}
	if n := queryOne[int](t, a, "SELECT count(*) FROM idempotency_keys"); n != 1 {
		t.Errorf("%d keys after a sweep, want the one that counts", n)
	}
	age("24 hours 1 second")
	if err := db.Sweep(t.Context(), a.Pool); err != nil {
		t.Fatal(err)
	}
	if n := queryOne[int](t, a, "SELECT count(*) FROM idempotency_keys"); n != 0 {
		t.Errorf("%d keys after a day and a sweep", n)
	}
}

// TestAKeyKeepsNoPassword looks for the password, and for what could be tried
// against a list of passwords faster than an argon2id hash.
func TestAKeyKeepsNoPassword(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	const one, two = "tulip mania 1637", "south sea bubble 1720"
	fingerprint := func(caller *api, password string) []byte {
		t.Helper()
		u := caller.once(t, "/api/users", "k", newAda("ada@example.org", password)).wantFirst(t)
		a.exec(t, "DELETE FROM users WHERE id = $1", u.ID) // so that the same can be made again
		return queryOne[[]byte](t, a, "SELECT fingerprint FROM idempotency_keys WHERE caller = $1", caller.caller.ID)
	}
	if first, second := fingerprint(a, one), fingerprint(a.as(t, a.admin(t)), two); string(first) != string(second) {
		t.Errorf("the password is part of the fingerprint: %x, %x", first, second)
	}
	rows := a.dump(t)
	if !strings.Contains(rows, "idempotency_keys (") {
		t.Fatalf("this is not what was to be looked through: %s", rows)
	}
	for _, password := range []string{one, two} {
		sum5, sum1, sum256, sum512 := md5.Sum([]byte(password)), sha1.Sum([]byte(password)), sha256.Sum256([]byte(password)), sha512.Sum512([]byte(password))
		for name, octets := range map[string][]byte{
			"the password": []byte(password), "its MD5": sum5[:], "its SHA-1": sum1[:], "its SHA-256": sum256[:], "its SHA-512": sum512[:],
		} {
			for _, form := range []string{string(octets), hex.EncodeToString(octets), base64.RawStdEncoding.EncodeToString(octets)} {
				if strings.Contains(rows, form) {
					t.Errorf("%s is in the database", name)
				}
			}
		}
	}
}

// TestAKeyInFlight holds a request up within its transaction.
func TestAKeyInFlight(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	b := a.replica(t)
	release, waiting := a.hold(t, "ada@example.org")
	var first answer
	var all sync.WaitGroup
	all.Go(func() { first = a.once(t, "/api/users", "k", newAda("ada@example.org", password)) })
	waiting(1)
	for name, second := range map[string]answer{
		"on the same server": a.once(t, "/api/users", "k", newAda("ada@example.org", password)),
		"with another body":  a.once(t, "/api/users", "k", newAda("grace@example.org", password)),
		"on a replica":       b.once(t, "/api/users", "k", newAda("ada@example.org", password)),
	} {
		t.Run(name, func(t *testing.T) {
			second.wantProblem(t, 409, idempotencyInFlight)
			if second.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		})
	}
	// Another key is another request, also where it has to wait for the first.
	var other answer
	all.Go(func() { other = b.once(t, "/api/users", "k-2", newAda("ada@example.org", password)) })
	waiting(2)
	release()
	all.Wait()
	first, other = min409(first, other)
	u := first.wantFirst(t)
	other.wantProblem(t, 409, roster.ErrorCodeEmailTaken)
	for _, server := range []*api{a, b} {
		for _, key := range []string{"k", "k-2"} {
			again := server.once(t, "/api/users", key, newAda("ada@example.org", password))
			if again.Status == 201 && again.user(t).ID != u.ID {
				t.Errorf("then: %s", again)
			}
		}
	}
}

// min409 puts the answer that is a success first: which of two who wait for one
// address gets it is not ours to say.
func min409(a, b answer) (answer, answer) {
	if a.Status == http.StatusConflict {
		return b, a
	}
	return a, b
}

// hold makes whoever takes an address wait, until it is released.
func (a *api) hold(t *testing.T, email string) (release func(), waiting func(n int)) {
	t.Helper()
	tx := must(a.Pool.Begin(t.Context()))(t)
	t.Cleanup(func() { _ = tx.Rollback(t.Context()) })
	if _, err := tx.Exec(t.Context(), "INSERT INTO users (id, name, email, role) VALUES ($1, 'held', $2, 'viewer')", uuid.Must(uuid.NewV7()), email); err != nil {
		t.Fatal(err)
	}
	release = func() {
		if err := tx.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	}
	return release, a.waiting(t)
}

// waiting waits until that many statements wait for a lock in the database.
func (a *api) waiting(t *testing.T) func(n int) {
	return func(n int) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); queryOne[int](t, a, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") < n; {
			if time.Now().After(end) {
				t.Fatalf("there are no %d that wait", n)
			}
		}
	}
}

// TestALostConnectionWithAKey: an answer of 503 leaves open whether the user was
// made. With a key, to ask again is safe.
func TestALostConnectionWithAKey(t *testing.T) {
	t.Parallel()
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBroken(t)
			direct := &api{Server: &testkit.Server{Pool: b.direct}}
			release, waiting := direct.hold(t, "ada@example.org")
			var all sync.WaitGroup
			var first answer
			all.Go(func() { first = b.once(t, "/api/users", "k", newAda("ada@example.org", password)) })
			waiting(1)
			b.proxy.Set(fault)
			all.Wait()
			first.wantProblem(t, 503, roster.ErrorCodeUnavailable)
			release()
			b.proxy.Set(testkit.None)
			b.awaitHealth(t)
			again := b.once(t, "/api/users", "k", newAda("ada@example.org", password))
			for end := time.Now().Add(10 * time.Second); again.Status != 201 && time.Now().Before(end); {
				if again.Status != 503 && !strings.Contains(string(again.Body), string(idempotencyInFlight)) {
					t.Fatal(again)
				}
				again = b.once(t, "/api/users", "k", newAda("ada@example.org", password))
			}
			u := again.user(t)
			if n := queryOne[int](t, direct, "SELECT count(*) FROM users WHERE email = 'ada@example.org' AND id = $1", u.ID); n != 1 {
				t.Errorf("%d users", n)
			}
		})
	}
}

// TestRacersWithOneKey is a shorter form of TestTortureIdempotencyKill.
func TestRacersWithOneKey(t *testing.T) {
	t.Parallel()
	const keys, racers = 3, 20
	a := newAPI(t)
	servers := []*api{a, a.replica(t)}
	for k := range keys {
		key, email := fmt.Sprintf("key-%d", k), fmt.Sprintf("racer-%d@example.org", k)
		answers := make([]answer, racers)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				answers[i] = servers[i%len(servers)].once(t, "/api/users", key, newAda(email, password))
			})
		}
		all.Wait()
		ids, firsts := map[uuid.UUID]int{}, 0
		for _, got := range answers {
			switch {
			case got.Status == 201:
				ids[got.user(t).ID]++
				if got.Header.Get("Idempotency-Replayed") == "" {
					firsts++
				}
			case got.Status == 503, strings.Contains(string(got.Body), string(idempotencyInFlight)):
			default:
				t.Errorf("got %s", got)
			}
		}
		if firsts > 1 || len(ids) > 1 {
			t.Errorf("%d were the first, and there are the ids %v", firsts, ids)
		}
		if n := queryOne[int](t, a, "SELECT count(*) FROM audit a JOIN users u ON u.id = a.target_id WHERE u.email = $1 AND a.operation = 'createUser'", email); n != 1 {
			t.Errorf("%d effects", n)
		}
	}
}

func TestCreateKeyTwiceWithAKey(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	body := `{"name":"export","scopes":["users:read"]}`
	first := a.once(t, "/api/keys", "k", body)
	var made struct {
		Key struct{ ID string }
	}
	location := first.Header.Get("Location")
	if first.Status != 201 || location == "" {
		t.Fatal(first)
	}
	made.Key.ID = location[strings.LastIndex(location, "/")+1:]
	for name, server := range map[string]*api{"the same": a, "a replica": a.replica(t)} {
		again := server.once(t, "/api/keys", "k", body)
		if again.Status != 409 || !strings.Contains(string(again.Body), `"secret_not_replayable"`) ||
			!strings.Contains(string(again.Body), `"resourceId":"`+made.Key.ID+`"`) || again.Header.Get("Location") != location {
			t.Errorf("%s: %s, Location %q, want %s", name, again, again.Header.Get("Location"), location)
		}
		if strings.Contains(string(again.Body), "rst_") {
			t.Errorf("%s: a secret: %s", name, again)
		}
	}
	a.once(t, "/api/keys", "k", `{"name":"import","scopes":["users:read"]}`).wantProblem(t, 422, idempotencyMismatch)
	// To say whose key it is, is to say the default.
	named := a.once(t, "/api/keys", "k", `{"scopes":["users:read"],"userId":"`+a.caller.ID.String()+`","name":"export"}`)
	if named.Status != 409 || named.Header.Get("Location") != location {
		t.Errorf("with its owner's id: %s", named)
	}
	// A refused one is not remembered.
	a.once(t, "/api/keys", "k-2", `{"name":"export","scopes":["users:read"],"userId":"`+uuid.NewString()+`"}`).wantProblem(t, 404, roster.ErrorCodeNotFound)
	if got := a.once(t, "/api/keys", "k-2", body); got.Status != 201 {
		t.Errorf("after a refused one: %s", got)
	}
	if n := queryOne[int](t, a, "SELECT count(*) FROM keys"); n != 2 {
		t.Errorf("%d keys, want 2", n)
	}
}

func TestRacersOfOneCreateKey(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	servers := []*api{a, a.replica(t)}
	editor := a.user(t, dbsqlc.User{Role: role.Editor})
	for k := range 20 {
		var all sync.WaitGroup
		var mu sync.Mutex
		status := map[string]int{}
		for i := range 20 {
			all.Go(func() {
				time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond) // some come while it is worked on, some later
				got := servers[i%2].once(t, "/api/keys", fmt.Sprint("k-", k), fmt.Sprintf(`{"name":"racer %d","scopes":["users:read"],"userId":%q}`, k, editor.ID))
				code := ""
				if got.Status != 201 {
					code = string(decode[struct{ roster.Problem }](t, got.Body).Code)
				}
				mu.Lock()
				defer mu.Unlock()
				status[fmt.Sprint(got.Status, code)]++
			})
		}
		all.Wait()
		if status["201"] != 1 || status["201"]+status["409idempotency_in_flight"]+status["409secret_not_replayable"]+status["503unavailable"] != 20 {
			t.Errorf("got %v", status)
		}
	}
	if n := queryOne[int](t, a, "SELECT count(*) FROM keys WHERE user_id = $1", editor.ID); n != 20 {
		t.Errorf("%d keys, want 20", n)
	}
}
