package middleware

import (
	"net/http"
	"strconv"
	"time"

	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/problem"
)

// Rates says how often one caller may ask. A zero Rate is no limit.
type Rates struct {
	Address limit.Rate // an address, for all that it sends without a valid credential
	Caller  limit.Rate // a user or a key, from wherever
}

// Limit refuses who asks too often, and says on every answer what is left, in
// RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11). It
// stands inside of [Client] and [Credential].
func Limit(limiter *limit.Limiter, rates Rates) func(http.Handler) http.Handler {
	address, caller := newPolicy("address", rates.Address), newPolicy("caller", rates.Caller)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			policy := address
			var name string
			if p := auth.From(r.Context()); p != nil {
				policy, name = caller, p.Caller()
			} else {
				name = limit.Address(ClientAddr(r.Context()))
			}
			if policy.rate.Off() {
				next.ServeHTTP(w, r)
				return
			}
			result := limiter.Take(policy.name, name, policy.rate, time.Now())
			h := w.Header()
			h["Ratelimit-Policy"] = policy.field
			h["Ratelimit"] = []string{policy.left(result)}
			if !result.Allowed {
				problem.New(problem.RateLimited, "").WithRetryAfter(result.RetryAfter).Write(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

type policy struct {
	name  string
	rate  limit.Rate
	field []string // RateLimit-Policy
}

func newPolicy(name string, rate limit.Rate) *policy {
	return &policy{name, rate, []string{
		`"` + name + `";q=` + strconv.Itoa(rate.Quota) + ";w=" + strconv.Itoa(int(rate.Window/time.Second)),
	}}
}

// left is RateLimit: what remains, and the time for which that has to do.
func (p *policy) left(r limit.Result) string {
	b := make([]byte, 0, 48)
	b = append(b, '"')
	b = append(b, p.name...)
	b = append(b, `";r=`...)
	b = strconv.AppendInt(b, int64(r.Remaining), 10)
	b = append(b, ";t="...)
	b = strconv.AppendInt(b, int64(r.Reset), 10)
	return string(b)
}
