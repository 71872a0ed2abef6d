package users

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/problem"
)

// PasswordSet is what it takes to change one's own password.
type PasswordSet struct {
	CurrentPassword string        `json:"currentPassword" maxLength:"1024" doc:"The password until now." example:"correct horse battery"`
	NewPassword     auth.Password `json:"newPassword"`
}

// TransformSchema describes the type in the document.
func (PasswordSet) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "What it takes to change one's own password."
	return s
}

type setPasswordInput struct {
	ByID
	Body PasswordSet
}

// PUT /api/users/{id}/password
func (u *Users) registerSetPassword(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID:   "setPassword",
		Method:        http.MethodPut,
		Path:          "/api/users/{id}/password",
		DefaultStatus: http.StatusNoContent,
		Summary:       "Change one's own password",
		Description:   "Sets the caller's own password; it takes the current one. The session that calls stays, all other sessions of the user end, and a password reset that is pending does too. Tries with a wrong password are limited together with those to sign in. For another user, see createPasswordReset.",
		Tags:          []string{tag},
		Metadata:      limit.Declare(limit.FailuresByAddress, limit.FailuresByAccount),
		Responses:     problem.Responses(problem.WrongPassword),
	}, func(ctx context.Context, in *setPasswordInput) (*struct{}, error) {
		caller := auth.From(ctx)
		if !self(caller, in.ID) {
			return nil, problem.New(problem.Forbidden, "Everyone sets their own password only; for another user, an admin makes a password reset.")
		}
		result, giveBack := u.limit.Take(ctx, problem.RequestFrom(ctx).Client, caller.Email, time.Now())
		if !result.Allowed {
			return nil, problem.New(problem.RateLimited, "Too many tries with a wrong password; try again after the time in Retry-After.").
				WithRetryAfter(result.RetryAfter)
		}
		err := u.setPassword(ctx, caller, in.Body)
		if err == nil || problem.From(err).Code != problem.WrongPassword {
			giveBack()
		}
		return nil, err
	})
}

func (u *Users) setPassword(ctx context.Context, caller *auth.Principal, in PasswordSet) error {
	current, err := passwordHash(ctx, u.queries, caller.UserID)
	if err != nil {
		return err
	}
	var hash string
	for done := false; !done; {
		if err := u.checkPassword(ctx, in.CurrentPassword, current); err != nil {
			return err
		}
		if hash == "" { // hashing holds no connection and no lock
			if hash, err = u.passwords.Hash(ctx, string(in.NewPassword)); err != nil {
				return err
			}
		}
		err := db.InTx(ctx, u.pool, func(ctx context.Context, q *dbsqlc.Queries) error {
			if err := lockCaller(ctx, q, caller); err != nil {
				return err
			}
			now, err := passwordHash(ctx, q, caller.UserID)
			if err != nil {
				return err
			}
			if done = now == current; !done {
				// Another change, or the same password hashed again by a sign-in: which
				// of them, only another look at the password can tell.
				current = now
				return nil
			}
			if err := replacePassword(ctx, q, caller, hash); err != nil {
				return err
			}
			return audit.Record(ctx, q, audit.Change{Operation: "setPassword", Target: "password", TargetID: caller.UserID})
		})
		if err != nil {
			return err
		}
	}
	u.verifier.Forget()
	return nil
}

func (u *Users) checkPassword(ctx context.Context, password, hash string) error {
	ok, _, err := u.passwords.Verify(ctx, password, hash)
	switch {
	case errors.Is(err, auth.ErrHashRefused):
		return problem.New(problem.WrongPassword, "").WithCause(err)
	case err != nil:
		return err
	case !ok:
		return problem.New(problem.WrongPassword, "")
	}
	return nil
}

// passwordHash returns the hash of a user's password, or nothing if there is none.
func passwordHash(ctx context.Context, q *dbsqlc.Queries, user uuid.UUID) (string, error) {
	hash, err := q.GetPasswordHash(ctx, user)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return hash, err
}

// lockCaller makes changes to the caller's credentials wait for each other, and
// refuses one whose session has ended since it was verified.
func lockCaller(ctx context.Context, q *dbsqlc.Queries, caller *auth.Principal) error {
	user, err := q.LockUser(ctx, caller.UserID)
	if err == nil && !user.Disabled {
		_, err = q.GetSession(ctx, caller.ID)
	}
	if user.Disabled || errors.Is(err, pgx.ErrNoRows) {
		return problem.New(problem.Unauthenticated, "")
	}
	return err
}

// replacePassword ends whatever the old password gave access to, but for the
// session that calls.
func replacePassword(ctx context.Context, q *dbsqlc.Queries, caller *auth.Principal, hash string) error {
	if err := q.SetPasswordHash(ctx, dbsqlc.SetPasswordHashParams{UserID: caller.UserID, PasswordHash: hash}); err != nil {
		return err
	}
	if err := q.DeletePasswordReset(ctx, caller.UserID); err != nil {
		return err
	}
	_, err := q.DeleteUserSessions(ctx, dbsqlc.DeleteUserSessionsParams{UserID: caller.UserID, ExceptID: &caller.ID})
	return err
}
