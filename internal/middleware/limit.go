package middleware

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/problem"
)

// Rates says how often one caller may ask. A zero Rate is no limit.
type Rates struct {
	Address limit.Rate // an address, for all that it sends without a valid credential
	Caller  limit.Rate // a user or a key, from wherever
}

// Limits refuses who asks too often, and says on every answer what is left, in
// RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11).
type Limits struct {
	limiter *limit.Limiter
	address *policy
	caller  *policy
	off     bool
}

// NewLimits makes the limits. Without a rate for addresses, the operations' own are
// off, too.
func NewLimits(limiter *limit.Limiter, rates Rates) *Limits {
	return &Limits{limiter, newPolicy("address", rates.Address), newPolicy("caller", rates.Caller), rates.Address.Off()}
}

// Admit counts a request for its caller, and for the limits that its operation has
// of its own, all in one. It reports whether the request may go on; if not, it has
// answered. It stands inside of [Client] and [Credential].
func (l *Limits) Admit(w http.ResponseWriter, r *http.Request, own []limit.Limit) bool {
	policy := l.address
	request := problem.RequestFrom(r.Context())
	var name string
	if request.Caller != nil {
		policy, name = l.caller, request.Caller.Caller()
	} else {
		name = limit.Address(request.Client)
	}
	if l.off {
		own = nil
	}
	if policy.rate.Off() && own == nil {
		return true
	}
	var room [4]limit.Ask
	asks := append(room[:0], limit.Ask{Kind: policy.name, Name: name, Rate: policy.rate})
	for i := range own {
		switch o := &own[i]; {
		case o.Failures: // the operation counts them
		case o.By == limit.ByAddress:
			asks = append(asks, limit.Ask{Kind: o.Policy, Name: limit.Address(request.Client), Rate: o.Rate})
		default:
			asks = append(asks, limit.Ask{Kind: o.Policy, Name: name, Rate: o.Rate})
		}
	}
	verdict := l.limiter.Take(r.Context(), asks, time.Now())
	h := w.Header()
	h["Ratelimit-Policy"] = policy.with(own)
	if verdict.Quota > 0 {
		h["Ratelimit"] = []string{left(asks[verdict.Tightest].Kind, verdict.Result)}
	}
	if !verdict.Allowed {
		problem.New(problem.RateLimited, "").WithRetryAfter(verdict.RetryAfter).Write(w, r)
	}
	return verdict.Allowed
}

type policy struct {
	name  string
	rate  limit.Rate
	field []string // RateLimit-Policy, where there is no other
}

func newPolicy(name string, rate limit.Rate) *policy {
	return &policy{name, rate, []string{item(name, rate)}}
}

// item is one policy in RateLimit-Policy.
func item(name string, rate limit.Rate) string {
	return `"` + name + `";q=` + strconv.Itoa(rate.Quota) + ";w=" + strconv.Itoa(int(rate.Window/time.Second))
}

// with is RateLimit-Policy of the policy and those of an operation.
func (p *policy) with(own []limit.Limit) []string {
	if len(own) == 0 {
		return p.field
	}
	var items []string
	if !p.rate.Off() {
		items = append(items, p.field[0])
	}
	for _, o := range own {
		items = append(items, item(o.Policy, o.Rate))
	}
	return []string{strings.Join(items, ", ")}
}

// left is RateLimit: what remains, and the time for which that has to do.
func left(policy string, r limit.Result) string {
	b := make([]byte, 0, 48)
	b = append(b, '"')
	b = append(b, policy...)
	b = append(b, `";r=`...)
	b = strconv.AppendInt(b, int64(r.Remaining), 10)
	b = append(b, ";t="...)
	b = strconv.AppendInt(b, int64(r.Reset), 10)
	return string(b)
}
