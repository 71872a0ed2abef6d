// Package auditlog is the resource /api/audit: who did what, and what it changed.
package auditlog

import (
	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/internal/audit"
)

// AuditEntry is a row of the log, as the export shows it too.
type AuditEntry audit.Entry

// TransformSchema describes the type in the document.
func (AuditEntry) TransformSchema(r huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "One change: who made it, when and from where, and what it changed."
	s.Properties["actor"] = Actor("").Schema(r)
	for _, name := range []string{"actorId", "targetId"} {
		s.Properties[name].Nullable = true
	}
	for name, example := range map[string]map[string]any{
		"before": {"name": "Ada Byron"},
		"after":  {"name": "Ada Lovelace"},
	} {
		was := s.Properties[name]
		s.Properties[name] = &huma.Schema{
			Type: huma.TypeObject, AdditionalProperties: true,
			Description: was.Description, Examples: []any{example},
		}
		s.Properties[name].PrecomputeMessages()
	}
	return s
}

// Actor is the kind of who made a change.
type Actor string

// Schema makes Actor one component of the document.
func (Actor) Schema(r huma.Registry) *huma.Schema {
	const name = "Actor"
	if _, ok := r.Map()[name]; !ok {
		s := &huma.Schema{
			Type: huma.TypeString, Enum: []any{"user", "key", "system", "anonymous"},
			Description: "Who made a change: a user by a session, a service by its key, Roster itself or whoever runs it, or somebody who did not sign in.",
			Examples:    []any{"user"},
		}
		s.PrecomputeMessages()
		r.Map()[name] = s
	}
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}

// Audit holds what the operations need.
type Audit struct {
	pool *pgxpool.Pool
}

// New makes the resource. For the document alone, the pool may be nil.
func New(pool *pgxpool.Pool) *Audit { return &Audit{pool: pool} }

// Register adds the operations to the API.
func (a *Audit) Register(api huma.API) {
	a.registerList(api)
}

const tag = "Audit"
