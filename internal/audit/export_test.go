package audit

import "context"

// SetBatch makes a sealer work in other steps than usual.
func (s *Sealer) SetBatch(n int) { s.batch = n }

// SealNow is what Run does at first.
func (s *Sealer) SealNow(ctx context.Context) { s.report(ctx, &s.notSealed, s.sealAll(ctx)) }

// Hourly is what Run does every hour.
func (s *Sealer) Hourly(ctx context.Context) error { return s.hourly(ctx) }
