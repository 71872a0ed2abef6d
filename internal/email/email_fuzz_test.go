package email

import (
	"net/mail"
	"strings"
	"testing"

	"golang.org/x/net/idna"
)

// FuzzAgainstNetMail asks net/mail, too: what is an address here is one there, and the
// same one; and a mailbox has one form, however its domain is written.
func FuzzAgainstNetMail(f *testing.F) {
	for _, address := range []string{
		"ada@example.org", "ADA@B\u00fccher.Example", "jose\u0301@example.org", "a@xn--bcher-kva.example", "\u0130@example.org", "a@b\u00fccher\u3002example", "\u1e9e@\ufb01.org",
		"o'neil+tag@example.co.uk", "{a}|b@c.de", "a@1.2.3.4", "\u0661@\u0662.example", "\ud55c@\ud55c.kr", "a@\u05d0.example", "a\u0345@b.co",
	} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		got, ok := Canonical(address)
		if !ok {
			if got != "" && len(got) <= MaxLength {
				t.Errorf("%q is refused, and gave %q", address, got)
			}
			return
		}
		parsed, err := mail.ParseAddress(got)
		if err != nil || parsed.Address != got || parsed.Name != "" {
			t.Errorf("%q became %q, which net/mail reads as %+v, %v", address, got, parsed, err)
		}
		local, domain, _ := strings.Cut(got, "@")
		shown, err := idna.Lookup.ToUnicode(domain)
		if err != nil {
			return // older rules than those of the canonical form
		}
		for _, form := range []string{local + "@" + strings.ToUpper(domain), local + "@" + shown} {
			if again, ok := Canonical(form); !ok || again != got {
				t.Errorf("%q and %q are one mailbox, and became %q and %q, %t", address, form, got, again, ok)
			}
		}
	})
}
