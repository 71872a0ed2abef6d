package apitest

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
)

// forms are addresses of one mailbox each; the first is the canonical one.
var forms = map[string][]string{
	"case":   {"ada@example.org", "ADA@example.org", "Ada@EXAMPLE.Org", "aDA@example.ORG"},
	"accent": {"jos\u00e9@example.org", "jose\u0301@example.org", "JOS\u00c9@example.org", "JOSE\u0301@Example.org"},
	"IDN":    {"ada@xn--bcher-kva.example", "ada@b\u00fccher.example", "ada@bu\u0308cher.example", "ADA@B\u00dcCHER.example", "ada@XN--BCHER-KVA.Example", "ada@b\u00fccher\u3002example"},
}

// notAddresses are refused: H10 and beyond.
var notAddresses = []string{
	"Bob <a@x.io>", " a@x.io ", "a@x.io ", strings.Repeat("a", 65) + "@x.io", "a@localhost", "a", "@x.io", "a@", "a@b@x.io", "a..b@x.io",
	".a@x.io", "a.@x.io", `"a b"@x.io`, "a(c)@x.io", "a@[127.0.0.1]", "a@x.io.", "a@-x.io", "a@x_y.io", "a@xn--a.io", "mailto:a@x.io", "a@x.io,b@x.io", "👩@x.io",
}

func TestEmailHasOneForm(t *testing.T) {
	t.Parallel()
	for name, addresses := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			for _, address := range addresses {
				made, err := a.CreateUser(t.Context(), roster.UserCreate{Name: "Ada", Email: address, Password: password})
				if err != nil {
					t.Fatalf("%q: %v", address, err)
				}
				if made.Email != addresses[0] {
					t.Errorf("%q is kept as %q, want %q", address, made.Email, addresses[0])
				}
				for _, other := range addresses {
					_, err := a.CreateUser(t.Context(), roster.UserCreate{Name: "Ada", Email: other, Password: password})
					wantCode(t, err, roster.ErrorCodeEmailTaken)

					found, err := a.ListUsers(t.Context(), &roster.ListUsersParams{Email: &other})
					if err != nil || len(found.Data) != 1 || found.Pagination.Total != 1 || found.Data[0].ID != made.ID {
						t.Errorf("a list by %q: %+v, %v", other, found, err)
					}
				}
				if err := a.DeleteUser(t.Context(), made.ID); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestNotAnEmail(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	for _, address := range notAddresses {
		for _, c := range []struct{ method, path, body, pointer string }{
			{"POST", "/api/users", `{"name":"Ada","password":"` + password + `","email":` + jsonOf(t, address) + `}`, "/email"},
			{"PUT", "/api/users/" + u.ID.String(), `{"name":"Ada","role":"viewer","email":` + jsonOf(t, address) + `}`, "/email"},
			{"PATCH", "/api/users/" + u.ID.String(), `{"email":` + jsonOf(t, address) + `}`, "/email"},
			{"GET", "/api/users?email=" + url.QueryEscape(address), "", "/query/email"},
		} {
			a.send(t, c.method, c.path, c.body).wantProblem(t, 422, roster.ErrorCodeValidationFailed, c.pointer+" invalid_format")
		}
	}
	long := strings.Repeat("a", 500) + "@x.io"
	a.send(t, "PATCH", "/api/users/"+u.ID.String(), `{"email":"`+long+`"}`).wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/email too_long")
}

// Two hundred at once want one address, in as many forms.
func TestConcurrentCreates(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	const clients = 200
	var variants []string
	for i := range clients {
		// The bits of i choose which letters are capitals.
		local := []byte("adalovelace")
		for bit := range local {
			if i>>bit&1 == 1 {
				local[bit] -= 'a' - 'A'
			}
		}
		variants = append(variants, string(local)+"@example.org")
	}
	answers := make([]answer, clients)
	var all sync.WaitGroup
	for i, address := range variants {
		all.Go(func() {
			answers[i] = a.send(t, "POST", "/api/users", fmt.Sprintf(`{"name":"Ada","email":%q,"password":%q}`, address, password))
		})
	}
	all.Wait()
	seen := map[int]int{}
	for _, got := range answers {
		seen[got.Status]++
		if got.Status == http.StatusServiceUnavailable && got.Header.Get("Retry-After") == "" {
			t.Errorf("%s without Retry-After", got)
		}
	}
	t.Logf("answers by status: %v", seen)
	if seen[201] != 1 || seen[201]+seen[409]+seen[503] != clients || a.count(t) != 1 {
		t.Errorf("answers by status: %v; %d users", seen, a.count(t))
	}
}

// TestHashingIsBounded floods the hasher: one too many is told to come back, and an
// answer that needs no hash does not wait for one.
func TestHashingIsBounded(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.user(t, dbsqlc.User{Email: "taken@example.org"})
	body := func(address string) string {
		return fmt.Sprintf(`{"name":"Ada","email":%q,"password":%q}`, address, password)
	}
	clients := 100 + 2*runtime.GOMAXPROCS(0)
	shed := make(chan answer, clients)
	made := make(chan answer, clients)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			got := a.send(t, "POST", "/api/users", body(fmt.Sprintf("flood-%d@example.org", i)))
			if got.Status == http.StatusCreated {
				made <- got
			} else {
				shed <- got
			}
		})
	}
	go func() { all.Wait(); close(shed) }()
	first, ok := <-shed // all turns and all places to wait are taken
	if !ok {
		t.Fatal("nobody was told to come back")
	}
	a.send(t, "POST", "/api/users", body("TAKEN@example.org")).wantProblem(t, 409, roster.ErrorCodeEmailTaken)
	for got, more := first, true; more; got, more = <-shed {
		got.wantProblem(t, 503, roster.ErrorCodeUnavailable)
		if got.Header.Get("Retry-After") == "" {
			t.Error("a 503 without Retry-After")
		}
	}
	if n := a.count(t); n != len(made)+1 || len(made) == 0 {
		t.Errorf("%d users of %d answers", n, len(made))
	}
}
