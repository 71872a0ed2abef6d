package page

import (
	"net/url"
	"testing"
)

func TestBindIsUnambiguous(t *testing.T) {
	t.Parallel()
	seen := map[string][]string{}
	texts := []string{"", "a", "b", "ab", "|", "1:a", "|1:a", "0:", "|0:", "a|1:b", "2"}
	for _, limit := range []int32{1, 2, 12} {
		for _, a := range texts {
			for _, b := range texts {
				for _, parts := range [][]string{{a, b}, {b, a}, {a}, {a, b, ""}} {
					name := Bind(limit, parts...)
					key := append([]string{string('0' + limit)}, parts...)
					if other, ok := seen[name]; ok && !equal(other, key) {
						t.Errorf("%q and %q are both named %q", other, key, name)
					}
					seen[name] = key
				}
			}
		}
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		total int64
		limit int32
		want  int64
	}{
		{0, 20, 0}, {1, 20, 1}, {20, 20, 1}, {21, 20, 2}, {5, 1, 5}, {100, 100, 1}, {101, 100, 2}, {9007199254740991, 1, 9007199254740991},
	} {
		if got := Pages(c.total, c.limit); got != c.want {
			t.Errorf("%d rows by %d: %d pages, want %d", c.total, c.limit, got, c.want)
		}
	}
}

func TestOffset(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		page, limit int32
		want        int64
	}{
		{0, 20, 0}, {1, 20, 0}, {2, 20, 20}, {3, 7, 14}, {2147483647, 100, 214748364600},
	} {
		if got := (&Params{Page: c.page, Limit: c.limit}).Offset(); got != c.want {
			t.Errorf("page %d of %d starts after %d, want %d", c.page, c.limit, got, c.want)
		}
	}
}

func TestParamsRefuseAPageBesideACursor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		params Params
		errs   int
	}{
		{Params{}, 0}, {Params{Page: 1}, 0}, {Params{Cursor: "a"}, 0}, {Params{Page: 1, Cursor: "a"}, 1},
	} {
		if errs := c.params.Resolve(nil); len(errs) != c.errs {
			t.Errorf("%+v: %v, want %d", c.params, errs, c.errs)
		}
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	next, prev := "N_-1", "P_-1"
	for _, c := range []struct {
		name, query string
		p           Pagination
		want        string
	}{
		{"the only page", "", Pagination{Page: 1}, ""},
		{"the first of more", "limit=2", Pagination{Page: 1, Next: &next}, `</api/users?cursor=N_-1&limit=2>; rel="next"`},
		{
			"in the midst", "cursor=old&role=admin&limit=2", Pagination{Page: 2, Next: &next, Prev: &prev},
			`</api/users?limit=2&role=admin>; rel="first", </api/users?cursor=P_-1&limit=2&role=admin>; rel="prev", </api/users?cursor=N_-1&limit=2&role=admin>; rel="next"`,
		},
		{
			"the last", "page=3", Pagination{Page: 3, Prev: &prev},
			`</api/users>; rel="first", </api/users?cursor=P_-1>; rel="prev"`,
		},
		{
			"what a link must escape", "q=" + url.QueryEscape(`a>b;"c, d&e=f`), Pagination{Page: 1, Next: &next},
			`</api/users?cursor=N_-1&q=a%3Eb%3B%22c%2C+d%26e%3Df>; rel="next"`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			query, err := url.ParseQuery(c.query)
			if err != nil {
				t.Fatal(err)
			}
			if got := Link("/api/users", query, c.p); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
