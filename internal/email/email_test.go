package email

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/text/unicode/norm"
)

// Letters that look alike are written as escapes, so that an editor cannot
// change one into the other.
const (
	composed   = "jos\u00e9"
	decomposed = "jose\u0301"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	local64, local65 := strings.Repeat("a", 64), strings.Repeat("a", 65)
	// A domain of labels of 63, cut so that local@domain has 254 octets with a
	// local part of 64 and 255 with one more.
	label := strings.Repeat("d", 63)
	domain189 := label + "." + label + "." + label[:61]
	for _, c := range []struct{ name, address, want string }{
		{"plain", "ada@example.org", "ada@example.org"},
		{"upper case", "ADA@EXAMPLE.ORG", "ada@example.org"},
		{"plus and dots", "ada.l+roster@mail.example.org", "ada.l+roster@mail.example.org"},
		{"every sign of a dot-atom", "a!#$%&'*+/=?^_`{|}~-z@example.org", "a!#$%&'*+/=?^_`{|}~-z@example.org"},
		{"composed", composed + "@example.org", composed + "@example.org"},
		{"decomposed", decomposed + "@example.org", composed + "@example.org"},
		{"decomposed in capitals", strings.ToUpper(decomposed) + "@EXAMPLE.org", composed + "@example.org"},
		{"Cyrillic", "ПОЧТА@пример.рф", "почта@xn--e1afmkfd.xn--p1ai"},
		{"IDN", "ada@Bücher.Example", "ada@xn--bcher-kva.example"},
		{"IDN decomposed", "ada@Bu\u0308cher.example", "ada@xn--bcher-kva.example"},
		{"IDN as A-label", "ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"},
		{"sharp s is kept", "ada@straße.example", "ada@xn--strae-oqa.example"},
		{"wide letters of a domain", "ada@ｅｘａｍｐｌｅ.org", "ada@example.org"},
		{"wide dot of a domain", "ada@example。org", "ada@example.org"},
		{"one letter", "a@b.co", "a@b.co"},
		{"digits and hyphens", "1@1-a.co", "1@1-a.co"},
		{"local part of 64", local64 + "@example.org", local64 + "@example.org"},
		{"254 octets", local64 + "@" + domain189, local64 + "@" + domain189},

		{"255 octets", local64 + "@a." + domain189[:188], ""},
		{"local part of 65", local65 + "@example.org", ""},
		{"local part of 65 octets in 33 letters", strings.Repeat("é", 32) + "aa@example.org", ""},
		{"local part of 500", strings.Repeat("a", 500) + "@example.org", ""},
		{"label of 64", "a@" + label + "d.org", ""},
		{"empty", "", ""},
		{"no at", "example.org", ""},
		{"two ats", "a@b@example.org", ""},
		{"no local part", "@example.org", ""},
		{"no domain", "ada@", ""},
		{"display name", "Bob <a@x.io>", ""},
		{"angle brackets", "<a@x.io>", ""},
		{"spaces around", " a@x.io ", ""},
		{"space within", "a b@x.io", ""},
		{"space in the domain", "a@x .io", ""},
		{"quoted", `"a b"@x.io`, ""},
		{"comment", "a(home)@x.io", ""},
		{"address literal", "a@[127.0.0.1]", ""},
		{"IPv6 literal", "a@[IPv6:::1]", ""},
		{"domain without a dot", "a@localhost", ""},
		{"domain that ends in a dot", "a@example.org.", ""},
		{"domain that starts with a dot", "a@.example.org", ""},
		{"empty label", "a@example..org", ""},
		{"dot first", ".a@example.org", ""},
		{"dot last", "a.@example.org", ""},
		{"two dots", "a..b@example.org", ""},
		{"hyphen first in a label", "a@-example.org", ""},
		{"hyphen last in a label", "a@example-.org", ""},
		{"underscore in the domain", "a@ex_ample.org", ""},
		{"percent in the domain", "a@exa%mple.org", ""},
		{"broken A-label", "a@xn--a.org", ""},
		{"U+0000", "a\x00@example.org", ""},
		{"line break", "a@example.org\n", ""},
		{"header injection", "a@example.org\r\nBcc: b@example.org", ""},
		{"no UTF-8", "a\xff@example.org", ""},
		{"emoji", "👩@example.org", ""},
		{"zero width joiner", "a\u200db@example.org", ""},
		{"bidirectional mark", "a\u202eb@example.org", ""},
		{"mixed directions in a label", "a@aא.org", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, ok := Canonical(c.address)
			if ok != (c.want != "") {
				t.Fatalf("%q: %q, %t; want %q", c.address, got, ok, c.want)
			}
			if ok && got != c.want {
				t.Errorf("%q became %q, want %q", c.address, got, c.want)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		address, want Address
		refused       bool
	}{
		{"", "", false}, // absent: whether it may be is the schema's to say
		{"ADA@example.org", "ada@example.org", false},
		{"nobody", "nobody", true},
	} {
		a := c.address
		errs := a.Resolve(nil, huma.NewPathBuffer([]byte("body.email"), len("body.email")))
		if (len(errs) > 0) != c.refused || a != c.want {
			t.Errorf("%q became %q, %v", c.address, a, errs)
		}
		for _, err := range errs {
			if strings.Contains(err.Error(), string(c.address)) {
				t.Errorf("%v repeats the address", err)
			}
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, address := range []string{
		"ada@example.org", "ADA@Bücher.Example", decomposed + "@example.org", "a@xn--bcher-kva.example", "İ@example.org",
		"ΑΣ@example.org", "\u1e9e@ﬁ.org", "a@。.", "a..b@c.d", "\u0345\u0301a@b.co", "ǅ@b.co", "a@xn--ls8h.la", "١@٢.example",
	} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		got, ok := Canonical(address)
		if !ok {
			return
		}
		if again, ok := Canonical(got); !ok || again != got {
			t.Errorf("%q became %q, and that %q, %t", address, got, again, ok)
		}
		if len(got) > MaxLength || !utf8.ValidString(got) || !norm.NFC.IsNormalString(got) || strings.ToLower(got) != got {
			t.Errorf("%q became %q, which is not canonical", address, got)
		}
		_, domain, _ := strings.Cut(got, "@")
		for _, c := range []byte(domain) {
			if c != '.' && c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
				t.Errorf("%q: %q is no domain in A-labels", address, domain)
			}
		}
		if upper, ok := Canonical(norm.NFD.String(got)); !ok || upper != got {
			t.Errorf("%q decomposed became %q, %t", got, upper, ok)
		}
	})
}
