package middleware

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5/middleware"
)

// Client finds the address that a request comes from. It is the connection's,
// and X-Forwarded-For counts only where that is one of proxies: then the first
// address from the right that is none of them. Where no such address can be read,
// it stays the proxy's.
func Client(proxies []netip.Prefix) func(http.Handler) http.Handler {
	if len(proxies) == 0 {
		return middleware.ClientIPFromRemoteAddr
	}
	trusted := make([]string, len(proxies))
	for i, p := range proxies {
		trusted[i] = plain(p).String()
	}
	forwarded := middleware.ClientIPFromXFF(trusted...)
	return func(next http.Handler) http.Handler {
		return middleware.ClientIPFromRemoteAddr(forwarded(next))
	}
}

// plain writes IPv4 in IPv6 as IPv4, which is how addresses are compared.
func plain(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// ClientAddr returns the address that [Client] found, or the zero Addr where none
// is known, as on a Unix socket.
func ClientAddr(ctx context.Context) netip.Addr { return middleware.GetClientIPAddr(ctx) }
