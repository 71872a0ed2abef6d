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
}

// Resolve refuses a page beside a cursor.
func (p *Params) Resolve(huma.Context) []error {
	if p.Page != 0 && p.Cursor != "" {
		return []error{&huma.ErrorDetail{Location: "query.page", Message: "not_allowed|must not stand beside cursor"}}
	}
	return nil
}

// Offset returns the rows before the page that was asked for by number.
func (p *Params) Offset() int64 {
	return int64(max(p.Page, 1)-1) * int64(p.Limit)
}

// Link returns the Link header of a page (RFC 8288): first, prev and next, as
// far as there are any. path and query are those of the request.
func Link(path string, query url.Values, p Pagination) string {
	var links []string
	add := func(rel, cursor string) {
		q := url.Values{}
		for name, values := range query {
			if name != "page" && name != "cursor" {
				q[name] = values
			}
		}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		target := path
		if encoded := q.Encode(); encoded != "" {
			target += "?" + encoded
		}
		links = append(links, "<"+target+`>; rel="`+rel+`"`)
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
	return strings.Join(links, ", ")
}

// Pages returns how many pages of limit rows total rows make.
func Pages(total int64, limit int32) int64 {
	return (total + int64(limit) - 1) / int64(limit)
}

// Bind names a combination of sort, filters and limit, to which a cursor is
// bound. Each part is preceded by its length, so that no two combinations have
// one name.
func Bind(limit int32, parts ...string) string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(int(limit)))
	for _, part := range parts {
		b.WriteString("|" + strconv.Itoa(len(part)) + ":" + part)
	}
	return b.String()
}
