package middleware

import (
	"net/http"
	"strings"
)

// Headers sets the headers that every answer has. They make a browser take an
// answer for no more than it says: no page, no frame, no guessed type, and nothing
// for pages of other origins, unless CORS lets them read it. What only a page can
// mean, such as who may open it, its own handler adds. With https, which
// says that browsers reach the server so, they remember it for a year.
func Headers(https bool) func(http.Handler) http.Handler {
	nosniff := []string{"nosniff"}
	policy := []string{"default-src 'none'; frame-ancestors 'none'"}
	referrer := []string{"no-referrer"}
	own := []string{"same-origin"}
	cache := []string{"private, no-cache"}
	transport := []string{"max-age=31536000"}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h["X-Content-Type-Options"] = nosniff
			h["Content-Security-Policy"] = policy
			h["Referrer-Policy"] = referrer
			h["Cross-Origin-Resource-Policy"] = own
			h["Cache-Control"] = cache
			// A browser that keeps this for localhost would lose all that is served
			// there over http, on any port.
			if https && (r.TLS == nil || !strings.EqualFold(hostname(r.Host), "localhost")) {
				h["Strict-Transport-Security"] = transport
			}
			next.ServeHTTP(w, r)
		})
	}
}
