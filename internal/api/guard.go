package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/cache"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/middleware"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/role"
)

// The security schemes of the document.
const (
	cookieScheme = "cookie"
	bearerScheme = "bearer"
)

var securitySchemes = map[string]*huma.SecurityScheme{
	cookieScheme: {
		Type: "apiKey", In: "cookie", Name: auth.Cookie,
		Description: "The session of a person in a browser; signIn sets it.",
	},
	bearerScheme: {
		Type: "http", Scheme: "bearer",
		Description: "A service's key, or the token of a session whose signIn asked for one.",
	},
}

const ruleKey = "rule"

// declare puts what an operation asks of its caller into the document, and in
// reach of the guard. An operation that stands in no row of the table ends the
// start.
func declare(op *huma.Operation) {
	rule, ok := auth.RuleOf(op.OperationID)
	if !ok {
		panic(fmt.Sprintf("api: operation %s has no row in the table of permissions; give it one in internal/auth/permission.go", op.OperationID))
	}
	op.Metadata[ruleKey] = rule
	access := map[string]any{"public": rule.Permission == auth.Public}
	if rule.Permission == auth.Public {
		op.Security = []map[string][]string{}
		op.Description += "\n\nAnyone may call it."
	} else {
		op.Security = []map[string][]string{{cookieScheme: {}}, {bearerScheme: {}}}
		problem.AddResponses(op.Responses, problem.Unauthenticated)
		op.Description += "\n\n" + whoMay(rule, access)
		if rule.Permission != auth.SignedIn {
			problem.AddResponses(op.Responses, problem.Forbidden)
		}
	}
	if op.Method != http.MethodGet {
		problem.AddResponses(op.Responses, problem.CrossOrigin)
	}
	op.Extensions["x-roster-access"] = access
}

// whoMay says in words and as data who may call an operation.
func whoMay(rule auth.Rule, access map[string]any) string {
	if rule.Permission == auth.SignedIn {
		access["roles"] = role.All
		access["keys"] = true
		return "Who may: anyone signed in, and every key."
	}
	grant := auth.GrantOf(rule.Permission)
	access["permission"] = rule.Permission
	access["roles"] = grant.Roles
	access["keys"] = grant.Scope
	text := fmt.Sprintf("Who may: %s (`%s`)", roles(grant.Roles), rule.Permission)
	if rule.Own != auth.Public {
		own := auth.GrantOf(rule.Own)
		access["own"] = map[string]any{"permission": rule.Own, "roles": own.Roles, "keys": own.Scope}
		text += fmt.Sprintf("; for what is one's own, %s (`%s`)", roles(own.Roles), rule.Own)
	}
	if grant.Scope {
		return text + fmt.Sprintf("; keys with the scope `%s`.", rule.Permission)
	}
	return text + "; never a key."
}

func roles(of []role.Role) string {
	if len(of) == len(role.All) {
		return "every role"
	}
	words := make([]string, len(of))
	for i, r := range of {
		words[i] = string(r)
	}
	return strings.Join(words, " and ")
}

// guard lets those in whom the operation's row lets in. What depends on the thing
// that is asked for is the handler's to decide.
//
// Every request counts for its caller, also one that is refused here; for the
// operation's own limits those count that come in. All at once: where limits are
// shared, each look at them is a round trip.
func guard(limits *middleware.Limits) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		refused := refusal(ctx)
		if limits != nil {
			var own []limit.Limit
			if refused == nil {
				own, _ = ctx.Operation().Metadata[ownLimitsKey].([]limit.Limit)
			}
			if r, w := humachi.Unwrap(ctx); !limits.Admit(w, r, own) {
				return
			}
		}
		if refused != nil {
			reply(ctx, refused)
			return
		}
		next(ctx)
	}
}

// refusal is what the guard says; nil: come in.
func refusal(ctx huma.Context) *problem.Error {
	rule, ok := ctx.Operation().Metadata[ruleKey].(auth.Rule)
	caller := auth.From(ctx.Context())
	switch {
	case !ok:
		return problem.New(problem.Internal, "").WithCause(fmt.Errorf("%s has no rule", ctx.Operation().OperationID))
	case rule.Permission == auth.Public:
		return nil
	case caller == nil:
		return problem.New(problem.Unauthenticated, "")
	case caller.Unconfirmed && ctx.Operation().Metadata[cache.MetadataKey] != true:
		return problem.New(problem.Unavailable, "The database is away.").WithCause(auth.ErrUnconfirmed)
	case caller.May(rule.Permission), rule.Own != auth.Public && caller.May(rule.Own):
		return nil
	default:
		return problem.Missing(string(rule.Permission))
	}
}
