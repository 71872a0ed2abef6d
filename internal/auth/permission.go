package auth

import (
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/roster-api/roster/internal/role"
)

// Permission is a word for what a caller may do. A key's scopes are permissions.
type Permission string

// The permissions.
const (
	// Public is no permission: anyone may, signed in or not.
	Public Permission = ""
	// SignedIn is asked of any valid credential, a key too.
	SignedIn Permission = "signed-in"

	UsersRead      Permission = "users:read"
	UsersWrite     Permission = "users:write"
	UsersAdmin     Permission = "users:admin"
	UsersDelete    Permission = "users:delete"
	PasswordsReset Permission = "passwords:reset"
	StatsRead      Permission = "stats:read"
	AuditRead      Permission = "audit:read"
	SessionsAdmin  Permission = "sessions:admin"
	Profile        Permission = "profile"
	KeysOwn        Permission = "keys:own"
	KeysAdmin      Permission = "keys:admin"
)

// Grant is a row of the table of permissions.
type Grant struct {
	Permission Permission
	Means      string
	Roles      []role.Role
	Scope      bool // whether a key may have it
}

// Grants says which role has which permission, and which of them a key may be
// given. A key has what its scopes name and its owner's present role still has.
var Grants = []Grant{
	{UsersRead, "List and read users.", []role.Role{role.Admin, role.Editor, role.Viewer}, true},
	{UsersWrite, "Create and change users who are no admins.", []role.Role{role.Admin, role.Editor}, true},
	{UsersAdmin, "Create and change admins, make users admins, disable and enable users.", []role.Role{role.Admin}, true},
	{UsersDelete, "Delete users.", []role.Role{role.Admin}, true},
	{PasswordsReset, "Make links by which users choose a new password.", []role.Role{role.Admin}, true},
	{StatsRead, "Read statistics.", []role.Role{role.Admin, role.Editor, role.Viewer}, true},
	{AuditRead, "Read the audit log.", []role.Role{role.Admin}, true},
	{SessionsAdmin, "List and end the sessions of others.", []role.Role{role.Admin}, true},
	{Profile, "Change one's own name and password, list and end one's own sessions.", []role.Role{role.Admin, role.Editor, role.Viewer}, false},
	{KeysOwn, "Make, list, rotate and revoke one's own keys.", []role.Role{role.Admin, role.Editor, role.Viewer}, false},
	{KeysAdmin, "Make, list, rotate and revoke the keys of others.", []role.Role{role.Admin}, false},
}

// Rule says what an operation asks of its caller.
type Rule struct {
	Permission Permission
	// Own: where the caller's own things are meant, this is enough; the handler
	// knows which they are.
	Own Permission
}

// rules is the table of operations. An operation without a row does not start.
var rules = map[string]Rule{
	"listUsers":   {Permission: UsersRead},
	"createUser":  {Permission: UsersWrite},
	"getUser":     {Permission: UsersRead},
	"replaceUser": {Permission: UsersWrite},
	"updateUser":  {Permission: UsersWrite, Own: Profile},
	"deleteUser":  {Permission: UsersDelete},

	"setPassword":         {Permission: Profile},
	"createPasswordReset": {Permission: PasswordsReset},
	"redeemPasswordReset": {Permission: Public},

	"signIn":     {Permission: Public},
	"getSession": {Permission: SignedIn},
	"signOut":    {Permission: Profile},

	"listSessions":        {Permission: SessionsAdmin, Own: Profile},
	"revokeSession":       {Permission: SessionsAdmin, Own: Profile},
	"revokeOtherSessions": {Permission: Profile},

	"listKeys":  {Permission: KeysAdmin, Own: KeysOwn},
	"createKey": {Permission: KeysOwn},
	"rotateKey": {Permission: KeysAdmin, Own: KeysOwn},
	"revokeKey": {Permission: KeysAdmin, Own: KeysOwn},

	"listAudit": {Permission: AuditRead},
	"getStats":  {Permission: StatsRead},
}

// RuleOf returns the row of an operation.
func RuleOf(operationID string) (Rule, bool) {
	rule, ok := rules[operationID]
	return rule, ok
}

// GrantOf returns the row of a permission.
func GrantOf(p Permission) Grant {
	for _, g := range Grants {
		if g.Permission == p {
			return g
		}
	}
	panic("auth: no row for the permission " + string(p))
}

// Scopes lists the permissions that a key may be given and that a role has.
func Scopes(r role.Role) []Permission {
	scopes := []Permission{}
	for _, g := range Grants {
		if g.Scope && slices.Contains(g.Roles, r) {
			scopes = append(scopes, g.Permission)
		}
	}
	return scopes
}

// Schema makes Permission one component of the document.
func (Permission) Schema(r huma.Registry) *huma.Schema { return register(r, "Permission", "", false) }

// Scope is a permission that a key may have.
type Scope Permission

// Schema makes Scope one component of the document.
func (Scope) Schema(r huma.Registry) *huma.Schema {
	return register(r, "Scope", " Those that a key may have.", true)
}

func register(r huma.Registry, name, more string, scopes bool) *huma.Schema {
	if _, ok := r.Map()[name]; !ok {
		s := &huma.Schema{
			Type:        huma.TypeString,
			Description: "What a caller may do, in a word." + more,
			Examples:    []any{string(UsersRead)},
		}
		for _, g := range Grants {
			if g.Scope || !scopes {
				s.Enum = append(s.Enum, string(g.Permission))
			}
		}
		s.PrecomputeMessages()
		r.Map()[name] = s
	}
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}

// set is a set of permissions: a bit for each row of Grants, and one for SignedIn.
type set uint32

const signedIn set = 1 << 31

func bit(p Permission) set {
	if p == SignedIn {
		return signedIn
	}
	for i := range Grants {
		if Grants[i].Permission == p {
			return 1 << i
		}
	}
	return 0
}

func (s set) has(p Permission) bool { return p == Public || s&bit(p) != 0 }

func (s set) list() []Permission {
	all := []Permission{}
	for i := range Grants {
		if s&(1<<i) != 0 {
			all = append(all, Grants[i].Permission)
		}
	}
	return all
}

func granted(r role.Role) set {
	s := signedIn
	for i, g := range Grants {
		if slices.Contains(g.Roles, r) {
			s |= 1 << i
		}
	}
	return s
}

func scoped(scopes []string) set {
	s := signedIn
	for i, g := range Grants {
		if g.Scope && slices.Contains(scopes, string(g.Permission)) {
			s |= 1 << i
		}
	}
	return s
}
