package roster

import (
	"context"

	"github.com/google/uuid"

	"github.com/roster-api/roster/clients/go/gen"
)

// SetPassword changes the caller's own password; id is the caller's. All other
// sessions of theirs end. A wrong current password is refused with
// [ErrorCodeWrongPassword]. A try whose answer was lost is not repeated: if it was
// carried out, the current password is the new one.
func (c *Client) SetPassword(ctx context.Context, id uuid.UUID, passwords PasswordSet, options ...CallOption) error {
	call := writing(newCall(gen.NewSetPasswordRequest(c.server, id, passwords)), options)
	call.idempotent = false
	_, err := c.do(ctx, call, nil)
	return err
}

// CreatePasswordReset makes a token by which a user chooses a new password, for a
// link to them. Of one user the newest token holds only, so a try whose answer was
// lost is repeated.
func (c *Client) CreatePasswordReset(ctx context.Context, id uuid.UUID, options ...CallOption) (*PasswordReset, error) {
	call := writing(newCall(gen.NewCreatePasswordResetRequest(c.server, id)), options)
	call.idempotent = true
	return fetch[PasswordReset](ctx, c, call)
}

// RedeemPasswordReset sets a user's password by the token of a reset, and uses the
// token up. Anyone may call it; it goes without the client's credential. A token
// that does not hold is refused with [ErrorCodeResetInvalid].
func (c *Client) RedeemPasswordReset(ctx context.Context, redeem PasswordResetRedeem, options ...CallOption) error {
	call := writing(newCall(gen.NewRedeemPasswordResetRequest(c.server, redeem)), options)
	call.public = true
	_, err := c.do(ctx, call, nil)
	return err
}
