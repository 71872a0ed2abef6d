// Package session is the resource /api/session: the session of whoever calls.
package session

import (
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/tally"
)

// Identity is who is calling, by what, and what they may do.
type Identity struct {
	UserID       uuid.UUID         `json:"userId" format:"uuid" doc:"The user who is signed in, or the owner of the key." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`
	Name         string            `json:"name" doc:"That user's name." example:"Ada Lovelace"`
	Email        string            `json:"email" doc:"That user's email." example:"ada@example.org"`
	Role         role.Role         `json:"role"`
	Credential   auth.Kind         `json:"credential"`
	CredentialID uuid.UUID         `json:"credentialId" format:"uuid" doc:"The id of the session or the key." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d22"`
	Permissions  []auth.Permission `json:"permissions" doc:"What the caller may do just now: of a key, what its scopes name and its owner's role has."`
	ExpiresAt    *time.Time        `json:"expiresAt" nullable:"true" doc:"When the session or the key ends at the latest; null: never. A session ends before, when it is idle." example:"2026-03-15T09:26:53.589793Z"`
}

// TransformSchema describes the type in the document.
func (Identity) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "Who is calling, by what, and what they may do."
	return s
}

// Session holds what the operations need.
type Session struct {
	pool      *pgxpool.Pool
	queries   *dbsqlc.Queries
	passwords *auth.Passwords
	verifier  *auth.Verifier
	lifetimes auth.Lifetimes
	limit     limit.SignIn
	failures  *tally.Failures
}

// New makes the resource. For the document alone, all may be nil.
func New(pool *pgxpool.Pool, passwords *auth.Passwords, verifier *auth.Verifier, lifetimes auth.Lifetimes, signIns limit.SignIn, failures *tally.Failures) *Session {
	return &Session{
		pool: pool, queries: dbsqlc.New(pool), passwords: passwords, verifier: verifier, lifetimes: lifetimes,
		limit: signIns, failures: failures,
	}
}

// Register adds the operations to the API.
func (s *Session) Register(api huma.API) {
	s.registerSignIn(api)
	s.registerGet(api)
	s.registerSignOut(api)
}

const tag = "Session"

const noStore = "no-store"
