package users_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/api/users"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// caller is one of all kinds of callers.
type caller struct {
	name string
	*auth.Principal
}

// callers are a session of each role, and a key of each role with each set of the
// scopes that matter here; all of one user, whose id is self.
func callers(t *testing.T) (all []caller, self uuid.UUID) {
	t.Helper()
	pool := testkit.Pool(t)
	verifier := auth.NewVerifier(pool, auth.Lifetimes{Idle: time.Hour, Max: time.Hour}, slog.New(slog.DiscardHandler))
	user := testkit.User(t, pool, dbsqlc.User{})
	testkit.User(t, pool, dbsqlc.User{Role: role.Admin}) // so that nobody is the last one
	scopes := []auth.Permission{auth.UsersWrite, auth.UsersAdmin, auth.UsersDelete, auth.PasswordsReset}
	for _, r := range role.All {
		if _, err := pool.Exec(t.Context(), "UPDATE users SET role = $1 WHERE id = $2", string(r), user.ID); err != nil {
			t.Fatal(err)
		}
		add := func(name, token string) {
			p, err := verifier.Verify(t.Context(), token)
			if err != nil || p == nil {
				t.Fatalf("%s: %v, %v", name, p, err)
			}
			all = append(all, caller{name, p})
		}
		add("a session of a "+string(r), testkit.Session(t, pool, user.ID))
		for set := range 1 << len(scopes) {
			var of []auth.Permission
			for i, scope := range scopes {
				if set&(1<<i) != 0 {
					of = append(of, scope)
				}
			}
			add(fmt.Sprintf("a key of a %s with %q", r, of), testkit.Key(t, pool, user.ID, of...))
		}
	}
	return all, user.ID
}

// states are all that a user can be, as far as the rules go.
func states(id uuid.UUID) []dbsqlc.User {
	var all []dbsqlc.User
	for _, r := range role.All {
		for _, disabled := range []bool{false, true} {
			for _, email := range []string{"ada@example.org", "eve@example.org"} {
				for _, name := range []string{"Ada", "Eve"} {
					all = append(all, dbsqlc.User{ID: id, Role: r, Disabled: disabled, Email: email, Name: name})
				}
			}
		}
	}
	return all
}

// missing is the permission that a refusal names; ok says that there is none.
func missing(t *testing.T, err error) (permission auth.Permission, ok bool) {
	t.Helper()
	var e *problem.Error
	switch {
	case err == nil:
		return "", true
	case !errors.As(err, &e) || e.Code != problem.Forbidden:
		t.Fatalf("got %v, want forbidden", err)
	}
	return auth.Permission(e.Permission), false
}

// TestMayMake tries every caller with every change of every user, and holds what
// comes of it to the rules in other words than those of the code.
func TestMayMake(t *testing.T) {
	t.Parallel()
	all, self := callers(t)
	allowed, refused := 0, 0
	for _, id := range []uuid.UUID{self, uuid.New()} {
		for _, before := range states(id) {
			for _, after := range states(id) {
				for _, c := range all {
					if id == self && before.Role != c.Role {
						continue // that is another caller
					}
					_, ok := missing(t, users.MayMake(c.Principal, before, after))
					if _, change := missing(t, users.MayChange(c.Principal, id)); !change {
						ok = false
					}
					if ok {
						allowed++
					} else {
						refused++
					}
					write, admin := c.May(auth.UsersWrite), c.May(auth.UsersAdmin)
					renamed := before
					renamed.Name = after.Name
					ownName := id == self && c.Kind == auth.SessionKind && renamed == after
					ownRole := id == self && before.Role != after.Role
					// What may never be, but for one's own name.
					for rule, broken := range map[string]bool{
						"nobody changes their own role": ownRole,
						"only admins make admins":       !admin && after.Role == role.Admin,
						"only admins change admins":     !admin && before.Role == role.Admin,
						"only admins disable":           !admin && before.Disabled != after.Disabled,
						"only writers write":            !write,
					} {
						if broken && ok && !ownName {
							t.Errorf("%s: %s made %+v of %+v", rule, c.name, after, before)
						}
					}
					// What must be.
					plain := before.Role != role.Admin && after.Role != role.Admin && before.Disabled == after.Disabled
					may := ownName || write && (admin || plain) && !ownRole
					if may && !ok {
						t.Errorf("%s may not make %+v of %+v", c.name, after, before)
					}
				}
			}
		}
	}
	t.Logf("%d changes are allowed, %d refused", allowed, refused)
	if allowed < 1000 || refused < 1000 {
		t.Error("too few to show anything")
	}
}

// A refusal names the permission that would help; where none would, it names none.
func TestRefusalsNameThePermission(t *testing.T) {
	t.Parallel()
	all, self := callers(t)
	for _, id := range []uuid.UUID{self, uuid.New()} {
		for _, before := range states(id) {
			for _, after := range states(id) {
				for _, c := range all {
					if id == self && before.Role != c.Role {
						continue
					}
					permission, ok := missing(t, users.MayMake(c.Principal, before, after))
					switch {
					case ok:
					case permission == "" && (id != self || before.Role == after.Role):
						t.Errorf("%s made %+v of %+v: the refusal names no permission", c.name, after, before)
					case permission != "" && c.May(permission):
						t.Errorf("%s has %s, which is said to be missing", c.name, permission)
					}
				}
			}
		}
	}
}

func TestMayOthers(t *testing.T) {
	t.Parallel()
	all, _ := callers(t)
	for _, c := range all {
		for _, r := range role.All {
			u := dbsqlc.User{ID: uuid.New(), Role: r}
			want := r != role.Admin || c.May(auth.UsersAdmin)
			for rule, err := range map[string]error{
				"delete": users.MayRemove(c.Principal, u), "reset": users.MayReset(c.Principal, u), "create": users.MayCreate(c.Principal, r),
			} {
				permission, ok := missing(t, err)
				if ok != want || !ok && permission != auth.UsersAdmin {
					t.Errorf("%s, %s a %s: %v, missing %q", c.name, rule, r, ok, permission)
				}
			}
		}
	}
}
