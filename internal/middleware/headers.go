package middleware

import "net/http"

// Headers sets the headers that every answer has. They make a browser take an
// answer for no more than it says: no page, no frame, no guessed type.
func Headers(next http.Handler) http.Handler {
	nosniff := []string{"nosniff"}
	policy := []string{"default-src 'none'; frame-ancestors 'none'"}
	referrer := []string{"no-referrer"}
	cache := []string{"private, no-cache"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Content-Type-Options"] = nosniff
		h["Content-Security-Policy"] = policy
		h["Referrer-Policy"] = referrer
		h["Cache-Control"] = cache
		next.ServeHTTP(w, r)
	})
}
