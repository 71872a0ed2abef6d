package sessions

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/problem"
)

type revokeInput struct {
	ID uuid.UUID `path:"id" format:"uuid" doc:"The session's id." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d22"`
}

// DELETE /api/sessions/{id}
func (s *Sessions) registerRevoke(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID:   "revokeSession",
		Method:        http.MethodDelete,
		Path:          "/api/sessions/{id}",
		DefaultStatus: http.StatusNoContent,
		Summary:       "End a session",
		Description:   "Ends a session, within a second everywhere; the one that calls too. To callers who may not see it, it is not there.",
		Tags:          []string{tag},
		Responses:     problem.Responses(problem.NotFound),
	}, func(ctx context.Context, in *revokeInput) (*struct{}, error) {
		err := db.InTx(ctx, s.pool, func(ctx context.Context, q *dbsqlc.Queries) error {
			row, err := q.RevokeSession(ctx, dbsqlc.RevokeSessionParams{
				ID: in.ID, UserID: reach(auth.From(ctx)), IdleSeconds: s.idle.Seconds(),
			})
			if errors.Is(err, pgx.ErrNoRows) {
				return problem.New(problem.NotFound, "There is no such session.")
			} else if err != nil {
				return err
			}
			return audit.Record(ctx, q, audit.Change{
				Operation: "revokeSession", Target: target, TargetID: row.ID, Before: Session(row),
			})
		})
		if err != nil {
			return nil, err
		}
		s.verifier.Forget()
		return nil, nil
	})
}
