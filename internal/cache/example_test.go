package cache_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/roster-api/roster/internal/cache"
	"github.com/roster-api/roster/internal/etag"
	"github.com/roster-api/roster/internal/problem"
)

// Stats is what the example answers.
type Stats struct {
	Users int32 `json:"users"`
}

// The input of a cached operation embeds [etag.IfNoneMatch]. Its parameters, here
// days, stand in the key.
type statsInput struct {
	Days int32 `query:"days" default:"30"`
	etag.IfNoneMatch
}

// A cached operation: the handler returns the value, [cache.Register] makes the answer.
func ExampleRegister() {
	register := func(api huma.API, c *cache.Cache, count func(context.Context, int32) (int32, error)) {
		cache.Register(api, huma.Operation{
			OperationID: "getStats",
			Method:      http.MethodGet,
			Path:        "/api/stats",
			Responses:   problem.Responses(),
		}, c, cache.Policy[statsInput]{
			Name:                 "site-stats",
			Group:                "api",
			MaxAge:               time.Minute,
			StaleWhileRevalidate: time.Minute,
			StaleIfError:         10 * time.Minute,
			For:                  cache.Shared,
		}, func(ctx context.Context, in *statsInput) (Stats, error) {
			users, err := count(ctx, in.Days)
			return Stats{Users: users}, err
		})
	}
	fmt.Println(register != nil)
	// Output: true
}

// A write says after its commit what it changed.
func ExampleCache_Invalidate() {
	c := cache.New(cache.Options{})
	defer c.Close()
	c.Invalidate(context.Background(), cache.Tag("users"), cache.Name("site-stats"), cache.Group("api"))
}
