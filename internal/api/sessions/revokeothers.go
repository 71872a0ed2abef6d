package sessions

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/auth"
)

// ended is what the audit log keeps of sessions that were ended together.
type ended struct {
	UserID uuid.UUID   `json:"userId"`
	IDs    []uuid.UUID `json:"ids"`
}

// DELETE /api/sessions
func (s *Sessions) registerRevokeOthers(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID:   "revokeOtherSessions",
		Method:        http.MethodDelete,
		Path:          "/api/sessions",
		DefaultStatus: http.StatusNoContent,
		Summary:       "End one's other sessions",
		Description:   "Ends all sessions of the caller but the one that calls, within a second everywhere. It is no error if there are none.",
		Tags:          []string{tag},
	}, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		caller := auth.From(ctx)
		err := db.InTx(ctx, s.pool, func(ctx context.Context, q *dbsqlc.Queries) error {
			rows, err := q.DeleteUserSessions(ctx, dbsqlc.DeleteUserSessionsParams{UserID: caller.UserID, ExceptID: &caller.ID})
			if err != nil || len(rows) == 0 { // nothing was changed
				return err
			}
			before := ended{UserID: caller.UserID}
			for _, row := range rows {
				before.IDs = append(before.IDs, row.ID)
			}
			return audit.Record(ctx, q, audit.Change{Operation: "revokeOtherSessions", Target: target, Before: before})
		})
		if err != nil {
			return nil, err
		}
		s.verifier.Forget()
		return nil, nil
	})
}
