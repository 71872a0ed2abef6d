package middleware

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/roster-api/roster/internal/problem"
)

func prefixes(all ...string) []netip.Prefix {
	var parsed []netip.Prefix
	for _, p := range all {
		parsed = append(parsed, netip.MustParsePrefix(p))
	}
	return parsed
}

func TestClient(t *testing.T) {
	t.Parallel()
	proxies := prefixes("10.0.0.0/8", "192.0.2.1/32", "2001:db8:1::/48", "::ffff:172.16.0.0/108", "fe80::/64")
	for _, c := range []struct {
		name      string
		proxies   []netip.Prefix
		peer      string
		forwarded []string // lines of X-Forwarded-For
		want      string   // empty: not known
	}{
		{"a connection", nil, "203.0.113.7:4711", nil, "203.0.113.7"},
		{"no proxy is configured", nil, "127.0.0.1:4711", []string{"198.51.100.9"}, "127.0.0.1"},
		{"IPv6", nil, "[2001:db8::7]:4711", nil, "2001:db8::7"},
		{"IPv4 in IPv6", nil, "[::ffff:203.0.113.7]:4711", nil, "203.0.113.7"},
		{"a Unix socket", nil, "@", []string{"198.51.100.9"}, ""},
		{"a Unix socket, with proxies", proxies, "@", []string{"198.51.100.9"}, ""},
		{"no address", proxies, "", []string{"198.51.100.9"}, ""},

		{"a stranger's header", proxies, "203.0.113.7:4711", []string{"198.51.100.9"}, "203.0.113.7"},
		{"a stranger who names a proxy", proxies, "203.0.113.7:4711", []string{"198.51.100.9, 10.0.0.1"}, "203.0.113.7"},
		{"beside a proxy's range", proxies, "192.0.2.2:4711", []string{"198.51.100.9"}, "192.0.2.2"},

		{"one proxy", proxies, "10.1.2.3:4711", []string{"198.51.100.9"}, "198.51.100.9"},
		{"what the client sent is on the left", proxies, "10.1.2.3:4711", []string{"1.1.1.1, 198.51.100.9"}, "198.51.100.9"},
		{"what the client sent is no address", proxies, "10.1.2.3:4711", []string{"<junk>, 198.51.100.9"}, "198.51.100.9"},
		{"what the client sent names a proxy", proxies, "10.1.2.3:4711", []string{"10.0.0.9, 198.51.100.9"}, "198.51.100.9"},
		{"two proxies", proxies, "10.1.2.3:4711", []string{"1.1.1.1, 198.51.100.9, 192.0.2.1"}, "198.51.100.9"},
		{"two lines", proxies, "10.1.2.3:4711", []string{"1.1.1.1", "198.51.100.9"}, "198.51.100.9"},
		{"two lines, the last one a proxy's", proxies, "10.1.2.3:4711", []string{"1.1.1.1, 198.51.100.9", "10.0.0.4"}, "198.51.100.9"},
		{"empty entries", proxies, "10.1.2.3:4711", []string{" , 198.51.100.9 ,,", ""}, "198.51.100.9"},
		{"an IPv6 proxy and client", proxies, "[2001:db8:1::5]:4711", []string{"2001:db8:2::9"}, "2001:db8:2::9"},
		{"a proxy by IPv4 in IPv6", proxies, "[::ffff:10.1.2.3]:4711", []string{"198.51.100.9"}, "198.51.100.9"},
		{"a proxy configured as IPv4 in IPv6", proxies, "172.16.0.1:4711", []string{"198.51.100.9"}, "198.51.100.9"},
		{"a link-local proxy", proxies, "[fe80::1%eth0]:4711", []string{"198.51.100.9"}, "198.51.100.9"},
		{"a client as IPv4 in IPv6", proxies, "10.1.2.3:4711", []string{"::ffff:198.51.100.9"}, "198.51.100.9"},
		{"a client with a zone", proxies, "10.1.2.3:4711", []string{"2001:db8:2::9%x"}, "2001:db8:2::9"},
		{"a proxy in disguise is not passed by", proxies, "10.1.2.3:4711", []string{"198.51.100.9, ::ffff:10.0.0.4"}, "198.51.100.9"},

		{"a proxy's own request", proxies, "10.1.2.3:4711", nil, "10.1.2.3"},
		{"proxies only", proxies, "10.1.2.3:4711", []string{"10.0.0.9, 192.0.2.1"}, "10.1.2.3"},
		{"nothing left of what cannot be read counts", proxies, "10.1.2.3:4711", []string{"198.51.100.9, unknown"}, "10.1.2.3"},
		{"an address with a port", proxies, "10.1.2.3:4711", []string{"198.51.100.9:80"}, "10.1.2.3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := "nothing"
			h := chain(func(_ http.ResponseWriter, r *http.Request) {
				got = ""
				if addr := problem.RequestFrom(r.Context()).Client; addr.IsValid() {
					got = addr.String()
				}
			}, RequestID, Client(c.proxies))
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = c.peer
			for _, line := range c.forwarded {
				r.Header.Add("X-Forwarded-For", line)
			}
			for _, name := range []string{"Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP"} {
				r.Header.Set(name, "for=9.9.9.9") // say nothing to us
			}
			h.ServeHTTP(httptest.NewRecorder(), r)
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
