package roster_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	roster "github.com/roster-api/roster/clients/go"
)

func TestNewRefuses(t *testing.T) {
	for _, url := range []string{
		"", "roster.example.org", "localhost:8080", "/api", "ftp://roster.example.org", "https://", "http://[::1",
		"https://roster.example.org?x=1", "https://roster.example.org#x", "https://x:secret@",
	} {
		client, err := roster.New(url)
		if err == nil || client != nil {
			t.Errorf("%q is taken", url)
		} else if !strings.HasPrefix(err.Error(), "roster: ") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestBaseURL(t *testing.T) {
	for base, want := range map[string]string{
		"https://roster.example.org":        "https://roster.example.org/api/users",
		"https://roster.example.org/":       "https://roster.example.org/api/users",
		"http://localhost:8080":             "http://localhost:8080/api/users",
		"http://[::1]:8080/":                "http://[::1]:8080/api/users",
		"https://example.org/people":        "https://example.org/people/api/users",
		"https://example.org/people/":       "https://example.org/people/api/users",
		"https://example.org/a%2Fb/people/": "https://example.org/a%2Fb/people/api/users",
	} {
		got := ""
		client, err := roster.New(base, roster.WithRequestEditor(func(_ context.Context, r *http.Request) error {
			got = r.URL.String()
			return errors.New("enough")
		}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.ListUsers(t.Context(), nil); err == nil || got != want {
			t.Errorf("%s: %s, want %s", base, got, want)
		}
	}
}

func TestHeaders(t *testing.T) {
	var got http.Header
	record := roundTrip(func(r *http.Request) { got = r.Header })

	_, _ = over(t, record).GetUser(t.Context(), id)
	if got.Get("User-Agent") != "roster-go/"+roster.Version || !strings.HasPrefix(got.Get("Accept"), "application/json") {
		t.Errorf("by default %v", got)
	}
	if got.Values("If-Match") != nil || got.Values("If-None-Match") != nil {
		t.Errorf("a condition that nobody set: %v", got)
	}

	client := over(t, record, roster.WithUserAgent("payroll"), roster.WithHeader("x-team", "a"), roster.WithHTTPClient(nil),
		roster.WithRequestEditor(func(_ context.Context, r *http.Request) error {
			r.Header.Set("X-Signature", "of "+r.Header.Get("X-Team"))
			return nil
		}))
	_, _ = client.ListUsers(t.Context(), nil, roster.Header("x-team", "b"))
	if got.Get("User-Agent") != "payroll" || got.Get("X-Team") != "b" || got.Get("X-Signature") != "of b" {
		t.Errorf("as set %v", got)
	}
	_, _ = client.ListUsers(t.Context(), nil)
	if got.Get("X-Team") != "a" || got.Get("X-Signature") != "of a" {
		t.Errorf("a header of the last call stays: %v", got)
	}
}

// roundTrip shows the request, and answers with a user.
func roundTrip(see func(*http.Request)) http.RoundTripper {
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		see(r)
		return (&script{steps: []step{success}}).RoundTrip(r)
	})
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestEditorCanRefuse(t *testing.T) {
	refused := errors.New("no key")
	s := &script{steps: []step{success}}
	client := over(t, s, roster.WithRequestEditor(func(context.Context, *http.Request) error { return refused }))
	if _, err := client.GetUser(t.Context(), id); !errors.Is(err, refused) || len(s.sent) != 0 {
		t.Errorf("sent %d times: %v", len(s.sent), err)
	}
}

// What the parameters say arrives, whatever characters they have.
func TestListParameters(t *testing.T) {
	var got map[string][]string
	client := over(t, roundTrip(func(r *http.Request) { got = r.URL.Query() }))
	const hard = `a b+c&d=e;f%20/?#"<>ä😀,|`
	_, _ = client.ListUsers(t.Context(), &roster.ListUsersParams{
		Page: roster.Ptr(int32(2)), Limit: roster.Ptr(int32(100)), Cursor: roster.Ptr(hard), Q: roster.Ptr(hard),
		Email: roster.Ptr("o'neil+tag@example.org"), Role: roster.Ptr(roster.RoleAdmin), Sort: roster.Ptr(roster.UserSortMinusEmail),
	})
	want := map[string]string{
		"page": "2", "limit": "100", "cursor": hard, "q": hard, "email": "o'neil+tag@example.org", "role": "admin", "sort": "-email",
	}
	for name, value := range want {
		if !slices.Equal(got[name], []string{value}) {
			t.Errorf("%s: %q, want %q", name, got[name], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
	_, _ = client.ListUsers(t.Context(), nil)
	if len(got) != 0 {
		t.Errorf("without parameters: %v", got)
	}
}

// onFake makes a client of a fake with n users.
func onFake(t *testing.T, n int, options ...roster.Option) (*roster.Client, *fake) {
	t.Helper()
	f := newFake(n)
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	client, err := roster.New(server.URL, append([]roster.Option{roster.WithKey(exampleKey)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client, f
}

func TestConditions(t *testing.T) {
	client, _ := onFake(t, 1)
	ctx := t.Context()
	first, err := client.GetUser(ctx, id)
	if err != nil || first.ETag == "" {
		t.Fatalf("%v: %v", first, err)
	}
	if _, err := client.GetUser(ctx, id, roster.IfChanged(first)); !errors.Is(err, roster.ErrNotModified) {
		t.Errorf("unchanged: %v", err)
	}
	second, err := client.UpdateUser(ctx, id, roster.UserUpdate{Name: roster.Ptr("Ada")}, roster.IfUnchanged(first))
	if err != nil || second.ETag == first.ETag || second.Name != "Ada" || second.Email != first.Email {
		t.Fatalf("%v: %v", second, err)
	}
	if again, err := client.GetUser(ctx, id, roster.IfChanged(first)); err != nil || again.ETag != second.ETag {
		t.Errorf("changed: %v, %v", again, err)
	}
	replace := roster.UserReplace{Name: "Grace", Email: "grace@example.org", Role: roster.RoleEditor}
	stale := map[string]error{}
	_, stale["update"] = client.UpdateUser(ctx, id, roster.UserUpdate{}, roster.IfUnchanged(first))
	_, stale["replace"] = client.ReplaceUser(ctx, id, replace, roster.IfUnchanged(first))
	stale["delete"] = client.DeleteUser(ctx, id, roster.IfUnchanged(first))
	for name, err := range stale {
		if roster.CodeOf(err) != roster.ErrorCodePreconditionFailed {
			t.Errorf("a stale %s: %v", name, err)
		}
	}
	third, err := client.ReplaceUser(ctx, id, replace, roster.IfMatch("*"))
	if err != nil || third.Name != "Grace" || third.Role != roster.RoleEditor {
		t.Fatalf("%v: %v", third, err)
	}
	if err := client.DeleteUser(ctx, id, roster.IfMatch(third.ETag)); err != nil {
		t.Error(err)
	}
	if _, err := client.GetUser(ctx, id); roster.CodeOf(err) != roster.ErrorCodeNotFound {
		t.Errorf("deleted: %v", err)
	}
}

// A condition without an ETag must not become a write without a condition.
func TestEmptyConditionIsNotSent(t *testing.T) {
	s := &script{steps: []step{success}}
	client := over(t, s)
	for name, option := range map[string]roster.WriteOption{
		"empty": roster.IfMatch(""), "no version": roster.IfUnchanged(&roster.VersionedUser{}), "nil": roster.IfUnchanged(nil),
		"a nil user": roster.IfUnchanged((*roster.VersionedUser)(nil)),
	} {
		if _, err := client.UpdateUser(t.Context(), id, roster.UserUpdate{}, option); err == nil || len(s.sent) != 0 {
			t.Errorf("%s: sent %d times: %v", name, len(s.sent), err)
		}
	}
	if _, err := client.GetUser(t.Context(), id, roster.IfNoneMatch("")); err != nil {
		t.Errorf("a read: %v", err)
	}
}

func TestUsersWalksAllPages(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 4, 7} {
		client, f := onFake(t, n)
		params := &roster.ListUsersParams{Limit: roster.Ptr(int32(2)), Sort: roster.Ptr(roster.UserSortName), Page: roster.Ptr(int32(1))}
		walk := client.Users(t.Context(), params)
		for range 2 { // each range is a walk of its own
			var names []string
			for user, err := range walk {
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, user.Name)
			}
			if len(names) != n || n > 0 && names[n-1] != f.users[n-1].Name {
				t.Errorf("of %d users: %v", n, names)
			}
		}
		if params.Cursor != nil || *params.Page != 1 {
			t.Errorf("the caller's params were changed: %v", params)
		}
		pages := max((n+1)/2, 1)
		if len(f.lists) != 2*pages {
			t.Errorf("%d users in %d requests, want %d", n, len(f.lists), 2*pages)
		}
		for i, query := range f.lists {
			if !strings.Contains(query, "limit=2") || !strings.Contains(query, "sort=name") || strings.Contains(query, "page=1") != (i%pages == 0) {
				t.Errorf("request %d: %s", i, query)
			}
		}
	}
}

func TestUsersFilters(t *testing.T) {
	client, f := onFake(t, 5)
	f.users[1].Role, f.users[4].Role = roster.RoleAdmin, roster.RoleAdmin
	var names []string
	for user, err := range client.Users(t.Context(), &roster.ListUsersParams{Role: roster.Ptr(roster.RoleAdmin), Limit: roster.Ptr(int32(1))}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, user.Name)
	}
	if !slices.Equal(names, []string{"User 2", "User 5"}) {
		t.Errorf("%v", names)
	}
}

func TestUsersStopsEarly(t *testing.T) {
	client, f := onFake(t, 10)
	seen := 0
	for _, err := range client.Users(t.Context(), &roster.ListUsersParams{Limit: roster.Ptr(int32(2))}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 3 {
			break
		}
	}
	if len(f.lists) != 2 {
		t.Errorf("%d requests for 3 users of pages of 2", len(f.lists))
	}
	for range client.UserPages(t.Context(), nil) {
		break
	}
	if len(f.lists) != 3 {
		t.Errorf("%d requests for one page", len(f.lists)-2)
	}
}

func TestUsersYieldsAnErrorOnce(t *testing.T) {
	first := `{"data":[` + someUser + `],"pagination":{"page":1,"limit":1,"total":2,"pages":2,"next":"n","prev":null}}`
	s := &script{steps: []step{{status: 200, body: first}, {status: 500, body: problemJSON("internal", 500)}}}
	users, failures := 0, 0
	for user, err := range over(t, s).Users(t.Context(), nil) {
		if err != nil {
			failures++
			if roster.CodeOf(err) != roster.ErrorCodeInternal || user != (roster.User{}) {
				t.Errorf("%v, %v", user, err)
			}
			continue // a caller that goes on gets no more
		}
		users++
	}
	if users != 1 || failures != 1 || len(s.sent) != 2 {
		t.Errorf("%d users, %d errors, %d requests", users, failures, len(s.sent))
	}
}

func TestUsersStopsWithTheContext(t *testing.T) {
	client, f := onFake(t, 10)
	ctx, cancel := context.WithCancel(t.Context())
	users, failures := 0, 0
	for _, err := range client.Users(ctx, nil) {
		if err != nil {
			failures++
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			continue
		}
		if users++; users == 3 {
			cancel()
		}
	}
	cancel()
	if users != 3 || failures != 1 || len(f.lists) != 1 {
		t.Errorf("%d users, %d errors, %d requests", users, failures, len(f.lists))
	}
}

// A server that names the same page as the next one for ever must not keep a
// caller for ever.
func TestUsersLeavesALoop(t *testing.T) {
	body := `{"data":[],"pagination":{"page":1,"limit":1,"total":2,"pages":2,"next":"n","prev":null}}`
	s := &script{steps: []step{{status: 200, body: body}}}
	failures := 0
	for _, err := range over(t, s).Users(t.Context(), nil) {
		if err != nil {
			failures++
		}
	}
	if failures != 1 || len(s.sent) != 2 {
		t.Errorf("%d errors, %d requests", failures, len(s.sent))
	}
}

// One client serves many goroutines.
func TestConcurrentCalls(t *testing.T) {
	client, _ := onFake(t, 1)
	done := make(chan error)
	for range 16 {
		go func() {
			_, err := client.UpdateUser(t.Context(), id, roster.UserUpdate{Name: roster.Ptr("Ada")}, roster.Header("X-A", "b"))
			done <- err
		}()
	}
	for range 16 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
