package roster

import (
	"context"
	"iter"

	"github.com/google/uuid"

	"github.com/roster-api/roster/clients/go/gen"
)

// VersionedUser is a user and the version of it that an answer gave.
type VersionedUser struct {
	User

	// ETag names the version, for [IfMatch] and [IfNoneMatch]. It is opaque.
	ETag string `json:"-"`
}

func (u *VersionedUser) version() string {
	if u == nil {
		return ""
	}
	return u.ETag
}

// ListUsers returns a page of users. To walk the whole list, see [Client.Users].
func (c *Client) ListUsers(ctx context.Context, params *ListUsersParams, options ...CallOption) (*PaginatedResponseUser, error) {
	return fetch[PaginatedResponseUser](ctx, c, reading(newCall(gen.NewListUsersRequest(c.server, params)), options))
}

// Users walks all users that params ask for, in their order, from the page that
// params name, else from the first. It reads page by page, by cursor, so that rows
// that come or go meanwhile neither repeat nor hide others; params.Limit is the
// size of a page, not of the walk.
//
// An error, such as the end of ctx, is yielded once and ends the walk. Each range
// over the result is a walk of its own.
func (c *Client) Users(ctx context.Context, params *ListUsersParams, options ...CallOption) iter.Seq2[User, error] {
	return rows(ctx, c.UserPages(ctx, params, options...), func(page *PaginatedResponseUser) []User { return page.Data })
}

// UserPages walks like [Client.Users], a page at a time.
func (c *Client) UserPages(ctx context.Context, params *ListUsersParams, options ...CallOption) iter.Seq2[*PaginatedResponseUser, error] {
	return pages(func(cursor *string) (*PaginatedResponseUser, *Pagination, error) {
		at := valueOf(params)
		if cursor != nil {
			at.Page, at.Cursor = nil, cursor
		}
		page, err := c.ListUsers(ctx, &at, options...)
		if err != nil {
			return nil, nil, err
		}
		return page, &page.Pagination, nil
	})
}

// CreateUser makes a user, by default a viewer. An email that another user has is
// refused with [ErrorCodeEmailTaken]. However often it has to be sent, it makes one
// user; see [IdempotencyKey].
func (c *Client) CreateUser(ctx context.Context, user UserCreate, options ...CreateOption) (*VersionedUser, error) {
	return c.user(ctx, creating(newCall(gen.NewCreateUserRequest(c.server, nil, user)), options))
}

// GetUser returns one user. [uuid.Parse] makes an id of a text.
func (c *Client) GetUser(ctx context.Context, id uuid.UUID, options ...ReadOption) (*VersionedUser, error) {
	return c.user(ctx, reading(newCall(gen.NewGetUserRequest(c.server, id, nil)), options))
}

// ReplaceUser sets name, email and role of a user; all three are needed.
func (c *Client) ReplaceUser(ctx context.Context, id uuid.UUID, user UserReplace, options ...WriteOption) (*VersionedUser, error) {
	return c.user(ctx, writing(newCall(gen.NewReplaceUserRequest(c.server, id, nil, user)), options))
}

// UpdateUser sets the fields of changes that are not nil, and keeps the others.
func (c *Client) UpdateUser(ctx context.Context, id uuid.UUID, changes UserUpdate, options ...WriteOption) (*VersionedUser, error) {
	return c.user(ctx, writing(newCall(gen.NewUpdateUserRequest(c.server, id, nil, changes)), options))
}

// DeleteUser removes a user and all that belongs to them, for good. The last
// enabled admin stays: [ErrorCodeLastAdmin]. A try whose answer was lost is
// repeated; that the user is gone then is a success.
func (c *Client) DeleteUser(ctx context.Context, id uuid.UUID, options ...WriteOption) error {
	return c.remove(ctx, writing(newCall(gen.NewDeleteUserRequest(c.server, id, nil)), options))
}

// user sends a call that answers with a single user.
func (c *Client) user(ctx context.Context, call *call) (*VersionedUser, error) {
	user := &VersionedUser{}
	answer, err := c.do(ctx, call, &user.User)
	if err != nil {
		return nil, err
	}
	user.ETag = answer.header.Get("ETag")
	return user, nil
}
