// Package email knows the one form in which Roster keeps an email address.
package email

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// MaxLength is the most octets that an address may have in its canonical form
// (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const MaxLength = 254

// Address is an address in a request. After validation it is canonical.
type Address string

// Schema documents the format.
func (Address) Schema(huma.Registry) *huma.Schema {
	length := MaxLength
	s := &huma.Schema{Type: huma.TypeString, Format: "idn-email", MaxLength: &length}
	s.PrecomputeMessages()
	return s
}

// Resolve makes the address canonical, or refuses it.
func (a *Address) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	if *a == "" {
		return nil // an optional one that is absent; a required one has been refused
	}
	canonical, ok := Canonical(string(*a))
	if !ok {
		return []error{&huma.ErrorDetail{Location: prefix.String(), Message: "invalid_format|must be an email address"}}
	}
	*a = Address(canonical)
	return nil
}

// domains turns a domain into A-labels (RFC 5891) and holds it to the length and
// letters of host names.
var domains = idna.New(idna.MapForLookup(), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.BidiRule())

// Canonical returns the one form of an address: NFC, lower case, the domain in
// A-labels. ok is false for what is not a plain local@domain: display names,
// comments, quoted local parts, address literals, and domains without a dot.
//
// The local part is lower-cased although RFC 5321 lets a server tell cases
// apart: none does, and two accounts for one mailbox are a trap.
func Canonical(address string) (canonical string, ok bool) {
	if len(address) > 2*MaxLength || !utf8.ValidString(address) {
		return "", false
	}
	local, domain, found := strings.Cut(address, "@")
	if !found || strings.Contains(domain, "@") {
		return "", false
	}
	local = strings.ToLower(norm.NFC.String(local))
	local = norm.NFC.String(local) // lower case may come apart again
	if len(local) == 0 || len(local) > 64 || !dotAtom(local) {
		return "", false
	}
	domain, err := domains.ToASCII(domain)
	if err != nil || !strings.Contains(domain, ".") || strings.HasSuffix(domain, ".") {
		return "", false
	}
	domain = strings.ToLower(domain)
	canonical = local + "@" + domain
	return canonical, len(canonical) <= MaxLength
}

// dotAtom reports whether a local part is a dot-atom of RFC 5322, widened by the
// letters and digits of RFC 6531.
func dotAtom(local string) bool {
	if local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return false
	}
	for _, c := range local {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.ContainsRune(".!#$%&'*+/=?^_`{|}~-", c):
		case c > unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsMark(c) || unicode.IsDigit(c)):
		default:
			return false
		}
	}
	return true
}
