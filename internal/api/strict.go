package api

import (
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/google/uuid"

	"github.com/roster-api/roster/internal/problem"
)

// strict refuses what Huma would let pass before a handler sees it: a body that
// does not say it is JSON, a query that does not parse, and parameters that are
// unknown, empty, repeated, not text, or hold control characters.
func strict(ctx huma.Context, next func(huma.Context)) {
	if err := checkMediaType(ctx); err != nil {
		reply(ctx, err)
		return
	}
	if err := checkParameters(ctx); err != nil {
		reply(ctx, err)
		return
	}
	next(ctx)
}

func reply(ctx huma.Context, err *problem.Error) {
	r, w := humachi.Unwrap(ctx)
	err.Write(w, r)
}

func checkMediaType(ctx huma.Context) *problem.Error {
	body := ctx.Operation().RequestBody
	if body == nil {
		return nil
	}
	sent, params, err := mime.ParseMediaType(ctx.Header("Content-Type"))
	charset := params["charset"]
	if err != nil || body.Content[sent] == nil || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return problem.New(problem.UnsupportedMediaType, "")
	}
	if encoding := ctx.Header("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return problem.New(problem.UnsupportedMediaType, "The body must not be compressed.")
	}
	return nil
}

func checkParameters(ctx huma.Context) *problem.Error {
	fields := checkPath(ctx)
	if u := ctx.URL(); u.RawQuery != "" {
		query, err := url.ParseQuery(u.RawQuery)
		if err != nil {
			return problem.New(problem.Malformed, "The query cannot be read.")
		}
		fields = append(fields, checkQuery(ctx.Operation(), query)...)
	}
	if fields == nil {
		return nil
	}
	slices.SortFunc(fields, func(a, b problem.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
	return problem.Invalid(fields...)
}

func checkPath(ctx huma.Context) (fields []problem.Field) {
	for _, p := range ctx.Operation().Parameters {
		if p.In != "path" {
			continue
		}
		text := ctx.Param(p.Name)
		if code, message := refuseText(p.Schema, text); code != "" {
			fields = append(fields, problem.Field{Pointer: "/path/" + p.Name, Code: code, Message: message})
		}
	}
	return fields
}

func checkQuery(op *huma.Operation, query url.Values) (fields []problem.Field) {
	var known []string
	schemas := map[string]*huma.Schema{}
	for _, p := range op.Parameters {
		if p.In == "query" {
			known = append(known, p.Name)
			schemas[p.Name] = p.Schema
		}
	}
	unknown := false
	for name, values := range query {
		if !slices.Contains(known, name) {
			unknown = true
			continue
		}
		code, message := refuseText(schemas[name], values[0])
		switch {
		case len(values) > 1:
			code, message = "repeated", "must stand once"
		case values[0] == "":
			code, message = "empty", "must not be empty; leave it out instead"
		}
		if code != "" {
			fields = append(fields, problem.Field{Pointer: "/query/" + name, Code: code, Message: message})
		}
	}
	if unknown {
		message := "has a parameter that is not known here; there are none"
		if len(known) > 0 {
			slices.Sort(known)
			message = "has a parameter that is not known here; the known ones are " + strings.Join(known, ", ")
		}
		fields = append(fields, problem.Field{Pointer: "/query", Code: "unknown_parameter", Message: message})
	}
	return fields
}

// refuseText names the rule that a parameter breaks, where Huma would not see it.
func refuseText(schema *huma.Schema, text string) (code, message string) {
	switch {
	// The parser of UUIDs takes braces, urn:uuid: and no dashes, too.
	case schema.Format == "uuid" && (len(text) != 36 || uuid.Validate(text) != nil):
		return "invalid_format", "must be a UUID"
	case !utf8.ValidString(text):
		return "invalid_format", "must be UTF-8"
	case strings.ContainsFunc(text, unicode.IsControl):
		return "control_character", "must not contain control characters"
	// That of booleans takes 1, t and TRUE, too.
	case schema.Type == huma.TypeBoolean && text != "true" && text != "false":
		return "invalid_type", "must be true or false"
	// And that of numbers takes 01, +1 and -0.
	case schema.Type == huma.TypeInteger && respelt(text):
		return "invalid_type", "must be a whole number"
	}
	return "", ""
}

// respelt reports whether a text is a number that JSON would write another way.
func respelt(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && strconv.FormatInt(n, 10) != text
}
