package roster

import (
	"context"

	"github.com/roster-api/roster/clients/go/gen"
)

// GetStats returns how many users, sessions and keys there are, and what happened on
// each of the last 30, 90 or 365 days, by UTC, the oldest first. 0 days is the
// server's default, 30. The answer may be some minutes old; GeneratedAt says of when
// it is.
func (c *Client) GetStats(ctx context.Context, days StatsDays, options ...CallOption) (*Stats, error) {
	params := &gen.GetStatsParams{}
	if days != 0 {
		params.Days = &days
	}
	return fetch[Stats](ctx, c, reading(newCall(gen.NewGetStatsRequest(c.server, params)), options))
}
