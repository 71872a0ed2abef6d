package apitest

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/roster-api/roster/internal/auth"
)

//go:embed testdata/access.txt
var accessText string

// accessTable is testdata/access.txt: who may do what, as people have written it.
type accessTable struct {
	callers    []string                   // the columns
	missing    map[string]auth.Permission // by the word of a cell
	keys       map[string]auth.Permission // the one scope of a key, by its column
	operations []accessOperation
}

type accessOperation struct {
	id         string
	success    int
	permission auth.Permission // "public" where there is none
	own        auth.Permission // or nothing
	rows       []accessRow
}

// accessRow is what an operation is done to, and what comes of it for each caller.
type accessRow struct {
	what  string
	cells map[string]string
}

// own reports whether a row is about what is the caller's own.
func (r accessRow) own() bool {
	return strings.HasPrefix(r.what, "own") || strings.HasPrefix(r.what, "oneself")
}

const anyoneMay = auth.Permission("public")

var readAccess = sync.OnceValues(func() (*accessTable, error) { return parseAccess(accessText) })

func parseAccess(text string) (*accessTable, error) {
	table := &accessTable{missing: map[string]auth.Permission{}, keys: map[string]auth.Permission{}}
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(line, "#"):
		case words[0] == "missing" && len(words) == 3:
			table.missing[words[1]] = auth.Permission(words[2])
		case words[0] == "key" && len(words) == 3:
			table.keys[words[1]] = auth.Permission(words[2])
		case words[0] == "callers":
			table.callers = slices.DeleteFunc(words[1:], func(w string) bool { return w == "|" })
		case strings.HasPrefix(line, "  "):
			// What it is done to has spaces in it, and no two.
			what, rest, _ := strings.Cut(strings.TrimSpace(line), "  ")
			cells := slices.DeleteFunc(strings.Fields(rest), func(w string) bool { return w == "|" })
			if len(cells) != len(table.callers) || len(table.operations) == 0 {
				return nil, fmt.Errorf("line %d has %d cells for %d callers", i+1, len(cells), len(table.callers))
			}
			row := accessRow{what, map[string]string{}}
			for j, cell := range cells {
				row.cells[table.callers[j]] = cell
			}
			op := &table.operations[len(table.operations)-1]
			op.rows = append(op.rows, row)
		default:
			op := accessOperation{}
			head, own, _ := strings.Cut(line, ", own: ")
			words = strings.Fields(head)
			if len(words) != 3 {
				return nil, fmt.Errorf("line %d is no operation: %q", i+1, line)
			}
			var err error
			if op.success, err = strconv.Atoi(words[1]); err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			op.id, op.permission, op.own = words[0], auth.Permission(words[2]), auth.Permission(own)
			table.operations = append(table.operations, op)
		}
	}
	return table, nil
}
