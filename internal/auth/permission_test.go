package auth

import (
	"regexp"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/roster-api/roster/internal/role"
)

// Who may do what is tried over HTTP, against a file written by hand, in package
// apitest. Here is what the table itself must be like.
func TestGrants(t *testing.T) {
	t.Parallel()
	word := regexp.MustCompile(`^[a-z]+(:[a-z]+)?$`)
	seen := map[Permission]bool{Public: true, SignedIn: true}
	for _, g := range Grants {
		if seen[g.Permission] || !word.MatchString(string(g.Permission)) || g.Means == "" {
			t.Errorf("the row of %q: it stands twice, or is no word, or says nothing", g.Permission)
		}
		seen[g.Permission] = true
		if !slices.Contains(g.Roles, role.Admin) {
			t.Errorf("%s: an admin has it not", g.Permission)
		}
		// A role has all that one below it has.
		if slices.Contains(g.Roles, role.Viewer) && !slices.Contains(g.Roles, role.Editor) {
			t.Errorf("%s: a viewer has it, and an editor has not", g.Permission)
		}
		for _, r := range g.Roles {
			if !slices.Contains(role.All, r) {
				t.Errorf("%s: there is no role %q", g.Permission, r)
			}
		}
		if GrantOf(g.Permission).Means != g.Means {
			t.Errorf("GrantOf(%s) is another row", g.Permission)
		}
	}
	if len(Grants) >= 31 { // the highest bit is SignedIn's
		t.Errorf("%d rows do not fit a set", len(Grants))
	}
	defer func() {
		if recover() == nil {
			t.Error("a permission without a row passes")
		}
	}()
	GrantOf("users:burn")
}

func TestRules(t *testing.T) {
	t.Parallel()
	for operation, rule := range rules {
		for _, p := range []Permission{rule.Permission, rule.Own} {
			if p != Public && p != SignedIn {
				GrantOf(p) // panics where there is no row
			}
		}
		// What is one's own is for more callers than what is others', or the second
		// permission is there for nothing.
		if rule.Own != Public && len(GrantOf(rule.Own).Roles) <= len(GrantOf(rule.Permission).Roles) {
			t.Errorf("%s: %s is not for more roles than %s", operation, rule.Own, rule.Permission)
		}
		if got, ok := RuleOf(operation); !ok || got != rule {
			t.Errorf("RuleOf(%s) = %v, %v", operation, got, ok)
		}
	}
	if _, ok := RuleOf("burnUsers"); ok {
		t.Error("an operation that there is not has a row")
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for r, want := range map[role.Role][]Permission{
		role.Viewer: {UsersRead, StatsRead},
		role.Editor: {UsersRead, UsersWrite, StatsRead},
		role.Admin:  {UsersRead, UsersWrite, UsersAdmin, UsersDelete, PasswordsReset, StatsRead, AuditRead, SessionsAdmin},
		"owner":     {},
	} {
		if got := Scopes(r); !slices.Equal(got, want) {
			t.Errorf("a key of a %s may have %q, want %q", r, got, want)
		}
	}
}

// A key has what its scopes name, of what a key may have and its owner's role has.
func TestKeyPermissions(t *testing.T) {
	t.Parallel()
	all := []string{}
	for _, g := range Grants {
		all = append(all, string(g.Permission))
	}
	for _, c := range []struct {
		name   string
		owner  role.Role
		scopes []string
		want   []Permission
	}{
		{"no scopes", role.Admin, nil, []Permission{}},
		{"one", role.Admin, []string{"users:delete"}, []Permission{UsersDelete}},
		{"more than the owner has", role.Editor, []string{"users:write", "users:admin", "audit:read"}, []Permission{UsersWrite}},
		{"all that there are, of an admin", role.Admin, all, Scopes(role.Admin)},
		{"all that there are, of a viewer", role.Viewer, all, Scopes(role.Viewer)},
		// Somebody has written to the database.
		{"what no key may have", role.Admin, []string{"profile", "keys:own", "keys:admin", "signed-in", ""}, []Permission{}},
		{"what there is not", role.Admin, []string{"*", "users:*", "users", "USERS:READ", " users:read", "users:read,users:write"}, []Permission{}},
		{"an owner without a role", "owner", all, []Permission{}},
	} {
		p := (&Principal{Kind: KeyKind, Role: c.owner, ID: uuid.New()}).finish(c.scopes)
		if got := p.Permissions(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		for _, g := range Grants {
			if p.May(g.Permission) != slices.Contains(c.want, g.Permission) {
				t.Errorf("%s: May(%s) is %v", c.name, g.Permission, p.May(g.Permission))
			}
		}
		if !p.May(SignedIn) || !p.May(Public) || p.May("users:burn") {
			t.Errorf("%s: a key is signed in, and may not do what there is not", c.name)
		}
	}
}

func TestNobodyMayNothing(t *testing.T) {
	t.Parallel()
	var nobody *Principal
	for _, g := range Grants {
		if nobody.May(g.Permission) {
			t.Errorf("nobody may %s", g.Permission)
		}
	}
	if nobody.May(SignedIn) || nobody.Own(uuid.Nil) {
		t.Error("nobody is signed in, or owns something")
	}
}

// All sessions of a user are one caller; each key is another one.
func TestCallers(t *testing.T) {
	t.Parallel()
	user := uuid.New()
	first := (&Principal{Kind: SessionKind, ID: uuid.New(), UserID: user}).finish(nil)
	second := (&Principal{Kind: SessionKind, ID: uuid.New(), UserID: user}).finish(nil)
	key := (&Principal{Kind: KeyKind, ID: uuid.New(), UserID: user}).finish(nil)
	if first.Caller() != "user:"+user.String() || first.Caller() != second.Caller() || first.CallerID() != user {
		t.Errorf("two sessions of a user are %s and %s", first.Caller(), second.Caller())
	}
	if key.Caller() != "key:"+key.ID.String() || key.CallerID() != key.ID || !key.Own(user) || key.Own(key.ID) {
		t.Errorf("a key is %s", key.Caller())
	}
}
