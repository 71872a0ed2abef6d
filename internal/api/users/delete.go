package users

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/etag"
	"github.com/roster-api/roster/internal/problem"
)

type deleteInput struct {
	ByID
	etag.IfMatch
}

// DELETE /api/users/{id}
func (u *Users) registerDelete(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID:   "deleteUser",
		Method:        http.MethodDelete,
		Path:          "/api/users/{id}",
		DefaultStatus: http.StatusNoContent,
		Summary:       "Delete a user",
		Description:   "Removes a user and all that belongs to them, for good. For an admin it also takes `users:admin`. With If-Match, only while the user has not changed.",
		Tags:          []string{tag},
		Responses:     problem.Responses(problem.NotFound, problem.LastAdmin, problem.PreconditionFailed),
	}, func(ctx context.Context, in *deleteInput) (*struct{}, error) {
		err := db.InTx(ctx, u.pool, func(ctx context.Context, q *dbsqlc.Queries) error {
			user, err := lock(ctx, q, in.ID, in.IfMatch)
			if err != nil {
				return err
			}
			if err := mayRemove(auth.From(ctx), user); err != nil {
				return err
			}
			if err := q.DeleteUser(ctx, in.ID); err != nil {
				return refused(err)
			}
			return audit.Record(ctx, q, audit.Change{
				Operation: "deleteUser", Target: "user", TargetID: in.ID, Before: User(user),
			})
		})
		if err != nil {
			return nil, err
		}
		u.verifier.Forget()
		return nil, nil
	})
}
