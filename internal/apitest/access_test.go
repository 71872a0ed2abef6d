package apitest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// accessCell is one try: a caller, and somebody else.
type accessCell struct {
	*api             // as the caller
	me   dbsqlc.User // whom the caller is, or whose key it is; for nobody: just a user
	own  uuid.UUID   // a session of theirs that does not call
}

type accessRequest struct{ method, path, body string }

// somebody stores a user of a role whom the caller is not.
func (c *accessCell) somebody(t *testing.T, r role.Role) dbsqlc.User {
	return c.user(t, dbsqlc.User{Role: r})
}

func userPath(u uuid.UUID) string { return "/api/users/" + u.String() }

// accessCases is how each row of testdata/access.txt is tried.
func accessCases() map[string]func(*testing.T, *accessCell) accessRequest {
	cases := map[string]func(*testing.T, *accessCell) accessRequest{
		"listUsers everyone": func(*testing.T, *accessCell) accessRequest { return accessRequest{"GET", "/api/users", ""} },
		"createUser a viewer": func(*testing.T, *accessCell) accessRequest {
			return accessRequest{"POST", "/api/users", userBody(role.Viewer)}
		},
		"createUser an editor": func(*testing.T, *accessCell) accessRequest {
			return accessRequest{"POST", "/api/users", userBody(role.Editor)}
		},
		"createUser an admin": func(*testing.T, *accessCell) accessRequest {
			return accessRequest{"POST", "/api/users", userBody(role.Admin)}
		},
		"redeemPasswordReset a good token": func(t *testing.T, c *accessCell) accessRequest {
			return accessRequest{"POST", "/api/password-resets", `{"token":"` + c.newReset(t, c.somebody(t, role.Viewer).ID) + `","newPassword":"` + otherPassword + `"}`}
		},
		"signIn a good password": func(t *testing.T, c *accessCell) accessRequest {
			return accessRequest{"POST", "/api/session", `{"email":"` + c.somebody(t, role.Viewer).Email + `","password":"` + password + `"}`}
		},
		"getSession oneself": func(*testing.T, *accessCell) accessRequest { return accessRequest{"GET", "/api/session", ""} },
		"signOut oneself":    func(*testing.T, *accessCell) accessRequest { return accessRequest{"DELETE", "/api/session", ""} },
		"listSessions own":   func(*testing.T, *accessCell) accessRequest { return accessRequest{"GET", "/api/sessions", ""} },
		"listSessions own, by id": func(_ *testing.T, c *accessCell) accessRequest {
			return accessRequest{"GET", "/api/sessions?userId=" + c.me.ID.String(), ""}
		},
		"listSessions of another": func(t *testing.T, c *accessCell) accessRequest {
			return accessRequest{"GET", "/api/sessions?userId=" + c.somebody(t, role.Viewer).ID.String(), ""}
		},
		"listSessions of everyone": func(*testing.T, *accessCell) accessRequest { return accessRequest{"GET", "/api/sessions?all=true", ""} },
		"revokeSession own": func(_ *testing.T, c *accessCell) accessRequest {
			return accessRequest{"DELETE", "/api/sessions/" + c.own.String(), ""}
		},
		"revokeSession of another": func(t *testing.T, c *accessCell) accessRequest {
			return accessRequest{"DELETE", "/api/sessions/" + c.newSession(t, c.somebody(t, role.Viewer).ID).String(), ""}
		},
		"revokeOtherSessions own": func(*testing.T, *accessCell) accessRequest { return accessRequest{"DELETE", "/api/sessions", ""} },
		"listKeys own":            func(*testing.T, *accessCell) accessRequest { return accessRequest{"GET", "/api/keys", ""} },
		"listKeys of another": func(t *testing.T, c *accessCell) accessRequest {
			return accessRequest{"GET", "/api/keys?userId=" + c.somebody(t, role.Viewer).ID.String(), ""}
		},
		"listKeys of everyone": func(*testing.T, *accessCell) accessRequest { return accessRequest{"GET", "/api/keys?all=true", ""} },
		"createKey own": func(*testing.T, *accessCell) accessRequest {
			return accessRequest{"POST", "/api/keys", keyBody(auth.UsersRead, "")}
		},
		"createKey own, may write users": func(*testing.T, *accessCell) accessRequest {
			return accessRequest{"POST", "/api/keys", keyBody(auth.UsersWrite, "")}
		},
		"createKey own, may delete users": func(*testing.T, *accessCell) accessRequest {
			return accessRequest{"POST", "/api/keys", keyBody(auth.UsersDelete, "")}
		},
		"createKey for another": func(t *testing.T, c *accessCell) accessRequest {
			return accessRequest{"POST", "/api/keys", keyBody(auth.UsersRead, c.somebody(t, role.Viewer).ID.String())}
		},
		"rotateKey own": func(t *testing.T, c *accessCell) accessRequest {
			return accessRequest{"POST", "/api/keys/" + c.keyOf(t, c.me.ID).String() + "/rotate", `{}`}
		},
		"rotateKey of another": func(t *testing.T, c *accessCell) accessRequest {
			return accessRequest{"POST", "/api/keys/" + c.keyOf(t, c.somebody(t, role.Viewer).ID).String() + "/rotate", `{}`}
		},
		"revokeKey own": func(t *testing.T, c *accessCell) accessRequest {
			return accessRequest{"DELETE", "/api/keys/" + c.keyOf(t, c.me.ID).String(), ""}
		},
		"revokeKey of another": func(t *testing.T, c *accessCell) accessRequest {
			return accessRequest{"DELETE", "/api/keys/" + c.keyOf(t, c.somebody(t, role.Viewer).ID).String(), ""}
		},
		"listAudit everyone": func(*testing.T, *accessCell) accessRequest { return accessRequest{"GET", "/api/audit", ""} },
		"getStats everyone":  func(*testing.T, *accessCell) accessRequest { return accessRequest{"GET", "/api/stats", ""} },
	}
	for name, of := range map[string]func(*testing.T, *accessCell) dbsqlc.User{
		"a viewer":  func(t *testing.T, c *accessCell) dbsqlc.User { return c.somebody(t, role.Viewer) },
		"an editor": func(t *testing.T, c *accessCell) dbsqlc.User { return c.somebody(t, role.Editor) },
		"an admin":  func(t *testing.T, c *accessCell) dbsqlc.User { return c.somebody(t, role.Admin) },
		"oneself":   func(_ *testing.T, c *accessCell) dbsqlc.User { return c.me },
	} {
		cases["getUser "+name] = func(t *testing.T, c *accessCell) accessRequest {
			return accessRequest{"GET", userPath(of(t, c).ID), ""}
		}
		cases["deleteUser "+name] = func(t *testing.T, c *accessCell) accessRequest {
			return accessRequest{"DELETE", userPath(of(t, c).ID), ""}
		}
		cases["createPasswordReset "+name] = func(t *testing.T, c *accessCell) accessRequest {
			return accessRequest{"POST", userPath(of(t, c).ID) + "/password-reset", ""}
		}
		cases["setPassword "+name] = func(t *testing.T, c *accessCell) accessRequest {
			return accessRequest{"PUT", userPath(of(t, c).ID) + "/password", `{"currentPassword":"` + password + `","newPassword":"` + otherPassword + `"}`}
		}
		for change, edit := range accessChanges {
			cases["replaceUser "+name+": "+change] = func(t *testing.T, c *accessCell) accessRequest {
				u := of(t, c)
				edit(&u)
				return accessRequest{"PUT", userPath(u.ID), jsonOf(t, roster.UserReplace{Name: u.Name, Email: u.Email, Role: roster.Role(u.Role)})}
			}
			cases["updateUser "+name+": "+change] = func(t *testing.T, c *accessCell) accessRequest {
				u := of(t, c)
				if change == "enable" {
					c.exec(t, "UPDATE users SET disabled = true WHERE id = $1", u.ID)
					u.Disabled = true
				}
				before := u
				edit(&u)
				patch := map[string]any{}
				if u.Name != before.Name {
					patch["name"] = u.Name
				}
				if u.Email != before.Email {
					patch["email"] = u.Email
				}
				if u.Role != before.Role || change == "to admin" {
					patch["role"] = u.Role
				}
				if u.Disabled != before.Disabled {
					patch["disabled"] = u.Disabled
				}
				return accessRequest{"PATCH", userPath(u.ID), jsonOf(t, patch)}
			}
		}
	}
	return cases
}

// accessChanges are the kinds of changes of a user.
var accessChanges = map[string]func(*dbsqlc.User){
	"nothing": func(*dbsqlc.User) {},
	"name":    func(u *dbsqlc.User) { u.Name = "Renamed" },
	"email":   func(u *dbsqlc.User) { u.Email = "new-" + u.Email },
	"role": func(u *dbsqlc.User) {
		if u.Role == role.Editor {
			u.Role = role.Viewer
		} else {
			u.Role = role.Editor
		}
	},
	"to admin": func(u *dbsqlc.User) { u.Role = role.Admin },
	"disable":  func(u *dbsqlc.User) { u.Disabled = true },
	"enable":   func(u *dbsqlc.User) { u.Disabled = false },
}

const otherPassword = "another horse battery"

func userBody(r role.Role) string {
	return `{"name":"New","email":"` + uuid.NewString() + `@example.org","password":"` + password + `","role":"` + string(r) + `"}`
}

func keyBody(scope auth.Permission, owner string) string {
	if owner != "" {
		owner = `,"userId":"` + owner + `"`
	}
	return `{"name":"New","scopes":["` + string(scope) + `"]` + owner + `}`
}

// newSession starts a session of a user, and returns its id.
func (a *api) newSession(t *testing.T, user uuid.UUID) uuid.UUID {
	t.Helper()
	testkit.Session(t, a.Pool, user)
	return queryOne[uuid.UUID](t, a, "SELECT id FROM sessions WHERE user_id = $1 ORDER BY id DESC LIMIT 1", user)
}

// keyOf makes a key of a user, and returns its id.
func (a *api) keyOf(t *testing.T, user uuid.UUID) uuid.UUID {
	t.Helper()
	testkit.Key(t, a.Pool, user, auth.UsersRead)
	return queryOne[uuid.UUID](t, a, "SELECT id FROM keys WHERE user_id = $1 ORDER BY id DESC LIMIT 1", user)
}

// newReset makes a password reset of a user, and returns its token.
func (a *api) newReset(t *testing.T, user uuid.UUID) string {
	t.Helper()
	token := auth.NewResetToken()
	hash := token.Hash()
	a.exec(t, "INSERT INTO password_resets (user_id, hash, expires_at) VALUES ($1, $2, now() + interval '1 hour')", user, hash[:])
	return string(token)
}

// called is a cell of a caller, as a column of the file names it.
func (a *api) called(t *testing.T, table *accessTable, caller string) *accessCell {
	t.Helper()
	c := &accessCell{}
	switch scope, ok := table.keys[caller]; {
	case caller == "anyone":
		c.me = a.user(t, dbsqlc.User{})
		c.api = a.anonymous(t)
	case slices.Contains(role.All, role.Role(caller)):
		c.me = a.user(t, dbsqlc.User{Role: role.Role(caller)})
		c.api = a.as(t, c.me)
	case ok:
		c.me = a.admin(t)
		c.api = a.withKey(t, c.me, scope)
	case caller == "k-all":
		c.me = a.admin(t)
		c.api = a.withKey(t, c.me, auth.Scopes(role.Admin)...)
	case caller == "k-demoted":
		c.me = a.admin(t)
		c.api = a.withKey(t, c.me, auth.Scopes(role.Admin)...)
		// It works, and then somebody else takes the role away.
		if _, err := c.GetUser(t.Context(), c.me.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := a.UpdateUser(t.Context(), c.me.ID, roster.UserUpdate{Role: roster.Ptr(roster.RoleViewer)}); err != nil {
			t.Fatal(err)
		}
		c.me.Role = role.Viewer
	default:
		t.Fatalf("the file has a caller %q, whom nothing stands for", caller)
	}
	c.own = a.newSession(t, c.me.ID)
	return c
}

// TestAccess tries every cell of testdata/access.txt, and holds the file to have all
// operations of the document.
func TestAccess(t *testing.T) {
	t.Parallel()
	table := must(readAccess())(t)
	cases := accessCases()
	a := newAPI(t)
	a.admin(t) // on whom the server can rely
	listed := map[string]bool{}
	for _, op := range table.operations {
		listed[op.id] = true
		t.Run(op.id, func(t *testing.T) {
			t.Parallel()
			for _, row := range op.rows {
				try := cases[op.id+" "+row.what]
				if try == nil {
					t.Errorf("nothing stands for the line %q", row.what)
					continue
				}
				for _, caller := range table.callers {
					t.Run(row.what+"/"+caller, func(t *testing.T) {
						a := &api{Server: a.Server, Client: a.Client, caller: a.caller, token: a.token}
						a.called(t, table, caller).try(t, table, op, row.cells[caller], try)
					})
				}
			}
			if len(op.rows) == 0 {
				t.Error("it has no line")
			}
		})
	}
	for id := range operationsOf(t) {
		if !listed[id] {
			t.Errorf("testdata/access.txt does not have the operation %s", id)
		}
	}
}

// try makes the request of a cell, and looks at what came of it, in the answer and in
// the database.
func (c *accessCell) try(t *testing.T, table *accessTable, op accessOperation, want string, make func(*testing.T, *accessCell) accessRequest) {
	r := make(t, c)
	before := c.state(t)
	got := c.send(t, r.method, r.path, r.body)
	var wantStatus int
	var wantCode roster.ErrorCode
	var wantMissing auth.Permission
	switch {
	case want == "yes":
		wantStatus = op.success
	case want == "401":
		wantStatus, wantCode = 401, roster.ErrorCodeUnauthenticated
	case want == "404":
		wantStatus, wantCode = 404, roster.ErrorCodeNotFound
	case want == "422":
		wantStatus, wantCode = 422, roster.ErrorCodeValidationFailed
	case want == "never":
		wantStatus, wantCode = 403, roster.ErrorCodeForbidden
	case table.missing[want] != "":
		wantStatus, wantCode, wantMissing = 403, roster.ErrorCodeForbidden, table.missing[want]
	default:
		t.Fatalf("the file has a cell %q", want)
	}
	if got.Status != wantStatus {
		t.Fatalf("%s %s %s: got %s, want %s (%d)", r.method, r.path, r.body, got, want, wantStatus)
	}
	if wantCode != "" {
		p := decode[roster.Problem](t, got.Body)
		if p.Code != wantCode || string(wantMissing) != valueOf(p.Permission) {
			t.Errorf("got %s, want %s missing %q", got, wantCode, wantMissing)
		}
		if after := c.state(t); after != before {
			t.Errorf("it was refused, and something changed:\n%s\n%s", before, after)
		}
	}
	// A change has its row in the audit log, and what changes nothing has none.
	var recorded int
	if err := c.Pool.QueryRow(t.Context(), "SELECT count(*) FROM audit WHERE request_id = $1 AND operation = $2", got.Header.Get("X-Request-Id"), op.id).Scan(&recorded); err != nil {
		t.Fatal(err)
	}
	changes := 0
	if want == "yes" && r.method != "GET" {
		changes = 1
	}
	if recorded != changes {
		t.Errorf("%d rows in the audit log, want %d", recorded, changes)
	}
}

// state is all of the database that the cell can have changed.
func (c *accessCell) state(t *testing.T) (text string) {
	t.Helper()
	err := c.Pool.QueryRow(t.Context(), `
		SELECT concat_ws(E'\n',
			(SELECT u::text FROM users u WHERE u.id = $1),
			(SELECT c::text FROM credentials c WHERE c.user_id = $1),
			(SELECT string_agg(concat(s.id, s.expires_at), ' ' ORDER BY s.id) FROM sessions s WHERE s.user_id = $1),
			(SELECT string_agg(concat(k.id, k.name, k.scopes), ' ' ORDER BY k.id) FROM keys k WHERE k.user_id = $1),
			(SELECT string_agg(x::text, ' ' ORDER BY x.hash) FROM key_secrets x JOIN keys k ON k.id = x.key_id WHERE k.user_id = $1),
			(SELECT r::text FROM password_resets r WHERE r.user_id = $1))`, c.me.ID).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func valueOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// operationsOf are the operations of the document, by their names.
func operationsOf(t *testing.T) map[string]map[string]any {
	t.Helper()
	c := must(document())(t)
	all := map[string]map[string]any{}
	for _, item := range c.doc["paths"].(map[string]any) {
		for _, op := range item.(map[string]any) {
			if op, ok := op.(map[string]any); ok && op["operationId"] != nil {
				all[op["operationId"].(string)] = op
			}
		}
	}
	return all
}

// TestAccessInTheDocument holds what the document says of who may, as data and in
// words, to the file.
func TestAccessInTheDocument(t *testing.T) {
	t.Parallel()
	table := must(readAccess())(t)
	operations := operationsOf(t)
	scope := func(p auth.Permission) bool { return slices.Contains(slices.Collect(maps.Values(table.keys)), p) }
	for _, op := range table.operations {
		t.Run(op.id, func(t *testing.T) {
			node := operations[op.id]
			if node == nil {
				t.Fatal("the document does not have it")
			}
			// Who is let in by any line, and by the lines of one's own.
			all, own := []string{}, []string{}
			key := false
			for _, r := range role.All {
				for _, row := range op.rows {
					if row.cells[string(r)] == "yes" {
						if op.own == "" || !row.own() {
							all = append(all, string(r))
						} else {
							own = append(own, string(r))
						}
					}
				}
			}
			for _, row := range op.rows {
				for column := range table.keys {
					key = key || row.cells[column] == "yes"
				}
			}
			all, own = slices.Compact(all), slices.Compact(own)

			want := map[string]any{"public": op.permission == anyoneMay}
			var words string
			switch op.permission {
			case anyoneMay:
				words = "Anyone may call it."
			case auth.SignedIn:
				want["roles"], want["keys"] = all, true
				words = "Who may: anyone signed in, and every key."
			default:
				want["permission"], want["roles"], want["keys"] = op.permission, all, scope(op.permission)
				words = fmt.Sprintf("Who may: %s (`%s`)", inWords(all), op.permission)
				if op.own != "" {
					want["own"] = map[string]any{"permission": op.own, "roles": own, "keys": scope(op.own)}
					words += fmt.Sprintf("; for what is one's own, %s (`%s`)", inWords(own), op.own)
				}
				if scope(op.permission) {
					words += fmt.Sprintf("; keys with the scope `%s`.", op.permission)
				} else {
					words += "; never a key."
				}
			}
			if key != (op.permission == anyoneMay || op.permission == auth.SignedIn || scope(op.permission)) {
				t.Errorf("the file's first line and its cells do not agree about keys")
			}
			if got := jsonOf(t, node["x-roster-access"]); got != jsonOf(t, want) {
				t.Errorf("x-roster-access is\n%s, and the file says\n%s", got, jsonOf(t, want))
			}
			if description := node["description"].(string); !strings.HasSuffix(description, "\n\n"+words) {
				t.Errorf("it ends %q, and the file says %q", description, words)
			}
			for _, row := range op.rows {
				for _, cell := range row.cells {
					if p := table.missing[cell]; p == auth.UsersAdmin && !strings.Contains(node["description"].(string), "also takes `users:admin`") {
						t.Fatalf("%s may take %s, which it does not say", row.what, p)
					}
				}
			}
			responses := node["responses"].(map[string]any)
			if _, declared := responses["401"]; declared != (op.permission != anyoneMay || op.id == "signIn") {
				t.Errorf("401 is declared: %v", declared)
			}
			forbidden := false
			for _, row := range op.rows {
				for _, cell := range row.cells {
					forbidden = forbidden || cell == "never" || strings.HasPrefix(cell, "-")
				}
			}
			if _, declared := responses["403"]; forbidden && !declared {
				t.Error("403 is not declared")
			}
			if op.permission == anyoneMay {
				if got := jsonOf(t, node["security"]); got != "[]" {
					t.Errorf("security is %s", got)
				}
			} else if got := jsonOf(t, node["security"]); got != `[{"cookie":[]},{"bearer":[]}]` {
				t.Errorf("security is %s", got)
			}
		})
	}
}

func inWords(roles []string) string {
	if len(roles) == len(role.All) {
		return "every role"
	}
	return strings.Join(roles, " and ")
}

// TestAccessFileBites: a cell that is wrong, a line that is missing and one too many
// are found, or the tests above show nothing.
func TestAccessFileBites(t *testing.T) {
	t.Parallel()
	table := must(readAccess())(t)
	cells, words := 0, map[string]bool{}
	for _, op := range table.operations {
		for _, row := range op.rows {
			for _, cell := range row.cells {
				cells++
				words[cell] = true
			}
		}
	}
	t.Logf("%d operations, %d cells", len(table.operations), cells)
	if cells < 900 || len(words) < 10 {
		t.Errorf("%d cells of %d kinds: the file is not read", cells, len(words))
	}
	tried := map[string]bool{}
	for _, op := range table.operations {
		for _, row := range op.rows {
			if tried[op.id+" "+row.what] {
				t.Errorf("the line %s %s stands twice", op.id, row.what)
			}
			tried[op.id+" "+row.what] = true
		}
	}
	for name := range accessCases() {
		// A replacement cannot leave the same, nor disable; an admin is one already.
		unsaid := strings.HasPrefix(name, "replaceUser") && (strings.HasSuffix(name, "nothing") || strings.HasSuffix(name, "able")) ||
			strings.HasSuffix(name, "an admin: to admin") || name == "setPassword an editor" ||
			name == "updateUser oneself: enable" || name == "updateUser an editor: nothing"
		if !tried[name] && !unsaid {
			t.Errorf("the file has no line for %s", name)
		}
	}
	for _, broken := range []string{"listUsers 200 users:read\n  everyone  yes", "callers a b\nlistUsers 200 users:read\n  everyone  yes", "listUsers users:read", "listUsers ok users:read"} {
		if _, err := parseAccess(broken); err == nil {
			t.Errorf("%q is read", broken)
		}
	}
}

// TestEndedCredentials: what has ended is nobody, for every operation.
func TestEndedCredentials(t *testing.T) {
	t.Parallel()
	table := must(readAccess())(t)
	cases := accessCases()
	a := newAPI(t)
	a.admin(t)
	ended := map[string]string{
		"a disabled user's":  "UPDATE users SET disabled = true WHERE id = $1",
		"a deleted user's":   "DELETE FROM users WHERE id = $1",
		"expired":            "UPDATE sessions SET expires_at = now() WHERE user_id = $1",
		"idle":               "UPDATE sessions SET last_used_at = now() - interval '61 minutes' WHERE user_id = $1",
		"a key that expired": "UPDATE keys SET expires_at = now() WHERE user_id = $1",
		"an old secret":      "UPDATE key_secrets SET expires_at = now() FROM keys k WHERE k.id = key_id AND k.user_id = $1",
	}
	for name, end := range ended {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, op := range table.operations {
				if op.permission == anyoneMay {
					continue
				}
				me := a.admin(t)
				c := &accessCell{api: a.as(t, me), me: me}
				if strings.Contains(name, "key") || strings.Contains(name, "secret") {
					c.api = a.withKey(t, me, auth.Scopes(role.Admin)...)
				}
				c.own = a.newSession(t, me.ID)
				r := cases[op.id+" "+op.rows[0].what](t, c)
				a.exec(t, end, me.ID)
				got := c.send(t, r.method, r.path, r.body)
				got.wantProblem(t, 401, roster.ErrorCodeUnauthenticated)
				if got.Header.Get("WWW-Authenticate") != `Bearer realm="roster"` {
					t.Errorf("%s: WWW-Authenticate is %q", op.id, got.Header.Get("WWW-Authenticate"))
				}
			}
		})
	}
}

// TestGetSessionSaysWhatOneMay: the permissions that a caller is told are those of the
// file.
func TestGetSessionSaysWhatOneMay(t *testing.T) {
	t.Parallel()
	table := must(readAccess())(t)
	a := newAPI(t)
	a.admin(t)
	want := map[string][]auth.Permission{
		"viewer": {"users:read", "stats:read", "profile", "keys:own"},
		"editor": {"users:read", "users:write", "stats:read", "profile", "keys:own"},
		"admin": {"users:read", "users:write", "users:admin", "users:delete", "passwords:reset", "stats:read", "audit:read",
			"sessions:admin", "profile", "keys:own", "keys:admin"},
		"k-all":     {"users:read", "users:write", "users:admin", "users:delete", "passwords:reset", "stats:read", "audit:read", "sessions:admin"},
		"k-demoted": {"users:read", "stats:read"},
	}
	for caller, scope := range table.keys {
		want[caller] = []auth.Permission{scope}
	}
	for _, caller := range table.callers {
		if caller == "anyone" {
			continue
		}
		c := a.called(t, table, caller)
		var said struct {
			UserID      uuid.UUID
			Role        role.Role
			Credential  string
			Permissions []auth.Permission
		}
		got := c.send(t, "GET", "/api/session", "")
		if err := json.Unmarshal(got.Body, &said); err != nil || got.Status != 200 {
			t.Fatalf("%s: %s", caller, got)
		}
		kind := "session"
		if strings.HasPrefix(caller, "k-") {
			kind = "key"
		}
		if !slices.Equal(said.Permissions, want[caller]) || said.UserID != c.me.ID || said.Role != c.me.Role || said.Credential != kind {
			t.Errorf("%s is told %s, want %q", caller, got, want[caller])
		}
	}
}
