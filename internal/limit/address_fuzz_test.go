package limit

import (
	"net/netip"
	"testing"
)

// FuzzAddress: a caller has one name, which all of its network share and no other has.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{"203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1", "fe80::1%eth0", "::", "::1", "", "no", "64:ff9b::1.2.3.4", "2001:db8:0:0:ffff::%\x00"} {
		f.Add(text, uint8(3))
	}
	f.Fuzz(func(t *testing.T, text string, bit uint8) {
		addr, err := netip.ParseAddr(text)
		name := Address(addr)
		if err != nil {
			if name != "unknown" {
				t.Errorf("nobody is %q", name)
			}
			return
		}
		again, err := netip.ParseAddr(name)
		if err != nil || Address(again) != name || again.Zone() != "" || again.Is4In6() {
			t.Errorf("%s is %q, and that %q, %v", addr, name, Address(again), err)
		}
		raw := addr.WithZone("").As16()
		if mapped := Address(netip.AddrFrom16(raw)); mapped != name {
			t.Errorf("%s is %q, and in 16 octets %q", addr, name, mapped)
		}
		// A bit of the host's part of an IPv6 address tells nobody apart; any other does.
		bit %= 128
		other := raw
		other[bit/8] ^= 0x80 >> (bit % 8)
		is4 := addr.Unmap().Is4()
		if is4 && bit < 96 {
			return // it becomes an IPv6 address
		}
		changed := netip.AddrFrom16(other)
		if shared := !is4 && bit >= 64; !changed.Unmap().Is4() && (Address(changed) == name) != shared || is4 && Address(changed) == name {
			t.Errorf("%s is %q, and %s is %q", addr, name, changed, Address(changed))
		}
	})
}
