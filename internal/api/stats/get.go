package stats

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/cache"
	"github.com/roster-api/roster/internal/etag"
	"github.com/roster-api/roster/internal/problem"
)

type getInput struct {
	etag.IfNoneMatch
	Days int32 `query:"days" enum:"30,90,365" default:"30" doc:"How many days, up to today." example:"30"`
}

// GET /api/stats
func (r *Resource) registerGet(api huma.API) {
	cache.Register(api, huma.Operation{
		OperationID: "getStats",
		Method:      http.MethodGet,
		Path:        "/api/stats",
		Summary:     "Read statistics",
		Description: "Returns how many users, sessions and keys there are, and what happened on each of the last days, by UTC. Users who are deleted stay in the days past. The answer is kept for a minute, and for ten more while a new one cannot be made; generatedAt says of when it is.",
		Tags:        []string{tag},
		Responses:   problem.Responses(),
	}, r.cache, cache.Policy[getInput]{
		Name:                 "site-stats",
		Group:                "api",
		MaxAge:               time.Minute,
		StaleWhileRevalidate: 10 * time.Minute,
		StaleIfError:         10 * time.Minute,
		For:                  cache.Shared,
	}, r.get)
}

func (r *Resource) get(ctx context.Context, in *getInput) (Stats, error) {
	row, err := r.queries.GetStats(ctx, dbsqlc.GetStatsParams{Days: in.Days, IdleSeconds: r.idle.Seconds()})
	if err != nil {
		return Stats{}, err
	}
	today, err := time.Parse(time.DateOnly, row.Today)
	if err != nil {
		return Stats{}, err
	}
	stats := Stats{
		GeneratedAt: row.Now,
		Users: UserCounts{
			Total:    row.Admins + row.Editors + row.Viewers,
			ByRole:   RoleCounts{Admin: row.Admins, Editor: row.Editors, Viewer: row.Viewers},
			Disabled: row.Disabled,
		},
		Sessions: row.Sessions,
		Keys:     row.Keys,
		Days:     make([]DayCounts, in.Days),
	}
	last := int(in.Days) - 1
	for i := range stats.Days {
		stats.Days[i].Day = today.AddDate(0, 0, i-last).Format(time.DateOnly)
	}
	// A day on which nothing happened has no row.
	for i, ago := range row.Ago {
		day := &stats.Days[last-int(ago)]
		day.SignUps, day.SignIns, day.SignInFailures = row.SignUps[i], row.SignIns[i], row.SignInFailures[i]
	}
	return stats, nil
}
