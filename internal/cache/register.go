package cache

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/roster-api/roster/internal/etag"
)

// MetadataKey marks an operation that is answered from the cache: whoever cannot be
// confirmed because the database is away may call it.
const MetadataKey = "cached"

// Register registers an operation whose answers are kept: see [Handler]. The document
// tells of the policy in x-roster-cache, in seconds, and of 304.
func Register[In, T any](api huma.API, op huma.Operation, c *Cache, p Policy[In], compute func(context.Context, *In) (T, error)) {
	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	op.Metadata[MetadataKey] = true
	if op.Extensions == nil {
		op.Extensions = map[string]any{}
	}
	op.Extensions["x-roster-cache"] = map[string]any{
		"name": p.Name, "group": p.Group, "shared": p.For == Shared,
		"maxAge":               int(p.MaxAge / time.Second),
		"staleWhileRevalidate": int(p.StaleWhileRevalidate / time.Second),
		"staleIfError":         int(p.StaleIfError / time.Second),
	}
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	etag.AddNotModified(op.Responses)
	op.Responses["304"].Headers["Age"] = &huma.Param{
		Description: "Seconds since the value was made.", Schema: &huma.Schema{Type: huma.TypeString}, Example: "12",
	}
	huma.Register(api, op, Handler(c, p, compute))
}
