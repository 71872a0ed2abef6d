// Package sessions is the resource /api/sessions: who is signed in, and from where.
package sessions

import (
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/internal/auth"
)

// Session is a session without its token, which nobody sees again. It has the
// columns of the table, no more and no less, so that a row becomes one by a
// conversion. Which one is the caller's own is no column: getSession tells.
type Session struct {
	ID         uuid.UUID `json:"id" format:"uuid" doc:"The session's id: a UUID of version 7. The session that calls is the one whose id is getSession's credentialId." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d22"`
	UserID     uuid.UUID `json:"userId" format:"uuid" doc:"The user who signed in." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`
	Address    string    `json:"address" doc:"The address that signed in." example:"203.0.113.7"`
	UserAgent  string    `json:"userAgent" doc:"What the browser or program that signed in calls itself; anyone can call themselves anything." example:"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"`
	CreatedAt  time.Time `json:"createdAt" doc:"When the user signed in, in UTC." example:"2026-03-14T09:26:53.589793Z"`
	LastUsedAt time.Time `json:"lastUsedAt" doc:"When the session was last used, to about a minute." example:"2026-03-14T10:00:00.25Z"`
	ExpiresAt  time.Time `json:"expiresAt" doc:"When the session ends at the latest. It ends before, when it is idle." example:"2026-03-15T09:26:53.589793Z"`
}

// TransformSchema describes the type in the document.
func (Session) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "A session without its token."
	return s
}

// Sessions holds what the operations need.
type Sessions struct {
	pool     *pgxpool.Pool
	verifier *auth.Verifier
	idle     time.Duration
}

// New makes the resource. For the document alone, all may be nil.
func New(pool *pgxpool.Pool, verifier *auth.Verifier, lifetimes auth.Lifetimes) *Sessions {
	return &Sessions{pool: pool, verifier: verifier, idle: lifetimes.Idle}
}

// Register adds the operations to the API.
func (s *Sessions) Register(api huma.API) {
	s.registerList(api)
	s.registerRevoke(api)
	s.registerRevokeOthers(api)
}

const tag = "Sessions"

// target is what the audit log calls a session, as package session does.
const target = "session"

// reach is whose sessions a caller can get at: nil means everyone's. To others a
// session of somebody else is one that is not there.
func reach(caller *auth.Principal) *uuid.UUID {
	if caller.May(auth.SessionsAdmin) {
		return nil
	}
	return &caller.UserID
}
