package auth

import (
	"net/http"
	"time"
)

// Cookie is the name of the cookie that holds a session's token. The prefix makes
// browsers take it only with Secure, with Path=/ and without Domain, so that no
// other host can set it (RFC 6265bis, section 4.1.3.2).
const Cookie = "__Host-roster"

// SetCookie returns the Set-Cookie line of a new session.
func SetCookie(token Token, max time.Duration) string {
	return cookie(string(token), int(max.Seconds()))
}

// ClearCookie returns the Set-Cookie line that makes a browser forget the session.
func ClearCookie() string { return cookie("", -1) }

func cookie(value string, maxAge int) string {
	c := http.Cookie{
		Name: Cookie, Value: value, Path: "/", MaxAge: maxAge,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	return c.String()
}
