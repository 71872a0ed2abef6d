package problem

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
)

// Huma knows one error model a process, and one text a rule; both are set before
// any API is made.
func init() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return fromHuma(nil, status, msg, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		return fromHuma(ctx, status, msg, errs)
	}
	for message, text := range messages {
		*message = text
	}
}

// messages are the rules as "code|words". The words can follow a field's name.
// Roster's own resolvers write the Message of their [huma.ErrorDetail] so, too.
var messages = map[*string]string{
	&validation.MsgUnexpectedProperty:       "unknown_field|is not known here",
	&validation.MsgExpectedRFC3339DateTime:  "invalid_format|must be a date and time as in RFC 3339",
	&validation.MsgExpectedRFC5322Email:     "invalid_format|must be an email address%.0v",
	&validation.MsgExpectedRFC4122UUID:      "invalid_format|must be a UUID%.0v",
	&validation.MsgExpectedBoolean:          "invalid_type|must be true or false",
	&validation.MsgExpectedNumber:           "invalid_type|must be a number",
	&validation.MsgExpectedInteger:          "invalid_type|must be a whole number",
	&validation.MsgExpectedString:           "invalid_type|must be a text",
	&validation.MsgExpectedArray:            "invalid_type|must be a list",
	&validation.MsgExpectedObject:           "invalid_type|must be an object",
	&validation.MsgExpectedOneOf:            `not_allowed|must be one of "%s"`,
	&validation.MsgExpectedMinimumNumber:    "out_of_range|must be at least %v",
	&validation.MsgExpectedMaximumNumber:    "out_of_range|must be at most %v",
	&validation.MsgExpectedMinLength:        "too_short|must have at least %d characters",
	&validation.MsgExpectedMaxLength:        "too_long|must have at most %d characters",
	&validation.MsgExpectedMinItems:         "too_few|must have at least %d",
	&validation.MsgExpectedArrayItemsUnique: "repeated|must name each once",
	&validation.MsgExpectedMatchPattern:     "invalid_format|must match %s",
	&validation.MsgExpectedBePattern:        "invalid_format|must be %s",
	&validation.MsgExpectedRequiredProperty: "required|is required|%s",
}

// Refused stands in a decoded body for a value that no rule of the document can
// speak of, such as a null or a control character. Huma refuses it for its type;
// the field's error says what this says.
type Refused struct{ Code, Message string }

// fromHuma translates Huma's own refusals. ctx may be nil.
func fromHuma(ctx huma.Context, status int, msg string, errs []error) *Error {
	switch {
	case status == 0: // Huma asks for the type only.
		return &Error{}
	case status == http.StatusInternalServerError && msg == "cannot read request body":
		return New(Malformed, "")
	case status >= 500:
		for _, err := range errs {
			return From(err)
		}
		return New(Internal, "").WithCause(fmt.Errorf("%s", msg))
	case status == http.StatusUnprocessableEntity:
		e := New(ValidationFailed, "")
		for _, err := range errs {
			e.Errors = append(e.Errors, field(ctx, err))
		}
		// One rule a part: the first that Huma found, which the later ones follow from.
		slices.SortStableFunc(e.Errors, func(a, b Field) int { return strings.Compare(a.Pointer, b.Pointer) })
		e.Errors = slices.CompactFunc(e.Errors, func(a, b Field) bool { return a.Pointer == b.Pointer })
		return e
	}
	for i := range kinds {
		if kinds[i].status == status {
			return New(kinds[i].code, "")
		}
	}
	return New(Internal, "").WithCause(fmt.Errorf("no code for status %d: %s", status, msg))
}

// field translates one of Huma's details. Neither its value nor a name that the
// client made up may get into the answer.
func field(ctx huma.Context, err error) Field {
	var detail *huma.ErrorDetail
	if !errors.As(err, &detail) {
		return Field{Code: "invalid", Message: "is not valid"}
	}
	names := bodyFields(ctx)
	location := ours(detail.Location, names)
	code, message, coded := strings.Cut(detail.Message, "|")
	if !coded {
		code, message = "invalid_format", "is not valid"
		switch detail.Message {
		case "invalid integer":
			code, message = "invalid_type", "must be a whole number"
		case "invalid boolean":
			code, message = "invalid_type", "must be true or false"
		}
	}
	switch code {
	case "required":
		words, name, _ := strings.Cut(message, "|")
		message, location = words, location+"."+name
	case "unknown_field":
		location = ours(parent(detail.Location, detail.Value), names)
		message = "has a field that is not known here"
		if location == "body" && len(names) > 0 {
			message += "; the known ones are " + strings.Join(names, ", ")
		}
	}
	if refused, ok := detail.Value.(Refused); ok {
		code, message = refused.Code, refused.Message
	}
	return Field{Pointer: pointer(location), Code: code, Message: message}
}

// parent cuts the unknown name off its location. The name is the client's and
// may hold any character, so it is found among the object's own.
func parent(location string, object any) string {
	cut := ""
	if m, ok := object.(map[string]any); ok {
		for name := range m {
			if len(name) >= len(cut) && strings.HasSuffix(location, "."+name) {
				cut = name
			}
		}
	}
	return strings.TrimSuffix(location, "."+cut)
}

// ours cuts a location in a body off where a name is none of the body's own. Huma
// takes a dot or a bracket in a name that the client made up for a step, and so
// keeps the start of that name before the fields that follow.
func ours(location string, names []string) string {
	steps, inBody := strings.CutPrefix(location, "body.")
	if !inBody || names == nil {
		return location
	}
	known := "body"
	for _, step := range strings.Split(steps, ".") {
		name, _, item := strings.Cut(step, "[") // an item of an array; or a name that looks so
		if !slices.Contains(names, name) {
			break
		}
		known += "." + name
		if item {
			break
		}
	}
	return known
}

// pointer turns Huma's "body.list[0].name" into "/list/0/name", and
// "query.limit" into "/query/limit".
func pointer(location string) string {
	location = strings.NewReplacer("[", ".", "]", "", "/", "~1", "~", "~0").Replace(location)
	if location == "body" {
		return ""
	}
	location = strings.TrimPrefix(location, "body.")
	return "/" + strings.ReplaceAll(location, ".", "/")
}

// KnowFields tells problems the names that a body may have; see [huma.Operation]'s
// Metadata.
func KnowFields(op *huma.Operation, names []string) {
	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	op.Metadata["bodyFields"] = names
}

func bodyFields(ctx huma.Context) []string {
	if ctx == nil || ctx.Operation() == nil {
		return nil
	}
	names, _ := ctx.Operation().Metadata["bodyFields"].([]string)
	return names
}

// Answer is a Huma transformer: it completes every problem on its way out.
func Answer(ctx huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*Error)
	if !ok {
		return v, nil
	}
	return e.answer(ctx.Context(), ctx.SetHeader), nil
}

// Responses documents the problems of an operation: one response a status, one
// example a code.
func Responses(codes ...Code) map[string]*huma.Response {
	all := map[string]*huma.Response{}
	AddResponses(all, codes...)
	return all
}

// AddResponses adds the documentation of more problems to responses.
func AddResponses(responses map[string]*huma.Response, codes ...Code) {
	for _, code := range codes {
		e := New(code, "")
		e.RequestID = "0s3nvmnq5bkq8x4c"
		if code == ValidationFailed {
			e.Errors = []Field{{Pointer: "/query/limit", Code: "out_of_range", Message: "must be at most 100"}}
		}
		status := fmt.Sprint(e.Status)
		response := responses[status]
		if response == nil {
			response = &huma.Response{
				Description: http.StatusText(int(e.Status)) + ":",
				Content: map[string]*huma.MediaType{e.ContentType(""): {
					Schema:   &huma.Schema{Ref: "#/components/schemas/ApiError"},
					Examples: map[string]*huma.Example{},
				}},
			}
			if e.Status == http.StatusUnauthorized {
				response.Headers = map[string]*huma.Param{"WWW-Authenticate": {
					Description: "How to be known (RFC 9110, section 11.6.1).",
					Schema:      &huma.Schema{Type: huma.TypeString},
					Example:     challenge,
				}}
			}
			if e.retryAfter > 0 {
				response.Headers = map[string]*huma.Param{"Retry-After": {
					Description: "Seconds to wait before another try (RFC 9110, section 10.2.3).",
					Schema:      &huma.Schema{Type: huma.TypeInteger, Format: "int32"},
					Example:     e.retryAfter,
				}}
			}
			responses[status] = response
		} else {
			response.Description += " or"
		}
		response.Description += " `" + string(code) + "`"
		response.Content[e.ContentType("")].Examples[string(code)] = &huma.Example{Summary: e.Detail, Value: e}
	}
}

// Schema makes Code one component of the document.
func (Code) Schema(r huma.Registry) *huma.Schema {
	const name = "ErrorCode"
	if _, ok := r.Map()[name]; !ok {
		s := &huma.Schema{
			Type:        huma.TypeString,
			Description: "What went wrong, in a stable word. Later versions may add words.",
			Examples:    []any{string(ValidationFailed)},
		}
		for i := range kinds {
			s.Enum = append(s.Enum, string(kinds[i].code))
		}
		s.PrecomputeMessages()
		r.Map()[name] = s
	}
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}

// SchemaName names this package's types in the document.
func SchemaName(t reflect.Type) (string, bool) {
	switch t {
	case reflect.TypeFor[Error]():
		return "ApiError", true
	case reflect.TypeFor[Field]():
		return "FieldError", true
	}
	return "", false
}
