// Package name holds the rule of what users and keys may be called.
package name

import (
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
)

// Name is a name in a request.
type Name string

// Schema documents the rule.
func (Name) Schema(huma.Registry) *huma.Schema {
	shortest, longest := 1, 100
	s := &huma.Schema{Type: huma.TypeString, MinLength: &shortest, MaxLength: &longest}
	s.PrecomputeMessages()
	return s
}

// Resolve refuses a name that shows nothing.
func (n *Name) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	visible := func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }
	if *n != "" && !strings.ContainsFunc(string(*n), visible) {
		return []error{&huma.ErrorDetail{Location: prefix.String(), Message: "blank|must not be blank"}}
	}
	return nil
}
