package apitest

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
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

// some stores n users, of whom many share a name and a time, so that ties matter.
func some(t *testing.T, a *api, n int) []dbsqlc.User {
	t.Helper()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	partials := make([]dbsqlc.User, n)
	for i := range partials {
		partials[i] = dbsqlc.User{
			Name: []string{"Ada", "ada", "\u00c9lodie", "Grace", "a%_\\b"}[i%5], CreatedAt: at.Add(time.Duration(i/4) * time.Microsecond), Role: role.All[i%3],
		}
	}
	return testkit.Users(t, a.Pool, partials...)
}

func cursorPath(query, cursor string) string {
	return "/api/users?" + query + "&cursor=" + url.QueryEscape(cursor)
}

// TestWalkThereAndBack: forward by next, back by prev, the same rows.
func TestWalkThereAndBack(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	some(t, a, 23)
	for _, sort := range []string{"createdAt", "-createdAt", "name", "-name", "email", "-email"} {
		for _, filter := range []string{"", "&role=viewer", "&q=user-", "&q=user-&role=admin", "&email=nobody@example.org"} {
			t.Run(sort+filter, func(t *testing.T) {
				t.Parallel()
				query := "limit=5&sort=" + sort + filter
				var forward, back []roster.User
				page := a.send(t, "GET", "/api/users?"+query, "").page(t)
				total := page.Pagination.Total
				for step := int32(1); ; step++ {
					if page.Pagination.Page != step || page.Pagination.Total != total {
						t.Errorf("step %d: %s", step, jsonOf(t, page.Pagination))
					}
					if (page.Pagination.Prev == nil) != (step == 1) {
						t.Errorf("step %d: prev %v", step, page.Pagination.Prev)
					}
					forward = append(forward, page.Data...)
					if page.Pagination.Next == nil {
						break
					}
					page = a.send(t, "GET", cursorPath(query, *page.Pagination.Next), "").page(t)
				}
				if int64(len(forward)) != total {
					t.Fatalf("%d rows of %d", len(forward), total)
				}
				number := page.Pagination.Page
				for {
					back = slices.Concat(page.Data, back)
					if page.Pagination.Page != number {
						t.Errorf("page %d, want %d", page.Pagination.Page, number)
					}
					if page.Pagination.Prev == nil {
						break
					}
					number--
					page = a.send(t, "GET", cursorPath(query, *page.Pagination.Prev), "").page(t)
				}
				if number != 1 || !slices.Equal(ids(forward), ids(back)) {
					t.Errorf("there %v\nback  %v, page %d", ids(forward), ids(back), number)
				}
				seen := map[string]bool{}
				for _, id := range ids(forward) {
					if seen[id] {
						t.Errorf("%s came twice", id)
					}
					seen[id] = true
				}
			})
		}
	}
}

// TestLinkHeader follows what the header says, and nothing else.
func TestLinkHeader(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	some(t, a, 12)
	start := "/api/users?limit=5&sort=name&q=" + url.QueryEscape("user-")
	got := a.send(t, "GET", start, "")
	first := got.page(t)
	if rels := links(t, got.Header.Get("Link")); len(rels) != 1 {
		t.Errorf("the first page links to %v", rels)
	}
	got = a.send(t, "GET", links(t, got.Header.Get("Link"))["next"], "")
	got = a.send(t, "GET", links(t, got.Header.Get("Link"))["next"], "")
	last := links(t, got.Header.Get("Link"))
	if p := got.page(t).Pagination; p.Page != 3 || p.Next != nil || last["next"] != "" || last["prev"] == "" {
		t.Errorf("the last page is %s with %v", jsonOf(t, p), last)
	}
	got = a.send(t, "GET", last["prev"], "")
	if p := got.page(t).Pagination; p.Page != 2 {
		t.Errorf("the page before the last is %d", p.Page)
	}
	for _, from := range []map[string]string{last, links(t, got.Header.Get("Link"))} {
		if again := a.send(t, "GET", from["first"], "").page(t); !slices.Equal(ids(again.Data), ids(first.Data)) || again.Pagination.Page != 1 {
			t.Errorf("first leads to %v", ids(again.Data))
		}
	}
	// What a link must escape: % _ \ and quotes in a text.
	for range 3 {
		a.user(t, dbsqlc.User{Name: `50% of "a_b\c" <d>, e;f&g=h #i +j`})
	}
	odd := a.send(t, "GET", "/api/users?limit=1&q="+url.QueryEscape(`% of "a_b\c" <d>, e;f&g=h #i +j`), "")
	for step := range 2 {
		next := links(t, odd.Header.Get("Link"))["next"]
		if odd = a.send(t, "GET", next, ""); len(odd.page(t).Data) != 1 {
			t.Errorf("step %d: %s leads to %s", step, next, odd)
		}
	}
	if head := a.send(t, "HEAD", start, ""); links(t, head.Header.Get("Link"))["next"] == "" {
		t.Errorf("HEAD has the links %q", head.Header.Get("Link"))
	}
}

func TestPagePastTheEnd(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	some(t, a, 7)
	got := a.send(t, "GET", "/api/users?limit=3&page=9", "")
	page := got.page(t)
	if len(page.Data) != 0 || page.Pagination.Next != nil || page.Pagination.Prev == nil {
		t.Fatalf("got %s", got)
	}
	// What precedes an empty page past the end is the end of the list.
	before := a.send(t, "GET", cursorPath("limit=3", *page.Pagination.Prev), "").page(t)
	all := ids(must(a.ListUsers(t.Context(), nil))(t).Data)
	if !slices.Equal(ids(before.Data), all[len(all)-3:]) || before.Pagination.Next != nil {
		t.Errorf("got %v, want the last of %v", ids(before.Data), all)
	}
}

// TestPageNumberIsNeverBelowOne walks back past what was the start when the walk
// began.
func TestPageNumberIsNeverBelowOne(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	some(t, a, 4)
	page := a.send(t, "GET", "/api/users?limit=2&sort=-createdAt", "").page(t)
	page = a.send(t, "GET", cursorPath("limit=2&sort=-createdAt", *page.Pagination.Next), "").page(t)
	for range 7 { // newer ones, before all
		a.user(t, dbsqlc.User{})
	}
	var numbers []int32
	for steps := 0; page.Pagination.Prev != nil && steps < 20; steps++ {
		page = a.send(t, "GET", cursorPath("limit=2&sort=-createdAt", *page.Pagination.Prev), "").page(t)
		numbers = append(numbers, page.Pagination.Page)
	}
	if !slices.Equal(numbers, []int32{1, 1, 1, 1, 1}) {
		t.Errorf("the pages before the second are %v", numbers)
	}
}

// TestPrevIsNullOnlyAtTheStart: when all that stood before a page is gone, or all
// after it, its neighbours say so.
func TestPrevIsNullOnlyAtTheStart(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	testkit.Users(t, a.Pool, make([]dbsqlc.User, 6)...)
	page := a.send(t, "GET", "/api/users?limit=2&sort=createdAt&role=viewer", "").page(t)
	next := *page.Pagination.Next
	second := a.send(t, "GET", cursorPath("limit=2&sort=createdAt&role=viewer", next), "").page(t)
	for _, u := range page.Data {
		if err := a.DeleteUser(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
	}
	again := a.send(t, "GET", cursorPath("limit=2&sort=createdAt&role=viewer", next), "").page(t)
	if !slices.Equal(ids(again.Data), ids(second.Data)) || again.Pagination.Prev != nil {
		t.Errorf("got %s", jsonOf(t, again))
	}
	for _, id := range ids(walk(t, a, nil)) {
		a.send(t, "DELETE", "/api/users/"+id, "")
	}
	empty := a.send(t, "GET", cursorPath("limit=2&sort=createdAt&role=viewer", next), "").page(t)
	if len(empty.Data) != 0 || empty.Pagination.Prev != nil || empty.Pagination.Next != nil || empty.Pagination.Total != 0 {
		t.Errorf("none is left, and the page is %s", jsonOf(t, empty))
	}
}

// combinations are lists; a cursor of one is good for no other.
var combinations = []string{
	"limit=2", "limit=3", "limit=2&sort=createdAt", "limit=2&sort=name", "limit=2&sort=-name", "limit=2&sort=email", "limit=2&role=viewer", "limit=2&role=editor", "limit=2&q=user-",
	"limit=2&q=user", "limit=2&q=example", "limit=2&role=viewer&q=user-", "limit=2&email=user-1@example.org",
}

func TestCursorBelongsToItsList(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	some(t, a, 30)
	for _, from := range combinations {
		next := a.send(t, "GET", "/api/users?"+from, "").page(t).Pagination.Next
		if next == nil {
			continue
		}
		for _, to := range combinations {
			got := a.send(t, "GET", cursorPath(to, *next), "")
			if from == to {
				got.page(t)
				continue
			}
			got.wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/query/cursor cursor_mismatch")
		}
		a.send(t, "GET", cursorPath(from, *next)+"&page=2", "").wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/query/page not_allowed")
	}
	// The same list in other words.
	next := a.send(t, "GET", "/api/users?limit=20", "").page(t).Pagination.Next
	a.send(t, "GET", cursorPath("sort=-createdAt", *next), "").page(t)
}

// TestCursorGarbage: whatever is done to a cursor, the answer is a page or a 422.
// The seed is fixed, and the transport fails the test at a 500.
func TestCursorGarbage(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	some(t, a, 12)
	r := rand.New(rand.NewPCG(7, 11))
	for _, query := range []string{"limit=2", "limit=2&sort=name", "limit=2&sort=email", "limit=2&sort=-name&q=user-"} {
		second := a.send(t, "GET", cursorPath(query, *a.send(t, "GET", "/api/users?"+query, "").page(t).Pagination.Next), "").page(t)
		empty := a.send(t, "GET", "/api/users?page=99&"+query, "").page(t)
		for range 400 {
			good := []*string{second.Pagination.Next, second.Pagination.Prev, empty.Pagination.Prev}[r.IntN(3)]
			got := a.send(t, "GET", cursorPath(query, mutate(r, *good)), "")
			switch got.Status {
			case http.StatusOK:
				p := got.page(t).Pagination
				if p.Page < 1 {
					t.Errorf("page %d", p.Page)
				}
				for _, beside := range []*string{p.Next, p.Prev} {
					if beside != nil {
						a.send(t, "GET", cursorPath(query, *beside), "").page(t)
					}
				}
			case http.StatusUnprocessableEntity:
			default:
				t.Errorf("got %s", got)
			}
		}
	}
}

func mutate(r *rand.Rand, cursor string) string {
	if r.IntN(3) == 0 { // the text
		b := []byte(cursor)
		b[r.IntN(len(b))] = byte(0x21 + r.IntN(0x5e))
		return string(b)
	}
	b, _ := base64.RawURLEncoding.DecodeString(cursor)
	switch r.IntN(6) {
	case 0: // cut
		b = b[:r.IntN(len(b))+1]
	case 1: // more
		b = append(b, make([]byte, r.IntN(40))...)
	case 2: // the number of the page
		copy(b[2:6], []string{"\x7f\xff\xff\xff", "\x00\x00\x00\x00", "\x80\x00\x00\x00", "\xff\xff\xff\xff", "\x00\x00\x00\x01"}[r.IntN(5)])
	case 3: // the time
		if len(b) > 22 {
			copy(b[14:22], []string{"\x7f\xff\xff\xff\xff\xff\xff\xff", "\x80\x00\x00\x00\x00\x00\x00\x00", "\xff\xff\xff\xff\xff\xff\xff\xff", "\x03\x80\x00\x00\x00\x00\x00\x00"}[r.IntN(4)])
		}
	case 4: // the text of the key
		b = append(b, strings.Repeat("\u00e9\uffff'\\%", r.IntN(10))...)
	default:
		for range 1 + r.IntN(4) {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// TestWalkWhileRowsComeAndGo: who is there throughout comes exactly once. The
// torture tests walk a hundred thousand.
func TestWalkWhileRowsComeAndGo(t *testing.T) {
	t.Parallel()
	for _, sort := range []roster.UserSort{roster.UserSortMinusCreatedAt, roster.UserSortName, roster.UserSortMinusEmail} {
		t.Run(string(sort), func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			stay := some(t, a, 60)
			done := make(chan struct{})
			var writer sync.WaitGroup
			writer.Go(func() {
				var visitors []dbsqlc.User
				for i := 0; ; i++ {
					select {
					case <-done:
						return
					default:
					}
					visitors = append(visitors, testkit.User(t, a.Pool, dbsqlc.User{
						Name: string(rune('A' + i%60)), Email: fmt.Sprintf("%c-visitor-%d@example.org", 'a'+i%26, i),
						CreatedAt: stay[i%len(stay)].CreatedAt,
					}))
					if i%2 == 1 {
						if _, err := a.Pool.Exec(t.Context(), "DELETE FROM users WHERE id = $1", visitors[i/2].ID); err != nil {
							t.Error(err)
						}
					}
				}
			})
			for range 5 {
				seen := map[string]int{}
				for u, err := range a.Users(t.Context(), &roster.ListUsersParams{Sort: &sort, Limit: roster.Ptr[int32](3)}) {
					if err != nil {
						t.Fatal(err)
					}
					seen[u.ID.String()]++
				}
				for _, u := range stay {
					if seen[u.ID.String()] != 1 {
						t.Errorf("%s came %d times", u.ID, seen[u.ID.String()])
					}
				}
			}
			close(done)
			writer.Wait()
		})
	}
}
