package roster

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
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

	// Tries counts how often the request was sent. With more than one, a 409 or 412
	// may come from an earlier try of the same call that was carried out although
	// it was answered with 503: the server lost its database at that moment.
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
		Tries:      a.tries,
		lost:       a.lost,
	}
	e.Status = int32(a.status)
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

// Error gives the request, the status, the code, the detail, the fields and the
// request id, in one line.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "roster: %s %s: %d %s: %s", e.Method, e.Path, e.Status, e.Code, e.Detail)
	for _, field := range e.Errors {
		fmt.Fprintf(&b, " [%s %s]", field.Pointer, field.Message)
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
