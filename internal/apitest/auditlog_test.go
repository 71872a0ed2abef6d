package apitest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/role"
)

// The log is for admins, and for keys of theirs with the scope.
func TestWhoReadsTheAuditLog(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	admin := a.admin(t)
	for name, caller := range map[string]*api{"an admin": a, "a key": a.withKey(t, admin, auth.AuditRead)} {
		if _, err := caller.ListAudit(t.Context(), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, caller := range map[string]*api{
		"an editor": a.as(t, a.user(t, dbsqlc.User{Role: role.Editor})), "a viewer": a.as(t, a.user(t, dbsqlc.User{})),
		"a key without the scope":  a.withKey(t, admin, auth.UsersRead),
		"a key of one who may not": a.withKey(t, a.user(t, dbsqlc.User{Role: role.Editor}), auth.AuditRead),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			caller.send(t, http.MethodGet, "/api/audit", "").wantMissing(t, auth.AuditRead)
		})
	}
	a.anonymous(t).send(t, http.MethodGet, "/api/audit", "").wantProblem(t, 401, roster.ErrorCodeUnauthenticated)
}

// A change stands in the log as it was made: by whom, on what, before and after.
func TestAuditTellsOfAChange(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{Name: "Ada Byron"})
	key := a.withKey(t, a.admin(t), auth.UsersWrite)
	if _, err := key.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Name: roster.Ptr("Ada Lovelace")}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Role: roster.Ptr(roster.RoleEditor)}); err != nil {
		t.Fatal(err)
	}
	got := a.send(t, http.MethodDelete, "/api/users/"+u.ID.String(), "")
	log := must(a.ListAudit(t.Context(), &roster.ListAuditParams{TargetID: &u.ID}))(t)
	if len(log.Data) != 3 || log.Pagination.Total != 3 {
		t.Fatalf("got %s", jsonOf(t, log))
	}
	type told struct {
		actor, name, operation, target, before, after string
	}
	var all []told
	for _, e := range log.Data {
		all = append(all, told{string(e.Actor), e.ActorName, e.Operation, e.Target, jsonOf(t, e.Before), jsonOf(t, e.After)})
	}
	if all[0].before = strings.ReplaceAll(all[0].before, u.Email, "EMAIL"); !strings.Contains(all[0].before, `"email":"EMAIL"`) {
		t.Errorf("who was deleted is told as %s", all[0].before)
	}
	all[0].before = ""
	want := []told{
		{"user", rootEmail, "deleteUser", "user", "", "{}"},
		{"user", rootEmail, "updateUser", "user", `{"role":"viewer"}`, `{"role":"editor"}`},
		{"key", "test", "updateUser", "user", `{"name":"Ada Byron"}`, `{"name":"Ada Lovelace"}`},
	}
	if !slices.Equal(all, want) {
		t.Errorf("got  %q\nwant %q", all, want)
	}
	last := log.Data[0]
	if last.RequestID != got.Header.Get("X-Request-Id") || last.Address != "127.0.0.1" || last.ActorID == nil || *last.ActorID != a.caller.ID || time.Since(last.CreatedAt) > time.Minute {
		t.Errorf("got %s", jsonOf(t, last))
	}
}

// someAudit stores a log of few actors and things, with many entries at one time,
// in the order in which it is listed.
func someAudit(t *testing.T, a *api, n int) (entries []dbsqlc.Audit, ids []uuid.UUID) {
	t.Helper()
	for range 4 {
		ids = append(ids, uuid.New())
	}
	start := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	for i := range n {
		e := dbsqlc.Audit{
			ID: uuid.New(), CreatedAt: start.Add(time.Duration(i/3) * time.Second), Actor: "user", ActorID: &ids[i%2],
			Operation: []string{"updateUser", "signIn", "revokeKey"}[i%3], Target: []string{"user", "session", "key"}[i%3],
			TargetID: &ids[2+i%5%2], Before: json.RawMessage(`{"n": 1}`), After: json.RawMessage(`{}`),
		}
		if i%7 == 0 {
			e.Actor, e.ActorID, e.TargetID = "system", nil, nil
		}
		a.exec(t, `INSERT INTO audit (id, created_at, actor, actor_id, actor_name, operation, target, target_id, before, after, address, request_id)
			VALUES ($1, $2, $3, $4, '', $5, $6, $7, $8, $9, '', '')`,
			e.ID, e.CreatedAt, e.Actor, e.ActorID, e.Operation, e.Target, e.TargetID, e.Before, e.After)
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b dbsqlc.Audit) int {
		if n := b.CreatedAt.Compare(a.CreatedAt); n != 0 {
			return n
		}
		return slices.Compare(b.ID[:], a.ID[:])
	})
	return entries, ids
}

// Filters can be combined; what they say is what is listed.
func TestAuditFilters(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	all, ids := someAudit(t, a, 60)
	at := all[30].CreatedAt // three entries are of this moment
	is := func(p *uuid.UUID, id uuid.UUID) bool { return p != nil && *p == id }
	for query, match := range map[string]func(e dbsqlc.Audit) bool{
		"":                                func(dbsqlc.Audit) bool { return true },
		"actorId=" + ids[0].String():      func(e dbsqlc.Audit) bool { return is(e.ActorID, ids[0]) },
		"actorId=" + uuid.Nil.String():    func(dbsqlc.Audit) bool { return false },
		"targetId=" + ids[3].String():     func(e dbsqlc.Audit) bool { return is(e.TargetID, ids[3]) },
		"operation=signIn":                func(e dbsqlc.Audit) bool { return e.Operation == "signIn" },
		"operation=SIGNIN":                func(dbsqlc.Audit) bool { return false },
		"target=key":                      func(e dbsqlc.Audit) bool { return e.Target == "key" },
		"target=key&operation=signIn":     func(dbsqlc.Audit) bool { return false },
		"from=2026-03-14T09:27:00Z":       func(e dbsqlc.Audit) bool { return e.CreatedAt.Second() < 53 },
		"to=2026-03-14T09:27:00Z":         func(e dbsqlc.Audit) bool { return e.CreatedAt.Second() >= 53 },
		"from=" + at.Format(time.RFC3339): func(e dbsqlc.Audit) bool { return !e.CreatedAt.Before(at) },
		"to=0001-01-01T00:00:00Z":         func(dbsqlc.Audit) bool { return false },
		"from=0001-01-01T00:00:00Z":       func(dbsqlc.Audit) bool { return true },
		"to=9999-12-31T23:59:59.999999Z":  func(dbsqlc.Audit) bool { return true },
		"to=" + url.QueryEscape(at.In(time.FixedZone("", 7200)).Format(time.RFC3339)): func(e dbsqlc.Audit) bool { return e.CreatedAt.Before(at) },
		"from=2026-03-14T09:27:00Z&to=2026-03-14T09:26:00Z":                           func(dbsqlc.Audit) bool { return false },
		"actorId=" + ids[1].String() + "&targetId=" + ids[2].String() + "&target=user&operation=updateUser&from=2026-03-14T09:26:55Z&to=2026-03-14T09:27:10Z": func(e dbsqlc.Audit) bool {
			return is(e.ActorID, ids[1]) && is(e.TargetID, ids[2]) && e.Target == "user" &&
				e.CreatedAt.After(time.Date(2026, 3, 14, 9, 26, 54, 0, time.UTC)) && e.CreatedAt.Before(time.Date(2026, 3, 14, 9, 27, 10, 0, time.UTC))
		},
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			want := []uuid.UUID{}
			for _, e := range all {
				if match(e) {
					want = append(want, e.ID)
				}
			}
			got := []uuid.UUID{}
			path := "/api/audit?limit=7&" + query
			for path != "" {
				answer := a.send(t, http.MethodGet, path, "")
				if answer.Status != http.StatusOK {
					t.Fatal(answer)
				}
				page := decode[roster.PaginatedResponseAuditEntry](t, answer.Body)
				if page.Pagination.Total != int64(len(want)) {
					t.Errorf("total %d, want %d", page.Pagination.Total, len(want))
				}
				for _, e := range page.Data {
					got = append(got, e.ID)
				}
				path = links(t, answer.Header.Get("Link"))["next"]
			}
			if !slices.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

func TestAuditRefuses(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	_, ids := someAudit(t, a, 9)
	page := must(a.ListAudit(t.Context(), &roster.ListAuditParams{Limit: roster.Ptr[int32](2), Operation: roster.Ptr("signIn")}))(t)
	for query, rule := range map[string]string{
		"actorId=ada": "/query/actorId invalid_format",
		"targetId={" + ids[0].String()[1:35] + "}": "/query/targetId invalid_format",
		"from=yesterday":                          "/query/from invalid_format",
		"to=2026-03-14":                           "/query/to invalid_format",
		"from=2026-03-14T09:26:53+02:00":          "/query/from invalid_format", // + is a space in a query
		"operation=":                              "/query/operation empty",
		"operation=%00":                           "/query/operation control_character",
		"target=" + strings.Repeat("x", 101):      "/query/target too_long",
		"requestId=r1":                            "/query unknown_parameter",
		"page=1&cursor=" + *page.Pagination.Next:  "/query/page not_allowed",
		"limit=2&cursor=" + *page.Pagination.Next: "/query/cursor cursor_mismatch",
		"limit=2&operation=signIn&to=2026-03-14T09:26:53Z&cursor=" + *page.Pagination.Next: "/query/cursor cursor_mismatch",
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			a.send(t, http.MethodGet, "/api/audit?"+query, "").wantProblem(t, 422, roster.ErrorCodeValidationFailed, rule)
		})
	}
	// One moment, written in two ways, is one filter.
	path := "/api/audit?limit=2&from=2026-03-14T09:00:00Z"
	next := decode[roster.PaginatedResponseAuditEntry](t, a.send(t, http.MethodGet, path, "").Body).Pagination.Next
	if got := a.send(t, http.MethodGet, "/api/audit?limit=2&from=2026-03-14T10:00:00.000%2B01:00&cursor="+*next, ""); got.Status != 200 {
		t.Error(got)
	}
}

// Who walks the log while others write meets every entry that was there when the
// walk began, once, and in order.
func TestWalkAuditWhileWriting(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	there, _ := someAudit(t, a, 200)
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for range 2 {
		u := a.user(t, dbsqlc.User{})
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				_, err := a.UpdateUser(context.WithoutCancel(ctx), u.ID, roster.UserUpdate{Name: roster.Ptr(fmt.Sprint("name ", i))})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 3 {
		var met, want []uuid.UUID
		seen := map[uuid.UUID]bool{}
		for e, err := range a.Audit(t.Context(), &roster.ListAuditParams{Limit: roster.Ptr[int32](9)}) {
			if err != nil {
				t.Fatal(err)
			}
			if seen[e.ID] {
				t.Errorf("%s came twice", e.ID)
			}
			seen[e.ID] = true
			if e.Address == "" { // one of those that were there
				met = append(met, e.ID)
			}
		}
		for _, e := range there {
			want = append(want, e.ID)
		}
		if !slices.Equal(met, want) {
			t.Errorf("met %d entries of %d, or in another order", len(met), len(want))
		}
	}
	stop()
	writers.Wait()
}

// Passwords and tokens go through every operation that takes or gives one. The log
// knows none of them, nor their hashes; the other tables know at most the hashes;
// and the server's log knows nothing.
func TestNoSecretIsKept(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	passwords := []string{"plantedOriginal-9f1c", "plantedChanged-77ab", "plantedReset-c05e", "plantedWrong-4d2e"}
	made := must(a.CreateUser(t.Context(), roster.UserCreate{Name: "Ada", Email: "ada@example.org", Password: passwords[0], Role: roster.Ptr(roster.RoleViewer)}))(t)
	_, session, err := a.anonymous(t).SignIn(t.Context(), made.Email, passwords[0])
	if err != nil {
		t.Fatal(err)
	}
	tokens := []string{session}
	ada := a.with(t, dbsqlc.User{ID: made.ID}, session)
	do := func(caller *api, method, path, body string, want int) map[string]any {
		t.Helper()
		got := caller.send(t, method, path, body)
		if got.Status != want {
			t.Fatalf("%s %s: got %s, want %d", method, path, got, want)
		}
		if len(got.Body) == 0 {
			return nil
		}
		return decode[map[string]any](t, got.Body)
	}
	user := "/api/users/" + made.ID.String()
	do(a.anonymous(t), "POST", "/api/session", jsonOf(t, map[string]any{"email": made.Email, "password": passwords[3]}), 401)
	do(ada, "PUT", user+"/password", jsonOf(t, map[string]any{"currentPassword": passwords[3], "newPassword": passwords[1]}), 403)
	do(ada, "PUT", user+"/password", jsonOf(t, map[string]any{"currentPassword": passwords[0], "newPassword": passwords[1]}), 204)
	reset := do(a, "POST", user+"/password-reset", "", 201)["token"].(string)
	do(a.anonymous(t), "POST", "/api/password-resets", jsonOf(t, map[string]any{"token": reset, "newPassword": passwords[2]}), 204)
	_, session, err = a.anonymous(t).SignIn(t.Context(), made.Email, passwords[2])
	if err != nil {
		t.Fatal(err)
	}
	ada = a.with(t, dbsqlc.User{ID: made.ID}, session)
	key := do(ada, "POST", "/api/keys", `{"name": "planted", "scopes": ["users:read"]}`, 201)
	path := "/api/keys/" + key["key"].(map[string]any)["id"].(string)
	rotated := do(ada, "POST", path+"/rotate", `{}`, 201)
	tokens = append(tokens, reset, session, key["secret"].(string), rotated["secret"].(string))
	do(ada, "DELETE", path, "", 204)
	second := a.as(t, dbsqlc.User{ID: made.ID})
	do(ada, "DELETE", "/api/sessions/"+second.sessionOf(t).String(), "", 204)
	a.as(t, dbsqlc.User{ID: made.ID})
	do(ada, "DELETE", "/api/sessions", "", 204)
	do(ada, "DELETE", "/api/session", "", 204)
	do(a, "DELETE", user, "", 204)

	tables := map[string]string{"the server's log": a.Log.String()}
	for _, table := range queryOne[[]string](t, a, "SELECT array_agg(tablename::text) FROM pg_tables WHERE schemaname = 'public'") {
		tables[table] = queryOne[string](t, a, `SELECT coalesce(string_agg(t::text, E'\n'), '') FROM "`+table+`" t`)
	}
	operations := map[string]bool{}
	for e, err := range a.Audit(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		operations[e.Operation] = true
		tables["the list"] += jsonOf(t, e) + "\n"
	}
	for _, operation := range []string{
		"createUser", "signIn", "setPassword", "createPasswordReset", "redeemPasswordReset", "createKey", "rotateKey", "revokeKey",
		"revokeSession", "revokeOtherSessions", "signOut", "deleteUser",
	} {
		if !operations[operation] {
			t.Errorf("%s is not in the log", operation)
		}
	}
	for name, text := range tables {
		text = strings.ToLower(text)
		secrets := slices.Concat(passwords, tokens)
		if name == "audit" || name == "the list" || name == "the server's log" {
			secrets = append(secrets, "$argon2id$", "hash")
			for _, token := range tokens {
				hash := sha256.Sum256([]byte(token))
				secrets = append(secrets, hex.EncodeToString(hash[:]))
			}
		}
		for _, secret := range secrets {
			for _, form := range []string{secret, hex.EncodeToString([]byte(secret))} {
				if strings.Contains(text, strings.ToLower(form)) {
					t.Errorf("%s holds %q", name, secret)
				}
			}
		}
	}
	if !strings.Contains(tables["audit"], "planted") || tables["sessions"] == "" { // the key's name; an admin's session
		t.Error("the tables were not read")
	}
}
