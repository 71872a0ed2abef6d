package auth

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	_ "embed" // the common passwords
	"errors"
	"io"
	"sort"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// How long a password may be, in code points. The longest is long enough for any
// sentence, and keeps a request from being made of password.
const (
	minPassword = 8
	maxPassword = 128
)

const commonMessage = "is one of the most common passwords; choose another"

// Password is a new password in a request.
type Password string

// Schema documents the rule.
func (Password) Schema(huma.Registry) *huma.Schema {
	shortest, longest := minPassword, maxPassword
	s := &huma.Schema{
		Type: huma.TypeString, MinLength: &shortest, MaxLength: &longest,
		Description: "A new password: 8 to 128 characters, and none of the most common passwords. Only a hash of it is kept.",
		Examples:    []any{"correct horse battery"},
	}
	s.PrecomputeMessages()
	return s
}

// Resolve refuses a common password. Huma has checked the length.
func (p *Password) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	if common(string(*p)) {
		return []error{&huma.ErrorDetail{Location: prefix.String(), Message: "common_password|" + commonMessage}}
	}
	return nil
}

// CheckPassword holds a password that did not come over HTTP to the same rules.
// The error's words can follow the name of where it came from.
func CheckPassword(password string) error {
	length := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return errors.New("must be UTF-8")
	case length < minPassword:
		return errors.New("must have at least 8 characters")
	case length > maxPassword:
		return errors.New("must have at most 128 characters")
	case strings.ContainsFunc(password, unicode.IsControl):
		return errors.New("must not contain control characters")
	case common(password):
		return errors.New(commonMessage)
	}
	return nil
}

// NewPassword makes a random password of 123 bits that can be read out and typed:
// five groups of five, none of the letters and digits that look alike.
func NewPassword() string {
	const (
		alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
		fair     = 256 - 256%len(alphabet) // above it the first letters would come more often
	)
	password := make([]byte, 0, 29)
	for octet := make([]byte, 1); len(password) < cap(password); {
		rand.Read(octet) // never fails, see crypto/rand
		if int(octet[0]) >= fair {
			continue
		}
		if len(password)%6 == 5 {
			password = append(password, '-')
		}
		password = append(password, alphabet[int(octet[0])%len(alphabet)])
	}
	return string(password)
}

// common reports whether a password, in any case, is one that many people have.
func common(password string) bool {
	password = strings.ToLower(password)
	size, list := len(password), commonPasswords()[len(password)]
	if list == "" {
		return false
	}
	at := func(i int) string { return list[i*size : (i+1)*size] }
	count := len(list) / size
	i := sort.Search(count, func(i int) bool { return at(i) >= password })
	return i < count && at(i) == password
}

//go:embed commonpasswords/passwords.txt.gz
var packedPasswords []byte

// commonPasswords holds, for each length in octets, the common passwords of that
// length, sorted and with nothing between them: that takes the least memory. They
// are unpacked when the first is asked for.
var commonPasswords = sync.OnceValue(func() map[int]string {
	unpacked, err := gzip.NewReader(bytes.NewReader(packedPasswords))
	if err != nil {
		panic(err) // the file is part of the binary
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		panic(err)
	}
	lists := map[int][]byte{}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		lists[len(line)] = append(lists[len(line)], line...)
	}
	packed := make(map[int]string, len(lists))
	for size, list := range lists {
		packed[size] = string(list)
	}
	return packed
})
