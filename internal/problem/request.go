package problem

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

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

// Prepared is a problem that is answered often and at once: all but the request's id is
// written down beforehand.
type Prepared struct {
	status        int
	before, after string // the id stands between them
	contentType   []string
	retryAfter    []string
	noStore       []string
}

// Prepare writes a problem down that has a time to try again after.
func (e *Error) Prepare() *Prepared {
	sent := *e
	sent.RequestID = "\x00"
	body, err := json.Marshal(&sent)
	if err != nil {
		panic(err) // strings and numbers only
	}
	before, after, _ := strings.Cut(string(body), `\u0000`)
	return &Prepared{e.GetStatus(), before, after, []string{e.ContentType("")}, []string{strconv.Itoa(e.retryAfter)}, []string{"no-store"}}
}

// Write answers as [Error.Write] does, for the request of that id, and tells no log.
func (p *Prepared) Write(w http.ResponseWriter, r *http.Request, id string) {
	h := w.Header()
	h["Content-Type"], h["Retry-After"], h["Cache-Control"] = p.contentType, p.retryAfter, p.noStore
	body := p.before + id + p.after
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(p.status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, body)
	}
}
