package users

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/etag"
	"github.com/roster-api/roster/internal/problem"
)

type getInput struct {
	ByID
	etag.IfNoneMatch
}

type getOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the user, for If-Match and If-None-Match." example:"\"hgn9nkcdup\""`
	Body   User
}

// GET /api/users/{id}
func (u *Users) registerGet(api huma.API) {
	responses := problem.Responses(problem.NotFound)
	etag.AddNotModified(responses)
	huma.Register(api, huma.Operation{
		OperationID: "getUser",
		Method:      http.MethodGet,
		Path:        "/api/users/{id}",
		Summary:     "Get a user",
		Description: "Returns one user. With If-None-Match, 304 while the user has not changed.",
		Tags:        []string{tag},
		Responses:   responses,
	}, func(ctx context.Context, in *getInput) (*getOutput, error) {
		row, err := u.byID.Ask(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if row == nil {
			return nil, problem.New(problem.NotFound, "There is no such user.")
		}
		out := &getOutput{Status: http.StatusOK, ETag: etag.Of(row.UpdatedAt), Body: User(*row)}
		if in.Fresh(out.ETag) {
			out.Status = http.StatusNotModified
		}
		return out, nil
	})
}

func (u *Users) get(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]*dbsqlc.User, error) {
	rows, err := u.queries.GetUsers(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[uuid.UUID]*dbsqlc.User, len(rows))
	for i := range rows {
		found[rows[i].ID] = &rows[i]
	}
	return found, nil
}
