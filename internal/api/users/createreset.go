package users

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

// resetLifetime is how long the token of a password reset holds: the time to send
// a link and to open it.
const resetLifetime = time.Hour

// PasswordReset is a token by which a user chooses a new password.
type PasswordReset struct {
	Token     string    `json:"token" doc:"The token, for a link to the user; see redeemPasswordReset. It is shown this once and holds once." example:"rsr_0Jd8tq4yqEw2Zc9bLk7mXn3vRf6sTa1uHg5iPo0YxDe4lQzBw1A"`
	ExpiresAt time.Time `json:"expiresAt" doc:"When the token ends, in UTC: an hour from now." example:"2026-03-14T10:26:53.589793Z"`
}

// TransformSchema describes the type in the document.
func (PasswordReset) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "A token by which a user chooses a new password, once."
	return s
}

type createResetInput struct {
	ByID
}

type createResetOutput struct {
	CacheControl string `header:"Cache-Control" doc:"Nobody may keep the answer." example:"no-store"`
	Body         PasswordReset
}

// POST /api/users/{id}/password-reset
func (u *Users) registerCreateReset(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID:   "createPasswordReset",
		Method:        http.MethodPost,
		Path:          "/api/users/{id}/password-reset",
		DefaultStatus: http.StatusCreated,
		Summary:       "Let a user choose a new password",
		Description:   "Makes a token by which the user chooses a new password; give it to them in a link. The newest one of a user is the only one that holds. Until it is redeemed, the password and the sessions stay as they are. For an admin it also takes `users:admin`.",
		Tags:          []string{tag},
		Metadata:      limit.Declare(limit.Per("60/1m", limit.ByCaller)),
		Responses:     problem.Responses(problem.NotFound),
	}, func(ctx context.Context, in *createResetInput) (*createResetOutput, error) {
		token := auth.NewResetToken()
		hash := token.Hash()
		out := &createResetOutput{CacheControl: "no-store", Body: PasswordReset{Token: string(token)}}
		err := db.InTx(ctx, u.pool, func(ctx context.Context, q *dbsqlc.Queries) error {
			user, err := q.LockUser(ctx, in.ID)
			if errors.Is(err, pgx.ErrNoRows) {
				return problem.New(problem.NotFound, "There is no such user.")
			} else if err != nil {
				return err
			}
			if err := mayReset(auth.From(ctx), user); err != nil {
				return err
			}
			out.Body.ExpiresAt, err = q.PutPasswordReset(ctx, dbsqlc.PutPasswordResetParams{
				UserID: user.ID, Hash: hash[:], Seconds: resetLifetime.Seconds(),
			})
			if err != nil {
				return err
			}
			return audit.Record(ctx, q, audit.Change{
				Operation: "createPasswordReset", Target: "password", TargetID: user.ID,
				After: map[string]any{"expiresAt": out.Body.ExpiresAt},
			})
		})
		if err != nil {
			return nil, err
		}
		return out, nil
	})
}
