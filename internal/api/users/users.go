// Package users is the resource /api/users: the people and accounts that Roster
// keeps. Each operation is a file named by its verb.
package users

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/email"
	"github.com/roster-api/roster/internal/etag"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/role"
)

// User is a user as everyone who may see users sees them. It has the columns of
// the table, no more and no less, so that a row becomes one by a conversion.
type User struct {
	ID        uuid.UUID `json:"id" format:"uuid" doc:"The user's id: a UUID of version 7, so that ids sort by age." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`
	Name      string    `json:"name" minLength:"1" maxLength:"100" doc:"The name, as it was given." example:"Ada Lovelace"`
	Email     string    `json:"email" format:"idn-email" maxLength:"254" doc:"The email address in its canonical form: NFC, lower case, the domain in A-labels. No two users share one." example:"ada@example.org"`
	Role      role.Role `json:"role"`
	Disabled  bool      `json:"disabled" doc:"A disabled user keeps everything but cannot sign in." example:"false"`
	CreatedAt time.Time `json:"createdAt" doc:"When the user was made, in UTC, to the microsecond." example:"2026-03-14T09:26:53.589793Z"`
	UpdatedAt time.Time `json:"updatedAt" doc:"When the user was last written, in UTC. Every write moves it forward." example:"2026-03-14T09:26:53.589793Z"`
}

// TransformSchema describes the type in the document.
func (User) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "A user, as everyone who may see users sees them."
	return s
}

// Name is a name in a request.
type Name string

// Schema documents the rule.
func (Name) Schema(huma.Registry) *huma.Schema {
	shortest, longest := 1, 100
	s := &huma.Schema{
		Type: huma.TypeString, MinLength: &shortest, MaxLength: &longest,
		Description: "1 to 100 characters, not all of them blank. Kept as it is given.",
		Examples:    []any{"Ada Lovelace"},
	}
	s.PrecomputeMessages()
	return s
}

// Resolve refuses a name that shows nothing.
func (n *Name) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	visible := func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }
	if *n != "" && !strings.ContainsFunc(string(*n), visible) {
		return []error{&huma.ErrorDetail{Location: prefix.String(), Message: "blank|must not be blank"}}
	}
	return nil
}

// ByID is the part of an input that names a user. It is exported because Huma
// passes over embedded types that are not.
type ByID struct {
	ID uuid.UUID `path:"id" format:"uuid" doc:"The user's id." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`
}

// single is the answer that holds one user.
type single struct {
	ETag string `header:"ETag" doc:"The version of the user, for If-Match and If-None-Match." example:"\"hgn9nkcdup\""`
	Body User
}

func found(row dbsqlc.User) *single {
	return &single{ETag: etag.Of(row.UpdatedAt), Body: User(row)}
}

// Users holds what the operations need.
type Users struct {
	pool      *pgxpool.Pool
	queries   *dbsqlc.Queries
	passwords *auth.Passwords
}

// New makes the resource. For the document alone, pool may be nil.
func New(pool *pgxpool.Pool, passwords *auth.Passwords) *Users {
	return &Users{pool: pool, queries: dbsqlc.New(pool), passwords: passwords}
}

// Register adds the operations to the API.
func (u *Users) Register(api huma.API) {
	u.registerList(api)
	u.registerCreate(api)
	u.registerGet(api)
	u.registerReplace(api)
	u.registerUpdate(api)
	u.registerDelete(api)
}

const tag = "Users"

// written turns the result of a conditional write into an answer. No row means
// that the user does not exist, or that the condition did not hold.
func (u *Users) written(ctx context.Context, id uuid.UUID, row dbsqlc.User, err error) (*single, error) {
	switch {
	case err == nil:
		return found(row), nil
	case errors.Is(err, pgx.ErrNoRows):
		return nil, u.notWritten(ctx, id)
	default:
		return nil, refused(err)
	}
}

func (u *Users) notWritten(ctx context.Context, id uuid.UUID) error {
	exists, err := u.queries.UserExists(ctx, id)
	switch {
	case err != nil:
		return err
	case exists:
		return problem.New(problem.PreconditionFailed, "")
	default:
		return problem.New(problem.NotFound, "There is no such user.")
	}
}

// refused names the rules that the database holds.
func refused(err error) error {
	switch {
	case db.Violates(err, "users_email_key"):
		return problem.New(problem.EmailTaken, "")
	case db.Violates(err, "users_last_admin"):
		return problem.New(problem.LastAdmin, "")
	default:
		return err
	}
}

// text is the plain form of an optional address or name.
func text[T email.Address | Name](s *T) *string {
	if s == nil {
		return nil
	}
	plain := string(*s)
	return &plain
}
