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

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/email"
	"github.com/roster-api/roster/internal/etag"
	"github.com/roster-api/roster/internal/idempotency"
	"github.com/roster-api/roster/internal/name"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/role"
)

// UserCreate is what it takes to make a user.
type UserCreate struct {
	Name     name.Name     `json:"name" doc:"1 to 100 characters, not all of them blank. Kept as it is given." example:"Ada Lovelace"`
	Email    email.Address `json:"email" doc:"The email address, in any form; it is kept in its canonical one." example:"ada@example.org"`
	Password auth.Password `json:"password"`
	Role     role.Role     `json:"role,omitempty" default:"viewer"`
}

// TransformSchema describes the type in the document.
func (UserCreate) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "What it takes to make a user."
	return s
}

type createInput struct {
	idempotency.Key
	Body UserCreate
}

type createOutput struct {
	Replayed string `header:"Idempotency-Replayed" doc:"Stands where a request with the same Idempotency-Key was carried out before; the answer is that of then." example:"true"`
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
		Description:   "Makes a user, by default a viewer. An email that another user has is refused. To make an admin it also takes `users:admin`. With an Idempotency-Key the request can be sent again when its answer was lost: the user is made once.",
		Tags:          []string{tag},
		Responses:     problem.Responses(append(idempotency.Problems, problem.EmailTaken)...),
	}, func(ctx context.Context, in *createInput) (*createOutput, error) {
		if err := mayCreate(auth.From(ctx), in.Body.Role); err != nil {
			return nil, err
		}
		request := in.Body
		request.Password = "" // it is compared to its hash
		var row dbsqlc.User
		earlier, err := u.requests.Do(ctx, in.Key, "createUser", request, func(claim *idempotency.Claim) (err error) {
			row, err = u.create(ctx, in.Body, claim)
			return err
		})
		out := &createOutput{Body: User(row)}
		if earlier != nil {
			out.Replayed = idempotency.Replayed
			err = earlier.Answer(ctx, string(in.Body.Password), &out.Body)
		}
		if err != nil {
			return nil, err
		}
		out.Location, out.ETag = "/api/users/"+out.Body.ID.String(), etag.Of(out.Body.UpdatedAt)
		return out, nil
	})
}

// Create makes a user from a validated request.
func (u *Users) Create(ctx context.Context, in UserCreate) (dbsqlc.User, error) {
	return u.create(ctx, in, new(idempotency.Claim))
}

func (u *Users) create(ctx context.Context, in UserCreate, claim *idempotency.Claim) (dbsqlc.User, error) {
	// Hashing is the dearest thing that Roster does: no hash for an answer that
	// is known to be no. The constraint still decides between two at once.
	taken, err := u.taken.Ask(ctx, string(in.Email))
	if err != nil {
		return dbsqlc.User{}, err
	}
	if taken {
		return dbsqlc.User{}, problem.New(problem.EmailTaken, "")
	}
	hash, err := u.passwords.Hash(ctx, string(in.Password))
	if err != nil {
		return dbsqlc.User{}, err
	}
	if !claim.Named() { // then there is one statement only
		return insert(ctx, u.queries, in, hash)
	}
	var row dbsqlc.User
	err = claim.InTx(ctx, u.pool, func(ctx context.Context, q *dbsqlc.Queries) (idempotency.Outcome, error) {
		row, err = insert(ctx, q, in, hash)
		return idempotency.Outcome{ResourceID: row.ID, PasswordHash: hash, Answer: User(row)}, err
	})
	return row, err
}

func (u *Users) emailsTaken(ctx context.Context, emails []string) (map[string]bool, error) {
	found, err := u.queries.EmailsTaken(ctx, emails)
	taken := make(map[string]bool, len(found))
	for _, email := range found {
		taken[email] = true
	}
	return taken, err
}

// CreateFirst makes an admin if none can sign in, and says whether it did. Of any
// number of replicas that start at once, one makes one.
func (u *Users) CreateFirst(ctx context.Context, in UserCreate) (created bool, err error) {
	hash, err := u.passwords.Hash(ctx, string(in.Password))
	if err != nil {
		return false, err
	}
	err = db.InTx(ctx, u.pool, func(ctx context.Context, q *dbsqlc.Queries) error {
		if err := q.LockAdmins(ctx); err != nil {
			return err
		}
		exists, err := q.AnAdminCanSignIn(ctx)
		if err != nil || exists {
			return err
		}
		created = true
		_, err = insert(ctx, q, in, hash)
		return err
	})
	return created && err == nil, err
}

// made is what the audit log keeps of a new user; when that was, its row says.
type made struct {
	ID    uuid.UUID `json:"id"`
	Name  string    `json:"name"`
	Email string    `json:"email"`
	Role  role.Role `json:"role"`
}

// insert makes the user and the row of the audit log in one statement.
func insert(ctx context.Context, q *dbsqlc.Queries, in UserCreate, hash string) (dbsqlc.User, error) {
	user := dbsqlc.User{ID: uuid.Must(uuid.NewV7()), Name: string(in.Name), Email: string(in.Email), Role: in.Role}
	entry, err := audit.Row(ctx, audit.Change{Operation: "createUser", Target: "user", TargetID: user.ID, After: made{user.ID, user.Name, user.Email, user.Role}})
	if err != nil {
		return user, err
	}
	row, err := q.CreateUser(ctx, dbsqlc.CreateUserParams{
		ID: user.ID, Name: user.Name, Email: user.Email, Role: user.Role, PasswordHash: hash,
		AuditID: entry.ID, Actor: entry.Actor, ActorID: entry.ActorID, ActorName: entry.ActorName, Operation: entry.Operation,
		Target: entry.Target, After: entry.After, Address: entry.Address, RequestID: entry.RequestID,
	})
	if err != nil {
		return dbsqlc.User(row), refused(err)
	}
	return dbsqlc.User(row), nil
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
	for field, text := range map[string]string{"name": string(in.Name), "password": string(in.Password)} {
		// Over HTTP the decoder refuses them.
		if strings.ContainsFunc(text, unicode.IsControl) {
			errs = append(errs, &huma.ErrorDetail{Location: "body." + field, Message: "control_character|must not contain control characters"})
		}
	}
	errs = append(errs, in.Name.Resolve(nil, at("name"))...)
	errs = append(errs, in.Email.Resolve(nil, at("email"))...)
	errs = append(errs, in.Password.Resolve(nil, at("password"))...)
	if len(errs) > 0 {
		return problem.From(errs[0]) // without the value, which may be the password
	}
	return nil
}
