package auth

import (
	"bytes"
	"crypto/sha256"
	"math/big"
	"regexp"
	"strings"
	"testing"
)

// A token is a prefix, 43 letters of base62, which hold 256 bits, and 6 of a checksum.
func TestTokens(t *testing.T) {
	t.Parallel()
	if least := new(big.Int).Exp(big.NewInt(62), big.NewInt(randomLength), nil); least.BitLen() <= 256 {
		t.Errorf("%d letters hold less than 256 bits", randomLength)
	}
	seen := map[Token]bool{}
	for prefix, make := range map[string]func() Token{
		"rss_": NewSessionToken, "rst_": NewKeyToken, "rsr_": NewResetToken,
	} {
		form := regexp.MustCompile(`^` + prefix + `[0-9A-Za-z]{49}$`)
		for range 2000 {
			token := make()
			if !form.MatchString(string(token)) || !wellFormed(string(token), prefix) {
				t.Fatalf("%q is no token of %s", token, prefix)
			}
			if seen[token] {
				t.Fatalf("%q came twice", token)
			}
			seen[token] = true
		}
	}
}

// Every letter of the random part takes many values, so none of it is fixed.
func TestTokensAreRandom(t *testing.T) {
	t.Parallel()
	letters := make([]map[byte]bool, randomLength)
	for range 500 {
		token := NewKeyToken()
		for i := range letters {
			if letters[i] == nil {
				letters[i] = map[byte]bool{}
			}
			letters[i][token[prefixLength+i]] = true
		}
	}
	for i, seen := range letters {
		if len(seen) < 40 {
			t.Errorf("letter %d took %d values in 500 tokens", i, len(seen))
		}
	}
}

func TestEncode62(t *testing.T) {
	t.Parallel()
	for _, octets := range [][]byte{
		make([]byte, 32), bytes.Repeat([]byte{0xff}, 32), append(make([]byte, 31), 1), append([]byte{1}, make([]byte, 31)...),
	} {
		text := encode62(new(big.Int).SetBytes(octets), randomLength)
		back := new(big.Int)
		for i := range len(text) {
			back.Mul(back, big.NewInt(62)).Add(back, big.NewInt(int64(strings.IndexByte(base62, text[i]))))
		}
		if len(text) != randomLength || !bytes.Equal(back.FillBytes(make([]byte, 32)), octets) {
			t.Errorf("%x became %q", octets, text)
		}
	}
}

// What is stored is the SHA-256 of the whole token, and nothing shorter.
func TestTokenHash(t *testing.T) {
	t.Parallel()
	token := NewSessionToken()
	if token.Hash() != sha256.Sum256([]byte(token)) || len(token.Hash()) != 32 {
		t.Error("a token's hash is not its SHA-256")
	}
}

// A token that is not exactly one is refused without asking anybody: one wrong
// letter anywhere, two letters changed over, one too few or too many, another case,
// another prefix.
func TestMalformedTokens(t *testing.T) {
	t.Parallel()
	good := string(NewSessionToken())
	if !wellFormed(good, sessionPrefix) {
		t.Fatal("a good one is refused")
	}
	bad := map[string]string{
		"empty": "", "the prefix": "rss_", "a space before": " " + good, "a space behind": good + " ", "a line break": good + "\n",
		"a NUL": good[:52] + "\x00", "cut by one": good[:52], "cut at the front": good[1:], "half": good[:26],
		"longer by one": good + "0", "twice": good + good, "upper case": strings.ToUpper(good), "lower case": strings.ToLower(good),
		"a capital prefix": "RSS_" + good[4:], "a key's prefix": keyPrefix + good[4:], "a reset's prefix": resetPrefix + good[4:],
		"no prefix": good[4:], "another separator": "rss-" + good[4:], "64 KiB": strings.Repeat("0", 1<<16),
		"all zeros": sessionPrefix + strings.Repeat("0", 49), "letters that are none": sessionPrefix + strings.Repeat("\u00e9", 24) + "0",
	}
	for name, text := range bad {
		if wellFormed(text, sessionPrefix) {
			t.Errorf("%s: %q passes", name, text)
		}
	}
	for i := range good {
		for _, letter := range []byte(base62 + "-_+/=") {
			if letter != good[i] && wellFormed(good[:i]+string(letter)+good[i+1:], sessionPrefix) {
				t.Errorf("%c for letter %d passes", letter, i)
			}
		}
		if i > 0 && good[i] != good[i-1] && wellFormed(good[:i-1]+good[i:i+1]+good[i-1:i]+good[i+1:], sessionPrefix) {
			t.Errorf("letters %d and %d changed over pass", i-1, i)
		}
	}
	if _, ok := ParseReset(good); ok {
		t.Error("a session's token passes for a reset's")
	}
	if token, ok := ParseReset(string(NewResetToken())); !ok || token == "" {
		t.Error("a reset's token is refused")
	}
}
