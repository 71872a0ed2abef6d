package session

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/problem"
)

type getOutput struct {
	Body Identity
}

// GET /api/session
func (s *Session) registerGet(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "getSession",
		Method:      http.MethodGet,
		Path:        "/api/session",
		Summary:     "Tell who is calling",
		Description: "Returns who is calling, by which session or key, and what they may do.",
		Tags:        []string{tag},
	}, func(ctx context.Context, _ *struct{}) (*getOutput, error) {
		caller := auth.From(ctx)
		row, err := s.identity(ctx, caller)
		if errors.Is(err, pgx.ErrNoRows) { // ended since it was verified
			return nil, problem.New(problem.Unauthenticated, "")
		} else if err != nil {
			return nil, err
		}
		return &getOutput{Body: Identity{
			UserID: row.ID, Name: row.Name, Email: row.Email, Role: row.Role,
			Credential: caller.Kind, CredentialID: caller.ID, Permissions: caller.Permissions(), ExpiresAt: row.ExpiresAt,
		}}, nil
	})
}

func (s *Session) identity(ctx context.Context, caller *auth.Principal) (dbsqlc.GetKeyIdentityRow, error) {
	if caller.Kind == auth.KeyKind {
		return s.queries.GetKeyIdentity(ctx, caller.ID)
	}
	row, err := s.queries.GetSessionIdentity(ctx, caller.ID)
	ends := row.ExpiresAt
	return dbsqlc.GetKeyIdentityRow{ID: row.ID, Name: row.Name, Email: row.Email, Role: row.Role, ExpiresAt: &ends}, err
}
