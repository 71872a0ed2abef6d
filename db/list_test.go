package db_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// model is a list as anybody would write it who has all users in memory: those
// that match, in order.
func model(all []dbsqlc.User, l db.UserList) []dbsqlc.User {
	var users []dbsqlc.User
	search := fold(l.Search)
	for _, u := range all {
		if (l.Role == nil || u.Role == *l.Role) && (l.Email == "" || u.Email == l.Email) &&
			(search == "" || strings.Contains(fold(u.Name), search) || strings.Contains(fold(u.Email), search)) {
			users = append(users, u)
		}
	}
	slices.SortFunc(users, func(a, b dbsqlc.User) int {
		return comparePositions(l.Sort, db.PositionOf(l.Sort, a), db.PositionOf(l.Sort, b))
	})
	return users
}

func comparePositions(sort db.UserSort, a, b db.UserPosition) int {
	n := a.CreatedAt.Compare(b.CreatedAt)
	if strings.HasSuffix(string(sort), "name") {
		n = cmp.Compare(strings.ToLower(a.Text), strings.ToLower(b.Text))
	} else if n == 0 {
		n = cmp.Compare(a.Text, b.Text)
	}
	if n == 0 && !strings.HasSuffix(string(sort), "email") {
		n = bytes.Compare(a.ID[:], b.ID[:])
	}
	if strings.HasPrefix(string(sort), "-") || sort == "" {
		n = -n
	}
	return n
}

// modelPage is the page of a list that the model gave.
func modelPage(users []dbsqlc.User, l db.UserList) db.UserPage {
	var at int // of the first at From or after it
	var found bool
	if l.From != nil {
		at, found = slices.BinarySearchFunc(users, *l.From, func(u dbsqlc.User, p db.UserPosition) int {
			return comparePositions(l.Sort, db.PositionOf(l.Sort, u), p)
		})
	}
	var from, to int // the page is users[from:to]
	switch {
	case l.From != nil && l.Back:
		from, to = max(at-l.Limit, 0), at
	case l.Back:
		from, to = max(len(users)-l.Limit, 0), len(users)
	default:
		from = at + int(min(l.Offset, int64(len(users))))
		if found {
			from++
		}
		to = min(from+l.Limit, len(users))
	}
	return db.UserPage{Users: users[from:to], Total: int64(len(users)), Before: from > 0, After: to < len(users)}
}

// fold is the case that a search does not see; the two small sigmas have one capital.
func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "ς", "σ") }

var modelNames = []string{
	"anna", "Anna", "ANNA", "Annabel", "Émile", "émile", "ÉMILE", "Zoë", "zoe", "Ångström", "Łukasz", "łukasz",
	"Жанна", "жанна", "Οδυσσέας", "ΟΔΥΣΣΈΑΣ", "李雷", "さくら", "100%", "100 %", "a_b", "aXb", `back\slash`, "back/slash",
	"O'Neil", "o'neil", "Weiß", "WEISS", "İstanbul", "ﬁn", "𝒜lice", "😀 smile", "😀 Smile", "z", "Z", " lead", "...", "e\u0301mile",
}

// modelUsers holds n users that tie in time and name, in any order.
func modelUsers(n int, r *rand.Rand) []dbsqlc.User {
	start := time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)
	users := make([]dbsqlc.User, n)
	for i := range users {
		u := &users[i]
		binary.BigEndian.PutUint64(u.ID[:8], r.Uint64())
		binary.BigEndian.PutUint64(u.ID[8:], r.Uint64())
		u.Name = modelNames[r.IntN(len(modelNames))]
		if r.IntN(3) == 0 {
			u.Name += " " + modelNames[r.IntN(len(modelNames))]
		}
		domain := [...]string{"example.com", "exa-mple.com", "x.io", "xn--mnchen-3ya.de"}[r.IntN(4)]
		u.Email = fmt.Sprintf("%s%d@%s", [...]string{"u", "ann_a", "z.z", "o'n", "ж", "p%t"}[r.IntN(6)], i, domain)
		u.Role = [...]role.Role{role.Admin, role.Editor, role.Editor, role.Viewer, role.Viewer, role.Viewer, role.Viewer}[r.IntN(7)]
		u.Disabled = r.IntN(5) == 0
		u.CreatedAt = start.Add(time.Duration(r.IntN(n/2)) * time.Microsecond)
		u.UpdatedAt = u.CreatedAt.Add(time.Duration(r.IntN(1000)) * time.Hour)
	}
	return users
}

func insertUsers(t testing.TB, pool *pgxpool.Pool, users []dbsqlc.User) {
	t.Helper()
	var batch pgx.Batch
	for _, u := range users {
		batch.Queue("INSERT INTO users (id, name, email, role, disabled, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			u.ID, u.Name, u.Email, u.Role, u.Disabled, u.CreatedAt, u.UpdatedAt)
		batch.Queue("INSERT INTO credentials (user_id, password_hash) VALUES ($1, '')", u.ID)
	}
	if err := pool.SendBatch(t.Context(), &batch).Close(); err != nil {
		t.Fatal(err)
	}
}

// modelSearches are common, rare and absent, with what LIKE and regular
// expressions would take for more than itself, and with nothing for an index.
var modelSearches = []string{
	"", "ann", "ANN", "nna", "émile", "ÉMI", "жан", "ЖАНН", "οδυσσέας", "ΟΔΥΣΣΈΑΣ", "σσέα", "李雷", "example", "@EXA", "100%",
	"00%", "a_b", "_a1", "%%%", "___", `\\\`, `k\s`, "...", "😀 s", "xn--", "absent", "İst", "o'n", "p%t12", "mple.com", "-mp", "zzz",
}

// Every combination of order, direction, filter and way to a page gives what the
// model gives: with so few users that matches are sorted, and with so many that
// they are met by walking, or, where they all stand at the far end (zzz), missed.
func TestListUsersIsTheModel(t *testing.T) {
	t.Parallel()
	for _, size := range []int{300, 1500} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			pool := testkit.Pool(t)
			r := rand.New(rand.NewPCG(1, uint64(size)))
			users := modelUsers(size, r)
			if size > 1000 {
				for i := range 700 {
					users[i].Name = "zzz " + users[i].Name
				}
			}
			insertUsers(t, pool, users)
			if _, err := pool.Exec(t.Context(), "VACUUM ANALYZE users"); err != nil {
				t.Fatal(err)
			}
			for _, sort := range append(db.UserSorts, "") {
				for _, filterRole := range []*role.Role{nil, ptr(role.Admin), ptr(role.Editor), ptr(role.Viewer)} {
					for _, search := range modelSearches {
						if size > 1000 && search != "zzz" && r.IntN(4) != 0 {
							continue // the large one takes its share
						}
						for i, email := range []string{"", users[7].Email, "nobody@example.com"} {
							if i > 0 && r.IntN(4) != 0 {
								continue
							}
							checkPages(t, pool, users, db.UserList{Sort: sort, Role: filterRole, Search: search, Email: email}, r)
						}
					}
				}
			}
		})
	}
}

// checkPages goes to pages of a list in every way.
func checkPages(t *testing.T, pool *pgxpool.Pool, all []dbsqlc.User, l db.UserList, r *rand.Rand) {
	t.Helper()
	users := model(all, l)
	n := int64(len(users))
	for _, l.Limit = range [][]int{{1, 100}, {20}}[r.IntN(2)] {
		for _, l.Offset = range []int64{0, 1, n / 3, n/2 + 1, n - int64(l.Limit), n - 1, n, n + 1, 1<<63 - 1} {
			if l.Offset >= 0 {
				checkPage(t, pool, users, l)
			}
		}
		l.Offset = 0
		for _, l.Back = range []bool{true, false} {
			if l.Back {
				checkPage(t, pool, users, l)
			}
			at := db.PositionOf(l.Sort, all[r.IntN(len(all))])
			switch r.IntN(5) {
			case 0: // where nobody stands
				at.ID[15]++
				at.Text = strings.TrimSuffix(at.Text, "e")
			case 1:
				at = db.UserPosition{}
			}
			l.From = &at
			checkPage(t, pool, users, l)
			l.From = nil
		}
	}
}

// A pooler between may know no prepared statements: then the URL asks for another
// protocol, in which values come as text.
func TestListUsersInEveryProtocol(t *testing.T) {
	t.Parallel()
	url := testkit.Database(t)
	r := rand.New(rand.NewPCG(1, 2))
	users := modelUsers(50, r)
	for i, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		pool, err := db.Open(url+"&default_query_exec_mode="+mode, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if i == 0 {
			insertUsers(t, pool, users)
		}
		for _, sort := range db.UserSorts {
			checkPages(t, pool, users, db.UserList{Sort: sort}, r)
			checkPages(t, pool, users, db.UserList{Sort: sort, Role: ptr(role.Viewer), Search: `back\sla`}, r)
			checkPages(t, pool, users, db.UserList{Sort: sort, Email: users[3].Email}, r)
		}
	}
}

func checkPage(t *testing.T, lister db.Lister, users []dbsqlc.User, l db.UserList) {
	t.Helper()
	want := modelPage(users, l)
	got, err := db.ListUsers(t.Context(), lister, l)
	if err != nil {
		t.Fatalf("%s: %v", describe(l), err)
	}
	if got.Users == nil {
		t.Fatalf("%s: users are nil", describe(l))
	}
	if got.Total != want.Total || got.Before != want.Before || got.After != want.After || !slices.Equal(got.Users, want.Users) {
		t.Fatalf("%s\ngot  %s\nwant %s", describe(l), describePage(got), describePage(want))
	}
}

func describe(l db.UserList) string {
	s := fmt.Sprintf("sort %q email %q search %q limit %d offset %d back %t", l.Sort, l.Email, l.Search, l.Limit, l.Offset, l.Back)
	if l.Role != nil {
		s += " role " + string(*l.Role)
	}
	if l.From != nil {
		s += fmt.Sprintf(" from %v", *l.From)
	}
	return s
}

func describePage(p db.UserPage) string {
	s := fmt.Sprintf("total %d before %t after %t, %d users", p.Total, p.Before, p.After, len(p.Users))
	for i, u := range p.Users {
		if i == 5 {
			return s + "\n  ..."
		}
		s += fmt.Sprintf("\n  %s %q %s %s %t %s %s", u.ID, u.Name, u.Email, u.Role, u.Disabled, u.CreatedAt, u.UpdatedAt)
	}
	return s
}

func ptr[T any](v T) *T { return &v }
