package problem

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/go-json-experiment/json"
)

// Request is what is known of a request, by all who work on it: it is found out
// once, and needs no context of its own for each thing.
type Request struct {
	ID     string
	Client netip.Addr // where it comes from; the zero Addr: not known
	Caller Caller     // who is calling, an *auth.Principal; nil: nobody known
	Turn   Turn       // its right to be worked on; nil: that is not bounded
	Fail   *Error     // the problem that was answered, or nil
}

// Turn is one of a bounded number.
type Turn interface {
	// Yield gives it to the next one, while or because this one only waits.
	Yield()
}

// Caller is who is calling.
type Caller interface {
	// Caller names them for limits and logs, such as "user:" and an id.
	Caller() string
}

// Address is Client as text; empty where it is not known.
func (r *Request) Address() string {
	if !r.Client.IsValid() {
		return ""
	}
	return r.Client.String()
}

type requestKey struct{}

// NewContext puts r in reach of the work on one request.
func NewContext(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestFrom returns what NewContext put there, never nil.
func RequestFrom(ctx context.Context) *Request {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r
	}
	return &Request{}
}

// challenge is how to be known (RFC 6750, section 3).
const challenge = `Bearer realm="roster"`

// answer returns the problem as the request's client sees it, and tells the log.
// It is a copy: a problem may be shared.
func (e *Error) answer(ctx context.Context, setHeader func(name, value string)) *Error {
	r := RequestFrom(ctx)
	sent := *e
	sent.RequestID = r.ID
	r.Fail = &sent
	if e.retryAfter > 0 {
		setHeader("Retry-After", strconv.Itoa(e.retryAfter))
	}
	if e.Status == http.StatusUnauthorized {
		setHeader("WWW-Authenticate", challenge) // RFC 9110, section 15.5.2
	}
	setHeader("Cache-Control", "no-store")
	return &sent
}

// Write answers with the problem outside of Huma.
func (e *Error) Write(w http.ResponseWriter, r *http.Request) {
	body, err := json.Marshal(e.answer(r.Context(), w.Header().Set))
	if err != nil {
		panic(err) // strings and numbers only
	}
	w.Header().Set("Content-Type", e.ContentType(""))
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(int(e.Status))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}
