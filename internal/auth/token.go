package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"math/big"
	"strings"
)

// Token is a secret that a caller shows: a prefix that says what it is and that
// scanners for leaked secrets find, 256 random bits in base62, and a checksum, so
// that a mistyped one is refused without asking the database.
type Token string

// The prefixes.
const (
	sessionPrefix = "rss_"
	keyPrefix     = "rst_"
	resetPrefix   = "rsr_"
)

const (
	prefixLength   = 4
	randomLength   = 43 // 62^43 > 2^256
	checksumLength = 6  // 62^6 > 2^32
	tokenLength    = prefixLength + randomLength + checksumLength

	base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// NewSessionToken makes the secret of a session.
func NewSessionToken() Token { return newToken(sessionPrefix) }

// NewKeyToken makes the secret of a key.
func NewKeyToken() Token { return newToken(keyPrefix) }

// NewResetToken makes the secret of a password reset.
func NewResetToken() Token { return newToken(resetPrefix) }

func newToken(prefix string) Token {
	random := make([]byte, 32)
	rand.Read(random) // never fails, see crypto/rand
	body := prefix + encode62(new(big.Int).SetBytes(random), randomLength)
	return Token(body + checksum(body))
}

// Hash is what the database knows of a token. The token is random, so a fast
// hash without salt is enough.
func (t Token) Hash() [sha256.Size]byte { return sha256.Sum256([]byte(t)) }

// ParseReset reads the token of a password reset; ok says whether it can be one.
func ParseReset(text string) (t Token, ok bool) {
	return Token(text), wellFormed(text, resetPrefix)
}

func wellFormed(text, prefix string) bool {
	if len(text) != tokenLength || !strings.HasPrefix(text, prefix) {
		return false
	}
	body := text[:prefixLength+randomLength]
	return checksum(body) == text[len(body):]
}

func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	var text [checksumLength]byte
	for i := range text {
		text[checksumLength-1-i] = base62[sum%62]
		sum /= 62
	}
	return string(text[:])
}

func encode62(n *big.Int, length int) string {
	text := make([]byte, length)
	base, digit := big.NewInt(62), new(big.Int)
	for i := length - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		text[i] = base62[digit.Int64()]
	}
	return string(text)
}
