package page

import (
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2/humatest"
)

func TestBindIsUnambiguous(t *testing.T) {
	t.Parallel()
	seen := map[string][]string{}
	texts := []string{"", "a", "b", "ab", "|", "1:a", "|1:a", "0:", "|0:", "a|1:b", "2"}
	for _, limit := range []int32{1, 2, 12} {
		for _, a := range texts {
			for _, b := range texts {
				for _, parts := range [][]string{{a, b}, {b, a}, {a}, {a, b, ""}} {
					name := bind(limit, parts...)
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
		if got := pages(c.total, c.limit); got != c.want {
			t.Errorf("%d rows by %d: %d pages, want %d", c.total, c.limit, got, c.want)
		}
	}
}

// params are those of a request.
func params(t *testing.T, query string) Params {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/api/users?"+query, nil)
	p := Params{Limit: 20, Cursor: r.FormValue("cursor")}
	for name, to := range map[string]*int32{"page": &p.Page, "limit": &p.Limit} {
		if text := r.FormValue(name); text != "" {
			n, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			*to = int32(n)
		}
	}
	if errs := p.Resolve(humatest.NewContext(nil, r, nil)); len(errs) > 0 {
		t.Fatal(errs)
	}
	return p
}

func TestPlaceByNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		query  string
		offset int64
	}{
		{"", 0}, {"page=1", 0}, {"page=2&limit=20", 20}, {"page=3&limit=7", 14}, {"page=2147483647&limit=100", 214748364600},
	} {
		p := params(t, c.query)
		place, err := p.Place()
		if err != nil || place.Offset != c.offset || place.From != nil || place.Back {
			t.Errorf("%s is %+v, %v, want offset %d", c.query, place, err, c.offset)
		}
	}
}

// The cursors of a page lead to its neighbours, under the same filters only.
func TestPlaceByCursor(t *testing.T) {
	t.Parallel()
	first := params(t, "page=2&limit=2")
	place, err := first.Place("name", "ada")
	if err != nil {
		t.Fatal(err)
	}
	rows := []int{7, 8}
	body, link := Of(place, Found[int]{Rows: rows, Total: 6, Before: true, After: true},
		func(n int) string { return strconv.Itoa(n) },
		func(n int) Cursor { return Cursor{Text: strconv.Itoa(n)} })
	if !slices.Equal(body.Data, []string{"7", "8"}) {
		t.Errorf("data is %q", body.Data)
	}
	if p := body.Pagination; p.Page != 2 || p.Limit != 2 || p.Total != 6 || p.Pages != 3 || p.Prev == nil || p.Next == nil {
		t.Fatalf("got %+v", p)
	}
	if want := `rel="first", </api/users?cursor=` + *body.Pagination.Prev; !strings.Contains(link, want) {
		t.Errorf("%s has no %s", link, want)
	}
	for _, c := range []struct {
		cursor string
		number int32
		back   bool
		from   string
	}{{*body.Pagination.Next, 3, false, "8"}, {*body.Pagination.Prev, 1, true, "7"}} {
		p := params(t, "limit=2&cursor="+c.cursor)
		place, err := p.Place("name", "ada")
		if err != nil || place.number != c.number || place.Back != c.back || place.From == nil || place.From.Text != c.from || place.Offset != 0 {
			t.Errorf("got %+v, %v, want page %d from %s, back %t", place, err, c.number, c.from, c.back)
		}
		_, err = p.Place("name", "bob")
		wantRule(t, err, "cursor_mismatch")
	}
}

// Beside an empty page lies the end, or the start, of the whole list.
func TestPlaceBesideNothing(t *testing.T) {
	t.Parallel()
	p := params(t, "page=2147483647")
	place, err := p.Place()
	if err != nil {
		t.Fatal(err)
	}
	none := func(int) Cursor { t.Error("there is no row"); return Cursor{} }
	body, _ := Of(place, Found[int]{Rows: []int{}, Total: 6, Before: true, After: true}, strconv.Itoa, none)
	if body.Data == nil {
		t.Error("data is null")
	}
	for _, c := range []struct {
		cursor string
		number int32
		back   bool
	}{{*body.Pagination.Next, math.MaxInt32, false}, {*body.Pagination.Prev, math.MaxInt32 - 1, true}} {
		p := params(t, "cursor="+c.cursor)
		place, err := p.Place()
		if err != nil || place.From != nil || place.number != c.number || place.Back != c.back {
			t.Errorf("got %+v, %v, want the edge of page %d, back %t", place, err, c.number, c.back)
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
		r := httptest.NewRequest(http.MethodGet, "/api/users", nil)
		if errs := c.params.Resolve(humatest.NewContext(nil, r, nil)); len(errs) != c.errs {
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
			if got := link("/api/users", query, c.p); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
