// Package problem is the one place where an error becomes a status and a body.
//
// Handlers return problems, made with [New] or [Invalid], or plain errors; what
// is not a problem yet becomes one in [From]. The body is RFC 9457's
// application/problem+json.
package problem

import (
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Code is the stable machine word of a problem. Clients decide by it, never by
// the texts.
type Code string

// The codes, in the order of their status.
const (
	Malformed            Code = "malformed"
	Unauthenticated      Code = "unauthenticated"
	SignInFailed         Code = "sign_in_failed"
	Forbidden            Code = "forbidden"
	WrongPassword        Code = "wrong_password"
	CrossOrigin          Code = "cross_origin"
	NotFound             Code = "not_found"
	MethodNotAllowed     Code = "method_not_allowed"
	RequestTimeout       Code = "request_timeout"
	EmailTaken           Code = "email_taken"
	LastAdmin            Code = "last_admin"
	IdempotencyInFlight  Code = "idempotency_in_flight"
	SecretNotReplayable  Code = "secret_not_replayable"
	PreconditionFailed   Code = "precondition_failed"
	TooLarge             Code = "too_large"
	UnsupportedMediaType Code = "unsupported_media_type"
	Misdirected          Code = "misdirected"
	ValidationFailed     Code = "validation_failed"
	ResetInvalid         Code = "reset_invalid"
	IdempotencyMismatch  Code = "idempotency_mismatch"
	RateLimited          Code = "rate_limited"
	Internal             Code = "internal"
	Unavailable          Code = "unavailable"
)

// kinds gives each code its status, and the detail it has when none is given.
// Its order is the order of the document.
var kinds = []struct {
	code   Code
	status int
	detail string
}{
	{Malformed, http.StatusBadRequest, "The request cannot be read."},
	{Unauthenticated, http.StatusUnauthorized, "This needs a session or a key, and the request has none that is valid."},
	{SignInFailed, http.StatusUnauthorized, "The email or the password is wrong, or the user cannot sign in."},
	{Forbidden, http.StatusForbidden, "The caller may not do this; see permission."},
	{WrongPassword, http.StatusForbidden, "The current password is wrong."},
	{CrossOrigin, http.StatusForbidden, "A browser page of another origin may not do this with the cookie."},
	{NotFound, http.StatusNotFound, "There is nothing here."},
	{MethodNotAllowed, http.StatusMethodNotAllowed, "This path has no such method; see the Allow header."},
	{RequestTimeout, http.StatusRequestTimeout, "The request took too long to arrive."},
	{EmailTaken, http.StatusConflict, "Another user has this email."},
	{LastAdmin, http.StatusConflict, "The last enabled admin stays: make another one first."},
	{IdempotencyInFlight, http.StatusConflict, "A request with this Idempotency-Key is being worked on; try again."},
	{SecretNotReplayable, http.StatusConflict, "This request has been carried out before, and its secret is shown once only: rotate or revoke the key that resourceId names."},
	{PreconditionFailed, http.StatusPreconditionFailed, "It has changed since it was read: read it again."},
	{TooLarge, http.StatusRequestEntityTooLarge, "The body is larger than 64 KiB."},
	{UnsupportedMediaType, http.StatusUnsupportedMediaType, "The body must be application/json in UTF-8."},
	{Misdirected, http.StatusMisdirectedRequest, "This server does not answer for that host."},
	{ValidationFailed, http.StatusUnprocessableEntity, "The request breaks a rule; see errors."},
	{ResetInvalid, http.StatusUnprocessableEntity, "The token is wrong, used up or expired: ask for another one."},
	{IdempotencyMismatch, http.StatusUnprocessableEntity, "This Idempotency-Key was used with another request."},
	{RateLimited, http.StatusTooManyRequests, "Too many requests; try again after the time in Retry-After."},
	{Internal, http.StatusInternalServerError, "Something went wrong on the server. The request id finds it in the log."},
	{Unavailable, http.StatusServiceUnavailable, "The service is not able to answer just now; try again."},
}

func (c Code) lookup() (status int, detail string) {
	for i := range kinds {
		if kinds[i].code == c {
			return kinds[i].status, kinds[i].detail
		}
	}
	panic("problem: no status for code " + string(c))
}

// Status returns the HTTP status of a code.
func (c Code) Status() int {
	status, _ := c.lookup()
	return status
}

// Error is a problem: the body of every answer that is not a success (RFC 9457).
// It never repeats what was sent and holds nothing internal. The document calls
// it ApiError.
type Error struct {
	Type      string  `json:"type" format:"uri-reference" doc:"A URI that names the kind of problem. Always about:blank: decide by code." example:"about:blank"`
	Title     string  `json:"title" doc:"The status in words." example:"Unprocessable Entity"`
	Status    int32   `json:"status" minimum:"400" maximum:"599" doc:"The HTTP status, again." example:"422"`
	Detail    string  `json:"detail" doc:"What went wrong, in a sentence for people." example:"The request breaks a rule; see errors."`
	Code      Code    `json:"code" doc:"What went wrong, in a stable word for programs."`
	RequestID string  `json:"requestId" doc:"The id of this request, as in the X-Request-Id header and in the server's log." example:"0s3nvmnq5bkq8x4c"`
	Errors    []Field `json:"errors" doc:"Each part of the request that breaks a rule; empty where the problem is not in a part."`

	Permission string `json:"permission,omitempty" doc:"With forbidden: the permission that was missing." example:"users:delete"`
	ResourceID string `json:"resourceId,omitempty" doc:"With secret_not_replayable: the id of what was made." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`

	retryAfter int
	cause      error
}

// TransformSchema describes the type in the document.
func (Error) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "What went wrong: the body of every answer that is not a success (RFC 9457)."
	return s
}

// Field is one part of the request that breaks a rule. The document calls it
// FieldError.
type Field struct {
	Pointer string `json:"pointer" doc:"The part: a JSON Pointer (RFC 6901) into the body, such as /email, or /query/limit, /path/id, /header/If-Match. Empty: the body as a whole." example:"/email"`
	Code    string `json:"code" doc:"The rule, in a stable word." example:"invalid_format"`
	Message string `json:"message" doc:"The rule, in words that can follow the field's name." example:"must be an email address"`
}

// TransformSchema describes the type in the document.
func (Field) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "A part of the request that breaks a rule."
	return s
}

// New makes a problem. An empty detail is the code's usual one.
func New(code Code, detail string) *Error {
	status, usual := code.lookup()
	if detail == "" {
		detail = usual
	}
	e := &Error{
		Type: "about:blank", Title: http.StatusText(status), Status: int32(status),
		Detail: detail, Code: code, Errors: []Field{},
	}
	if code == Unavailable || code == RateLimited || code == IdempotencyInFlight {
		e.retryAfter = 1
	}
	return e
}

// Missing makes a forbidden of the permission that the caller does not have.
func Missing(permission string) *Error {
	e := New(Forbidden, "")
	e.Permission = permission
	return e
}

// Invalid makes a validation_failed of the fields that break a rule.
func Invalid(fields ...Field) *Error {
	e := New(ValidationFailed, "")
	e.Errors = append(e.Errors, fields...)
	return e
}

// WithRetryAfter sets how many seconds the caller should wait, at least 1.
func (e *Error) WithRetryAfter(seconds int) *Error {
	e.retryAfter = max(seconds, 1)
	return e
}

// WithCause keeps the error behind the problem for the log; no client sees it.
func (e *Error) WithCause(err error) *Error {
	e.cause = err
	return e
}

// Error gives the code, the detail and the cause, for logs.
func (e *Error) Error() string {
	if e.cause != nil {
		return string(e.Code) + ": " + e.cause.Error()
	}
	return string(e.Code) + ": " + e.Detail
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// GetStatus returns the HTTP status.
func (e *Error) GetStatus() int { return int(e.Status) }

// ContentType is the media type of problems (RFC 9457, section 3).
func (e *Error) ContentType(string) string { return "application/problem+json" }

// From turns any error into a problem: a problem stays, a [huma.ErrorDetail] is a
// rule that a part of the request breaks, a database that is away is unavailable,
// all else is internal.
func From(err error) *Error {
	var e *Error
	var detail *huma.ErrorDetail
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &detail):
		return Invalid(field(nil, detail))
	case databaseAway(err):
		return New(Unavailable, "").WithCause(err)
	default:
		return New(Internal, "").WithCause(err)
	}
}
