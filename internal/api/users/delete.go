package users

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/roster-api/roster/db/dbsqlc"
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
		Description:   "Removes a user and all that belongs to them, for good. With If-Match, only while the user has not changed.",
		Tags:          []string{tag},
		Responses:     problem.Responses(problem.NotFound, problem.LastAdmin, problem.PreconditionFailed),
	}, func(ctx context.Context, in *deleteInput) (*struct{}, error) {
		deleted, err := u.queries.DeleteUser(ctx, dbsqlc.DeleteUserParams{ID: in.ID, IfMatch: in.Versions()})
		if err != nil {
			return nil, refused(err)
		}
		if deleted == 0 {
			return nil, u.notWritten(ctx, in.ID)
		}
		return nil, nil
	})
}
