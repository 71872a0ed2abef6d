package users

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/email"
	"github.com/roster-api/roster/internal/page"
	"github.com/roster-api/roster/internal/role"
)

// Sort orders the list of users.
type Sort db.UserSort

// Schema makes Sort one component of the document.
func (Sort) Schema(r huma.Registry) *huma.Schema {
	const name = "UserSort"
	if _, ok := r.Map()[name]; !ok {
		s := &huma.Schema{
			Type:        huma.TypeString,
			Description: "The order of users; - turns it around. Names sort without regard to case, texts by code point.",
			Examples:    []any{"name"},
		}
		for _, sort := range db.UserSorts {
			s.Enum = append(s.Enum, string(sort))
		}
		s.PrecomputeMessages()
		r.Map()[name] = s
	}
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}

type listInput struct {
	page.Params
	Sort  Sort          `query:"sort" default:"-createdAt" doc:"The order."`
	Role  role.Role     `query:"role" doc:"Only users of this role."`
	Email email.Address `query:"email" doc:"Only the user with this address, in any of its forms." example:"ada@example.org"`
	Q     string        `query:"q" minLength:"3" maxLength:"100" doc:"Only users whose name or email contains this text, whatever the case." example:"lovelace"`

	url url.URL
}

// Resolve keeps the request's own query, for the Link header.
func (in *listInput) Resolve(ctx huma.Context) []error {
	in.url = ctx.URL()
	return in.Params.Resolve(ctx)
}

type listOutput struct {
	Link string `header:"Link" doc:"The first, previous and next page, as far as there are any (RFC 8288)." example:"</api/users?cursor=AQEyAAAB>; rel=\"next\""`
	Body page.Paginated[User]
}

// GET /api/users
func (u *Users) registerList(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "listUsers",
		Method:      http.MethodGet,
		Path:        "/api/users",
		Summary:     "List users",
		Description: "Returns a page of users. Walk a list by next: a page by cursor costs the same wherever it is, and rows that come or go meanwhile neither repeat nor hide others.",
		Tags:        []string{tag},
	}, u.list)
}

func (u *Users) list(ctx context.Context, in *listInput) (*listOutput, error) {
	bound := page.Bind(in.Limit, string(in.Sort), string(in.Role), string(in.Email), in.Q)
	query := db.UserList{
		Email: string(in.Email), Search: in.Q,
		Sort: db.UserSort(in.Sort), Limit: int(in.Limit), Offset: in.Offset(),
	}
	if in.Role != "" {
		query.Role = &in.Role
	}
	number := max(in.Page, 1)
	if in.Cursor != "" {
		cursor, err := page.Decode(in.Cursor, bound)
		if err != nil {
			return nil, err
		}
		number, query.Back = cursor.Page, cursor.Back
		if !cursor.Edge {
			query.From = &db.UserPosition{CreatedAt: cursor.Time, Text: cursor.Text, ID: cursor.ID}
		}
	}

	found, err := db.ListUsers(ctx, u.pool, query)
	if err != nil {
		return nil, err
	}

	out := &listOutput{Body: page.Paginated[User]{
		Data: make([]User, len(found.Users)),
		Pagination: page.Pagination{
			Page: number, Limit: in.Limit, Total: found.Total, Pages: page.Pages(found.Total, in.Limit),
		},
	}}
	for i, row := range found.Users {
		out.Body.Data[i] = User(row)
	}
	p := &out.Body.Pagination
	if found.Before {
		p.Prev = beside(found.Users, query.Sort, true, max(number-1, 1), bound)
	}
	if found.After {
		p.Next = beside(found.Users, query.Sort, false, max(number, number+1), bound) // which may overflow
	}
	out.Link = page.Link(in.url.Path, in.url.Query(), *p)
	return out, nil
}

// beside returns the cursor of the page before or after these rows. Beside an
// empty page that is the end, or the start, of the whole list.
func beside(rows []dbsqlc.User, sort db.UserSort, back bool, number int32, bound string) *string {
	cursor := page.Cursor{Page: number, Back: back, Edge: len(rows) == 0}
	if !cursor.Edge {
		edge := rows[len(rows)-1]
		if back {
			edge = rows[0]
		}
		at := db.PositionOf(sort, edge)
		cursor.Time, cursor.Text, cursor.ID = at.CreatedAt, at.Text, at.ID
	}
	text := cursor.Encode(bound)
	return &text
}
