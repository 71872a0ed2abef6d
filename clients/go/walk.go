package roster

import (
	"context"
	"errors"
	"iter"
)

// pages walks a list. at reads the page of a cursor, without one the first.
func pages[P any](at func(cursor *string) (*P, *Pagination, error)) iter.Seq2[*P, error] {
	return func(yield func(*P, error) bool) {
		var cursor *string
		for {
			page, place, err := at(cursor)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page, nil) || place.Next == nil {
				return
			}
			if cursor != nil && *cursor == *place.Next {
				yield(nil, errors.New("roster: the server's next page is the same page again"))
				return
			}
			cursor = Ptr(*place.Next) // the page is the caller's, who may change it
		}
	}
}

// rows walks the rows of a list's pages.
func rows[P, T any](ctx context.Context, list iter.Seq2[*P, error], of func(*P) []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for page, err := range list {
			if err != nil {
				yield(none, err)
				return
			}
			for _, row := range of(page) {
				if err := ctx.Err(); err != nil {
					yield(none, err)
					return
				}
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// valueOf returns a copy of what p points to, else the zero value.
func valueOf[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}
