// Package passwordresets is the resource /api/password-resets: tokens by which
// users choose a new password. An admin makes them, see package users.
package passwordresets

import (
	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/limit"
)

// PasswordResets holds what the operations need.
type PasswordResets struct {
	pool      *pgxpool.Pool
	queries   *dbsqlc.Queries
	passwords *auth.Passwords
	verifier  *auth.Verifier
	limit     limit.SignIn
}

// New makes the resource. For the document alone, all may be nil.
func New(pool *pgxpool.Pool, passwords *auth.Passwords, verifier *auth.Verifier, signIns limit.SignIn) *PasswordResets {
	signIns.Account = limit.Rate{} // a token that is wrong is nobody's
	return &PasswordResets{pool: pool, queries: dbsqlc.New(pool), passwords: passwords, verifier: verifier, limit: signIns}
}

// Register adds the operations to the API.
func (p *PasswordResets) Register(api huma.API) {
	p.registerRedeem(api)
}

const tag = "Password resets"
