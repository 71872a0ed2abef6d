package middleware

import (
	"net/http"
	"strings"

	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/problem"
)

// Credential finds out who is calling: by the Authorization header, or else by
// the cookie. A header makes the cookie ignored, also when what it holds is not
// valid. Whether somebody must be known is not decided here.
func Credential(verifier *auth.Verifier) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token := sent(r)
			if token == "" {
				next.ServeHTTP(w, r)
				return
			}
			caller, err := verifier.Verify(r.Context(), token)
			switch {
			case err != nil:
				problem.From(err).Write(w, r)
			case caller == nil:
				next.ServeHTTP(w, r)
			default:
				problem.RequestFrom(r.Context()).Caller = caller
				next.ServeHTTP(w, r)
			}
		})
	}
}

// sent returns the token that a request shows, or nothing.
func sent(r *http.Request) string {
	if lines := r.Header["Authorization"]; len(lines) > 0 {
		scheme, token, _ := strings.Cut(lines[0], " ")
		if len(lines) > 1 || !strings.EqualFold(scheme, "Bearer") {
			return ""
		}
		return strings.TrimLeft(token, " ")
	}
	if cookie, err := r.Cookie(auth.Cookie); err == nil {
		return cookie.Value
	}
	return ""
}
