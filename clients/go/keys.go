package roster

import (
	"context"
	"iter"

	"github.com/google/uuid"

	"github.com/roster-api/roster/clients/go/gen"
)

// ListKeys returns a page of keys, by default the caller's own, the newest first.
// To walk the whole list, see [Client.Keys].
func (c *Client) ListKeys(ctx context.Context, params *ListKeysParams, options ...CallOption) (*PaginatedResponseKey, error) {
	return fetch[PaginatedResponseKey](ctx, c, reading(newCall(gen.NewListKeysRequest(c.server, params)), options))
}

// Keys walks all keys that params ask for, as [Client.Users] walks users.
func (c *Client) Keys(ctx context.Context, params *ListKeysParams, options ...CallOption) iter.Seq2[Key, error] {
	return rows(ctx, c.KeyPages(ctx, params, options...), func(page *PaginatedResponseKey) []Key { return page.Data })
}

// KeyPages walks like [Client.Keys], a page at a time.
func (c *Client) KeyPages(ctx context.Context, params *ListKeysParams, options ...CallOption) iter.Seq2[*PaginatedResponseKey, error] {
	return pages(func(cursor *string) (*PaginatedResponseKey, *Pagination, error) {
		at := valueOf(params)
		if cursor != nil {
			at.Page, at.Cursor = nil, cursor
		}
		page, err := c.ListKeys(ctx, &at, options...)
		if err != nil {
			return nil, nil, err
		}
		return page, &page.Pagination, nil
	})
}

// CreateKey makes a key for a service. Its Secret, for [WithKey], is shown this
// once. However often it has to be sent, it makes one key; see [IdempotencyKey].
// Where the answer with the secret was lost, it fails with
// [ErrorCodeSecretNotReplayable]; rotate or revoke the key that [APIError].ResourceID
// names.
func (c *Client) CreateKey(ctx context.Context, key KeyCreate, options ...CreateOption) (*KeyCreated, error) {
	return fetch[KeyCreated](ctx, c, creating(newCall(gen.NewCreateKeyRequest(c.server, nil, key)), options))
}

// RotateKey gives a key another secret, which is shown this once. Those of before
// still work for a while, by default for a day. A try whose answer was lost is
// repeated: its secret, which nobody knows, ends with those of before.
func (c *Client) RotateKey(ctx context.Context, id uuid.UUID, rotate KeyRotate, options ...CallOption) (*KeyRotated, error) {
	call := writing(newCall(gen.NewRotateKeyRequest(c.server, id, rotate)), options)
	call.idempotent = true
	return fetch[KeyRotated](ctx, c, call)
}

// RevokeKey ends a key and all its secrets, for good. A try whose answer was lost
// is repeated; that the key is gone then is a success.
func (c *Client) RevokeKey(ctx context.Context, id uuid.UUID, options ...CallOption) error {
	return c.remove(ctx, writing(newCall(gen.NewRevokeKeyRequest(c.server, id)), options))
}
