package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"github.com/roster-api/roster/internal/problem"
)

const description = `Users and access, as a typed API.

Nearly every operation is for callers who are known: a person by a session, which signIn starts and a
browser keeps in a cookie, or a service by a key. A key, and a session's token where signIn was asked for
it, is sent as Authorization: Bearer. Each operation says who may call it.

Every answer that is not a success is an ApiError (RFC 9457); decide by its code. Times are RFC 3339
in UTC. Every single resource has an ETag: send it as If-Match to write only what you have seen, and as
If-None-Match to read only what has changed.

Requests are limited: by caller, or by address where no caller is known. RateLimit-Policy says how often,
and RateLimit what is left. Operations that are limited further say so (x-roster-limit). Who is refused
waits as long as Retry-After says.`

var tags = []*huma.Tag{
	{Name: "Session", Description: "Signing in and out, and who is calling."},
	{Name: "Sessions", Description: "Who is signed in, and from where."},
	{Name: "Keys", Description: "What services call with."},
	{Name: "Users", Description: "The people and accounts that Roster keeps."},
	{Name: "Password resets", Description: "Choosing a new password by a link that an admin made."},
	{Name: "Audit", Description: "Who did what, and what it changed."},
	{Name: "Stats", Description: "How many there are, and what happened on which day."},
}

// Document returns the OpenAPI document as it is served and committed: 3.1 as
// YAML and JSON, and 3.0.3 as YAML for tools that need it. It needs no database.
func Document(api huma.API) (yaml, json31, yaml30 []byte, err error) {
	doc := api.OpenAPI()
	if yaml, err = doc.YAML(); err != nil {
		return nil, nil, nil, err
	}
	compact, err := doc.MarshalJSON()
	if err != nil {
		return nil, nil, nil, err
	}
	var indented bytes.Buffer
	if err = json.Indent(&indented, compact, "", "  "); err != nil {
		return nil, nil, nil, err
	}
	indented.WriteByte('\n')
	yaml30, err = downgrade(doc)
	return yaml, indented.Bytes(), yaml30, err
}

// Describe returns an API that serves nothing but its document.
func Describe() huma.API {
	return New(chi.NewMux(), Needs{})
}

// schemaName makes the names of generic types: PaginatedUser is PaginatedResponseUser.
func schemaName(name string) string {
	if rest, ok := strings.CutPrefix(name, "Paginated"); ok {
		return "PaginatedResponse" + rest
	}
	return name
}

// complete adds what follows from the registered operations: the known names of
// each body, an example of each body and answer, and the headers of all answers.
func complete(doc *huma.OpenAPI) {
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Patch} {
			if op == nil {
				continue
			}
			if op.RequestBody != nil {
				for _, media := range op.RequestBody.Content {
					problem.KnowFields(op, fieldsOf(doc, media.Schema))
					media.Example = exampleOf(doc, media.Schema)
				}
			}
			for _, response := range op.Responses {
				for _, media := range response.Content {
					if media.Examples == nil {
						media.Example = exampleOf(doc, media.Schema)
					}
				}
				if response.Headers == nil {
					response.Headers = map[string]*huma.Param{}
				}
				for _, header := range response.Headers {
					if header.Description == "" { // Huma leaves it in the schema, where few look
						header.Description = header.Schema.Description
					}
				}
				maps.Copy(response.Headers, everywhere)
			}
		}
	}
}

// everywhere are the headers of all answers.
var everywhere = map[string]*huma.Param{
	"X-Request-Id": {
		Description: "The id of this request, as in the server's log.",
		Schema:      &huma.Schema{Type: huma.TypeString},
		Example:     "0s3nvmnq5bkq8x4c",
	},
	"RateLimit-Policy": {
		Description: "How often the caller, or the address of one without a credential, may ask, and then how often they may ask for this operation, where it has limits of its own: q requests in w seconds (draft-ietf-httpapi-ratelimit-headers-11). Absent where limits are off.",
		Schema:      &huma.Schema{Type: huma.TypeString},
		Example:     `"caller";q=3000;w=60`,
	},
	"RateLimit": {
		Description: "What is left of the tightest policy: r requests for t seconds.",
		Schema:      &huma.Schema{Type: huma.TypeString},
		Example:     `"caller";r=2999;t=60`,
	},
}

func fieldsOf(doc *huma.OpenAPI, s *huma.Schema) []string {
	return slices.Sorted(maps.Keys(resolve(doc, s).Properties))
}

func resolve(doc *huma.OpenAPI, s *huma.Schema) *huma.Schema {
	for s.Ref != "" {
		s = doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

// exampleOf puts the example of a schema together from those of its parts, so
// that it cannot differ from the types.
func exampleOf(doc *huma.OpenAPI, s *huma.Schema) any {
	s = resolve(doc, s)
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[len(s.Enum)-1]
	case s.Type == huma.TypeArray:
		return []any{exampleOf(doc, s.Items)}
	case s.Type == huma.TypeObject:
		object := map[string]any{}
		for name, property := range s.Properties {
			object[name] = exampleOf(doc, property)
		}
		return object
	}
	panic(fmt.Sprintf("api: no example for a %s: %s", s.Type, s.Description))
}
