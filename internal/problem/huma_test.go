package problem

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/humatest"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

// TestFromHuma plants a marker in all that Huma knows of a request. None of it
// may be in the answer.
func TestFromHuma(t *testing.T) {
	t.Parallel()
	const m = "MARKER"
	body := map[string]any{m + ".a": m, "name": "Ada"}
	for _, c := range []struct {
		name   string
		status int
		msg    string
		errs   []error
		want   Code
		fields []Field
	}{
		{"malformed JSON", 400, m, []error{errors.New(m)}, Malformed, nil},
		{"a body that broke off", 500, "cannot read request body", []error{errors.New(m)}, Malformed, nil},
		{"too large", 413, "request body is too large limit=" + m, nil, TooLarge, nil},
		{"too slow", 408, m, nil, RequestTimeout, nil},
		{"media type", 415, m, []error{errors.New(m)}, UnsupportedMediaType, nil},
		{"a plain error", 500, "unexpected error occurred", []error{errors.New(m)}, Internal, nil},
		{"no error at all", 500, m, nil, Internal, nil},
		{"a status without a code", 418, m, nil, Internal, nil},
		{
			"a rule", 422, "validation failed",
			[]error{&huma.ErrorDetail{Location: "body.name", Message: "too_long|must have at most 100 characters", Value: m}},
			ValidationFailed,
			[]Field{{"/name", "too_long", "must have at most 100 characters"}},
		},
		{
			"a missing field", 422, "",
			[]error{&huma.ErrorDetail{Location: "body", Message: "required|is required|email", Value: body}},
			ValidationFailed,
			[]Field{{"/email", "required", "is required"}},
		},
		{
			"an unknown field", 422, "",
			[]error{&huma.ErrorDetail{Location: "body." + m + ".a", Message: "unknown_field|is not known here", Value: body}},
			ValidationFailed,
			[]Field{{"", "unknown_field", "has a field that is not known here"}},
		},
		{
			"an unknown field in a list", 422, "",
			[]error{&huma.ErrorDetail{Location: "body.list[2]." + m + ".a", Message: "unknown_field|is not known here", Value: body}},
			ValidationFailed,
			[]Field{{"/list/2", "unknown_field", "has a field that is not known here"}},
		},
		{
			"a refused value", 422, "",
			[]error{&huma.ErrorDetail{Location: "body.name", Message: "invalid_type|must be a text", Value: Refused{"null", "must not be null"}}},
			ValidationFailed,
			[]Field{{"/name", "null", "must not be null"}},
		},
		{
			"a refused body", 422, "",
			[]error{&huma.ErrorDetail{Location: "body", Message: "invalid_type|must be an object", Value: Refused{"null", "must not be null"}}},
			ValidationFailed,
			[]Field{{"", "null", "must not be null"}},
		},
		{
			"Huma's own words", 422, "",
			[]error{
				&huma.ErrorDetail{Location: "query.limit", Message: "invalid integer", Value: m},
				&huma.ErrorDetail{Location: "query.all", Message: "invalid boolean", Value: m},
				&huma.ErrorDetail{Location: "query.at", Message: "invalid date " + m, Value: m},
				errors.New(m),
			},
			ValidationFailed,
			[]Field{
				{"", "invalid", "is not valid"},
				{"/query/all", "invalid_type", "must be true or false"},
				{"/query/at", "invalid_format", "is not valid"},
				{"/query/limit", "invalid_type", "must be a whole number"},
			},
		},
		{
			"two rules for one part", 422, "",
			[]error{
				&huma.ErrorDetail{Location: "body.email", Message: "too_long|first"},
				&huma.ErrorDetail{Location: "body.email", Message: "invalid_format|second"},
			},
			ValidationFailed,
			[]Field{{"/email", "too_long", "first"}},
		},
		{
			"a header", 422, "",
			[]error{&huma.ErrorDetail{Location: "header.If-Match", Message: "invalid_format|must be a tag"}},
			ValidationFailed,
			[]Field{{"/header/If-Match", "invalid_format", "must be a tag"}},
		},
		{
			"a name that a pointer must escape", 422, "",
			[]error{&huma.ErrorDetail{Location: "body.a/b~c", Message: "x|y"}},
			ValidationFailed,
			[]Field{{"/a~1b~0c", "x", "y"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := fromHuma(nil, c.status, c.msg, c.errs)
			if e.Code != c.want {
				t.Fatalf("became %s, want %s", e.Code, c.want)
			}
			if len(e.Errors) != len(c.fields) {
				t.Fatalf("errors %+v, want %+v", e.Errors, c.fields)
			}
			for i, f := range c.fields {
				if e.Errors[i] != f {
					t.Errorf("errors[%d] is %+v, want %+v", i, e.Errors[i], f)
				}
			}
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			if contains(string(text), m) || contains(string(text), `"errors":null`) {
				t.Errorf("the answer is %s", text)
			}
		})
	}
}

// TestMessagesAreCoded holds each of Huma's rules to "code|words".
func TestMessagesAreCoded(t *testing.T) {
	t.Parallel()
	for message := range messages {
		code, words, ok := strings.Cut(*message, "|")
		if !ok || code == "" || words == "" || strings.ToLower(code) != code || strings.ContainsAny(code, " %") {
			t.Errorf("%q is no code and words", *message)
		}
	}
}

// TestLocationsOfMadeUpNames: Huma's path to a field is wrong after a name with a
// dot or a bracket, and then holds a part of that name.
func TestLocationsOfMadeUpNames(t *testing.T) {
	t.Parallel()
	op := &huma.Operation{}
	KnowFields(op, []string{"email", "name"})
	ctx := humatest.NewContext(op, httptest.NewRequest("POST", "/", nil), httptest.NewRecorder())
	for location, want := range map[string]string{
		"body":                  "",
		"body.name":             "/name",
		"body.MARKER":           "",
		"body.MARKER.name":      "",
		"body.a.MARKER[0].name": "",
		"body.name.MARKER":      "/name",
		"body.name[0]":          "/name",
		"body.name[MARKER].a":   "/name",
		"query.limit":           "/query/limit",
		"header.If-Match":       "/header/If-Match",
	} {
		got := fromHuma(ctx, 422, "", []error{&huma.ErrorDetail{Location: location, Message: "too_long|is too long"}})
		if got.Errors[0].Pointer != want {
			t.Errorf("%s became %q, want %q", location, got.Errors[0].Pointer, want)
		}
	}
}
