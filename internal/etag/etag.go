// Package etag makes and reads the entity tags of single resources (RFC 9110,
// sections 8.8.3 and 13.1).
package etag

import (
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// Suffix is what compression appends inside the quotes of a tag: a compressed
// answer is another representation and must not share a strong tag. Conditions
// ignore it.
const Suffix = "-gzip"

// Of returns the strong tag of a resource that was last written at updatedAt, to
// the microsecond, which is PostgreSQL's precision.
func Of(updatedAt time.Time) string {
	return `"` + strconv.FormatInt(updatedAt.UnixMicro(), 36) + `"`
}

// IfMatch is the condition of a write. Embed it in an input.
type IfMatch struct {
	Header string `header:"If-Match" doc:"Write only if the resource still has one of these ETags, as a GET gave them; * for any. Without it the last write wins." example:"\"hgn9nkcdup\""`

	any  bool
	tags []tag
}

// Resolve reads the header.
func (m *IfMatch) Resolve(ctx huma.Context) []error {
	m.tags, m.any = nil, true
	return read(ctx, "If-Match", &m.tags, &m.any)
}

// Holds reports whether the caller accepts the version of updatedAt. Weak tags
// match none (RFC 9110, section 13.1.1).
func (m *IfMatch) Holds(updatedAt time.Time) bool {
	if m.any {
		return true
	}
	current := Of(updatedAt)
	for _, t := range m.tags {
		if !t.weak && current == `"`+t.opaque+`"` {
			return true
		}
	}
	return false
}

// IfNoneMatch is the condition of a read. Embed it in an input.
type IfNoneMatch struct {
	Header string `header:"If-None-Match" doc:"Answer 304 without a body if the resource still has one of these ETags." example:"\"hgn9nkcdup\""`

	any  bool
	tags []tag
}

// Resolve reads the header.
func (m *IfNoneMatch) Resolve(ctx huma.Context) []error {
	m.tags, m.any = nil, false
	return read(ctx, "If-None-Match", &m.tags, &m.any)
}

// Fresh reports whether the caller has the version with this tag already. Weak
// tags count (RFC 9110, section 13.1.2).
func (m *IfNoneMatch) Fresh(current string) bool {
	for _, t := range m.tags {
		if current == `"`+t.opaque+`"` {
			return true
		}
	}
	return m.any
}

type tag struct {
	opaque string // without quotes and Suffix
	weak   bool
}

// read parses all lines of a header into tags. all becomes whether the condition
// holds for every version: a missing If-Match, or *.
func read(ctx huma.Context, name string, tags *[]tag, all *bool) []error {
	r, _ := humachi.Unwrap(ctx)
	lines := r.Header.Values(name)
	if len(lines) == 0 {
		return nil
	}
	list := strings.TrimSpace(strings.Join(lines, ","))
	if list == "*" {
		*all = true
		return nil
	}
	*all = false
	parsed, ok := parse(list)
	if !ok {
		return []error{&huma.ErrorDetail{
			Location: "header." + name,
			Message:  "invalid_format|must be * or a list of ETags in double quotes",
		}}
	}
	*tags = parsed
	return nil
}

// parse reads a list of entity tags: 1#entity-tag.
func parse(list string) ([]tag, bool) {
	var tags []tag
	for {
		list = strings.TrimLeft(list, " \t,")
		if list == "" {
			return tags, len(tags) > 0
		}
		var t tag
		list, t.weak = strings.CutPrefix(list, "W/")
		opaque, ok := strings.CutPrefix(list, `"`)
		end := strings.IndexByte(opaque, '"')
		if !ok || end < 0 || strings.ContainsFunc(opaque[:end], func(c rune) bool { return c < 0x21 || c == 0x7f }) {
			return nil, false
		}
		t.opaque = strings.TrimSuffix(opaque[:end], Suffix)
		tags = append(tags, t)
		list = strings.TrimLeft(opaque[end+1:], " \t")
		if list != "" && list[0] != ',' {
			return nil, false
		}
	}
}

// AddNotModified documents the 304 of a conditional read.
func AddNotModified(responses map[string]*huma.Response) {
	responses["304"] = &huma.Response{
		Description: "Not Modified: the caller has this version already. No body.",
		Headers: map[string]*huma.Param{"ETag": {
			Description: "The version of the resource.",
			Schema:      &huma.Schema{Type: huma.TypeString},
			Example:     `"hgn9nkcdup"`,
		}},
	}
}

// Matches reports whether an If-None-Match header holds tag.
func Matches(header, current string) bool {
	m := IfNoneMatch{any: header == "*"}
	m.tags, _ = parse(header)
	return m.Fresh(current)
}
