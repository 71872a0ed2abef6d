package keys

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

// DELETE /api/keys/{id}
func (k *Keys) registerRevoke(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID:   "revokeKey",
		Method:        http.MethodDelete,
		Path:          "/api/keys/{id}",
		DefaultStatus: http.StatusNoContent,
		Summary:       "Revoke a key",
		Description:   "Ends a key and all its secrets, for good, within a second everywhere.",
		Tags:          []string{tag},
		Responses:     problem.Responses(problem.NotFound),
	}, func(ctx context.Context, in *ByID) (*struct{}, error) {
		if err := k.Revoke(ctx, in.ID, reach(auth.From(ctx))); err != nil {
			return nil, err
		}
		k.verifier.Forget()
		return nil, nil
	})
}

// Revoke ends a key: anybody's, or, with an owner, only one of theirs. A server in
// this process is to be told by its verifier's Forget.
func (k *Keys) Revoke(ctx context.Context, id uuid.UUID, owner *uuid.UUID) error {
	return db.InTx(ctx, k.pool, func(ctx context.Context, q *dbsqlc.Queries) error {
		row, err := q.DeleteKey(ctx, dbsqlc.DeleteKeyParams{ID: id, OwnerID: owner})
		if errors.Is(err, pgx.ErrNoRows) {
			return notFound()
		} else if err != nil {
			return err
		}
		return audit.Record(ctx, q, audit.Change{Operation: "revokeKey", Target: "key", TargetID: id, Before: Key(row)})
	})
}
