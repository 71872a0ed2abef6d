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

// UserUpdate is a merge patch of a user (RFC 7396): what is absent stays. None of
// a user's fields can be removed, so null is refused.
type UserUpdate struct {
	Name     *name.Name     `json:"name,omitempty" doc:"1 to 100 characters, not all of them blank. Kept as it is given." example:"Ada Lovelace"`
	Email    *email.Address `json:"email,omitempty" doc:"The email address, in any form; it is kept in its canonical one." example:"ada@example.org"`
	Role     *role.Role     `json:"role,omitempty"`
	Disabled *bool          `json:"disabled,omitempty" doc:"Whether the user is kept from signing in." example:"true"`
}

// TransformSchema describes the type in the document.
func (UserUpdate) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "A merge patch of a user (RFC 7396): what is absent stays; null is refused."
	return s
}

type updateInput struct {
	ByID
	etag.IfMatch
	Body UserUpdate
}

// PATCH /api/users/{id}
func (u *Users) registerUpdate(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "updateUser",
		Method:      http.MethodPatch,
		Path:        "/api/users/{id}",
		Summary:     "Update a user",
		Description: "Sets the fields that the body has and keeps the others (JSON Merge Patch, RFC 7396); null is refused. For an admin, to make a user one, and to disable or enable a user, it also takes `users:admin`; anyone changes their own name, nobody their own role. With If-Match, only while the user has not changed.",
		Tags:        []string{tag},
		Responses:   problem.Responses(problem.NotFound, problem.EmailTaken, problem.LastAdmin, problem.PreconditionFailed),
	}, func(ctx context.Context, in *updateInput) (*single, error) {
		return u.change(ctx, "updateUser", in.ID, in.IfMatch, func(user *dbsqlc.User) {
			if in.Body.Name != nil {
				user.Name = string(*in.Body.Name)
			}
			if in.Body.Email != nil {
				user.Email = string(*in.Body.Email)
			}
			if in.Body.Role != nil {
				user.Role = *in.Body.Role
			}
			if in.Body.Disabled != nil {
				user.Disabled = *in.Body.Disabled
			}
		})
	})
}
