// Package api mirrors /api: a folder for each path segment, a file for each
// operation. Here are Huma's settings and the list of resources.
package api

import (
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	auditlog "github.com/roster-api/roster/internal/api/audit"
	"github.com/roster-api/roster/internal/api/keys"
	"github.com/roster-api/roster/internal/api/passwordresets"
	"github.com/roster-api/roster/internal/api/session"
	"github.com/roster-api/roster/internal/api/sessions"
	"github.com/roster-api/roster/internal/api/stats"
	"github.com/roster-api/roster/internal/api/users"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/cache"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/middleware"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/tally"
)

// Version is the version of the API, as the document gives it.
const Version = "0.1.0"

// MaxBody is the most octets that the body of a request may have.
const MaxBody = 64 << 10

// Needs is what the resources work with. The document needs none of it.
type Needs struct {
	Pool      *pgxpool.Pool
	Passwords *auth.Passwords
	Verifier  *auth.Verifier
	Lifetimes auth.Lifetimes
	SignIns   limit.SignIn
	Limits    *middleware.Limits // nil: nothing is limited
	Failures  *tally.Failures    // sign-ins that fail; nil: nobody counts them
	Cache     *cache.Cache       // nil: nothing is kept
}

// Both are switches of the whole process, so they are set before any API is made.
func init() {
	huma.ValidateStrictCasing = true  // "Role" is not "role"
	huma.DefaultArrayNullable = false // an array is never null
}

// New registers all operations on a router and returns the API. With the zero
// Needs it serves nothing but its document.
func New(router chi.Router, needs Needs) huma.API {
	api := humachi.New(router, config())
	api.UseMiddleware(guard(needs.Limits), strict)
	api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem.Error](), true, "")

	users.New(needs.Pool, needs.Passwords, needs.Verifier, needs.SignIns).Register(api)
	passwordresets.New(needs.Pool, needs.Passwords, needs.Verifier, needs.SignIns).Register(api)
	session.New(needs.Pool, needs.Passwords, needs.Verifier, needs.Lifetimes, needs.SignIns, needs.Failures).Register(api)
	sessions.New(needs.Pool, needs.Verifier, needs.Lifetimes).Register(api)
	keys.New(needs.Pool, needs.Verifier).Register(api)
	auditlog.New(needs.Pool).Register(api)
	stats.New(needs.Pool, needs.Lifetimes.Idle, needs.Cache).Register(api)

	complete(api.OpenAPI())
	return api
}

func config() huma.Config {
	namer := func(t reflect.Type, hint string) string {
		if name, ok := problem.SchemaName(t); ok {
			return name
		}
		return schemaName(huma.DefaultSchemaNamer(t, hint))
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:       "Roster",
				Version:     Version,
				Description: description,
				License:     &huma.License{Name: "MIT", URL: "https://opensource.org/license/mit"},
				Contact:     &huma.Contact{Name: "The Roster Authors", URL: "https://github.com/roster-api/roster"},
			},
			Servers: []*huma.Server{{URL: "/", Description: "The server that this document comes from."}},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry("#/components/schemas/", namer),
				SecuritySchemes: securitySchemes,
			},
			Tags:           tags,
			OnAddOperation: []huma.AddOpFunc{common},
		},
		Formats:       map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{problem.Answer},
	}
}

// common adds to an operation what all operations have.
func common(_ *huma.OpenAPI, op *huma.Operation) {
	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	if op.Extensions == nil {
		op.Extensions = map[string]any{}
	}
	declareLimits(op)
	declare(op)
	problem.AddResponses(op.Responses, problem.RateLimited, problem.Malformed, problem.TooLarge, problem.Misdirected, problem.ValidationFailed, problem.Internal, problem.Unavailable)
	if op.RequestBody != nil {
		problem.AddResponses(op.Responses, problem.RequestTimeout, problem.UnsupportedMediaType)
		op.MaxBodyBytes = MaxBody + 1 // Huma refuses a body that reaches the limit
		if op.Method == http.MethodPatch {
			op.RequestBody.Content["application/merge-patch+json"] = op.RequestBody.Content["application/json"]
		}
	}
	slices.Sort(op.Tags)
}
