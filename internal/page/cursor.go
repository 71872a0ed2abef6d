package page

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// Cursor is a place in a list. To clients it is an opaque text.
type Cursor struct {
	Page int32     // the number of the page that it leads to
	Back bool      // the page lies before the place, not after it
	Edge bool      // the place is the list's start, or with Back its end; no key
	Time time.Time // the sort key of the row at the place, to the microsecond,
	Text string    // where the list is sorted by a text
	ID   uuid.UUID // the row at the place; breaks ties
}

const (
	version  = 1
	flagBack = 1
	flagEdge = 2
	header   = 1 + 1 + 4 + 8 // version, flags, page, binding
	keyed    = header + 8 + 16
	maxText  = 4 * 254

	notOurs = "invalid_format|must be a cursor that an answer gave"
)

// Encode returns the opaque text of the cursor, bound to a combination of sort,
// filters and limit.
func (c Cursor) Encode(bound string) string {
	b := make([]byte, 0, keyed+len(c.Text))
	flags := byte(0)
	if c.Back {
		flags |= flagBack
	}
	if c.Edge {
		flags |= flagEdge
	}
	b = append(b, version, flags)
	b = binary.BigEndian.AppendUint32(b, uint32(c.Page))
	b = append(b, binding(bound)...)
	if !c.Edge {
		b = binary.BigEndian.AppendUint64(b, uint64(c.Time.UnixMicro()))
		b = append(b, c.ID[:]...)
		b = append(b, c.Text...)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Decode reads a cursor that was made for the same combination. Anything else is
// a *[huma.ErrorDetail], which becomes a validation_failed.
func Decode(text, bound string) (Cursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") || len(b) < header || b[0] != version || b[1]&^(flagBack|flagEdge) != 0 {
		return Cursor{}, invalid(notOurs)
	}
	c := Cursor{Back: b[1]&flagBack != 0, Edge: b[1]&flagEdge != 0, Page: int32(binary.BigEndian.Uint32(b[2:]))}
	switch {
	case c.Page < 1,
		c.Edge && len(b) != header,
		!c.Edge && (len(b) < keyed || len(b) > keyed+maxText || !printable(b[keyed:])):
		return Cursor{}, invalid(notOurs)
	case string(b[6:header]) != string(binding(bound)):
		return Cursor{}, invalid("cursor_mismatch|belongs to another sort, filter or limit")
	}
	if !c.Edge {
		c.Time = time.UnixMicro(int64(binary.BigEndian.Uint64(b[header:]))).UTC()
		if year := c.Time.Year(); year < 1 || year > 9999 { // outside of what PostgreSQL and RFC 3339 hold
			return Cursor{}, invalid(notOurs)
		}
		copy(c.ID[:], b[header+8:])
		c.Text = string(b[keyed:])
	}
	return c, nil
}

// printable reports whether a text may be sent to PostgreSQL.
func printable(text []byte) bool {
	for _, c := range text {
		if c == 0 {
			return false
		}
	}
	return utf8.Valid(text)
}

func binding(bound string) []byte {
	sum := sha256.Sum256([]byte(bound))
	return sum[:8]
}

func invalid(rule string) error {
	return &huma.ErrorDetail{Location: "query.cursor", Message: rule}
}
