package roster

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// ErrNotModified is the error of a read with a condition when the resource is
// still of the version that the caller has.
var ErrNotModified = errors.New("roster: not modified")

// ErrorCodeUnknown is the code of an error whose answer is not Roster's, such as a
// proxy's page.
const ErrorCodeUnknown ErrorCode = "unknown"

// APIError is an answer that is not a success. Find it in an error with
// [errors.As], or its code with [CodeOf].
type APIError struct {
	// Problem is the body of the answer, so that an APIError has its fields:
	//
	//   - Code, the stable word to decide by; see [ErrorCode]
	//   - Status, the HTTP status
	//   - Detail, a sentence for people
	//   - RequestID, by which the server's log knows the request
	//   - Errors, the parts of the request that break a rule, as [FieldError]s
	Problem

	// Method and Path are those of the request.
	Method string `json:"-"`
	Path   string `json:"-"`

	// RetryAfter is how long the server asks to wait before another try; 0 if it
	// says nothing.
	RetryAfter time.Duration `json:"-"`

	// Permission is, with [ErrorCodeForbidden], what the caller would have to have.
	Permission Permission `json:"-"`

	// ResourceID is, with [ErrorCodeSecretNotReplayable], the key that was made.
	ResourceID uuid.UUID `json:"-"`

	// Header has the headers of the answer, such as RateLimit and RateLimit-Policy.
	Header http.Header `json:"-"`

	// Tries counts how often the request was sent. With more than one, a refusal of
	// what can be done once only may come from an earlier try of the same call that
	// was carried out although it was answered with 503, since the server lost its
	// database at that moment: a 412, wrong_password after a change of it, or
	// reset_invalid. Calls with an Idempotency-Key do not know this doubt.
	Tries int `json:"-"`

	// Body is the start of an answer that is not Roster's, for logs.
	Body []byte `json:"-"`

	lost bool
}

// maxErrorBody is how much of a foreign answer an APIError keeps.
const maxErrorBody = 1 << 10

func newAPIError(a *answer) *APIError {
	problem, ok := decodeProblem(a)
	e := &APIError{
		Problem:    problem,
		Method:     a.call.request.Method,
		Path:       a.call.request.URL.Path,
		RetryAfter: a.retryAfter,
		Header:     a.header,
		Tries:      a.tries,
		lost:       a.lost,
	}
	e.Status = int32(a.status)
	if problem.Permission != nil {
		e.Permission = Permission(*problem.Permission)
	}
	if problem.ResourceID != nil {
		e.ResourceID, _ = uuid.Parse(*problem.ResourceID)
	}
	if e.RequestID == "" {
		e.RequestID = a.header.Get("X-Request-Id")
	}
	if !ok {
		e.Type = "about:blank"
		e.Code = ErrorCodeUnknown
		e.Title = http.StatusText(a.status)
		e.Detail = "The answer is not one of Roster's."
		e.Body = a.body[:min(len(a.body), maxErrorBody)]
	}
	return e
}

// Error gives the request, the status, the code, the detail, the fields, the missing
// permission or the resource, and the request id, in one line.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "roster: %s %s: %d %s: %s", e.Method, e.Path, e.Status, e.Code, e.Detail)
	for _, field := range e.Errors {
		fmt.Fprintf(&b, " [%s %s]", field.Pointer, field.Message)
	}
	if e.Permission != "" {
		fmt.Fprintf(&b, " [needs %s]", e.Permission)
	}
	if e.ResourceID != uuid.Nil {
		fmt.Fprintf(&b, " [resource %s]", e.ResourceID)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	return b.String()
}

// CodeOf returns the code of the [APIError] in err, or "" if there is none.
func CodeOf(err error) ErrorCode {
	var e *APIError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// PermissionOf returns the permission that was missing where the [APIError] in err
// is a [ErrorCodeForbidden], else "".
func PermissionOf(err error) Permission {
	var e *APIError
	if errors.As(err, &e) {
		return e.Permission
	}
	return ""
}

// RetryAfterOf returns how long the [APIError] in err asks to wait before another
// try; 0 if it says nothing.
func RetryAfterOf(err error) time.Duration {
	var e *APIError
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
