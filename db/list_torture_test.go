//go:build torture

package db_test

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// A million users come in about a minute, lists of them have the plans that they
// have at 100,000, and a page takes the same time wherever it is.
func TestTortureAMillionUsers(t *testing.T) {
	pool := testkit.Pool(t)
	const n = 1_000_000
	start := time.Now()
	checkAllPlans(t, pool, n)
	t.Logf("seeded, and all plans checked, in %s", time.Since(start).Round(time.Second))
	if err := countsAgree(t.Context(), pool); err != nil {
		t.Error(err)
	}

	for _, sort := range db.UserSorts {
		for _, filter := range []*role.Role{nil, ptr(role.Viewer)} {
			l := db.UserList{Sort: sort, Role: filter, Limit: 20}
			first := median(t, pool, l)
			for _, l.Offset = range []int64{n / 10, n / 2, n * 4 / 5} {
				page, err := db.ListUsers(t.Context(), pool, l)
				if err != nil {
					t.Fatal(err)
				}
				deep := l
				at := db.PositionOf(sort, page.Users[0])
				deep.Offset, deep.From = 0, &at
				byCursor, byOffset := median(t, pool, deep), median(t, pool, l)
				t.Logf("%s, role %t: first page %s; at %d by cursor %s, by offset %s", sort, filter != nil, first, l.Offset, byCursor, byOffset)
				if byCursor > 3*first+time.Millisecond {
					t.Errorf("a page by cursor takes %s, the first %s", byCursor, first)
				}
			}
		}
	}
	for _, search := range []string{"absent", "quentin", "ravi.77777@", "anna", "maria", "example"} {
		l := db.UserList{Search: search, Sort: db.UsersByName, Limit: 20}
		page, err := db.ListUsers(t.Context(), pool, l)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("search %q: %d users, %s", search, page.Total, median(t, pool, l))
	}
}

func median(t *testing.T, pool *pgxpool.Pool, l db.UserList) time.Duration {
	t.Helper()
	var all []time.Duration
	for range 9 {
		start := time.Now()
		if _, err := db.ListUsers(t.Context(), pool, l); err != nil {
			t.Fatal(err)
		}
		all = append(all, time.Since(start))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
