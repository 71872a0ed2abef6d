package api

import (
	"bytes"
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/yaml"
)

// downgrade returns the document as OpenAPI 3.0.3, as YAML. It does what Huma's
// own downgrade leaves undone: 3.0 takes nothing beside a $ref.
func downgrade(doc *huma.OpenAPI) ([]byte, error) {
	old, err := doc.Downgrade()
	if err != nil {
		return nil, err
	}
	var tree any
	if err = json.Unmarshal(old, &tree); err != nil {
		return nil, err
	}
	wrapRefs(tree)
	if old, err = json.Marshal(tree); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = yaml.Convert(&out, bytes.NewReader(old))
	return out.Bytes(), err
}

// wrapRefs puts each $ref that has something beside it into an allOf.
func wrapRefs(node any) {
	switch node := node.(type) {
	case map[string]any:
		if ref, ok := node["$ref"].(string); ok && len(node) > 1 {
			delete(node, "$ref")
			node["allOf"] = []any{map[string]any{"$ref": ref}}
		}
		for _, child := range node {
			wrapRefs(child)
		}
	case []any:
		for _, child := range node {
			wrapRefs(child)
		}
	}
}
