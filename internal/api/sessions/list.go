package sessions

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/page"
	"github.com/roster-api/roster/internal/problem"
)

type listInput struct {
	page.Params
	UserID uuid.UUID `query:"userId" format:"uuid" doc:"Only sessions of this user; without it the caller's own. Those of others are for admins. A key has no sessions, so it must name a user, or all." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`
	All    bool      `query:"all" doc:"The sessions of everyone, for admins. Not together with userId." example:"true"`
}

// Resolve refuses a user beside all.
func (in *listInput) Resolve(ctx huma.Context) []error {
	errs := in.Params.Resolve(ctx)
	if in.All && in.Has("userId") {
		errs = append(errs, &huma.ErrorDetail{Location: "query.userId", Message: "not_allowed|must not stand beside all"})
	}
	return errs
}

// whose returns the user whose sessions are asked for; nil: everyone.
func (in *listInput) whose(caller *auth.Principal) (*uuid.UUID, error) {
	user := &caller.UserID
	switch {
	case in.All:
		user = nil
	case in.Has("userId"):
		user = &in.UserID
	case caller.Kind == auth.KeyKind:
		return nil, problem.Invalid(problem.Field{
			Pointer: "/query/userId", Code: "required", Message: "must be given by a key, which has no sessions of its own",
		})
	}
	if only := reach(caller); only != nil && (user == nil || *user != *only) {
		return nil, problem.Missing(string(auth.SessionsAdmin))
	}
	return user, nil
}

type listOutput struct {
	Link string `header:"Link" doc:"The first, previous and next page, as far as there are any (RFC 8288)." example:"</api/sessions?cursor=AQEyAAAB>; rel=\"next\""`
	Body page.Paginated[Session]
}

// GET /api/sessions
func (s *Sessions) registerList(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "listSessions",
		Method:      http.MethodGet,
		Path:        "/api/sessions",
		Summary:     "List sessions",
		Description: "Returns a page of sessions, the newest first: of those that would be let in just now, neither expired nor idle for too long. The caller's own is the one whose id is getSession's credentialId.",
		Tags:        []string{tag},
	}, s.list)
}

func (s *Sessions) list(ctx context.Context, in *listInput) (*listOutput, error) {
	user, err := in.whose(auth.From(ctx))
	if err != nil {
		return nil, err
	}
	of := "all"
	if user != nil {
		of = user.String()
	}
	place, err := in.Place("sessions", of)
	if err != nil {
		return nil, err
	}
	query := db.SessionList{Idle: s.idle, UserID: user, Limit: int(in.Limit), Offset: place.Offset, Back: place.Back}
	if at := place.From; at != nil {
		query.From = &db.NewestPosition{CreatedAt: at.Time, ID: at.ID}
	}
	found, err := db.ListSessions(ctx, s.pool, query)
	if err != nil {
		return nil, err
	}

	out := &listOutput{}
	out.Body, out.Link = page.Of(place,
		page.Found[dbsqlc.Session]{Rows: found.Sessions, Total: found.Total, Before: found.Before, After: found.After},
		func(row dbsqlc.Session) Session { return Session(row) },
		func(row dbsqlc.Session) page.Cursor { return page.Cursor{Time: row.CreatedAt, ID: row.ID} })
	return out, nil
}
