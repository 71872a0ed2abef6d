package db_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// Whatever the order, the filter and the page, and whether the plan was made for
// these values or for any, a list reads few users: it neither scans nor sorts them.
func TestListUsersPlans(t *testing.T) {
	t.Parallel()
	checkAllPlans(t, testkit.Pool(t), 100_000)
}

func checkAllPlans(t *testing.T, pool *pgxpool.Pool, n int64) {
	t.Helper()
	if err := db.SeedUsers(t.Context(), pool, int(n), nil); err != nil {
		t.Fatal(err)
	}
	// Admins are too few for the statistics to know of them.
	for i := range 3 {
		if _, err := pool.Exec(t.Context(), `INSERT INTO users (id, name, email, role) VALUES ($1, 'Quentin Rare', $2, 'admin')`,
			uuid.New(), fmt.Sprintf("admin%d@example.com", i)); err != nil {
			t.Fatal(err)
		}
	}
	// The three stand in no statistics, yet the pages they are on are seen by all.
	if _, err := pool.Exec(t.Context(), `VACUUM users`); err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()

	count := func(l db.UserList) int64 {
		l.Sort, l.Limit, l.Offset, l.From = "name", 1, 0, nil
		page, err := db.ListUsers(t.Context(), conn, l)
		if err != nil {
			t.Fatal(err)
		}
		return page.Total
	}
	searches := []struct {
		text     string
		min, max int64
	}{{"", 0, n + 3}, {"absent", 0, 0}, {"quentin", 3, 3}, {"anna", n / 200, n / 20}, {"example", n, n + 3}}

	for _, search := range searches {
		of := count(db.UserList{Search: search.text})
		if of < search.min || of > search.max {
			t.Fatalf("%q: %d users", search.text, of)
		}
		for _, filter := range []*role.Role{nil, ptr(role.Admin), ptr(role.Editor), ptr(role.Viewer)} {
			l := db.UserList{Role: filter, Search: search.text, Limit: 20}
			total := count(l)
			slow := search.text != "" && total > 5000 // to count takes a while
			for _, l.Sort = range db.UserSorts {
				for _, l.Offset = range []int64{0, 20, total / 2, total - 5, total + 100} {
					if l.Offset >= 0 && (!slow || l.Offset <= 20 && filter == nil) {
						checkPlans(t, conn.Conn(), l, plansOf{n, of, total})
					}
				}
				l.Offset, l.Back = 0, true
				if !slow {
					checkPlans(t, conn.Conn(), l, plansOf{n, of, total})
				}
				for _, from := range positions(t, conn, l.Sort, n) {
					l.From = &from
					for _, l.Back = range []bool{true, false} {
						if !slow || filter == nil && !l.Back {
							checkPlans(t, conn.Conn(), l, plansOf{n, of, total})
						}
					}
				}
				l.From = nil

				l.Email = "admin1@example.com"
				checkPlans(t, conn.Conn(), l, plansOf{n, of, total})
				l.Email = ""
			}
		}
	}
}

// positions are near the start, in the middle and near the end of all users.
func positions(t *testing.T, lister db.Lister, sort db.UserSort, n int64) []db.UserPosition {
	t.Helper()
	var all []db.UserPosition
	for _, offset := range []int64{3, n / 2, n - 3} {
		page, err := db.ListUsers(t.Context(), lister, db.UserList{Sort: sort, Limit: 1, Offset: offset})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, db.PositionOf(sort, page.Users[0]))
	}
	return all
}

// plansOf is how many users there are, how many of them match, and how many of
// those have the role.
type plansOf struct{ users, of, total int64 }

func checkPlans(t *testing.T, conn *pgx.Conn, l db.UserList, n plansOf) {
	t.Helper()
	of, total := n.of, n.total
	for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
		cost := explain(t, conn, l, mode)
		fail := func(why string) {
			t.Helper()
			t.Errorf("%s, %s: %s\n%s", describe(l), mode, why, cost.plan)
		}
		page := int64(l.Limit) + 1
		var read, sorted int64 // at most
		switch {
		case l.Email != "":
			read = 1
		case l.Search == "":
			read, sorted = page, page
			if l.From != nil {
				read++ // does anything lie behind?
			}
			if l.Offset >= total {
				read = 0
			} else if l.Offset > 0 {
				read += min(l.Offset, total-l.Offset) + 1
			}
		case l.Role != nil && *l.Role == role.Admin:
			read, sorted = 3, 3 // so few, that all are read
		case total <= 500:
			read, sorted = of, total
		default:
			// Few are read and sorted. Where they are many, some were read before
			// that was known, all are counted, and the page is met by walking,
			// unless they all stand elsewhere: then they are sorted after all.
			read, sorted = of, total
			if total*total > 2*page*n.users {
				read = 5*of + page
			}
			if total > n.users/20 {
				read, sorted = of+10_000*of/total+100*page*n.users/total, page
			}
		}
		if cost.scans > 0 {
			fail("scans users")
		}
		if cost.read > read {
			fail(fmt.Sprintf("reads %d users, more than %d", cost.read, read))
		}
		if cost.sorted > sorted {
			fail(fmt.Sprintf("sorts %d users, more than %d", cost.sorted, sorted))
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}

// planCost is what a statement did to users.
type planCost struct {
	scans        int // sequential scans
	read, sorted int64
	plan         string
}

type planNode struct {
	Type      string     `json:"Node Type"`
	Relation  string     `json:"Relation Name"`
	Index     string     `json:"Index Name"`
	Rows      float64    `json:"Actual Rows"`
	Loops     float64    `json:"Actual Loops"`
	Filtered  float64    `json:"Rows Removed by Filter"`
	Rechecked float64    `json:"Rows Removed by Index Recheck"`
	Plans     []planNode `json:"Plans"`
}

// explain runs a list's statement prepared, as ListUsers does, and adds up its plan.
func explain(t *testing.T, conn *pgx.Conn, l db.UserList, mode string) planCost {
	t.Helper()
	settings, sql, args, err := db.UserStatement(l)
	if err != nil {
		t.Fatal(err)
	}
	if settings == "" {
		settings = "SELECT"
	}
	var plan []byte
	err = pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		var batch pgx.Batch
		batch.Queue(settings)
		batch.Queue("SET LOCAL plan_cache_mode = " + mode)
		batch.Queue("SET LOCAL jit = off")
		batch.Queue("PREPARE list AS " + sql)
		batch.Queue("EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, FORMAT JSON) EXECUTE list" + literals(args)).
			QueryRow(func(row pgx.Row) error { return row.Scan(&plan) })
		batch.Queue("DEALLOCATE list")
		return tx.SendBatch(t.Context(), &batch).Close()
	})
	if err != nil {
		t.Fatalf("%s: %v", describe(l), err)
	}
	var explained []struct{ Plan planNode }
	if err := json.Unmarshal(plan, &explained); err != nil {
		t.Fatal(err)
	}
	var cost planCost
	cost.add(explained[0].Plan, "")
	return cost
}

func (c *planCost) add(n planNode, indent string) {
	c.plan += fmt.Sprintf("%s%s %s %s: %v rows + %v filtered, %v times\n",
		indent, n.Type, n.Relation, n.Index, n.Rows, n.Filtered+n.Rechecked, n.Loops)
	if n.Relation == "users" {
		c.read += int64((n.Rows + n.Filtered + n.Rechecked) * n.Loops)
		if n.Type == "Seq Scan" && n.Loops > 0 {
			c.scans++
		}
	}
	if strings.Contains(n.Type, "Sort") && n.Loops > 0 {
		for _, from := range n.Plans[:1] {
			c.sorted += int64(from.Rows * from.Loops)
		}
	}
	for _, below := range n.Plans {
		c.add(below, indent+"  ")
	}
}

// literals are parameters as EXECUTE takes them.
func literals(args []any) string {
	if len(args) == 0 {
		return ""
	}
	var texts []string
	for _, arg := range args {
		text := fmt.Sprint(arg)
		if at, ok := arg.(time.Time); ok {
			text = at.Format(time.RFC3339Nano)
		}
		texts = append(texts, "'"+strings.ReplaceAll(text, "'", "''")+"'")
	}
	return "(" + strings.Join(texts, ", ") + ")"
}
