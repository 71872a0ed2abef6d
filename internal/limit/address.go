package limit

import "net/netip"

// Address names who counts as one caller by an address: all of an IPv4 address,
// and of an IPv6 address its first 64 bits, since one subscriber has at least as
// many addresses as the rest tells apart. All whose address is not known are one.
func Address(addr netip.Addr) string {
	addr = addr.Unmap()
	if !addr.IsValid() {
		return "unknown"
	}
	if addr.Is6() {
		return netip.PrefixFrom(addr.WithZone(""), 64).Masked().Addr().String()
	}
	return addr.String()
}
