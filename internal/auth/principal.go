package auth

import (
	"context"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/role"
)

// Kind is the kind of a credential.
type Kind string

// The kinds.
const (
	SessionKind Kind = "session"
	KeyKind     Kind = "key"
)

// Schema makes Kind one component of the document.
func (Kind) Schema(r huma.Registry) *huma.Schema {
	const name = "Credential"
	if _, ok := r.Map()[name]; !ok {
		s := &huma.Schema{
			Type: huma.TypeString, Enum: []any{string(SessionKind), string(KeyKind)},
			Description: "What a caller shows to be known: a person's session, or a service's key.",
			Examples:    []any{string(SessionKind)},
		}
		s.PrecomputeMessages()
		r.Map()[name] = s
	}
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}

// Principal is who is calling: a user by a session, or a service by a key. It is
// shared by requests and never changes.
type Principal struct {
	// Unconfirmed says that the database is away: the credential held up to ten
	// minutes ago, and so may get what is cached, and nothing else.
	Unconfirmed bool

	Kind   Kind
	ID     uuid.UUID // of the session or the key
	UserID uuid.UUID // the user, or the key's owner
	Email  string    // that user's
	Role   role.Role // that user's
	Name   string    // the key's; empty for a session
	may    set
	label  string
}

// May reports whether the caller has a permission.
func (p *Principal) May(permission Permission) bool {
	return p != nil && p.may.has(permission)
}

// Permissions lists what the caller has, in the order of the table.
func (p *Principal) Permissions() []Permission { return p.may.list() }

// Caller names the caller for limits and logs: "user:" or "key:", and an id. All
// sessions of a user are one caller.
func (p *Principal) Caller() string { return p.label }

// CallerID is the id in Caller.
func (p *Principal) CallerID() uuid.UUID {
	if p.Kind == KeyKind {
		return p.ID
	}
	return p.UserID
}

// Own reports whether a user is the caller, or the owner of the calling key.
func (p *Principal) Own(user uuid.UUID) bool { return p != nil && p.UserID == user }

// SessionOf is a user who has just signed in.
func SessionOf(id uuid.UUID, u dbsqlc.User) *Principal {
	p := &Principal{Kind: SessionKind, ID: id, UserID: u.ID, Email: u.Email, Role: u.Role}
	return p.finish(nil)
}

// finish fills in what follows from the rest.
func (p *Principal) finish(scopes []string) *Principal {
	p.may = granted(p.Role)
	if p.Kind == KeyKind {
		p.may &= scoped(scopes)
		p.label = "key:" + p.ID.String()
	} else {
		p.label = "user:" + p.UserID.String()
	}
	return p
}

// NewContext makes p the caller of what is done with the context; nil: nobody.
func NewContext(ctx context.Context, p *Principal) context.Context {
	r := *problem.RequestFrom(ctx)
	r.Caller = nil
	if p != nil {
		r.Caller = p
	}
	return problem.NewContext(ctx, &r)
}

// From returns the caller, or nil when nobody is known.
func From(ctx context.Context) *Principal {
	p, _ := problem.RequestFrom(ctx).Caller.(*Principal)
	return p
}
