// Package role names what a user may be.
package role

import "github.com/danielgtaylor/huma/v2"

// Role is what a user may be, from the most to the least powerful.
type Role string

// The roles. The database has the same ones, in the same order.
const (
	Admin  Role = "admin"
	Editor Role = "editor"
	Viewer Role = "viewer"
)

// All holds every role, the most powerful first.
var All = []Role{Admin, Editor, Viewer}

// Schema makes Role one component of the document, which every use refers to.
func (Role) Schema(r huma.Registry) *huma.Schema {
	const name = "Role"
	if _, ok := r.Map()[name]; !ok {
		s := &huma.Schema{
			Type:        huma.TypeString,
			Description: "What a user may be, from the most to the least powerful.",
			Examples:    []any{string(Viewer)},
		}
		for _, role := range All {
			s.Enum = append(s.Enum, string(role))
		}
		s.PrecomputeMessages()
		r.Map()[name] = s
	}
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}
