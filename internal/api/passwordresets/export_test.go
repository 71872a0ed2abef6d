package passwordresets

import "context"

// Redeem is what the operation does but for its limit.
func (p *PasswordResets) Redeem(ctx context.Context, in PasswordResetRedeem) error {
	return p.redeem(ctx, in)
}
