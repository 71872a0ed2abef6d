package roster

import (
	"context"
	"errors"
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
	call := newCall(gen.NewListUsersRequest(c.server, params))
	for _, option := range options {
		option.read(call)
	}
	page := &PaginatedResponseUser{}
	if _, err := c.do(ctx, call, page); err != nil {
		return nil, err
	}
	return page, nil
}

// Users walks all users that params ask for, in their order, from the page that
// params name, else from the first. It reads page by page, by cursor, so that rows
// that come or go meanwhile neither repeat nor hide others; params.Limit is the
// size of a page, not of the walk.
//
// An error, such as the end of ctx, is yielded once and ends the walk. Each range
// over the result is a walk of its own.
func (c *Client) Users(ctx context.Context, params *ListUsersParams, options ...CallOption) iter.Seq2[User, error] {
	return func(yield func(User, error) bool) {
		for page, err := range c.UserPages(ctx, params, options...) {
			if err != nil {
				yield(User{}, err)
				return
			}
			for _, user := range page.Data {
				if err := ctx.Err(); err != nil {
					yield(User{}, err)
					return
				}
				if !yield(user, nil) {
					return
				}
			}
		}
	}
}

// UserPages walks like [Client.Users], a page at a time.
func (c *Client) UserPages(ctx context.Context, params *ListUsersParams, options ...CallOption) iter.Seq2[*PaginatedResponseUser, error] {
	return func(yield func(*PaginatedResponseUser, error) bool) {
		var at ListUsersParams
		if params != nil {
			at = *params
		}
		for {
			page, err := c.ListUsers(ctx, &at, options...)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page, nil) {
				return
			}
			next := page.Pagination.Next
			if next == nil {
				return
			}
			if at.Cursor != nil && *at.Cursor == *next {
				yield(nil, errors.New("roster: the server's next page is the same page again"))
				return
			}
			at.Page, at.Cursor = nil, Ptr(*next)
		}
	}
}

// CreateUser makes a user, by default a viewer. An email that another user has is
// refused with [ErrorCodeEmailTaken].
func (c *Client) CreateUser(ctx context.Context, user UserCreate, options ...CallOption) (*VersionedUser, error) {
	call := newCall(gen.NewCreateUserRequest(c.server, user))
	for _, option := range options {
		option.write(call)
	}
	return c.user(ctx, call)
}

// GetUser returns one user. [uuid.Parse] makes an id of a text.
func (c *Client) GetUser(ctx context.Context, id uuid.UUID, options ...ReadOption) (*VersionedUser, error) {
	call := newCall(gen.NewGetUserRequest(c.server, id, nil))
	for _, option := range options {
		option.read(call)
	}
	return c.user(ctx, call)
}

// ReplaceUser sets name, email and role of a user; all three are needed.
func (c *Client) ReplaceUser(ctx context.Context, id uuid.UUID, user UserReplace, options ...WriteOption) (*VersionedUser, error) {
	return c.userWrite(ctx, newCall(gen.NewReplaceUserRequest(c.server, id, nil, user)), options)
}

// UpdateUser sets the fields of changes that are not nil, and keeps the others.
func (c *Client) UpdateUser(ctx context.Context, id uuid.UUID, changes UserUpdate, options ...WriteOption) (*VersionedUser, error) {
	return c.userWrite(ctx, newCall(gen.NewUpdateUserRequest(c.server, id, nil, changes)), options)
}

// DeleteUser removes a user and all that belongs to them, for good. The last
// enabled admin stays: [ErrorCodeLastAdmin]. A try whose answer was lost is
// repeated; that the user is gone then is a success.
func (c *Client) DeleteUser(ctx context.Context, id uuid.UUID, options ...WriteOption) error {
	call := newCall(gen.NewDeleteUserRequest(c.server, id, nil))
	for _, option := range options {
		option.write(call)
	}
	_, err := c.do(ctx, call, nil)
	var e *APIError
	if errors.As(err, &e) && e.lost && e.Code == ErrorCodeNotFound {
		return nil // an earlier try has done it
	}
	return err
}

func (c *Client) userWrite(ctx context.Context, call *call, options []WriteOption) (*VersionedUser, error) {
	for _, option := range options {
		option.write(call)
	}
	return c.user(ctx, call)
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
