package middleware

import (
	"context"
	"net/http"
	"time"

	"github.com/roster-api/roster/internal/problem"
)

// unread is how long a client may take to send the rest of a body that nobody
// reads. It is read and thrown away before the answer leaves, since many a client
// reads no answer before it has sent everything.
const unread = time.Second

// Body refuses a body that says it is larger than limit before any of it is
// read, so that no "100 Continue" invites it. The reader of the body bounds one
// that does not say.
func Body(limit int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength > limit {
				problem.New(problem.TooLarge, "").Write(w, r)
				return
			}
			next.ServeHTTP(w, r)
			if r.ContentLength != 0 { // else net/http waits for the rest as long as for a whole request
				_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(unread))
			}
		})
	}
}

// Deadline bounds the work for a request. What waits for the database then ends
// in a 503 instead of a client that waits for ever.
func Deadline(limit time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), limit)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}
