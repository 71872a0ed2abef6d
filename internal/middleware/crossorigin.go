package middleware

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/problem"
)

// CrossOrigin refuses what a page of a foreign origin makes a browser do with the
// cookie, or do to get another one (CSRF). Unsafe requests must come from a page of
// Roster's own origin, which is publicURL's or that of the Host header, or from one
// of an allowed origin, written as browsers do. Safe methods change nothing, and pass.
//
// It is not http.CrossOriginProtection, which lets pass what says nothing of its
// origin, and what a page of http:// sends to the https:// of the same host.
func CrossOrigin(publicURL *url.URL, allowed []string) func(http.Handler) http.Handler {
	b := boundary{allowed: allowed}
	if publicURL != nil {
		b.public = originOf(publicURL.Scheme, publicURL.Host)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !b.passes(r) {
				detail := ""
				if r.Header["Sec-Fetch-Site"] == nil && r.Header["Origin"] == nil {
					detail = "With the cookie, a request must say where it comes from. A program sends the token as Authorization: Bearer instead."
				}
				problem.New(problem.CrossOrigin, detail).Write(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

type boundary struct {
	public  string // the outside origin, or nothing
	allowed []string
}

func (b boundary) passes(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	// With this header the cookie is ignored, and a page of another origin can send
	// it only after CORS has allowed that.
	if len(r.Header["Authorization"]) > 0 {
		return true
	}
	site, origin := r.Header["Sec-Fetch-Site"], r.Header["Origin"]
	switch {
	case len(site) > 1 || len(origin) > 1: // no browser does
		return false
	case len(site) == 0 && len(origin) == 0: // a program, which nobody can trick; or an old browser
		_, err := r.Cookie(auth.Cookie)
		return err != nil
	case len(site) == 0:
		return b.own(r, origin[0]) || slices.Contains(b.allowed, origin[0])
	}
	switch site[0] {
	case "same-origin", "none":
		return true // also with Origin: null, which a form sends by our Referrer-Policy
	case "same-site", "cross-site":
		return len(origin) == 1 && slices.Contains(b.allowed, origin[0])
	}
	return false
}

// own reports whether an Origin header names the server, scheme included.
func (b boundary) own(r *http.Request, origin string) bool {
	scheme := "http"
	if r.TLS != nil || strings.HasPrefix(b.public, "https:") {
		scheme = "https"
	}
	return r.Host != "" && origin == originOf(scheme, r.Host) || b.public != "" && origin == b.public
}

// originOf writes an origin as browsers do: in lower case, and without the port
// that the scheme has anyway.
func originOf(scheme, host string) string {
	return scheme + "://" + strings.TrimSuffix(strings.ToLower(host), map[string]string{"http": ":80", "https": ":443"}[scheme])
}
