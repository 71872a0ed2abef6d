package keys

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
	UserID uuid.UUID `query:"userId" format:"uuid" doc:"Only keys of this user; without it the caller's own. Those of others are for admins." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`
	All    bool      `query:"all" doc:"The keys of everyone, for admins. Not together with userId." example:"true"`
}

// Resolve refuses a user beside everyone.
func (in *listInput) Resolve(ctx huma.Context) []error {
	errs := in.Params.Resolve(ctx)
	if in.All && in.Has("userId") {
		errs = append(errs, &huma.ErrorDetail{Location: "query.userId", Message: "not_allowed|must not stand beside all"})
	}
	return errs
}

// whose returns the user whose keys are asked for; nil: everyone.
func (in *listInput) whose(caller *auth.Principal) (*uuid.UUID, error) {
	user := &caller.UserID
	switch {
	case in.All:
		user = nil
	case in.Has("userId"):
		user = &in.UserID
	}
	if only := reach(caller); only != nil && (user == nil || *user != *only) {
		return nil, problem.Missing(string(auth.KeysAdmin))
	}
	return user, nil
}

type listOutput struct {
	Link string `header:"Link" doc:"The first, previous and next page, as far as there are any (RFC 8288)." example:"</api/keys?cursor=AQEyAAAB>; rel=\"next\""`
	Body page.Paginated[Key]
}

// GET /api/keys
func (k *Keys) registerList(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "listKeys",
		Method:      http.MethodGet,
		Path:        "/api/keys",
		Summary:     "List keys",
		Description: "Returns a page of keys, the newest first. One that has expired stays in the list for 30 days.",
		Tags:        []string{tag},
	}, k.list)
}

func (k *Keys) list(ctx context.Context, in *listInput) (*listOutput, error) {
	user, err := in.whose(auth.From(ctx))
	if err != nil {
		return nil, err
	}
	of := "all"
	if user != nil {
		of = user.String()
	}
	place, err := in.Place("keys", of)
	if err != nil {
		return nil, err
	}
	query := db.KeyList{UserID: user, Limit: int(in.Limit), Offset: place.Offset, Back: place.Back}
	if at := place.From; at != nil {
		query.From = &db.NewestPosition{CreatedAt: at.Time, ID: at.ID}
	}
	found, err := db.ListKeys(ctx, k.pool, query)
	if err != nil {
		return nil, err
	}

	out := &listOutput{}
	out.Body, out.Link = page.Of(place,
		page.Found[dbsqlc.Key]{Rows: found.Keys, Total: found.Total, Before: found.Before, After: found.After},
		func(row dbsqlc.Key) Key { return Key(row) },
		func(row dbsqlc.Key) page.Cursor { return page.Cursor{Time: row.CreatedAt, ID: row.ID} })
	return out, nil
}
