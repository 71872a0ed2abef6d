package roster

import (
	"context"
	"iter"

	"github.com/roster-api/roster/clients/go/gen"
)

// ListAudit returns a page of the changes that were made, the newest first. To walk
// the whole list, see [Client.Audit].
func (c *Client) ListAudit(ctx context.Context, params *ListAuditParams, options ...CallOption) (*PaginatedResponseAuditEntry, error) {
	return fetch[PaginatedResponseAuditEntry](ctx, c, reading(newCall(gen.NewListAuditRequest(c.server, params)), options))
}

// Audit walks all changes that params ask for, as [Client.Users] walks users.
func (c *Client) Audit(ctx context.Context, params *ListAuditParams, options ...CallOption) iter.Seq2[AuditEntry, error] {
	return rows(ctx, c.AuditPages(ctx, params, options...), func(page *PaginatedResponseAuditEntry) []AuditEntry { return page.Data })
}

// AuditPages walks like [Client.Audit], a page at a time.
func (c *Client) AuditPages(ctx context.Context, params *ListAuditParams, options ...CallOption) iter.Seq2[*PaginatedResponseAuditEntry, error] {
	return pages(func(cursor *string) (*PaginatedResponseAuditEntry, *Pagination, error) {
		at := valueOf(params)
		if cursor != nil {
			at.Page, at.Cursor = nil, cursor
		}
		page, err := c.ListAudit(ctx, &at, options...)
		if err != nil {
			return nil, nil, err
		}
		return page, &page.Pagination, nil
	})
}
