package session

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/auth"
)

type signOutOutput struct {
	SetCookie string `header:"Set-Cookie" doc:"Makes a browser forget the session." example:"__Host-roster=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"`
}

// DELETE /api/session
func (s *Session) registerSignOut(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID:   "signOut",
		Method:        http.MethodDelete,
		Path:          "/api/session",
		DefaultStatus: http.StatusNoContent,
		Summary:       "Sign out",
		Description:   "Ends the session that calls.",
		Tags:          []string{tag},
	}, func(ctx context.Context, _ *struct{}) (*signOutOutput, error) {
		err := db.InTx(ctx, s.pool, func(ctx context.Context, q *dbsqlc.Queries) error {
			session, err := q.DeleteSession(ctx, auth.From(ctx).ID)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil // somebody was faster
			} else if err != nil {
				return err
			}
			return audit.Record(ctx, q, audit.Change{Operation: "signOut", Target: "session", TargetID: session.ID})
		})
		if err != nil {
			return nil, err
		}
		s.verifier.Forget()
		return &signOutOutput{SetCookie: auth.ClearCookie()}, nil
	})
}
