package auth

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

func TestPasswordRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, password string
		want           string // of the message; empty: it is taken
	}{
		{"a sentence", "correct horse battery", ""},
		{"8 code points", "päßwörtē", ""},
		{"7 code points of 4 octets", strings.Repeat("👩", 7), "at least 8"},
		{"128 code points of 4 octets", strings.Repeat("👩", 128), ""},
		{"129 code points", strings.Repeat("pq", 64) + "p", "at most 128"},
		{"empty", "", "at least 8"},
		{"blanks within", "a b c d ", ""},
		{"a control character", "a\u0007bcdefgh", "control"},
		{"a line end", "correct horse\n", "control"},
		{"not UTF-8", "correct horse\xff", "UTF-8"},

		{"the most common", "password", "common"},
		{"digits", "12345678", "common"},
		{"in capitals", "PASSWORD", "common"},
		{"in mixed case", "PassWord1", "common"},
		{"letters and digits", "1q2w3e4r", "common"},
		{"with a sign", "p@ssw0rd", "common"},
		{"a name", "jennifer", "common"},
		{"one digit", "88888888", "common"},
		{"one letter, nine times", "aaaaaaaaa", "common"},
		{"a word twice", "adminadmin", "common"},
		{"a run backwards", "0987654321", "common"},
		{"this server's name", "Roster123", "common"},
		{"a common one and more", "password and more", ""},
		{"a common one with a blank before", " password", ""},
		{"longer than any of the list", strings.Repeat("password", 10), ""},
		{"between two of the list", "passwore", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := CheckPassword(c.password)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want a word of %q", err, c.want)
			}
			if err != nil && len(c.password) > 0 && strings.Contains(err.Error(), c.password) && c.password != "password" {
				t.Errorf("it repeats the password: %v", err)
			}

			in := Password(c.password)
			errs := in.Resolve(nil, huma.NewPathBuffer([]byte("body.newPassword"), len("body.newPassword")))
			if (c.want == "common") != (len(errs) == 1) {
				t.Fatalf("over HTTP: %v", errs)
			}
			if string(in) != c.password {
				t.Errorf("it became %q", in)
			}
			if len(errs) == 0 {
				return
			}
			var detail *huma.ErrorDetail
			if !errors.As(errs[0], &detail) || detail.Location != "body.newPassword" || detail.Value != nil ||
				detail.Message != "common_password|is one of the most common passwords; choose another" {
				t.Errorf("over HTTP: %+v", errs[0])
			}
		})
	}
}

func TestPasswordSchema(t *testing.T) {
	t.Parallel()
	type body struct {
		Password Password `json:"password"`
	}
	s := huma.SchemaFromType(huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer), reflect.TypeFor[Password]())
	if s.Type != huma.TypeString || *s.MinLength != 8 || *s.MaxLength != 128 || s.Description == "" {
		t.Errorf("%+v", s)
	}
	for password, want := range map[string]int{
		strings.Repeat("👩", 7): 1, strings.Repeat("👩", 8): 0, strings.Repeat("👩", 128): 0, strings.Repeat("👩", 129): 1,
	} {
		errs := huma.NewModelValidator().Validate(reflect.TypeFor[body](), map[string]any{"password": password})
		if len(errs) != want {
			t.Errorf("%d octets: %d refusals, want %d", len(password), len(errs), want)
		}
	}
}

func TestCommonPasswords(t *testing.T) {
	t.Parallel()
	total := 0
	for size, list := range commonPasswords() {
		if size < minPassword || len(list)%size != 0 {
			t.Fatalf("%d octets of passwords of %d", len(list), size)
		}
		var all []string
		for i := 0; i < len(list); i += size {
			all = append(all, list[i:i+size])
		}
		total += len(all)
		if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
			t.Errorf("those of %d are not sorted, or some stand twice", size)
		}
		for _, password := range all {
			if password != strings.ToLower(password) || !common(password) || !common(strings.ToUpper(password)) {
				t.Errorf("%q is in the list and not found", password)
			}
		}
	}
	if total < 3000 {
		t.Errorf("%d common passwords, want at least 3,000", total)
	}
	t.Logf("%d passwords of %v octets", total, slices.Sorted(maps.Keys(commonPasswords())))
}

func TestNewPassword(t *testing.T) {
	t.Parallel()
	seen, used := map[string]bool{}, map[rune]int{}
	const made = 20000
	for range made {
		password := NewPassword()
		groups := strings.Split(password, "-")
		if len(groups) != 5 || len(password) != 29 || seen[password] || CheckPassword(password) != nil {
			t.Fatalf("made %q", password)
		}
		seen[password] = true
		for _, group := range groups {
			if len(group) != 5 || strings.ContainsAny(group, "0o1li") {
				t.Fatalf("made %q", password)
			}
			for _, c := range group {
				used[c]++
			}
		}
	}
	// 25 of 31 characters are 123.8 bits, when all are as likely.
	if len(used) != 31 {
		t.Errorf("of %d characters", len(used))
	}
	for c, n := range used {
		if mean := made * 25 / 31; n < mean*95/100 || n > mean*105/100 {
			t.Errorf("%c came %d times, about %d are fair", c, n, mean)
		}
	}
}

func BenchmarkCommon(b *testing.B) {
	commonPasswords()
	for _, password := range []string{"jennifer", "correct horse battery", "passwore"} {
		b.Run(password, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				common(password)
			}
		})
	}
}
