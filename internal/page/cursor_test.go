package page

import (
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

const bound = "a combination"

// randomCursor makes any cursor that a list may give.
func randomCursor(r *rand.Rand) Cursor {
	c := Cursor{Page: 1 + r.Int32N(1<<31-1), Back: r.IntN(2) == 0, Edge: r.IntN(4) == 0}
	if c.Edge {
		return c
	}
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	c.Time = time.UnixMicro(first.UnixMicro() + r.Int64N(last.UnixMicro()-first.UnixMicro()+1)).UTC()
	letters := []rune("aZ09 %_\\\"'<>&\téßΣ한👩\u200d\ufffd")
	for range r.IntN(100) {
		c.Text += string(letters[r.IntN(len(letters))])
	}
	for i := range c.ID {
		c.ID[i] = byte(r.Uint32())
	}
	return c
}

func TestCursorComesBack(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		c := randomCursor(r)
		text := c.Encode(bound)
		if strings.ContainsAny(text, "+/=&?# ") {
			t.Fatalf("%q needs escaping in a query", text)
		}
		if got, err := Decode(text, bound); err != nil || got != c {
			t.Fatalf("%+v came back as %+v, %v", c, got, err)
		}
	}
}

func TestCursorIsBound(t *testing.T) {
	t.Parallel()
	_, err := Decode(Cursor{Page: 2, ID: uuid.Max}.Encode(bound), bound+"!")
	wantRule(t, err, "cursor_mismatch")
}

func TestCursorRefuses(t *testing.T) {
	t.Parallel()
	good, err := base64.RawURLEncoding.DecodeString(Cursor{Page: 2, Text: "ada", ID: uuid.Max}.Encode(bound))
	if err != nil {
		t.Fatal(err)
	}
	edge, err := base64.RawURLEncoding.DecodeString(Cursor{Page: 2, Edge: true}.Encode(bound))
	if err != nil {
		t.Fatal(err)
	}
	with := func(b []byte, change func(b []byte) []byte) string {
		return base64.RawURLEncoding.EncodeToString(change(append([]byte{}, b...)))
	}
	set := func(at int, to ...byte) func([]byte) []byte {
		return func(b []byte) []byte { copy(b[at:], to); return b }
	}
	for name, text := range map[string]string{
		"no base64":               "not base64!",
		"padding":                 base64.URLEncoding.EncodeToString(good[:keyed]) + "=",
		"standard alphabet":       "++++////",
		"stray bits at the end":   base64.RawURLEncoding.EncodeToString(good[:keyed])[:49] + "B",
		"a line break":            base64.RawURLEncoding.EncodeToString(good) + "\n",
		"empty":                   "",
		"cut in the header":       with(good[:header-1], set(0)),
		"cut in the key":          with(good[:keyed-1], set(0)),
		"another version":         with(good, set(0, 2)),
		"an unknown flag":         with(good, set(1, 4)),
		"page 0":                  with(good, set(2, 0, 0, 0, 0)),
		"a page below 0":          with(good, set(2, 0xff, 0xff, 0xff, 0xff)),
		"an edge with a key":      with(good, set(1, flagEdge)),
		"no edge and no key":      with(edge, set(1, 0)),
		"a time before year 1":    with(good, set(header, 0x80, 0, 0, 0, 0, 0, 0, 0)),
		"a time after year 9999":  with(good, set(header, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)),
		"U+0000 in the text":      with(good, set(keyed, 0)),
		"no UTF-8 in the text":    with(good, set(keyed, 0xff)),
		"more text than can be":   with(good, func(b []byte) []byte { return append(b, strings.Repeat("a", maxText)...) }),
		"another kind of encoded": base64.RawURLEncoding.EncodeToString([]byte(`{"page":2}`)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Decode(text, bound)
			wantRule(t, err, "invalid_format")
		})
	}
}

func wantRule(t *testing.T, err error, code string) {
	t.Helper()
	var detail *huma.ErrorDetail
	if !errors.As(err, &detail) || detail.Location != "query.cursor" || !strings.HasPrefix(detail.Message, code+"|") {
		t.Errorf("got %v, want %s at query.cursor", err, code)
	}
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		f.Add(randomCursor(r).Encode(bound))
	}
	f.Add("")
	f.Add("AQEyAAAB")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Decode(text, bound)
		if err != nil {
			var detail *huma.ErrorDetail
			if !errors.As(err, &detail) {
				t.Fatalf("%q: %v is no refusal of a parameter", text, err)
			}
			return
		}
		if c.Page < 1 || strings.ContainsRune(c.Text, 0) || c.Edge && (c.Text != "" || c.ID != uuid.Nil) {
			t.Errorf("%q gave %+v", text, c)
		}
		if again := c.Encode(bound); again != text {
			t.Errorf("%q and %q are one cursor", text, again)
		}
	})
}
