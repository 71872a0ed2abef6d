package users

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/email"
	"github.com/roster-api/roster/internal/etag"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/role"
)

// UserCreate is what it takes to make a user.
type UserCreate struct {
	Name     Name          `json:"name"`
	Email    email.Address `json:"email" doc:"The email address, in any form; it is kept in its canonical one." example:"ada@example.org"`
	Password string        `json:"password" minLength:"8" maxLength:"128" doc:"The password: 8 to 128 characters. Only a hash of it is kept." example:"correct horse battery"`
	Role     role.Role     `json:"role,omitempty" default:"viewer"`
}

// TransformSchema describes the type in the document.
func (UserCreate) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "What it takes to make a user."
	return s
}

type createInput struct {
	Body UserCreate
}

type createOutput struct {
	Location string `header:"Location" doc:"The path of the new user." example:"/api/users/019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`
	ETag     string `header:"ETag" doc:"The version of the user, for If-Match and If-None-Match." example:"\"hgn9nkcdup\""`
	Body     User
}

// POST /api/users
func (u *Users) registerCreate(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID:   "createUser",
		Method:        http.MethodPost,
		Path:          "/api/users",
		DefaultStatus: http.StatusCreated,
		Summary:       "Create a user",
		Description:   "Makes a user, by default a viewer. An email that another user has is refused.",
		Tags:          []string{tag},
		Responses:     problem.Responses(problem.EmailTaken),
	}, func(ctx context.Context, in *createInput) (*createOutput, error) {
		row, err := u.Create(ctx, in.Body)
		if err != nil {
			return nil, err
		}
		return &createOutput{Location: "/api/users/" + row.ID.String(), ETag: etag.Of(row.UpdatedAt), Body: User(row)}, nil
	})
}

// Create makes a user from a validated request.
func (u *Users) Create(ctx context.Context, in UserCreate) (dbsqlc.User, error) {
	// Hashing is the dearest thing that Roster does: no hash for an answer that
	// is known to be no. The constraint still decides between two at once.
	taken, err := u.queries.EmailTaken(ctx, string(in.Email))
	if err != nil {
		return dbsqlc.User{}, err
	}
	if taken {
		return dbsqlc.User{}, problem.New(problem.EmailTaken, "")
	}
	hash, err := u.passwords.Hash(ctx, in.Password)
	if err != nil {
		return dbsqlc.User{}, err
	}
	row, err := u.queries.CreateUser(ctx, dbsqlc.CreateUserParams{
		ID: uuid.Must(uuid.NewV7()), Name: string(in.Name), Email: string(in.Email), Role: in.Role, PasswordHash: hash,
	})
	return row, refused(err)
}

// Check validates a request that did not come over HTTP, and makes its address
// canonical.
func (in *UserCreate) Check() error {
	encoded, err := json.Marshal(in)
	if err != nil {
		return err
	}
	var body any
	if err := json.Unmarshal(encoded, &body); err != nil {
		return err
	}
	errs := huma.NewModelValidator().Validate(reflect.TypeFor[UserCreate](), body)
	at := func(field string) *huma.PathBuffer {
		return huma.NewPathBuffer([]byte("body."+field), len("body."+field))
	}
	for field, text := range map[string]string{"name": string(in.Name), "password": in.Password} {
		// Over HTTP the decoder refuses them.
		if strings.ContainsFunc(text, unicode.IsControl) {
			errs = append(errs, &huma.ErrorDetail{Location: "body." + field, Message: "control_character|must not contain control characters"})
		}
	}
	errs = append(errs, in.Name.Resolve(nil, at("name"))...)
	errs = append(errs, in.Email.Resolve(nil, at("email"))...)
	if len(errs) > 0 {
		return problem.From(errs[0]) // without the value, which may be the password
	}
	return nil
}
