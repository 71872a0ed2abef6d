package session

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/email"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/problem"
)

// SignIn is what it takes to sign in. Only upper lengths are checked: any other
// rule would tell what passwords and addresses can be.
type SignIn struct {
	Email    string `json:"email" maxLength:"1024" doc:"The email address, in any form." example:"ada@example.org"`
	Password string `json:"password" maxLength:"1024" doc:"The password." example:"correct horse battery"`
	Token    *bool  `json:"token,omitempty" doc:"Give the session's token in the answer, for callers that are no browser, and set no cookie." example:"false"`
}

// TransformSchema describes the type in the document.
func (SignIn) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "What it takes to sign in."
	return s
}

// SignedIn is a new session.
type SignedIn struct {
	Identity Identity `json:"identity"`
	Token    string   `json:"token,omitempty" doc:"The session's token, if it was asked for: send it as Authorization: Bearer. It is shown this once." example:"rss_0Jd8tq4yqEw2Zc9bLk7mXn3vRf6sTa1uHg5iPo0YxDe4lQzBw1A"`
}

// TransformSchema describes the type in the document.
func (SignedIn) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "A new session."
	return s
}

type signInInput struct {
	UserAgent string `header:"User-Agent" hidden:"true"`
	Body      SignIn
}

type signInOutput struct {
	Location     string `header:"Location" doc:"The path of the session." example:"/api/session"`
	SetCookie    string `header:"Set-Cookie" doc:"The cookie that holds the session, unless its token was asked for." example:"__Host-roster=...; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=Lax"`
	CacheControl string `header:"Cache-Control" doc:"Nobody may keep the answer." example:"no-store"`
	Body         SignedIn
}

// POST /api/session
func (s *Session) registerSignIn(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID:   "signIn",
		Method:        http.MethodPost,
		Path:          "/api/session",
		DefaultStatus: http.StatusCreated,
		Summary:       "Sign in",
		Description:   "Starts a session: a browser gets a cookie, a caller that asks for it a token. A wrong password, an unknown address, a disabled user and one without a password get one and the same answer, after the same time. Tries are limited by address and by account.",
		Tags:          []string{tag},
		Metadata:      limit.Declare(limit.FailuresByAddress, limit.FailuresByAccount),
		Responses:     problem.Responses(problem.SignInFailed),
	}, s.signIn)
}

func (s *Session) signIn(ctx context.Context, in *signInInput) (*signInOutput, error) {
	account, valid := email.Canonical(in.Body.Email)
	if !valid {
		account = strings.ToLower(in.Body.Email)
	}
	result, giveBack := s.limit.Take(ctx, problem.RequestFrom(ctx).Client, account, time.Now())
	if !result.Allowed {
		return nil, problem.New(problem.RateLimited, "Too many tries to sign in; try again after the time in Retry-After.").
			WithRetryAfter(result.RetryAfter)
	}
	token := auth.NewSessionToken()
	var b begun
	for b.session.ID == uuid.Nil {
		found, err := s.check(ctx, account, in.Body.Password)
		if err == nil {
			b, err = s.begin(ctx, found, token, in.UserAgent)
		}
		if err != nil {
			if problem.From(err).Code == problem.SignInFailed {
				s.failures.Add()
			} else {
				giveBack()
			}
			return nil, err
		}
	}
	giveBack()

	out := &signInOutput{Location: "/api/session", CacheControl: noStore, Body: SignedIn{Identity: Identity{
		UserID: b.user.ID, Name: b.user.Name, Email: b.user.Email, Role: b.user.Role,
		Credential: auth.SessionKind, CredentialID: b.session.ID, Permissions: b.principal.Permissions(), ExpiresAt: &b.session.ExpiresAt,
	}}}
	if in.Body.Token != nil && *in.Body.Token {
		out.Body.Token = string(token)
	} else {
		out.SetCookie = auth.SetCookie(token, s.lifetimes.Max)
	}
	return out, nil
}

// begun is a session, and who it makes known.
type begun struct {
	user      dbsqlc.User
	session   dbsqlc.Session
	principal *auth.Principal
}

// begin makes the session, if the password that was checked still is the user's and
// the user is enabled: whoever changes that ends all sessions, and this one would
// outlive it. If not, it makes none, and the password is to be checked again.
func (s *Session) begin(ctx context.Context, checked dbsqlc.GetCredentialRow, token auth.Token, userAgent string) (b begun, err error) {
	err = db.InTx(ctx, s.pool, func(ctx context.Context, q *dbsqlc.Queries) error {
		user, err := q.LockUser(ctx, checked.User.ID)
		if errors.Is(err, pgx.ErrNoRows) || user.Disabled {
			return nil
		} else if err != nil {
			return err
		}
		now, err := q.GetPasswordHash(ctx, user.ID)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && now != *checked.PasswordHash {
			return nil
		} else if err != nil {
			return err
		}
		principal, hash := auth.SessionOf(uuid.Must(uuid.NewV7()), user), token.Hash()
		session, err := q.CreateSession(ctx, dbsqlc.CreateSessionParams{
			Hash: hash[:], ID: principal.ID, UserID: user.ID, Address: problem.RequestFrom(ctx).Address(),
			UserAgent: printable(userAgent, 256), MaxSeconds: s.lifetimes.Max.Seconds(),
		})
		if err != nil {
			return err
		}
		b = begun{user, session, principal}
		return audit.Record(auth.NewContext(ctx, principal), q, audit.Change{Operation: "signIn", Target: "session", TargetID: session.ID})
	})
	return b, err
}

// check returns the user who has this address and password, with the hash that it
// was checked by. Whoever cannot sign in costs one hash too, and gets the same answer.
func (s *Session) check(ctx context.Context, account, password string) (dbsqlc.GetCredentialRow, error) {
	// A flood of sign-ins that cannot be served must not reach the database.
	if err := s.passwords.Crowded(); err != nil {
		return dbsqlc.GetCredentialRow{}, err
	}
	row, err := s.queries.GetCredential(ctx, account)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return dbsqlc.GetCredentialRow{}, err
	}
	if err != nil || row.User.Disabled || row.PasswordHash == nil {
		if err := s.passwords.VerifyNone(ctx, password); err != nil {
			return dbsqlc.GetCredentialRow{}, err
		}
		return dbsqlc.GetCredentialRow{}, problem.New(problem.SignInFailed, "")
	}
	ok, rehash, err := s.passwords.Verify(ctx, password, *row.PasswordHash)
	switch {
	case errors.Is(err, auth.ErrHashRefused):
		return dbsqlc.GetCredentialRow{}, problem.New(problem.SignInFailed, "").WithCause(err)
	case err != nil:
		return dbsqlc.GetCredentialRow{}, err
	case !ok:
		return dbsqlc.GetCredentialRow{}, problem.New(problem.SignInFailed, "")
	}
	if rehash {
		// Where it does not come to it now, the next sign-in does it.
		if hash, err := s.passwords.Hash(ctx, password); err == nil {
			if s.queries.Rehash(ctx, dbsqlc.RehashParams{UserID: row.User.ID, OldHash: *row.PasswordHash, PasswordHash: hash}) == nil {
				row.PasswordHash = &hash
			}
		}
	}
	return row, nil
}

// printable cuts a text that a client made up to what may be shown and kept.
func printable(text string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			continue
		}
		if n++; n > most {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
