package keys

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

// KeyRotate says how to rotate a key.
type KeyRotate struct {
	// A pointer, so that a 0 is not taken for the default.
	OverlapSeconds *int32 `json:"overlapSeconds,omitempty" minimum:"0" maximum:"604800" default:"86400" doc:"How many seconds the secrets of before still work; 0: none." example:"3600"`
}

// TransformSchema describes the type in the document.
func (KeyRotate) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "How to rotate a key."
	return s
}

// KeyRotated is a key with its new secret.
type KeyRotated struct {
	Key               Key        `json:"key"`
	Secret            string     `json:"secret" doc:"The new secret, which the service sends as Authorization: Bearer. It is shown this once." example:"rst_0Jd8tq4yqEw2Zc9bLk7mXn3vRf6sTa1uHg5iPo0YxDe4lQzBw1A"`
	PreviousExpiresAt *time.Time `json:"previousExpiresAt,omitempty" doc:"When the last of the secrets of before stops working; missing where none works any more." example:"2026-03-15T09:26:53.589793Z"`
}

// TransformSchema describes the type in the document.
func (KeyRotated) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "A key with its new secret."
	return s
}

type rotateInput struct {
	ByID
	Body KeyRotate
}

type rotateOutput struct {
	CacheControl string `header:"Cache-Control" doc:"Nobody may keep the answer." example:"no-store"`
	Body         KeyRotated
}

// POST /api/keys/{id}/rotate
func (k *Keys) registerRotate(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID:   "rotateKey",
		Method:        http.MethodPost,
		Path:          "/api/keys/{id}/rotate",
		DefaultStatus: http.StatusCreated,
		Summary:       "Give a key a new secret",
		Description:   "Makes a new secret for a key and shows it, this once. The secrets of before work for a while longer, so that a service can change over; they never work for longer than they would have. An expired key is not rotated: make a new one.",
		Tags:          []string{tag},
		Metadata:      limit.Declare(limit.Per("60/1m", limit.ByCaller)),
		Responses:     problem.Responses(problem.NotFound),
	}, k.rotate)
}

func (k *Keys) rotate(ctx context.Context, in *rotateInput) (*rotateOutput, error) {
	overlap := *in.Body.OverlapSeconds
	token := auth.NewKeyToken()
	hash := token.Hash()
	out := &rotateOutput{CacheControl: noStore, Body: KeyRotated{Secret: string(token)}}
	err := db.InTx(ctx, k.pool, func(ctx context.Context, q *dbsqlc.Queries) error {
		row, err := q.LockKey(ctx, dbsqlc.LockKeyParams{ID: in.ID, OwnerID: reach(auth.From(ctx))})
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return notFound()
		case err != nil:
			return err
		case row.Expired:
			return problem.New(problem.NotFound, "The key has expired; make a new one.")
		}
		out.Body.Key = Key(row.Key)
		if out.Body.PreviousExpiresAt, err = retire(ctx, q, row.Key, overlap); err != nil {
			return err
		}
		if err := q.AddKeySecret(ctx, dbsqlc.AddKeySecretParams{Hash: hash[:], KeyID: in.ID}); err != nil {
			return err
		}
		return audit.Record(ctx, q, audit.Change{
			Operation: "rotateKey", Target: "key", TargetID: in.ID, After: map[string]any{"overlapSeconds": overlap},
		})
	})
	if err != nil {
		return nil, err
	}
	k.verifier.Forget()
	return out, nil
}

// retire ends the secrets that a key has, and says when the last of them does
// where that is not now.
func retire(ctx context.Context, q *dbsqlc.Queries, key dbsqlc.Key, overlap int32) (*time.Time, error) {
	if overlap == 0 {
		return nil, q.DeleteKeySecrets(ctx, key.ID)
	}
	ends, err := q.ExpireKeySecrets(ctx, dbsqlc.ExpireKeySecretsParams{KeyID: key.ID, Seconds: float64(overlap)})
	if err != nil {
		return nil, err
	}
	if key.ExpiresAt != nil && key.ExpiresAt.Before(ends) {
		ends = *key.ExpiresAt
	}
	return &ends, nil
}

func notFound() error { return problem.New(problem.NotFound, "There is no such key.") }
