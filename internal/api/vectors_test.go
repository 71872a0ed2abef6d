package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/roster-api/roster/internal/problem"
)

// vectors is one file of openapi/vectors; its README says what it holds.
type vectors struct {
	Type      string `json:"type"`
	Direction string `json:"direction"`
	Cases     []struct {
		Name string          `json:"name"`
		JSON json.RawMessage `json:"json"`
	} `json:"cases"`
}

func readVectors(t *testing.T) map[string]vectors {
	t.Helper()
	paths, err := filepath.Glob("../../openapi/vectors/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	all := map[string]vectors{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var v vectors
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if filepath.Base(path) != v.Type+".json" {
			t.Errorf("%s holds type %q", path, v.Type)
		}
		names := map[string]bool{}
		for _, c := range v.Cases {
			if names[c.Name] {
				t.Errorf("%s: two cases have the name %q", path, c.Name)
			}
			names[c.Name] = true
		}
		all[v.Type] = v
	}
	return all
}

// Every vector goes through the type that serves and comes back as it was.
func TestVectorsRoundTrip(t *testing.T) {
	schemas := Describe().OpenAPI().Components.Schemas
	for name, v := range readVectors(t) {
		schema := schemas.Map()[name]
		if schema == nil {
			t.Errorf("%s.json: the document has no such schema", name)
			continue
		}
		goType := schemas.TypeFromRef("#/components/schemas/" + name)
		for _, c := range v.Cases {
			t.Run(name+"/"+c.Name, func(t *testing.T) {
				obeys(t, schemas, schema, v.Direction, c.JSON)
				value := reflect.New(goType).Interface()
				if err := jsonFormat.Unmarshal(c.JSON, value); err != nil {
					t.Fatal(err)
				}
				var encoded bytes.Buffer
				if err := jsonFormat.Marshal(&encoded, value); err != nil {
					t.Fatal(err)
				}
				if !equalJSON(t, encoded.Bytes(), c.JSON) {
					t.Errorf("encoded again:\n%s\nwant:\n%s", encoded.Bytes(), c.JSON)
				}
			})
		}
	}
}

// obeys holds a value against its schema, as Huma does with a body.
func obeys(t *testing.T, schemas huma.Registry, schema *huma.Schema, direction string, value []byte) {
	t.Helper()
	mode := map[string]huma.ValidateMode{"request": huma.ModeWriteToServer, "response": huma.ModeReadFromServer}
	if _, ok := mode[direction]; !ok {
		t.Fatalf("direction %q", direction)
	}
	var tree any
	if err := jsonFormat.Unmarshal(value, &tree); err != nil {
		t.Fatal(err)
	}
	if direction == "response" { // a null or a control character is refused in requests alone
		if err := json.Unmarshal(value, &tree); err != nil {
			t.Fatal(err)
		}
	}
	result := &huma.ValidateResult{}
	huma.Validate(schemas, schema, huma.NewPathBuffer([]byte{}, 0), mode[direction], tree, result)
	for _, err := range result.Errors {
		t.Errorf("against the schema: %v", err)
	}
}

func equalJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	return reflect.DeepEqual(exact(t, a), exact(t, b))
}

// exact decodes JSON without losing digits.
func exact(t *testing.T, data []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// The errors have the status that the server gives them.
func TestVectorsHaveTheStatusOfTheirCode(t *testing.T) {
	for _, c := range readVectors(t)["ApiError"].Cases {
		var e problem.Error
		if err := json.Unmarshal(c.JSON, &e); err != nil {
			t.Fatal(err)
		}
		if int(e.Status) != e.Code.Status() {
			t.Errorf("%s: %s has status %d, the server gives %d", c.Name, e.Code, e.Status, e.Code.Status())
		}
	}
}

// The document and the vectors speak of the same types, and no alternative that
// the document allows is without a case.
func TestVectorsCoverTheDocument(t *testing.T) {
	doc := Describe().OpenAPI()
	all := readVectors(t)
	cover := coverage{doc: doc, seen: map[string]bool{}}
	for direction, roots := range bodies(doc) {
		names := map[string]bool{}
		for _, root := range roots {
			cover.reach(root, names)
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if resolve(doc, &huma.Schema{Ref: name}).Type != huma.TypeObject {
				continue // an enum: covered where it stands
			}
			name = strings.TrimPrefix(name, "#/components/schemas/")
			v, ok := all[name]
			if !ok || v.Direction != direction {
				t.Errorf("openapi/vectors/%s.json with direction %q is missing", name, direction)
				continue
			}
			delete(all, name)
			clear(cover.seen)
			schema := doc.Components.Schemas.Map()[name]
			for _, c := range v.Cases {
				cover.observe(name, schema, exact(t, c.JSON))
			}
			for _, missing := range cover.missing(name, schema) {
				t.Errorf("openapi/vectors/%s.json has no case for %s", name, missing)
			}
		}
	}
	for name := range all {
		t.Errorf("openapi/vectors/%s.json: no body of the document refers to it", name)
	}
}

// bodies returns the schemas of all bodies, by direction.
func bodies(doc *huma.OpenAPI) map[string][]*huma.Schema {
	roots := map[string][]*huma.Schema{}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Patch} {
			if op == nil {
				continue
			}
			if op.RequestBody != nil {
				for _, media := range op.RequestBody.Content {
					roots["request"] = append(roots["request"], media.Schema)
				}
			}
			for _, response := range op.Responses {
				for _, media := range response.Content {
					roots["response"] = append(roots["response"], media.Schema)
				}
			}
		}
	}
	return roots
}

// coverage collects which alternatives the cases of one type took, as
// "User.role=admin".
type coverage struct {
	doc  *huma.OpenAPI
	seen map[string]bool
}

// reach adds the components that a schema refers to.
func (c coverage) reach(s *huma.Schema, names map[string]bool) {
	if s.Ref != "" {
		if names[s.Ref] {
			return
		}
		names[s.Ref] = true
		s = resolve(c.doc, s)
	}
	if s.Items != nil {
		c.reach(s.Items, names)
	}
	for _, property := range s.Properties {
		c.reach(property, names)
	}
}

func (c coverage) observe(at string, s *huma.Schema, value any) {
	s = resolve(c.doc, s)
	switch value := value.(type) {
	case nil:
		c.seen[at+" null"] = true
	case string:
		if len(s.Enum) > 0 {
			c.seen[at+"="+value] = true
		}
	case []any:
		c.seen[fmt.Sprintf("%s empty %t", at, len(value) == 0)] = true
		for _, item := range value {
			c.observe(at+"[]", s.Items, item)
		}
	case map[string]any:
		for name, property := range s.Properties {
			child, present := value[name]
			c.seen[fmt.Sprintf("%s.%s present %t", at, name, present)] = true
			if present {
				c.observe(at+"."+name, property, child)
			}
		}
	}
	if value != nil {
		c.seen[at+" not null"] = true
	}
}

// missing names the alternatives of a schema that no case took. What a component
// refers to is asked of that component's own file, except for enums.
func (c coverage) missing(at string, s *huma.Schema) []string {
	var want []string
	if s.Nullable {
		want = append(want, at+" null", at+" not null")
	}
	for _, value := range resolve(c.doc, s).Enum {
		want = append(want, fmt.Sprintf("%s=%v", at, value))
	}
	if s.Type == huma.TypeArray {
		want = append(want, at+" empty false")
		if s.MinItems == nil {
			want = append(want, at+" empty true")
		}
	}
	var found []string
	if s.Items != nil {
		found = append(found, c.missing(at+"[]", s.Items)...)
	}
	for name, property := range s.Properties {
		want = append(want, at+"."+name+" present true")
		if !slices.Contains(s.Required, name) {
			want = append(want, at+"."+name+" present false")
		}
		found = append(found, c.missing(at+"."+name, property)...)
	}
	for _, w := range want {
		if !c.seen[w] {
			found = append(found, w)
		}
	}
	slices.Sort(found)
	return found
}
