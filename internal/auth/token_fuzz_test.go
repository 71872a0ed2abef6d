package auth

import (
	"math/big"
	"regexp"
	"strings"
	"testing"
)

var tokenForm = regexp.MustCompile(`^rs[str]_[0-9A-Za-z]{49}$`)

// FuzzToken: 256 bits become letters that name them alone, and a token with anything
// changed, cut off or added is none, nor is it one of another kind.
func FuzzToken(f *testing.F) {
	f.Add(make([]byte, 32), 0, byte(1), "x")
	f.Add([]byte(strings.Repeat("\xff", 32)), 4, byte(' '), "\x00")
	f.Add([]byte("0123456789abcdef0123456789abcdef"), 52, byte(0x80), "0")
	f.Fuzz(func(t *testing.T, random []byte, at int, flip byte, more string) {
		number := new(big.Int).SetBytes(random[:min(len(random), 32)])
		body := keyPrefix + encode62(new(big.Int).Set(number), randomLength) // it uses its number up
		good := body + checksum(body)
		if !wellFormed(good, keyPrefix) || !tokenForm.MatchString(good) {
			t.Fatalf("%q is no token", good)
		}
		digits := strings.Map(func(r rune) rune { return rune(digit(byte(r))) }, good[prefixLength:prefixLength+randomLength])
		if back, ok := new(big.Int).SetString(digits, 62); !ok || back.Cmp(number) != 0 {
			t.Errorf("%x became %q, which is %x", random, good, back)
		}
		if wellFormed(good, sessionPrefix) || wellFormed(good, resetPrefix) {
			t.Errorf("%q is of two kinds", good)
		}
		at = int(uint(at) % tokenLength)
		changed := []byte(good)
		changed[at] ^= flip
		if wellFormed(string(changed), keyPrefix) != (flip == 0) {
			t.Errorf("%q is taken for %q", changed, good)
		}
		if wellFormed(good[:at], keyPrefix) || more != "" && (wellFormed(good+more, keyPrefix) || wellFormed(more+good, keyPrefix) || wellFormed(good[:at]+more+good[at:], keyPrefix)) {
			t.Errorf("%q is taken when it is cut at %d, or has %q in it", good, at, more)
		}
	})
}

// digit is a digit of base62 as math/big writes it, where small letters come first.
func digit(c byte) byte {
	switch {
	case 'a' <= c && c <= 'z':
		return c - 'a' + 'A'
	case 'A' <= c && c <= 'Z':
		return c - 'A' + 'a'
	}
	return c
}
