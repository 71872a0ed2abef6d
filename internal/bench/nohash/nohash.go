// Package nohash stands in for golang.org/x/crypto/argon2 in the programs that are
// measured at what a create takes beside the hash of its password. They are built
// with one import put in the place of another; what is released never sees it.
package nohash

import "crypto/sha256"

// Version is that of the algorithm which it stands in for.
const Version = 0x13

// IDKey returns 32 octets that cost next to nothing.
func IDKey(password, salt []byte, _, _ uint32, _ uint8, _ uint32) []byte {
	sum := sha256.Sum256(append(salt[:len(salt):len(salt)], password...))
	return sum[:]
}
