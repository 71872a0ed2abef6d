package keys

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/idempotency"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/name"
	"github.com/roster-api/roster/internal/problem"
)

// MaxYears is how far ahead a key may expire, if it expires.
const MaxYears = 10

// KeyCreate is what it takes to make a key.
type KeyCreate struct {
	Name      name.Name    `json:"name" doc:"What the key is for: 1 to 100 characters, not all of them blank. Kept as it is given." example:"Nightly export"`
	Scopes    []auth.Scope `json:"scopes" minItems:"1" uniqueItems:"true" doc:"What the key may do at most. Its owner's role must have all of it."`
	ExpiresAt *time.Time   `json:"expiresAt,omitempty" doc:"When the key stops working, at most 10 years ahead; without it: never." example:"2027-03-14T00:00:00Z"`
	UserID    *uuid.UUID   `json:"userId,omitempty" format:"uuid" minLength:"36" maxLength:"36" doc:"The user who is to own the key; without it the caller. Another user is for admins to name." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`
}

// TransformSchema describes the type in the document.
func (KeyCreate) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "What it takes to make a key."
	return s
}

type createInput struct {
	idempotency.Key
	Body KeyCreate
}

type createOutput struct {
	Location     string `header:"Location" doc:"The path of the new key, to rotate and to revoke it." example:"/api/keys/019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d23"`
	CacheControl string `header:"Cache-Control" doc:"Nobody may keep the answer." example:"no-store"`
	Body         KeyCreated
}

// POST /api/keys
func (k *Keys) registerCreate(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID:   "createKey",
		Method:        http.MethodPost,
		Path:          "/api/keys",
		DefaultStatus: http.StatusCreated,
		Summary:       "Create a key",
		Description:   "Makes a key for a service and shows its secret, this once. The key may do what its scopes name and its owner's present role has, and ends with its owner. With an Idempotency-Key the request can be sent again when its answer was lost: the key is made once, and since its secret is not kept, secret_not_replayable names it by resourceId and Location, to be rotated or revoked.",
		Tags:          []string{tag},
		Metadata:      limit.Declare(limit.Per("60/1m", limit.ByCaller)),
		Responses:     createResponses(),
	}, func(ctx context.Context, in *createInput) (*createOutput, error) {
		caller := auth.From(ctx)
		if in.Body.UserID == nil {
			in.Body.UserID = &caller.UserID
		}
		if !caller.Own(*in.Body.UserID) && !caller.May(auth.KeysAdmin) {
			return nil, problem.Missing(string(auth.KeysAdmin))
		}
		var made KeyCreated
		earlier, err := k.requests.Do(ctx, in.Key, "createKey", in.Body, func(claim *idempotency.Claim) (err error) {
			made, err = k.create(ctx, in.Body, claim)
			return err
		})
		switch {
		case err != nil:
			return nil, err
		case earlier != nil:
			return nil, earlier.SecretShown(path)
		}
		return &createOutput{Location: path + made.Key.ID.String(), CacheControl: noStore, Body: made}, nil
	})
}

// path is what the path of a key begins with.
const path = "/api/keys/"

func createResponses() map[string]*huma.Response {
	responses := problem.Responses(append(idempotency.Problems, problem.NotFound, problem.SecretNotReplayable)...)
	idempotency.AddLocation(responses, path)
	return responses
}

// Create makes a key from a validated request that names its owner.
func (k *Keys) Create(ctx context.Context, in KeyCreate) (made KeyCreated, err error) {
	return k.create(ctx, in, new(idempotency.Claim))
}

func (k *Keys) create(ctx context.Context, in KeyCreate, claim *idempotency.Claim) (made KeyCreated, err error) {
	err = claim.InTx(ctx, k.pool, func(ctx context.Context, q *dbsqlc.Queries) (idempotency.Outcome, error) {
		made, err = insert(ctx, q, in)
		return idempotency.Outcome{ResourceID: made.Key.ID}, err
	})
	return made, err
}

// insert makes the key, its secret and its row in the audit log, if its owner may
// have such a key.
func insert(ctx context.Context, q *dbsqlc.Queries, in KeyCreate) (KeyCreated, error) {
	owner, err := q.LockKeyOwner(ctx, *in.UserID)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return KeyCreated{}, err
	}
	own := auth.From(ctx).Own(*in.UserID)
	switch gone := err != nil; {
	case own && (gone || owner.User.Disabled): // since the caller was verified
		return KeyCreated{}, problem.New(problem.Unauthenticated, "")
	case gone:
		return KeyCreated{}, problem.New(problem.NotFound, "There is no such user.")
	case owner.User.Disabled:
		return KeyCreated{}, problem.Invalid(problem.Field{Pointer: "/userId", Code: "disabled", Message: "must not be a disabled user"})
	}
	scopes, of := make([]string, len(in.Scopes)), auth.Scopes(owner.User.Role)
	for i, scope := range in.Scopes {
		scopes[i] = string(scope)
		switch has := slices.Contains(of, auth.Permission(scope)); {
		case !has && own:
			return KeyCreated{}, problem.Missing(scopes[i])
		case !has:
			return KeyCreated{}, problem.Invalid(problem.Field{Pointer: "/scopes", Code: "beyond_owner", Message: "must be what the owner's role has"})
		}
	}
	if in.ExpiresAt != nil && (!in.ExpiresAt.After(owner.Now) || in.ExpiresAt.After(owner.Now.AddDate(MaxYears, 0, 0))) {
		return KeyCreated{}, problem.Invalid(problem.Field{Pointer: "/expiresAt", Code: "out_of_range", Message: "must be in the future, at most 10 years ahead"})
	}

	token := auth.NewKeyToken()
	hash := token.Hash()
	row, err := q.CreateKey(ctx, dbsqlc.CreateKeyParams{
		Hash: hash[:], ID: uuid.Must(uuid.NewV7()), UserID: *in.UserID,
		Name: string(in.Name), Scopes: scopes, ExpiresAt: in.ExpiresAt,
	})
	if err != nil {
		return KeyCreated{}, err
	}
	made := KeyCreated{Key: Key(row), Secret: string(token)}
	return made, audit.Record(ctx, q, audit.Change{Operation: "createKey", Target: "key", TargetID: row.ID, After: made.Key})
}

// Check validates a request that did not come over HTTP.
func (in *KeyCreate) Check() error {
	encoded, err := json.Marshal(in)
	if err != nil {
		return err
	}
	var body any
	if err := json.Unmarshal(encoded, &body); err != nil {
		return err
	}
	errs := huma.NewModelValidator().Validate(reflect.TypeFor[KeyCreate](), body)
	if strings.ContainsFunc(string(in.Name), unicode.IsControl) { // over HTTP the decoder refuses it
		errs = append(errs, &huma.ErrorDetail{Location: "body.name", Message: "control_character|must not contain control characters"})
	}
	errs = append(errs, in.Name.Resolve(nil, huma.NewPathBuffer([]byte("body.name"), len("body.name")))...)
	if len(errs) > 0 {
		return problem.From(errs[0])
	}
	return nil
}
