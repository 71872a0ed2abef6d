package apitest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

func TestListParameters(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.user(t, dbsqlc.User{})
	long := strings.Repeat("%F0%9F%91%A9", 100) // 100 code points of four octets
	for _, c := range []struct {
		query string
		rule  string // "": it goes through
	}{
		{"", ""},
		{"page=1", ""}, {"page=2147483647", ""}, {"page=0", "/query/page out_of_range"}, {"page=-1", "/query/page out_of_range"},
		{"page=2147483648", "/query/page"}, {"page=abc", "/query/page invalid_type"}, {"page=1.5", "/query/page invalid_type"},
		{"page=", "/query/page empty"}, {"page=1&page=2", "/query/page repeated"}, {"page=99999999999999999999", "/query/page"},
		{"page=1e3", "/query/page invalid_type"}, {"page=0x10", "/query/page invalid_type"}, {"page=%201", "/query/page invalid_type"}, {"page=null", "/query/page invalid_type"},
		{"limit=1", ""}, {"limit=100", ""}, {"limit=0", "/query/limit out_of_range"}, {"limit=101", "/query/limit out_of_range"},
		{"limit=-1", "/query/limit out_of_range"}, {"limit=abc", "/query/limit invalid_type"}, {"limit=1.5", "/query/limit invalid_type"}, {"limit=", "/query/limit empty"},
		{"limit=5&limit=5", "/query/limit repeated"}, {"limit=9999999999999999999999", "/query/limit"}, {"limit=2147483648", "/query/limit"}, {"limit=4294967297", "/query/limit"},
		{"limit=%D9%A5", "/query/limit invalid_type"}, {"limit=5,6", "/query/limit invalid_type"},
		{"sort=createdAt", ""}, {"sort=-createdAt", ""}, {"sort=name", ""}, {"sort=-name", ""}, {"sort=email", ""}, {"sort=-email", ""},
		{"sort=role", "/query/sort not_allowed"}, {"sort=Name", "/query/sort not_allowed"}, {"sort=%2Bname", "/query/sort not_allowed"}, {"sort=name,email", "/query/sort not_allowed"},
		{"sort=name%3B+DROP+TABLE+users", "/query/sort not_allowed"}, {"sort=", "/query/sort empty"}, {"sort=name&sort=name", "/query/sort repeated"}, {"sort=id", "/query/sort not_allowed"},
		{"role=admin", ""}, {"role=editor", ""}, {"role=viewer", ""}, {"role=Admin", "/query/role not_allowed"}, {"role=root", "/query/role not_allowed"},
		{"role=admin&role=viewer", "/query/role repeated"}, {"role=admin,viewer", "/query/role not_allowed"}, {"role=", "/query/role empty"},
		{"email=ada@example.org", ""}, {"email=nobody", "/query/email invalid_format"}, {"email=", "/query/email empty"}, {"email=a@x.io&email=b@x.io", "/query/email repeated"},
		{"email=" + strings.Repeat("a", 300) + "@x.io", "/query/email too_long"},
		{"q=abc", ""}, {"q=ab", "/query/q too_short"}, {"q=%C3%A9%C3%A9%C3%A9", ""}, {"q=%C3%A9%C3%A9", "/query/q too_short"}, {"q=" + long, ""}, {"q=" + long + "a", "/query/q too_long"},
		{"q=", "/query/q empty"}, {"q=abc&q=def", "/query/q repeated"}, {"q=%00abc", "/query/q control_character"}, {"q=a%0Abc", "/query/q control_character"},
		{"q=%ff%fe%fd", "/query/q invalid_format"}, {"q=+++", ""}, {"q=%25%25%25", ""}, {"q=___", ""}, {`q=%5C%5C%5C`, ""}, {"q='''", ""}, {"q=%22%22%22", ""}, {"q=a'+OR+1%3D1--", ""},
		{"cursor=", "/query/cursor empty"}, {"cursor=abc", "/query/cursor invalid_format"}, {"cursor=" + strings.Repeat("A", 1025), "/query/cursor too_long"},
		{"cursor=abc&page=1", "/query/page not_allowed"},
		{"foo=1", "/query unknown_parameter"}, {"Page=1", "/query unknown_parameter"}, {"page[]=1", "/query unknown_parameter"}, {"offset=1", "/query unknown_parameter"}, {"=1", "/query unknown_parameter"}, {"days=7", "/query unknown_parameter"},
	} {
		t.Run(c.query[:min(len(c.query), 40)], func(t *testing.T) {
			t.Parallel()
			got := a.send(t, "GET", "/api/users?"+c.query, "")
			if c.rule == "" {
				got.page(t)
				return
			}
			if !strings.Contains(c.rule, " ") { // a number too large to be one: whichever rule says so
				p := decode[roster.Problem](t, got.Body)
				if got.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Pointer != c.rule {
					t.Errorf("got %s", got)
				}
				return
			}
			got.wantProblem(t, 422, roster.ErrorCodeValidationFailed, c.rule)
		})
	}
	for _, query := range []string{"page=%zz", "q=%", "a;b=1", "page=1;limit=2", "%gg=1"} {
		a.send(t, "GET", "/api/users?"+query, "").wantProblem(t, 400, roster.ErrorCodeMalformed)
	}
	a.send(t, "GET", "/api/users?limit=0&page=0&foo=1&foo=2&bar=1&sort=x", "").wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/query unknown_parameter")
	a.send(t, "GET", "/api/users?limit=0&page=0&sort=x", "").
		wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/query/limit out_of_range", "/query/page out_of_range", "/query/sort not_allowed")
}

// people are users of whom every order is another. Their times differ.
func people(t *testing.T, a *api) []dbsqlc.User {
	t.Helper()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var partials []dbsqlc.User
	for i, p := range []struct{ name, email string }{
		{"bob", "zoe@example.org"}, {"Alice", "yves@example.org"}, {"alice", "xena@example.org"}, {"\u00c9lodie", "a@example.org"}, {"\u00e9lodie", "b@example.org"},
		{"Zo\u00eb", "c_d@example.org"}, {"50% off", "cxd@example.org"}, {`back\slash`, "e@example.org"}, {"O'Brien \"Bob\"", "f@example.org"}, {"\u4e2d\u6587\u540d", "g@example.org"},
	} {
		partials = append(partials, dbsqlc.User{
			Name: p.name, Email: p.email, Role: role.All[i%3],
			CreatedAt: at.Add(time.Duration((i*7)%10) * time.Hour),
		})
	}
	return testkit.Users(t, a.Pool, partials...)
}

func TestListOrders(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	all := append(people(t, a), a.caller)
	byName := func(x, y dbsqlc.User) int {
		if c := strings.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name)); c != 0 {
			return c
		}
		return strings.Compare(x.ID.String(), y.ID.String())
	}
	for sort, compare := range map[roster.UserSort]func(x, y dbsqlc.User) int{
		roster.UserSortName:      byName,
		roster.UserSortEmail:     func(x, y dbsqlc.User) int { return strings.Compare(x.Email, y.Email) },
		roster.UserSortCreatedAt: func(x, y dbsqlc.User) int { return x.CreatedAt.Compare(y.CreatedAt) },
	} {
		want := slices.Clone(all)
		slices.SortFunc(want, compare)
		for _, sort := range []roster.UserSort{sort, "-" + sort} {
			if got := ids(walk(t, a, &roster.ListUsersParams{Sort: &sort, Limit: roster.Ptr[int32](3)})); !slices.Equal(got, idsOf(want)) {
				t.Errorf("%s: got %v, want %v", sort, got, idsOf(want))
			}
			slices.Reverse(want)
		}
	}
	// Without a sort: the newest first.
	newest := ids(must(a.ListUsers(t.Context(), nil))(t).Data)
	if want := ids(must(a.ListUsers(t.Context(), &roster.ListUsersParams{Sort: roster.Ptr(roster.UserSortMinusCreatedAt)}))(t).Data); !slices.Equal(newest, want) {
		t.Errorf("without a sort %v, want %v", newest, want)
	}
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	people(t, a)
	for _, c := range []struct {
		query string
		want  []string // addresses, by address
	}{
		{"role=admin", []string{"a@example.org", "cxd@example.org", "g@example.org", rootEmail, "zoe@example.org"}},
		{"email=ZOE@example.org", []string{"zoe@example.org"}},
		{"email=nobody@example.org", nil},
		{"role=editor&email=zoe@example.org", nil},
		{"role=admin&email=zoe@example.org", []string{"zoe@example.org"}},
		{"q=alice", []string{"xena@example.org", "yves@example.org"}},
		{"q=ALICE", []string{"xena@example.org", "yves@example.org"}},
		{"q=%C3%89LODIE", []string{"a@example.org", "b@example.org"}},
		{"q=lod", []string{"a@example.org", "b@example.org"}},
		{"q=0%25+", []string{"cxd@example.org"}},
		{"q=0%25%25", nil},
		{"q=c_d", []string{"c_d@example.org"}},
		{"q=___", nil},
		{`q=k%5Cs`, []string{"e@example.org"}},
		{`q=%5C%5C%5C`, nil},
		{"q=O'B", []string{"f@example.org"}},
		{`q=%22Bob%22`, []string{"f@example.org"}},
		{"q=%E4%B8%AD%E6%96%87%E5%90%8D", []string{"g@example.org"}},
		{"q=example", []string{"a@example.org", "b@example.org", "c_d@example.org", "cxd@example.org", "e@example.org", "f@example.org", "g@example.org", "xena@example.org", "yves@example.org", "zoe@example.org"}},
		{"q=example&role=viewer", []string{"c_d@example.org", "f@example.org", "xena@example.org"}},
		{"q=bobzoe", nil}, // name and address are two texts
		{"q=xena&email=xena@example.org", []string{"xena@example.org"}},
	} {
		t.Run(c.query, func(t *testing.T) {
			t.Parallel()
			got := a.send(t, "GET", "/api/users?sort=email&"+c.query, "").page(t)
			var addresses []string
			for _, u := range got.Data {
				addresses = append(addresses, u.Email)
			}
			if !slices.Equal(addresses, c.want) || got.Pagination.Total != int64(len(c.want)) {
				t.Errorf("got %q of %d, want %q", addresses, got.Pagination.Total, c.want)
			}
		})
	}
}

func TestListPagination(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for i := range 6 {
		a.user(t, dbsqlc.User{Name: fmt.Sprint(i)})
	}
	if _, err := a.UpdateUser(t.Context(), a.caller.ID, roster.UserUpdate{Name: roster.Ptr("6")}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		query      string
		rows       string
		page       int32
		next, prev bool
		pages      int64
	}{
		{"limit=3", "012", 1, true, false, 3},
		{"limit=3&page=1", "012", 1, true, false, 3},
		{"limit=3&page=2", "345", 2, true, true, 3},
		{"limit=3&page=3", "6", 3, false, true, 3},
		{"limit=3&page=4", "", 4, false, true, 3},
		{"limit=3&page=2147483647", "", 2147483647, false, true, 3},
		{"limit=7", "0123456", 1, false, false, 1},
		{"limit=8", "0123456", 1, false, false, 1},
		{"limit=1&page=7", "6", 7, false, true, 7},
		{"limit=100", "0123456", 1, false, false, 1},
		{"role=editor", "", 1, false, false, 0},
		{"role=editor&page=5", "", 5, false, false, 0},
	} {
		t.Run(c.query, func(t *testing.T) {
			t.Parallel()
			got := a.send(t, "GET", "/api/users?sort=name&"+c.query, "").page(t)
			p := got.Pagination
			total := int64(7)
			if c.pages == 0 {
				total = 0
			}
			if names(got.Data) != c.rows || p.Page != c.page || (p.Next != nil) != c.next || (p.Prev != nil) != c.prev || p.Pages != c.pages || p.Total != total {
				t.Errorf("got %q %s", names(got.Data), jsonOf(t, p))
			}
		})
	}
}

func names(rows []roster.User) string {
	var b strings.Builder
	for _, u := range rows {
		b.WriteString(u.Name)
	}
	return b.String()
}

func ids(rows []roster.User) []string {
	var all []string
	for _, u := range rows {
		all = append(all, u.ID.String())
	}
	return all
}

func idsOf(rows []dbsqlc.User) []string {
	var all []string
	for _, u := range rows {
		all = append(all, u.ID.String())
	}
	return all
}

// walk reads a whole list.
func walk(t *testing.T, a *api, params *roster.ListUsersParams) []roster.User {
	t.Helper()
	var all []roster.User
	for u, err := range a.Users(t.Context(), params) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
	}
	return all
}

// links reads a Link header (RFC 8288) of the form that Roster writes.
func links(t *testing.T, header string) map[string]string {
	t.Helper()
	all := map[string]string{}
	if header == "" {
		return all
	}
	for _, link := range strings.Split(header, ", ") {
		target, rel, ok := strings.Cut(link, `>; rel="`)
		target, opened := strings.CutPrefix(target, "<")
		rel, closed := strings.CutSuffix(rel, `"`)
		if _, err := url.Parse(target); !ok || !opened || !closed || err != nil {
			t.Fatalf("%q is no link", link)
		}
		all[rel] = target
	}
	return all
}

// TestEveryoneSeesWhatTheyWrote: callers who read at the same time share statements, but
// none gets an answer that is older than what it has just written.
func TestEveryoneSeesWhatTheyWrote(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	var all sync.WaitGroup
	for _, u := range some(t, a, 12) {
		all.Go(func() {
			for i := range 25 {
				name := fmt.Sprintf("%s %d", u.ID, i)
				if got := a.send(t, "PATCH", "/api/users/"+u.ID.String(), fmt.Sprintf(`{"name": %q}`, name)); got.Status != 200 {
					t.Errorf("%s", got)
					return
				}
				if got := a.send(t, "GET", "/api/users?limit=100", ""); !strings.Contains(string(got.Body), name) {
					t.Errorf("the list has no %q: %s", name, got)
				}
				if got := a.send(t, "GET", "/api/users/"+u.ID.String(), ""); !strings.Contains(string(got.Body), name) {
					t.Errorf("the user is not %q: %s", name, got)
				}
			}
		})
	}
	all.Wait()
}
