package apitest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
)

// conditions are If-Match and If-None-Match headers; $ stands for the opaque tag
// of the present version, and £ for one of another version.
var conditions = []struct {
	name         string
	lines        []string
	match, fresh bool // whether a write goes on, and a read is spared
}{
	{"missing", nil, true, false},
	{"exact", []string{`"$"`}, true, true},
	{"any", []string{`*`}, true, true},
	{"stale", []string{`"£"`}, false, false},
	{"weak", []string{`W/"$"`}, false, true},
	{"foreign", []string{`"not-of-roster"`}, false, false},
	{"of the empty tag", []string{`""`}, false, false},
	{"a list", []string{`"£", "$"`}, true, true},
	{"a list without it", []string{`"£", "x"`}, false, false},
	{"several lines", []string{`"£"`, `"$"`}, true, true},
	{"of a compressed answer", []string{`"$-gzip"`}, true, true},
	{"weak, of a compressed answer", []string{`W/"$-gzip"`}, false, true},
	{"in capitals", []string{`"$^"`}, false, false},
	{"with a sign", []string{`"+$"`}, false, false},
	{"before all times", []string{`"-1y2p0ij32e8e7"`}, false, false},
	{"after all times", []string{`"1y2p0ij32e8e7"`}, false, false},
	{"a thousand tags", []string{strings.Repeat(`"x",`, 1000) + `"$"`}, true, true},
}

func condition(header string, lines []string, etag string) []string {
	tag := strings.Trim(etag, `"`)
	var all []string
	for _, line := range lines {
		line = strings.NewReplacer("$^", strings.ToUpper(tag), "$", tag, "£", "hgn9nkcdup").Replace(line)
		all = append(all, header+": "+line)
	}
	return all
}

var malformedConditions = []string{"abc", `"abc`, `abc"`, `"a" "b"`, `*, "a"`, `W/`, `w/"a"`, `'a'`, `"a b"`, `,`, `"a";`}

// writes are the operations that take If-Match.
func writes(u dbsqlc.User) map[string]string {
	return map[string]string{
		"PUT": fmt.Sprintf(`{"name":"Ada","email":%q,"role":"viewer"}`, u.Email), "PATCH": `{"name":"Ada"}`, "DELETE": "",
	}
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for method := range writes(dbsqlc.User{}) {
		for _, c := range conditions {
			t.Run(method+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				u := a.user(t, dbsqlc.User{})
				path := "/api/users/" + u.ID.String()
				etag := a.send(t, "GET", path, "").Header.Get("ETag")
				got := a.send(t, method, path, writes(u)[method], condition("If-Match", c.lines, etag)...)
				if c.match {
					if got.Status >= 300 || method != "DELETE" && got.Header.Get("ETag") == etag {
						t.Errorf("got %s, ETag %s", got, got.Header.Get("ETag"))
					}
					return
				}
				got.wantProblem(t, 412, roster.ErrorCodePreconditionFailed)
				if again := a.send(t, "GET", path, ""); again.Header.Get("ETag") != etag {
					t.Errorf("it was written all the same: %s", again)
				}
			})
		}
		t.Run(method+"/malformed", func(t *testing.T) {
			t.Parallel()
			u := a.user(t, dbsqlc.User{})
			for _, header := range malformedConditions {
				a.send(t, method, "/api/users/"+u.ID.String(), writes(u)[method], "If-Match: "+header).
					wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/header/If-Match invalid_format")
			}
		})
		t.Run(method+"/nobody", func(t *testing.T) {
			t.Parallel()
			for _, header := range []string{`*`, `"x"`} {
				a.send(t, method, "/api/users/019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21", writes(dbsqlc.User{Email: "nobody@example.org"})[method], "If-Match: "+header).
					wantProblem(t, 404, roster.ErrorCodeNotFound)
			}
		})
	}
}

func TestIfNoneMatch(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	path := "/api/users/" + u.ID.String()
	etag := a.send(t, "GET", path, "").Header.Get("ETag")
	for _, c := range conditions {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{"GET", "HEAD"} {
				got := a.send(t, method, path, "", condition("If-None-Match", c.lines, etag)...)
				want := http.StatusOK
				if c.fresh {
					want = http.StatusNotModified
				}
				if got.Status != want || got.Header.Get("ETag") != etag {
					t.Errorf("%s: got %s, ETag %s; want %d, %s", method, got, got.Header.Get("ETag"), want, etag)
				}
				if (c.fresh || method == "HEAD") && len(got.Body) > 0 {
					t.Errorf("%s: a body: %s", method, got.Body)
				}
				if c.fresh && (got.Header.Get("Content-Type") != "" || got.Header.Get("Content-Length") != "") {
					t.Errorf("%s: a 304 speaks of a body: %v", method, got.Header)
				}
			}
		})
	}
	for _, header := range malformedConditions {
		a.send(t, "GET", path, "", "If-None-Match: "+header).
			wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/header/If-None-Match invalid_format")
	}
}

func TestConditionsBySDK(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	first := must(a.GetUser(t.Context(), u.ID))(t)
	if _, err := a.GetUser(t.Context(), u.ID, roster.IfChanged(first)); !errors.Is(err, roster.ErrNotModified) {
		t.Errorf("got %v, want %v", err, roster.ErrNotModified)
	}
	second, err := a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Name: roster.Ptr("Ada")}, roster.IfUnchanged(first))
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.ReplaceUser(t.Context(), u.ID, roster.UserReplace{Name: "Eve", Email: u.Email, Role: roster.RoleViewer}, roster.IfUnchanged(first))
	wantCode(t, err, roster.ErrorCodePreconditionFailed)
	if changed, err := a.GetUser(t.Context(), u.ID, roster.IfChanged(first)); err != nil || changed.Name != "Ada" {
		t.Errorf("%+v, %v", changed, err)
	}
	wantCode(t, a.DeleteUser(t.Context(), u.ID, roster.IfUnchanged(first)), roster.ErrorCodePreconditionFailed)
	if err := a.DeleteUser(t.Context(), u.ID, roster.IfUnchanged(second)); err != nil {
		t.Error(err)
	}
}

// TestCompressedETag: a compressed answer is another representation, and its tag
// says so; conditions take both.
func TestCompressedETag(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	plain := a.send(t, "GET", "/openapi.json", "", "Accept-Encoding: identity")
	packed := a.send(t, "GET", "/openapi.json", "", "Accept-Encoding: gzip")
	if packed.Header.Get("Content-Encoding") != "gzip" || len(packed.Body) >= len(plain.Body) {
		t.Fatalf("%v", packed.Header)
	}
	tag := strings.TrimSuffix(plain.Header.Get("ETag"), `"`)
	if got := packed.Header.Get("ETag"); got != tag+`-gzip"` {
		t.Errorf("ETag %s, plain %s", got, plain.Header.Get("ETag"))
	}
	for _, encoding := range []string{"identity", "gzip"} {
		for _, etag := range []string{plain.Header.Get("ETag"), packed.Header.Get("ETag"), "W/" + packed.Header.Get("ETag")} {
			got := a.send(t, "GET", "/openapi.json", "", "Accept-Encoding: "+encoding, "If-None-Match: "+etag)
			if got.Status != http.StatusNotModified || len(got.Body) > 0 || got.Header.Get("ETag") == "" {
				t.Errorf("%s, %s: %d, %d octets, ETag %s", encoding, etag, got.Status, len(got.Body), got.Header.Get("ETag"))
			}
		}
		if got := plain.Header.Get("Vary"); !strings.Contains(got, "Accept-Encoding") {
			t.Errorf("Vary %q", got)
		}
	}
}

// TestEveryWriteMovesTheETag puts the last write into the future, where the clock
// cannot help.
func TestEveryWriteMovesTheETag(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{UpdatedAt: time.Now().UTC().Add(time.Hour).Truncate(time.Microsecond)})
	seen := map[string]bool{}
	last := u.UpdatedAt
	for i := range 20 {
		method := []string{"PUT", "PATCH"}[i%2]
		got := a.send(t, method, "/api/users/"+u.ID.String(), writes(u)[method])
		if at := got.user(t).UpdatedAt; at.Sub(last) != time.Microsecond {
			t.Errorf("%v came after %v", at, last)
		}
		last = got.user(t).UpdatedAt
		if etag := got.Header.Get("ETag"); seen[etag] {
			t.Errorf("ETag %s came twice", etag)
		} else {
			seen[etag] = true
		}
	}
}

// Fifty workers count in a name. With If-Match no step is lost. The torture tests
// have five thousand steps.
func TestNoLostUpdate(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{Name: "0"})
	const workers, steps = 50, 4
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for done := 0; done < steps; {
				read, err := a.GetUser(t.Context(), u.ID)
				if err != nil {
					t.Error(err)
					return
				}
				n := 0
				fmt.Sscan(read.Name, &n)
				_, err = a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Name: roster.Ptr(fmt.Sprint(n + 1))}, roster.IfUnchanged(read))
				switch {
				case err == nil:
					done++
				case roster.CodeOf(err) != roster.ErrorCodePreconditionFailed:
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if got := must(a.GetUser(t.Context(), u.ID))(t).Name; got != fmt.Sprint(workers*steps) {
		t.Errorf("counted to %s, want %d", got, workers*steps)
	}
}
