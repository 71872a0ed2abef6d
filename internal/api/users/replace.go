package users

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/email"
	"github.com/roster-api/roster/internal/etag"
	"github.com/roster-api/roster/internal/name"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/role"
)

// UserReplace is a whole user, as far as a caller may set it.
type UserReplace struct {
	Name  name.Name     `json:"name" doc:"1 to 100 characters, not all of them blank. Kept as it is given." example:"Ada Lovelace"`
	Email email.Address `json:"email" doc:"The email address, in any form; it is kept in its canonical one." example:"ada@example.org"`
	Role  role.Role     `json:"role"`
}

// TransformSchema describes the type in the document.
func (UserReplace) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "A whole user, as far as a caller may set it."
	return s
}

type replaceInput struct {
	ByID
	etag.IfMatch
	Body UserReplace
}

// PUT /api/users/{id}
func (u *Users) registerReplace(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "replaceUser",
		Method:      http.MethodPut,
		Path:        "/api/users/{id}",
		Summary:     "Replace a user",
		Description: "Sets name, email and role; all three are needed. For an admin, and to make a user one, it also takes `users:admin`; nobody changes their own role. With If-Match, only while the user has not changed.",
		Tags:        []string{tag},
		Responses:   problem.Responses(problem.NotFound, problem.EmailTaken, problem.LastAdmin, problem.PreconditionFailed),
	}, func(ctx context.Context, in *replaceInput) (*single, error) {
		return u.change(ctx, "replaceUser", in.ID, in.IfMatch, func(user *dbsqlc.User) {
			user.Name, user.Email, user.Role = string(in.Body.Name), string(in.Body.Email), in.Body.Role
		})
	})
}
