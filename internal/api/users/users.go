// Package users is the resource /api/users: the people and accounts that Roster
// keeps. Each operation is a file named by its verb.
package users

import (
	"context"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/batch"
	"github.com/roster-api/roster/internal/etag"
	"github.com/roster-api/roster/internal/idempotency"
	"github.com/roster-api/roster/internal/limit"
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
	verifier  *auth.Verifier
	limit     limit.SignIn
	requests  *idempotency.Requests
	byID      *batch.Asker[uuid.UUID, *dbsqlc.User]
	lists     *batch.Sharer[string, *listOutput] // by the query of the request
	taken     *batch.Asker[string, bool]         // whether a user has an email
}

// askTimeout bounds a question that is asked for many, behind which others wait.
const askTimeout = 2 * time.Second

// How many statements that get users, and how many that read the same page of a list, are
// under way at once. With one, a caller of a database that is far away waits for half a
// round trip more; with each more, a request costs more (docs/figures.md).
const (
	getsAtOnce  = 2
	pagesAtOnce = 4
)

// New makes the resource. For the document alone, all may be nil.
func New(pool *pgxpool.Pool, passwords *auth.Passwords, verifier *auth.Verifier, signIns limit.SignIn) *Users {
	u := &Users{
		pool: pool, queries: dbsqlc.New(pool), passwords: passwords, verifier: verifier, limit: signIns,
		requests: idempotency.New(pool, passwords),
	}
	u.byID = batch.NewAsker(getsAtOnce, askTimeout, u.get)
	u.lists = batch.NewSharer[string, *listOutput](pagesAtOnce)
	u.taken = batch.NewAsker(1, askTimeout, u.emailsTaken)
	return u
}

// Register adds the operations to the API.
func (u *Users) Register(api huma.API) {
	u.registerList(api)
	u.registerCreate(api)
	u.registerGet(api)
	u.registerReplace(api)
	u.registerUpdate(api)
	u.registerDelete(api)
	u.registerSetPassword(api)
	u.registerCreateReset(api)
}

const tag = "Users"

// change writes to a user under a lock, with its row in the audit log: if the
// version is one that the caller accepts, and the caller may make of the user
// what edit makes of them.
func (u *Users) change(ctx context.Context, operation string, id uuid.UUID, accept etag.IfMatch, edit func(*dbsqlc.User)) (*single, error) {
	caller := auth.From(ctx)
	if err := mayChange(caller, id); err != nil {
		return nil, err
	}
	var before, after dbsqlc.User
	err := db.InTx(ctx, u.pool, func(ctx context.Context, q *dbsqlc.Queries) error {
		var err error
		if before, err = lock(ctx, q, id, accept); err != nil {
			return err
		}
		after = before
		edit(&after)
		if err := mayMake(caller, before, after); err != nil {
			return err
		}
		after, err = q.WriteUser(ctx, dbsqlc.WriteUserParams{
			ID: id, Name: after.Name, Email: after.Email, Role: after.Role, Disabled: after.Disabled,
		})
		if err != nil {
			return refused(err)
		}
		if after.Disabled && !before.Disabled {
			// Whoever is enabled again signs in again.
			if _, err := q.DeleteUserSessions(ctx, dbsqlc.DeleteUserSessionsParams{UserID: id}); err != nil {
				return err
			}
		}
		if after.Disabled || after.Role != before.Role {
			// A link that was made for who the user was gives nobody what they are now.
			if err := q.DeletePasswordReset(ctx, id); err != nil {
				return err
			}
		}
		return audit.Record(ctx, q, audit.Change{Operation: operation, Target: "user", TargetID: id, Before: User(before), After: User(after)})
	})
	if err != nil {
		return nil, err
	}
	if after.Role != before.Role || after.Disabled != before.Disabled || after.Email != before.Email {
		u.verifier.Forget()
	}
	return found(after), nil
}

// lock reads a user for writing, if its version is one that the caller accepts.
func lock(ctx context.Context, q *dbsqlc.Queries, id uuid.UUID, accept etag.IfMatch) (dbsqlc.User, error) {
	row, err := q.LockUser(ctx, id)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return row, problem.New(problem.NotFound, "There is no such user.")
	case err != nil:
		return row, err
	case !accept.Holds(row.UpdatedAt):
		return row, problem.New(problem.PreconditionFailed, "")
	}
	return row, nil
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
