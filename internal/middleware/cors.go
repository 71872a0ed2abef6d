package middleware

import (
	"net/http"
	"time"

	"github.com/jub0bs/cors"

	"github.com/roster-api/roster/internal/problem"
)

// CORS lets pages of the given origins call, and read the answers, with the cookie
// too. With no origins it does nothing at all. Where it stands before a wrapper
// that refuses, pages can read the refusal.
func CORS(origins []string) (func(http.Handler) http.Handler, error) {
	if len(origins) == 0 {
		return func(next http.Handler) http.Handler { return next }, nil
	}
	m, err := cors.NewMiddleware(cors.Config{
		Origins:      origins,
		Credentialed: true,
		Methods:      []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		RequestHeaders: []string{
			"Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-Id",
		},
		ResponseHeaders: []string{
			"ETag", "Location", "Link", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id", "Idempotency-Replayed",
		},
		MaxAgeInSeconds: int(time.Hour / time.Second),
	})
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		wrapped := m.Wrap(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodOptions && r.Header["Origin"] != nil && r.Header["Access-Control-Request-Method"] != nil {
				w = preflight{w, r}
			}
			wrapped.ServeHTTP(w, r)
		})
	}, nil
}

// preflight makes a refusal a problem, as every other one is.
type preflight struct {
	http.ResponseWriter
	r *http.Request
}

func (p preflight) WriteHeader(status int) {
	if status != http.StatusForbidden {
		p.ResponseWriter.WriteHeader(status)
		return
	}
	problem.New(problem.CrossOrigin, "Pages of this origin may not call, or not with this method or these headers.").Write(p.ResponseWriter, p.r)
}
