package roster

import (
	"context"
	"iter"

	"github.com/google/uuid"

	"github.com/roster-api/roster/clients/go/gen"
)

// ListSessions returns a page of sessions, by default the caller's own, the newest
// first. To walk the whole list, see [Client.Sessions].
func (c *Client) ListSessions(ctx context.Context, params *ListSessionsParams, options ...CallOption) (*PaginatedResponseSession, error) {
	return fetch[PaginatedResponseSession](ctx, c, reading(newCall(gen.NewListSessionsRequest(c.server, params)), options))
}

// Sessions walks all sessions that params ask for, as [Client.Users] walks users.
func (c *Client) Sessions(ctx context.Context, params *ListSessionsParams, options ...CallOption) iter.Seq2[Session, error] {
	return rows(ctx, c.SessionPages(ctx, params, options...), func(page *PaginatedResponseSession) []Session { return page.Data })
}

// SessionPages walks like [Client.Sessions], a page at a time.
func (c *Client) SessionPages(ctx context.Context, params *ListSessionsParams, options ...CallOption) iter.Seq2[*PaginatedResponseSession, error] {
	return pages(func(cursor *string) (*PaginatedResponseSession, *Pagination, error) {
		at := valueOf(params)
		if cursor != nil {
			at.Page, at.Cursor = nil, cursor
		}
		page, err := c.ListSessions(ctx, &at, options...)
		if err != nil {
			return nil, nil, err
		}
		return page, &page.Pagination, nil
	})
}

// RevokeSession ends a session. A try whose answer was lost is repeated; that the
// session is gone then is a success.
func (c *Client) RevokeSession(ctx context.Context, id uuid.UUID, options ...CallOption) error {
	return c.remove(ctx, writing(newCall(gen.NewRevokeSessionRequest(c.server, id)), options))
}

// RevokeOtherSessions ends all sessions of the caller but the one that calls.
func (c *Client) RevokeOtherSessions(ctx context.Context, options ...CallOption) error {
	_, err := c.do(ctx, writing(newCall(gen.NewRevokeOtherSessionsRequest(c.server)), options), nil)
	return err
}
