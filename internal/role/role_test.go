package role

import (
	"slices"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

func TestSchemaIsOneComponent(t *testing.T) {
	t.Parallel()
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	for range 2 {
		if ref := Viewer.Schema(registry).Ref; ref != "#/components/schemas/Role" {
			t.Errorf("a use refers to %q", ref)
		}
	}
	if len(registry.Map()) != 1 {
		t.Errorf("%d components", len(registry.Map()))
	}
	want := []any{"admin", "editor", "viewer"}
	if got := registry.Map()["Role"].Enum; !slices.Equal(got, want) {
		t.Errorf("the document knows %v, want %v", got, want)
	}
}
