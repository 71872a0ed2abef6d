package api

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"github.com/roster-api/roster/internal/problem"
)

// jsonFormat reads and writes JSON strictly: a repeated name, another case of a
// name, invalid UTF-8 and trailing data are refused, where encoding/json would
// let one value be validated and another be used.
var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error { return json.MarshalWrite(w, v) },
	Unmarshal: func(data []byte, v any) error {
		if err := json.Unmarshal(data, v); err != nil {
			return fmt.Errorf("malformed JSON: %w", err)
		}
		if tree, ok := v.(*any); ok {
			*tree = refuse(*tree)
		}
		return nil
	},
}

// refuse replaces in a decoded body what no schema can refuse by itself: Huma
// lets null pass for any optional field, and PostgreSQL cannot hold U+0000. No
// field of a request is nullable: to leave a field out is to keep it.
func refuse(v any) any {
	switch v := v.(type) {
	case nil:
		return problem.Refused{Code: "null", Message: "must not be null"}
	case string:
		if strings.ContainsFunc(v, unicode.IsControl) {
			return problem.Refused{Code: "control_character", Message: "must not contain control characters"}
		}
	case []any:
		for i := range v {
			v[i] = refuse(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = refuse(v[name])
		}
	}
	return v
}
