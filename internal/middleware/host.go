package middleware

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/roster-api/roster/internal/problem"
)

// Host refuses requests for another host than loopback or that of publicURL,
// which may be nil: a page on the internet whose name is made to point at
// 127.0.0.1 (DNS rebinding) would else reach a Roster on the visitor's machine.
//
// An exposed server, which other machines reach, answers /health and /ready also
// to those who call it by an address, as probes do. With no publicURL it does not
// know its names: it answers to any, since it serves https then, and a name that
// its certificate does not have is refused by the browser.
func Host(publicURL *url.URL, exposed bool) func(http.Handler) http.Handler {
	answers := Answers(publicURL, exposed)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !answers(r.Host, r.URL.Path) {
				problem.New(problem.Misdirected, "").Write(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Answers reports which requests [Host] lets pass.
func Answers(publicURL *url.URL, exposed bool) func(host, path string) bool {
	return func(host, path string) bool {
		switch {
		case loopback(host), publicURL != nil && sameHost(host, publicURL):
			return true
		case !exposed:
			return false
		case publicURL == nil:
			return true
		default:
			return (path == "/health" || path == "/ready") && isAddress(host)
		}
	}
}

// loopback reports whether a Host header names this machine, on any port.
func loopback(host string) bool {
	name := hostname(host)
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(hostname(host))
	return err == nil
}

func sameHost(host string, u *url.URL) bool {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	_, sent, err := net.SplitHostPort(host)
	return strings.EqualFold(hostname(host), u.Hostname()) && (err != nil || sent == port)
}

// hostname cuts the port and the brackets of an IPv6 address off. It is empty for
// what is no host.
func hostname(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port, err = net.SplitHostPort(host + ":") // without a port
	}
	if _, wrong := strconv.ParseUint(port, 10, 16); err != nil || port != "" && wrong != nil {
		return ""
	}
	return name
}
