package etag

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The grammar of RFC 9110, section 8.8.3, with the empty elements of 5.6.1.
var (
	grammarOne  = regexp.MustCompile(`(W/)?"([^"\x00-\x20\x7f]*)"`)
	grammarList = regexp.MustCompile(`^[ \t,]*(?:(?:W/)?"[^"\x00-\x20\x7f]*"[ \t]*(?:,[ \t,]*|$))+$`)
)

// FuzzGrammar reads lists by the grammar as well, and both ways find the same tags.
func FuzzGrammar(f *testing.F) {
	for _, list := range []string{`"a"`, `W/"a", "b"`, `,, "a" ,`, `"a" "b"`, `"a""b"`, `w/"a"`, `"a,b"`, `"é-gzip"`, "\"\xff\"", `""`, `"a"W/"b"`, "\"a\t\"", "W/W/\"a\"", `*`, ""} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		tags, ok := parse(list)
		if want := grammarList.MatchString(list); ok != want {
			t.Fatalf("%q: taken %t, want %t", list, ok, want)
		}
		if !ok {
			return
		}
		var want []tag
		for _, m := range grammarOne.FindAllStringSubmatch(list, -1) {
			want = append(want, tag{opaque: strings.TrimSuffix(m[2], Suffix), weak: m[1] != ""})
		}
		if !slices.Equal(tags, want) {
			t.Errorf("%q has the tags %+v, want %+v", list, tags, want)
		}
	})
}

// FuzzVersions: a tag names one version, compressed or not; a weak one is good for
// reading only.
func FuzzVersions(f *testing.F) {
	f.Add(int64(0), int64(0))
	f.Add(int64(1773480413589793), int64(1773480413589794))
	f.Add(int64(-1), int64(1))
	f.Fuzz(func(t *testing.T, first, second int64) {
		one, other := time.UnixMicro(first), time.UnixMicro(second)
		current := Of(one)
		compressed := strings.TrimSuffix(current, `"`) + Suffix + `"`
		for _, header := range []string{current, compressed, `"!", ` + current, current + " ,"} {
			tags, ok := parse(header)
			write := IfMatch{tags: tags}
			if !ok || !write.Holds(one) || write.Holds(other) != (first == second) {
				t.Errorf("%s: %t, holds for %d: %t, for %d: %t", header, ok, first, write.Holds(one), second, write.Holds(other))
			}
			if !Matches(header, current) || Matches(header, Of(other)) != (first == second) {
				t.Errorf("%s matches %s: %t", header, Of(other), Matches(header, Of(other)))
			}
		}
		tags, _ := parse("W/" + current)
		if write := (IfMatch{tags: tags}); write.Holds(one) || !Matches("W/"+current, current) {
			t.Errorf("W/%s lets a write through, or is none to a read", current)
		}
	})
}
