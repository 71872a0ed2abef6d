// Package page holds what every list has in common: the shape of a page, its
// parameters and its cursors.
package page

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Paginated is one page of a list. The document calls it PaginatedResponse.
type Paginated[T any] struct {
	Data       []T        `json:"data" doc:"The rows of this page, in the order asked for."`
	Pagination Pagination `json:"pagination"`
}

// TransformSchema describes the type in the document.
func (Paginated[T]) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "One page of a list."
	return s
}

// Pagination says where a page stands in its list.
type Pagination struct {
	Page  int32   `json:"page" minimum:"1" doc:"The number of this page, from 1. By a cursor it counts steps." example:"1"`
	Limit int32   `json:"limit" minimum:"1" maximum:"100" doc:"Rows a page has at most." example:"20"`
	Total int64   `json:"total" minimum:"0" maximum:"9007199254740991" doc:"Rows of the whole list, at the moment this page was read." example:"57"`
	Pages int64   `json:"pages" minimum:"0" maximum:"9007199254740991" doc:"Pages of the whole list: total divided by limit, rounded up." example:"3"`
	Next  *string `json:"next" nullable:"true" doc:"The cursor of the page after this one; null on the last page." example:"AQEyAAAB"`
	Prev  *string `json:"prev" nullable:"true" doc:"The cursor of the page before this one; null where nothing precedes." example:"AQExAAAB"`
}

// TransformSchema describes the type in the document.
func (Pagination) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "Where a page stands in its list."
	return s
}

// Params are the parameters of every list. Embed it in an input.
type Params struct {
	Page   int32  `query:"page" minimum:"1" maximum:"2147483647" doc:"The page, from 1. Without page and cursor: the first. Not together with cursor." example:"1"`
	Limit  int32  `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"Rows a page has at most." example:"20"`
	Cursor string `query:"cursor" maxLength:"1024" doc:"The page that a former answer's next or prev names, with the same sort, filters and limit. It costs the same wherever in the list it is." example:"AQEyAAAB"`

	url url.URL
}

// Resolve refuses a page beside a cursor. It keeps the request's own query, for
// the Link header.
func (p *Params) Resolve(ctx huma.Context) []error {
	p.url = ctx.URL()
	if p.Page != 0 && p.Cursor != "" {
		return []error{&huma.ErrorDetail{Location: "query.page", Message: "not_allowed|must not stand beside cursor"}}
	}
	return nil
}

// Has reports whether a parameter was given, for those of which no value says so.
func (p *Params) Has(parameter string) bool { return p.url.Query().Has(parameter) }

// Query is the query of the request as it came. Where nothing else makes a difference,
// requests with the same one ask for the same page.
func (p *Params) Query() string { return p.url.RawQuery }

// Place is the page that a request asks for.
type Place struct {
	Offset int64   // the rows before it, where it was asked for by number
	From   *Cursor // read on from here, or back; nil: from the start, or with Back from the end
	Back   bool

	number, limit int32
	bound         string
	url           url.URL
}

// Place finds out which page is asked for. A cursor is bound to the sort and the
// filters, which parts name, and to the limit.
func (p *Params) Place(parts ...string) (Place, error) {
	place := Place{number: max(p.Page, 1), limit: p.Limit, bound: bind(p.Limit, parts...), url: p.url}
	if p.Cursor == "" {
		place.Offset = int64(place.number-1) * int64(p.Limit)
		return place, nil
	}
	cursor, err := Decode(p.Cursor, place.bound)
	if err != nil {
		return place, err
	}
	place.number, place.Back = cursor.Page, cursor.Back
	if !cursor.Edge {
		place.From = &cursor
	}
	return place, nil
}

// Found is a page as the database gave it.
type Found[R any] struct {
	Rows          []R
	Total         int64 // rows of the whole list
	Before, After bool  // some rows precede the page, or follow it
}

// Of makes the page of an answer from what was found at a place, and its Link
// header. wire makes a row what clients see; at says where in the list it stands.
func Of[R, T any](place Place, found Found[R], wire func(R) T, at func(R) Cursor) (Paginated[T], string) {
	p := Paginated[T]{
		Data: make([]T, len(found.Rows)),
		Pagination: Pagination{
			Page: place.number, Limit: place.limit, Total: found.Total, Pages: pages(found.Total, place.limit),
		},
	}
	for i, row := range found.Rows {
		p.Data[i] = wire(row)
	}
	// Beside an empty page lies the end, or the start, of the whole list.
	first, last := Cursor{Edge: true}, Cursor{Edge: true}
	if n := len(found.Rows); n > 0 {
		first, last = at(found.Rows[0]), at(found.Rows[n-1])
	}
	if found.Before {
		first.Back, first.Page = true, max(place.number-1, 1)
		prev := first.Encode(place.bound)
		p.Pagination.Prev = &prev
	}
	if found.After {
		last.Page = max(place.number, place.number+1) // which may overflow
		next := last.Encode(place.bound)
		p.Pagination.Next = &next
	}
	return p, link(place.url.Path, place.url.Query(), p.Pagination)
}

// link returns the Link header of a page (RFC 8288): first, prev and next, as
// far as there are any. path and query are those of the request.
func link(path string, query url.Values, p Pagination) string {
	query.Del("page")
	query.Del("cursor")
	rest := query.Encode()
	var links strings.Builder
	add := func(rel, cursor string) {
		if links.Len() > 0 {
			links.WriteString(", ")
		}
		links.WriteString("<" + path)
		if cursor != "" {
			links.WriteString("?cursor=" + cursor) // which needs no escaping
		}
		switch {
		case rest == "":
		case cursor != "":
			links.WriteString("&" + rest)
		default:
			links.WriteString("?" + rest)
		}
		links.WriteString(`>; rel="` + rel + `"`)
	}
	if p.Page > 1 || p.Prev != nil {
		add("first", "")
	}
	if p.Prev != nil {
		add("prev", *p.Prev)
	}
	if p.Next != nil {
		add("next", *p.Next)
	}
	return links.String()
}

// pages returns how many pages of limit rows total rows make.
func pages(total int64, limit int32) int64 {
	return (total + int64(limit) - 1) / int64(limit)
}

// bind names a combination of sort, filters and limit, to which a cursor is
// bound. Each part is preceded by its length, so that no two combinations have
// one name.
func bind(limit int32, parts ...string) string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(int(limit)))
	for _, part := range parts {
		b.WriteString("|" + strconv.Itoa(len(part)) + ":" + part)
	}
	return b.String()
}
