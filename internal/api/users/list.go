package users

import (
	"context"
	"net/http"

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
	}, func(ctx context.Context, in *listInput) (*listOutput, error) {
		// Whoever may list users sees the same of them.
		return u.lists.Ask(ctx, in.Query(), func(ctx context.Context) (*listOutput, error) { return u.list(ctx, in) })
	})
}

func (u *Users) list(ctx context.Context, in *listInput) (*listOutput, error) {
	place, err := in.Place(string(in.Sort), string(in.Role), string(in.Email), in.Q)
	if err != nil {
		return nil, err
	}
	query := db.UserList{
		Email: string(in.Email), Search: in.Q,
		Sort: db.UserSort(in.Sort), Limit: int(in.Limit), Offset: place.Offset, Back: place.Back,
	}
	if in.Role != "" {
		query.Role = &in.Role
	}
	if at := place.From; at != nil {
		query.From = &db.UserPosition{CreatedAt: at.Time, Text: at.Text, ID: at.ID}
	}
	found, err := db.ListUsers(ctx, u.pool, query)
	if err != nil {
		return nil, err
	}

	out := &listOutput{}
	out.Body, out.Link = page.Of(place,
		page.Found[dbsqlc.User]{Rows: found.Users, Total: found.Total, Before: found.Before, After: found.After},
		func(row dbsqlc.User) User { return User(row) },
		func(row dbsqlc.User) page.Cursor {
			at := db.PositionOf(query.Sort, row)
			return page.Cursor{Time: at.CreatedAt, Text: at.Text, ID: at.ID}
		})
	return out, nil
}
