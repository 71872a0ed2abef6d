package middleware

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/roster-api/roster/internal/problem"
)

// Recover turns a panic into a problem, and logs where it came from.
func Recover(log *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				v := recover()
				if v == nil {
					return
				}
				if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so, too
					panic(v)
				}
				log.ErrorContext(r.Context(), "panic", "requestId", problem.RequestFrom(r.Context()).ID,
					"panic", fmt.Sprint(v), "stack", string(debug.Stack()))
				if ww, ok := w.(interface{ Status() int }); ok && ww.Status() != 0 {
					// The answer has begun: the only honest end is a broken one.
					panic(http.ErrAbortHandler)
				}
				problem.New(problem.Internal, "").WithCause(fmt.Errorf("panic: %v", v)).Write(w, r)
			}()
			next.ServeHTTP(w, r)
		})
	}
}
