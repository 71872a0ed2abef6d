package middleware

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/roster-api/roster/internal/problem"
)

// FuzzClient: only a proxy is believed, and only what it wrote itself: whatever its
// client puts on the left changes nothing. Who is found is somebody that a line names,
// is no proxy, and has none but proxies on the right.
func FuzzClient(f *testing.F) {
	proxies := prefixes("10.0.0.0/8", "192.0.2.1/32", "2001:db8:1::/48")
	trusted := func(a netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a.Unmap().WithZone("")) })
	}
	find := func(proxies []netip.Prefix, peer string, lines ...string) (found netip.Addr) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = peer
		r.Header["X-Forwarded-For"] = lines
		chain(func(_ http.ResponseWriter, r *http.Request) {
			found = problem.RequestFrom(r.Context()).Client
		}, RequestID, Client(proxies)).ServeHTTP(httptest.NewRecorder(), r)
		return found
	}
	for _, line := range []string{
		"198.51.100.9", "1.1.1.1, 198.51.100.9, 192.0.2.1", "<junk>, 198.51.100.9", " , 198.51.100.9 ,,", "::ffff:10.0.0.4", "2001:db8:2::9%x", "198.51.100.9:80", "unknown", "[2001:db8:2::9]",
		"198.51.100.9, ::ffff:10.0.0.4", "010.0.0.1", "10.1", "1.1.1.1\t,\t10.0.0.1",
	} {
		f.Add("10.1.2.3:4711", line, "9.9.9.9", "")
		f.Add("203.0.113.7:4711", line, "junk", "10.0.0.1")
		f.Add("[2001:db8:1::5]:1", line, "", line)
	}
	f.Fuzz(func(t *testing.T, peer, line, left, second string) {
		plain := find(nil, peer, line, second)
		if plain != find(nil, peer) {
			t.Fatalf("%s: no proxy is configured, and %q makes it %s", peer, line, plain)
		}
		found := find(proxies, peer, line, second)
		if !plain.IsValid() || !trusted(plain) {
			if found != plain {
				t.Fatalf("%s is no proxy, and %q makes it %s", peer, line, found)
			}
			return
		}
		if !found.IsValid() || found.Zone() != "" && found != plain || found.Is4In6() && found != plain {
			t.Fatalf("%s, %q: found %s", peer, line, found)
		}
		if found == plain {
			return
		}
		if trusted(found) {
			t.Errorf("%s, %q, %q: found the proxy %s", peer, line, second, found)
		}
		if again := find(proxies, peer, left+","+line, second); again != found {
			t.Errorf("%s, %q, %q: found %s, and with %q on the left %s", peer, line, second, found, left, again)
		}
		if again := find(proxies, peer, left, line, second); again != found {
			t.Errorf("%s, %q, %q: found %s, and with the line %q before it %s", peer, line, second, found, left, again)
		}
		entries := strings.Split(line+","+second, ",")
		for i := len(entries) - 1; ; i-- {
			if i < 0 {
				t.Fatalf("%s, %q, %q: nobody wrote %s", peer, line, second, found)
			}
			entry := strings.TrimSpace(entries[i])
			addr, err := netip.ParseAddr(entry)
			switch {
			case entry == "":
			case err != nil:
				t.Fatalf("%s, %q, %q: found %s left of %q", peer, line, second, found, entry)
			case addr.Unmap().WithZone("") == found:
				return
			case !trusted(addr):
				t.Fatalf("%s, %q, %q: found %s left of %s, which is no proxy", peer, line, second, found, addr)
			}
		}
	})
}
