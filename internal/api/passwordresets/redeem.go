package passwordresets

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/problem"
)

// PasswordResetRedeem is a new password, chosen by a token.
type PasswordResetRedeem struct {
	Token       string        `json:"token" maxLength:"1024" doc:"The token that an admin made, see createPasswordReset." example:"rsr_0Jd8tq4yqEw2Zc9bLk7mXn3vRf6sTa1uHg5iPo0YxDe4lQzBw1A"`
	NewPassword auth.Password `json:"newPassword"`
}

// TransformSchema describes the type in the document.
func (PasswordResetRedeem) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "A new password, chosen by a token."
	return s
}

type redeemInput struct {
	Body PasswordResetRedeem
}

// POST /api/password-resets
func (p *PasswordResets) registerRedeem(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID:   "redeemPasswordReset",
		Method:        http.MethodPost,
		Path:          "/api/password-resets",
		DefaultStatus: http.StatusNoContent,
		Summary:       "Choose a new password by a token",
		Description:   "Sets the password of the user whom the token was made for, and uses it up. All sessions of the user end; nobody is signed in by it. A token that is wrong, used up, expired, not the newest or of a disabled user gets one and the same answer. Tries are limited by address, together with those to sign in.",
		Tags:          []string{tag},
		Metadata:      limit.Declare(limit.FailuresByAddress),
		Responses:     problem.Responses(problem.ResetInvalid),
	}, func(ctx context.Context, in *redeemInput) (*struct{}, error) {
		result, giveBack := p.limit.Take(ctx, problem.RequestFrom(ctx).Client, "", time.Now())
		if !result.Allowed {
			return nil, problem.New(problem.RateLimited, "Too many tries with a wrong token; try again after the time in Retry-After.").
				WithRetryAfter(result.RetryAfter)
		}
		err := p.redeem(ctx, in.Body)
		if err == nil || problem.From(err).Code != problem.ResetInvalid {
			giveBack()
		}
		return nil, err
	})
}

func (p *PasswordResets) redeem(ctx context.Context, in PasswordResetRedeem) error {
	invalid := problem.New(problem.ResetInvalid, "")
	token, ok := auth.ParseReset(in.Token)
	if !ok {
		return invalid
	}
	hash := token.Hash()
	id, err := p.queries.FindPasswordReset(ctx, hash[:])
	if errors.Is(err, pgx.ErrNoRows) {
		return invalid // before it costs anything
	} else if err != nil {
		return err
	}
	password, err := p.passwords.Hash(ctx, string(in.NewPassword))
	if err != nil {
		return err
	}
	err = db.InTx(ctx, p.pool, func(ctx context.Context, q *dbsqlc.Queries) error {
		// The user first, as whoever makes a reset does: else two could wait for each other.
		user, err := q.LockUser(ctx, id)
		if errors.Is(err, pgx.ErrNoRows) || user.Disabled {
			return invalid
		} else if err != nil {
			return err
		}
		used, err := q.RedeemPasswordReset(ctx, dbsqlc.RedeemPasswordResetParams{UserID: id, Hash: hash[:]})
		if err != nil {
			return err
		}
		if used == 0 {
			return invalid // somebody was faster
		}
		if err := q.SetPasswordHash(ctx, dbsqlc.SetPasswordHashParams{UserID: id, PasswordHash: password}); err != nil {
			return err
		}
		if _, err := q.DeleteUserSessions(ctx, dbsqlc.DeleteUserSessionsParams{UserID: id}); err != nil {
			return err
		}
		return audit.Record(ctx, q, audit.Change{Operation: "redeemPasswordReset", Target: "password", TargetID: id})
	})
	if err != nil {
		return err
	}
	p.verifier.Forget()
	return nil
}
