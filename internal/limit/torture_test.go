//go:build torture && linux

package limit

import (
	"encoding/binary"
	"net/netip"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A million addresses, half of them IPv6, cost no more memory than the table and
// what their names leave to be collected; and who is at a limit stays there.
func TestTortureMillionAddresses(t *testing.T) {
	const n, rounds, mostMiB = 1_000_000, 3, 16
	rate := Rate{100, time.Minute}
	debug.FreeOSMemory()
	before := rss(t)

	l := New()
	for take(l, "address", "203.0.113.7", rate, time.Now()).Allowed {
	}
	start := time.Now()
	for range rounds {
		for i := range n {
			if !take(l, "address", Address(million(i)), rate, time.Now()).Allowed {
				t.Fatalf("address %d was refused", i)
			}
		}
	}
	took := time.Since(start) / (rounds * n)
	grown := float64(rss(t)-before) / (1 << 20)
	t.Logf("RSS grew by %.1f MiB; the goal is at most %d", grown, mostMiB)
	t.Logf("a call took %d ns with the address's name and the clock; the goal is under 1000", took.Nanoseconds())
	if grown > mostMiB {
		t.Error("too much memory")
	}

	r := take(l, "address", "203.0.113.7", rate, start)
	if r.Allowed {
		t.Error("a caller at its limit was forgotten")
	}
}

// million returns one of a million addresses, each another caller.
func million(i int) netip.Addr {
	if i%2 == 0 {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0x0a000000+uint32(i))
		return netip.AddrFrom4(a)
	}
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint32(a[4:], uint32(i))
	binary.BigEndian.PutUint32(a[12:], uint32(i))
	return netip.AddrFrom16(a)
}

// rss is the resident memory of this process, in octets.
func rss(t *testing.T) int64 {
	t.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
