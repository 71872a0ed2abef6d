package page

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// FuzzCursor makes cursors of any fields: one that a list may give comes back as it
// was, for its own combination only, and any other is refused.
func FuzzCursor(f *testing.F) {
	f.Add(int32(1), false, false, int64(0), "ada", []byte("0123456789abcdef"), "created 20", "name 20")
	f.Add(int32(2), true, true, int64(0), "", []byte{}, "", "x")
	f.Add(int32(-1), true, false, int64(1)<<62, "\x00", []byte{1}, "a", "a")
	f.Add(int32(1<<31-1), false, false, int64(-62135596800000000), "\xff", []byte(strings.Repeat("z", 16)), "a", "b")
	f.Fuzz(func(t *testing.T, number int32, back, edge bool, micros int64, text string, id []byte, bound, other string) {
		c := Cursor{Page: number, Back: back, Edge: edge}
		if !edge {
			c.Time, c.Text = time.UnixMicro(micros).UTC(), text
			copy(c.ID[:], id)
		}
		encoded := c.Encode(bound)
		got, err := Decode(encoded, bound)
		year := c.Time.Year()
		may := number >= 1 && (edge || year >= 1 && year <= 9999 && utf8.ValidString(text) && !strings.Contains(text, "\x00") && len(text) <= maxText)
		if (err == nil) != may {
			t.Fatalf("%+v: %v, want it taken: %t", c, err, may)
		}
		if err != nil {
			if got != (Cursor{}) {
				t.Errorf("%+v is refused, and gave %+v", c, got)
			}
			return
		}
		if got != c || edge && got.ID != uuid.Nil {
			t.Errorf("%+v came back as %+v", c, got)
		}
		if _, err := Decode(encoded, other); (err == nil) != (bound == other) {
			t.Errorf("made for %q, read for %q: %v", bound, other, err)
		}
		if _, err := Decode(encoded+"A", bound); err == nil && edge {
			t.Errorf("%q with one more letter is taken", encoded)
		}
	})
}
