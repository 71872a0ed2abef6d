package api

import (
	"bytes"
	stdjson "encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/roster-api/roster/internal/problem"
)

// fuzzed is a body with a field of each kind.
type fuzzed struct {
	Name  string   `json:"name,omitempty"`
	Count int32    `json:"count,omitempty"`
	Flag  *bool    `json:"flag,omitempty"`
	List  []string `json:"list,omitempty"`
	Inner *fuzzed  `json:"inner,omitempty"`
}

// FuzzUnmarshal: what is let in is JSON to encoding/json as well, means the same to
// both, and has no name twice; and what is validated, the tree, is what is used, the
// struct.
func FuzzUnmarshal(f *testing.F) {
	for _, text := range []string{
		`{"name":"Ada","count":3,"flag":true,"list":["a"],"inner":{"name":"B"}}`, `{"name":"a","Name":"b"}`, `{"name":"a","name":"b"}`, `{"inner":{"name":"a"},"inner":{"count":1}}`,
		`{"na\u006de":"a"}`, `{"name":null}`, `{"name":"\u0000"}`, `{"name":"\ud800"}`, "{\"name\":\"\xff\"}", "\ufeff{}", `{} {}`, `[1e400,-0,01]`, `"\u0085"`, ``, ` `, `{"a":1,}`, `[[[[]]]]`,
		`{"list":null}`, `{"flag":"true"}`, `{"count":1.0}`, `{"count":2147483648}`, `{"count":1e2}`, "{\"\u017fname\":1}", `{"name":"` + "\u2028" + `"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var tree any
		err := jsonFormat.Unmarshal(bytes.Clone(data), &tree)
		var second any
		secondErr := stdjson.Unmarshal(data, &second)
		clean := secondErr == nil && utf8.Valid(data) && !bytes.Contains(bytes.ToLower(data), []byte(`\ud`)) && !repeats(data)
		switch {
		case err != nil && clean:
			t.Fatalf("%q is refused: %v", data, err)
		case err != nil:
			return
		case secondErr != nil || !utf8.Valid(data) || repeats(data):
			t.Fatalf("%q is let in", data)
		}
		if !same(tree, second) {
			t.Fatalf("%q is %#v, and to encoding/json %#v", data, tree, second)
		}

		var typed fuzzed
		if jsonFormat.Unmarshal(bytes.Clone(data), &typed) != nil {
			return
		}
		if object, ok := second.(map[string]any); ok && !holds(object, &typed) {
			t.Errorf("%q became %+v, and %v was validated", data, typed, object)
		}
		var b bytes.Buffer
		if err := jsonFormat.Marshal(&b, typed); err != nil {
			t.Fatalf("%q cannot be written again: %v", data, err)
		}
		var again fuzzed
		if err := jsonFormat.Unmarshal(b.Bytes(), &again); err != nil {
			t.Fatalf("%q became %s, which is refused: %v", data, b.Bytes(), err)
		}
		var written bytes.Buffer
		if err := jsonFormat.Marshal(&written, again); err != nil || !bytes.Equal(written.Bytes(), b.Bytes()) {
			t.Errorf("%q became %s and then %s, %v", data, b.Bytes(), written.Bytes(), err)
		}
	})
}

// repeats reports whether an object has a name twice.
func repeats(data []byte) bool {
	type level struct {
		names map[string]bool // nil: a list
		value bool            // a name was read
	}
	var levels []*level
	d := stdjson.NewDecoder(bytes.NewReader(data))
	for {
		token, err := d.Token()
		if err != nil {
			return false // the end, or what is no JSON
		}
		top := &level{}
		if len(levels) > 0 {
			top = levels[len(levels)-1]
		}
		if name, ok := token.(string); ok && top.names != nil && !top.value {
			if top.names[name] {
				return true
			}
			top.names[name], top.value = true, true
			continue
		}
		top.value = false
		switch token {
		case stdjson.Delim('{'):
			levels = append(levels, &level{names: map[string]bool{}})
		case stdjson.Delim('['):
			levels = append(levels, &level{})
		case stdjson.Delim('}'), stdjson.Delim(']'):
			levels = levels[:len(levels)-1]
		}
	}
}

// same compares a tree with that of encoding/json: what must not be used is refused,
// and nothing else is.
func same(tree, second any) bool {
	if refused, ok := tree.(problem.Refused); ok {
		text, isText := second.(string)
		return refused.Code == "null" && second == nil || refused.Code == "control_character" && isText && strings.ContainsFunc(text, unicode.IsControl)
	}
	switch second := second.(type) {
	case nil:
		return false
	case string:
		return tree == any(second) && !strings.ContainsFunc(second, unicode.IsControl)
	case []any:
		list, ok := tree.([]any)
		if !ok || len(list) != len(second) {
			return false
		}
		for i := range list {
			if !same(list[i], second[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		object, ok := tree.(map[string]any)
		if !ok || len(object) != len(second) {
			return false
		}
		for name := range second {
			if !same(object[name], second[name]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(tree, second)
}

// holds reports whether a struct is what an object says under exactly its names.
func holds(object map[string]any, typed *fuzzed) bool {
	name, _ := object["name"].(string)
	count, _ := object["count"].(float64)
	flag, flagged := object["flag"].(bool)
	list, _ := object["list"].([]any)
	inner, nested := object["inner"].(map[string]any)
	if typed.Name != name || float64(typed.Count) != count || (typed.Flag != nil) != flagged || flagged && *typed.Flag != flag ||
		len(typed.List) != len(list) || (typed.Inner != nil) != nested {
		return false
	}
	for i := range list {
		if text, _ := list[i].(string); text != typed.List[i] {
			return false
		}
	}
	return !nested || holds(inner, typed.Inner)
}
