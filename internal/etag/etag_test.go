package etag

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

var (
	at      = time.Date(2026, 3, 14, 9, 26, 53, 589_793_000, time.UTC)
	current = Of(at)
	opaque  = strings.Trim(current, `"`)
)

// requestWith makes Huma's view of a request with these header lines.
func requestWith(name string, lines ...string) huma.Context {
	r := httptest.NewRequest("GET", "/", nil)
	for _, line := range lines {
		r.Header.Add(name, line)
	}
	return humachi.NewContext(&huma.Operation{}, r, httptest.NewRecorder())
}

func TestOfIsOfTheMicrosecond(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("elsewhere", 3600)
	if Of(at.In(zone)) != current || Of(at.Add(999*time.Nanosecond)) != current {
		t.Error("one moment has two tags")
	}
	if Of(at.Add(time.Microsecond)) == current {
		t.Error("two moments have one tag")
	}
}

// conditions are headers, and what they mean for the version with the tag
// current. If-Match needs a strong comparison, If-None-Match a weak one.
var conditions = []struct {
	name         string
	lines        []string
	match, fresh bool
}{
	{"missing", nil, true, false},
	{"exact", []string{current}, true, true},
	{"any", []string{"*"}, true, true},
	{"any, padded", []string{"  *  "}, true, true},
	{"stale", []string{Of(at.Add(-1))}, false, false},
	{"weak", []string{"W/" + current}, false, true},
	{"foreign", []string{`"abc.def"`}, false, false},
	{"empty tag", []string{`""`}, false, false},
	{"list with it", []string{`"x", ` + current + `,"y"`}, true, true},
	{"list without it", []string{`"x","y"`}, false, false},
	{"list with empty members", []string{`,, "x" , ,` + current + ","}, true, true},
	{"list with a comma in a tag", []string{`"a,b", ` + current}, true, true},
	{"several lines", []string{`"x"`, current}, true, true},
	{"several lines without it", []string{`"x"`, `W/"y"`}, false, false},
	{"a weak one beside the strong", []string{"W/" + current + ", " + current}, true, true},
	{"compressed", []string{`"` + opaque + Suffix + `"`}, true, true},
	{"compressed and weak", []string{`W/"` + opaque + Suffix + `"`}, false, true},
	{"compressed twice", []string{`"` + opaque + Suffix + Suffix + `"`}, false, false},
	{"in another case", []string{strings.ToUpper(current)}, false, false},
	{"with a sign", []string{`"+` + opaque + `"`}, false, false},
	{"with a zero before", []string{`"0` + opaque + `"`}, false, false},
	{"far before all times", []string{`"-1y2p0ij32e8e7"`}, false, false},
	{"far after all times", []string{`"1y2p0ij32e8e7"`}, false, false},
	{"too large a number", []string{`"zzzzzzzzzzzzzzzzzzzzzzz"`}, false, false},
	{"octets above ASCII", []string{`"é"`}, false, false},
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	for _, c := range conditions {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var m IfMatch
			if errs := m.Resolve(requestWith("If-Match", c.lines...)); errs != nil {
				t.Fatal(errs)
			}
			if got := m.Holds(at); got != c.match {
				t.Errorf("%q: the write goes on: %t, want %t", c.lines, got, c.match)
			}
		})
	}
}

func TestIfNoneMatch(t *testing.T) {
	t.Parallel()
	for _, c := range conditions {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var m IfNoneMatch
			if errs := m.Resolve(requestWith("If-None-Match", c.lines...)); errs != nil {
				t.Fatal(errs)
			}
			if got := m.Fresh(current); got != c.fresh {
				t.Errorf("%q: fresh %t, want %t", c.lines, got, c.fresh)
			}
		})
	}
}

func TestResolveTwice(t *testing.T) {
	t.Parallel()
	var m IfMatch
	m.Resolve(requestWith("If-Match", `"x"`))
	m.Resolve(requestWith("If-Match"))
	if !m.Holds(at) {
		t.Error("the condition of one request is left for the next")
	}
}

var malformed = []string{
	"", " ", ",", ", ,", "abc", `"abc`, `abc"`, `"a" "b"`, `"a"b`, `"a";"b"`, `w/"a"`, `W/`, `W/abc`, `W/ "a"`, `W"a"`,
	`*, "a"`, `"a", *`, `**`, `"a b"`, "\"a\tb\"", "\"a\x7fb\"", `'a'`, `"a"",`,
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	for _, header := range malformed {
		var m IfMatch
		var n IfNoneMatch
		for name, errs := range map[string][]error{
			"If-Match":      m.Resolve(requestWith("If-Match", header)),
			"If-None-Match": n.Resolve(requestWith("If-None-Match", header)),
		} {
			if len(errs) != 1 || !strings.Contains(errs[0].Error(), "invalid_format|") {
				t.Errorf("%s: %s: got %v, want one refusal", name, header, errs)
			}
		}
		if m.Holds(at) {
			t.Errorf("%q would let every write through", header)
		}
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		current: true, "*": true, "W/" + current: true, `"x", ` + current: true, `"` + opaque + Suffix + `"`: true,
		`"x"`: false, "": false, "nonsense": false,
	} {
		if got := Matches(header, current); got != want {
			t.Errorf("%s: %t, want %t", header, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range conditions {
		f.Add(strings.Join(c.lines, ","))
	}
	for _, header := range malformed {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		tags, ok := parse(header)
		if ok != (len(tags) > 0) {
			t.Fatalf("%q: %v, %t", header, tags, ok)
		}
		for _, tag := range tags {
			if strings.ContainsAny(tag.opaque, "\" \t\r\n\x00\x7f") || !strings.Contains(header, tag.opaque) {
				t.Errorf("%q gave the tag %q", header, tag.opaque)
			}
		}
		m := IfMatch{tags: tags}
		if m.Holds(at) && !strings.Contains(header, strings.Trim(current, `"`)) {
			t.Errorf("%q accepts %s", header, current)
		}
	})
}
