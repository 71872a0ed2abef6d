package middleware

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/roster-api/roster/internal/problem"
)

// Client finds the address that a request comes from, inside of [RequestID]. It is the connection's,
// and X-Forwarded-For counts only where that is one of proxies: then the first
// address from the right that is none of them. Where no such address can be read,
// it stays the proxy's.
func Client(proxies []netip.Prefix) func(http.Handler) http.Handler {
	peer := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			problem.RequestFrom(r.Context()).Client = remote(r.RemoteAddr)
			next.ServeHTTP(w, r)
		})
	}
	if len(proxies) == 0 {
		return peer
	}
	trusted := make([]string, len(proxies))
	for i, p := range proxies {
		trusted[i] = plain(p).String()
	}
	forwarded := middleware.ClientIPFromXFF(trusted...)
	return func(next http.Handler) http.Handler {
		return peer(forwarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if client := middleware.GetClientIPAddr(r.Context()); client.IsValid() {
				problem.RequestFrom(r.Context()).Client = client
			}
			next.ServeHTTP(w, r)
		})))
	}
}

// remote reads the address of a connection, which has a port or not; what else
// there is, as of a Unix socket, is no address.
func remote(text string) netip.Addr {
	host, _, err := net.SplitHostPort(text)
	if err != nil {
		host = text
	}
	peer, _ := netip.ParseAddr(host)
	return peer.Unmap()
}

// plain writes IPv4 in IPv6 as IPv4, which is how addresses are compared.
func plain(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}
