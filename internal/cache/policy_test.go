package cache

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/roster-api/roster/internal/etag"
)

type input struct {
	ID string `query:"id"`
	etag.IfNoneMatch
}

type number struct {
	N int64 `json:"n"`
}

func minute() Policy[input] {
	return Policy[input]{Name: "numbers", Group: "test", MaxAge: time.Minute}
}

func TestPoliciesThatCannotBeRight(t *testing.T) {
	t.Parallel()
	compute := func(context.Context, *input) (number, error) { return number{}, nil }
	for what, change := range map[string]func(*Policy[input]){
		"no name":               func(p *Policy[input]) { p.Name = "" },
		"a name with a colon":   func(p *Policy[input]) { p.Name = "a:b" },
		"a group with a space":  func(p *Policy[input]) { p.Group = "a b" },
		"no age":                func(p *Policy[input]) { p.MaxAge = 0 },
		"more than a day":       func(p *Policy[input]) { p.MaxAge = MaxAge + 1 },
		"stale too long":        func(p *Policy[input]) { p.StaleWhileRevalidate = MaxStale + 1 },
		"stale too long, wrong": func(p *Policy[input]) { p.StaleIfError = MaxStale + 1 },
		"below 0":               func(p *Policy[input]) { p.StaleIfError = -1 },
	} {
		for _, c := range []*Cache{nil, New(Options{})} {
			p := minute()
			change(&p)
			refused(t, what, func() { Handler(c, p, compute) })
		}
	}
	type unconditional struct {
		ID string `query:"id"`
	}
	refused(t, "an input without a condition", func() {
		Handler(nil, Policy[unconditional]{Name: "x", MaxAge: time.Minute}, func(context.Context, *unconditional) (int, error) { return 0, nil })
	})
	type withBody struct {
		etag.IfNoneMatch
		Body number
	}
	body := func(context.Context, *withBody) (int, error) { return 0, nil }
	refused(t, "a body without a key", func() { Handler(nil, Policy[withBody]{Name: "x", MaxAge: time.Minute}, body) })
	Handler(nil, Policy[withBody]{Name: "x", MaxAge: time.Minute, Key: func(in *withBody) string { return fmt.Sprint(in.Body.N) }}, body)

	c := New(Options{})
	Handler(c, minute(), compute)
	refused(t, "a name twice", func() { Handler(c, minute(), compute) })
}

func refused(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "cache: ") {
			t.Errorf("%s: %s", what, text)
		}
	}()
	f()
}

type byID struct {
	ID uuid.UUID `path:"id"`
}

type everyKind struct {
	byID
	etag.IfNoneMatch
	Search string     `query:"search"`
	Sort   string     `query:"sort"`
	Page   int32      `query:"page"`
	All    bool       `query:"all"`
	Roles  []string   `query:"roles,explode"`
	Since  time.Time  `query:"since"`
	Lang   string     `header:"Accept-Language"`
	Theme  string     `cookie:"theme"`
	Ratio  float64    `query:"ratio"`
	parsed *time.Time // what a resolver made of Since
}

// Every parameter stands in the key, the condition does not, and no two inputs run
// into each other.
func TestKeys(t *testing.T) {
	t.Parallel()
	one := func() everyKind { return everyKind{byID: byID{uuid.UUID{1}}, Search: "a", Sort: "b", Page: 1} }
	changes := map[string]func(*everyKind){
		"as it is":         func(*everyKind) {},
		"id":               func(in *everyKind) { in.ID = uuid.UUID{2} },
		"search":           func(in *everyKind) { in.Search = "ab" },
		"search, and sort": func(in *everyKind) { in.Search, in.Sort = "ab", "" },
		"sort, and search": func(in *everyKind) { in.Search, in.Sort = "", "ab" },
		"swapped":          func(in *everyKind) { in.Search, in.Sort = "b", "a" },
		"with a zero":      func(in *everyKind) { in.Search = "a\x00" },
		"a length":         func(in *everyKind) { in.Search = "a\x01b" },
		"page":             func(in *everyKind) { in.Page = 11 },
		"all":              func(in *everyKind) { in.All = true },
		"one role":         func(in *everyKind) { in.Roles = []string{"a,b"} },
		"two roles":        func(in *everyKind) { in.Roles = []string{"a", "b"} },
		"roles turned":     func(in *everyKind) { in.Roles = []string{"b", "a"} },
		"an empty role":    func(in *everyKind) { in.Roles = []string{""} },
		"since":            func(in *everyKind) { in.Since = time.Unix(1, 0) },
		"since, a bit":     func(in *everyKind) { in.Since = time.Unix(1, 1) },
		"language":         func(in *everyKind) { in.Lang = "a" },
		"theme":            func(in *everyKind) { in.Theme = "a" },
		"ratio":            func(in *everyKind) { in.Ratio = 0.1 },
	}
	h := &handler[everyKind, int]{}
	var err error
	if h.fields, err = fieldsOf(reflect.TypeFor[everyKind]()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for what, change := range changes {
		in := one()
		change(&in)
		k := h.key(nil, &in)
		if other, ok := seen[k]; ok {
			t.Errorf("%s and %s have one key", what, other)
		}
		seen[k] = what

		now := time.Now()
		in.Header, in.parsed = `"x"`, &now
		if h.key(nil, &in) != k {
			t.Errorf("%s: what is no parameter changes the key", what)
		}
	}
}

func FuzzKey(f *testing.F) {
	f.Add("a", "bc", "ab", "c")
	f.Add("", "a", "a", "")
	f.Add("\x01a", "", "", "\x01a")
	h := &handler[everyKind, int]{}
	var err error
	if h.fields, err = fieldsOf(reflect.TypeFor[everyKind]()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		one := h.key(nil, &everyKind{Search: a, Lang: b})
		two := h.key(nil, &everyKind{Search: c, Lang: d})
		if (one == two) != (a == c && b == d) {
			t.Errorf("%q, %q and %q, %q", a, b, c, d)
		}
	})
}

func TestOctets(t *testing.T) {
	t.Parallel()
	n := int64(1)
	for _, c := range []struct {
		value any
		least int
	}{
		{int64(1), 8}, {"hello", 21}, {[]int64{1, 2}, 40}, {[]string{"a", "bc"}, 59}, {&n, 16}, {struct{ A *int64 }{&n}, 16},
		{map[string]int{"a": 1}, 33}, {[]any{"abc"}, 59}, {time.Now(), 24}, {[2]string{"a", "b"}, 34},
	} {
		if got := octetsOf(reflect.ValueOf(c.value)); got < c.least || got > 3*c.least {
			t.Errorf("%T takes %d, want %d or a little more", c.value, got, c.least)
		}
	}
}
