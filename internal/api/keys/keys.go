// Package keys is the resource /api/keys: what services call with. A key acts for
// its owner, as far as its scopes and the owner's present role go.
package keys

import (
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/idempotency"
)

// Key is a key without its secret, which nobody sees again. It has the columns of
// the table, no more and no less, so that a row becomes one by a conversion.
type Key struct {
	ID         uuid.UUID  `json:"id" format:"uuid" doc:"The key's id: a UUID of version 7." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d23"`
	UserID     uuid.UUID  `json:"userId" format:"uuid" doc:"The user who owns the key. It may do no more than they may just now, and ends with them." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`
	Name       string     `json:"name" minLength:"1" maxLength:"100" doc:"What the key is for, as it was given." example:"Nightly export"`
	Scopes     []string   `json:"scopes" doc:"What the key may do at most."`
	CreatedAt  time.Time  `json:"createdAt" doc:"When the key was made, in UTC." example:"2026-03-14T09:26:53.589793Z"`
	LastUsedAt *time.Time `json:"lastUsedAt" nullable:"true" doc:"When the key was last used, to about a minute; null: never." example:"2026-03-14T10:00:00.25Z"`
	ExpiresAt  *time.Time `json:"expiresAt" nullable:"true" doc:"When the key stops working; null: never." example:"2027-03-14T00:00:00Z"`
}

// TransformSchema describes the type in the document. A row holds scopes as plain
// text, since the generated code stands below package auth.
func (Key) TransformSchema(r huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "A key without its secret."
	s.Properties["scopes"].Items = auth.Scope("").Schema(r)
	return s
}

// KeyCreated is a new key, with its secret.
type KeyCreated struct {
	Key    Key    `json:"key"`
	Secret string `json:"secret" doc:"What the service sends as Authorization: Bearer. It is shown this once." example:"rst_0Jd8tq4yqEw2Zc9bLk7mXn3vRf6sTa1uHg5iPo0YxDe4lQzBw1A"`
}

// TransformSchema describes the type in the document.
func (KeyCreated) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "A new key, with its secret."
	return s
}

// ByID is the part of an input that names a key. It is exported because Huma
// passes over embedded types that are not.
type ByID struct {
	ID uuid.UUID `path:"id" format:"uuid" doc:"The key's id." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d23"`
}

// Keys holds what the operations need.
type Keys struct {
	pool     *pgxpool.Pool
	queries  *dbsqlc.Queries
	verifier *auth.Verifier
	requests *idempotency.Requests
}

// New makes the resource. For the document alone, both may be nil; without a
// server in this process, the verifier.
func New(pool *pgxpool.Pool, verifier *auth.Verifier) *Keys {
	return &Keys{pool: pool, queries: dbsqlc.New(pool), verifier: verifier, requests: idempotency.New(pool, nil)}
}

// Register adds the operations to the API.
func (k *Keys) Register(api huma.API) {
	k.registerList(api)
	k.registerCreate(api)
	k.registerRotate(api)
	k.registerRevoke(api)
}

const tag = "Keys"

const noStore = "no-store"

// reach is whose keys a caller can get at: nil means everyone's. To others a key
// of somebody else is one that is not there.
func reach(caller *auth.Principal) *uuid.UUID {
	if caller.May(auth.KeysAdmin) {
		return nil
	}
	return &caller.UserID
}
