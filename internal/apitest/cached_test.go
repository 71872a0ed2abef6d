package apitest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/testkit"

	roster "github.com/roster-api/roster/clients/go"
)

// While the database is away, who was verified before gets what is cached, soon; and
// nothing else. Who is not known gets nothing at all.
func TestCachedWithoutADatabase(t *testing.T) {
	t.Parallel()
	url := testkit.Database(t)
	proxy := testkit.NewProxy(t, url)
	direct := newServer(t, testkit.WithDatabase(url))
	a := newServer(t, testkit.WithDatabase(proxy.URL), testkit.Deadline(10*time.Second))
	u := direct.user(t, dbsqlc.User{})
	known := "Authorization: Bearer " + testkit.Session(t, direct.Pool, u.ID)
	stranger := "Authorization: Bearer " + testkit.Session(t, direct.Pool, u.ID)
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			fresh := a.send(t, "GET", "/api/stats", "", known)
			if fresh.Status != http.StatusOK || !strings.HasPrefix(fresh.Header.Get("Cache-Control"), "private, max-age=60") {
				t.Fatalf("%s\n%v", fresh, fresh.Header)
			}
			time.Sleep(auth.Fresh) // it is to be verified again
			proxy.Set(fault)
			first := a.send(t, "GET", "/api/stats", "", known) // learns that the database is away
			begin := time.Now()
			kept := a.send(t, "GET", "/api/stats", "", known)
			if took := time.Since(begin); took > time.Second { // by the figures it is some 50 ms; see make torture
				t.Errorf("%s until the answer", took)
			}
			for _, got := range []answer{first, kept} {
				if got.Status != http.StatusOK || !bytes.Equal(got.Body, fresh.Body) || got.Header.Get("Age") == "" {
					t.Errorf("%s\n%v", got, got.Header)
				}
			}
			etagged := a.send(t, "GET", "/api/stats", "", known, "If-None-Match: "+fresh.Header.Get("ETag"))
			if etagged.Status != http.StatusNotModified {
				t.Errorf("%s", etagged)
			}
			for _, path := range []string{"/api/stats?days=365", "/api/session", "/api/users", "/api/users/" + u.ID.String()} {
				got := a.send(t, "GET", path, "", known)
				got.wantProblem(t, 503, roster.ErrorCodeUnavailable)
				if got.Header.Get("Retry-After") == "" {
					t.Errorf("%s: %v", path, got.Header)
				}
			}
			a.send(t, "DELETE", "/api/session", "", known).wantProblem(t, 503, roster.ErrorCodeUnavailable)
			a.send(t, "GET", "/api/stats", "", stranger).wantProblem(t, 503, roster.ErrorCodeUnavailable)
			a.send(t, "GET", "/api/stats", "").wantProblem(t, 401, roster.ErrorCodeUnauthenticated)
			proxy.Set(testkit.None)
			for end := time.Now().Add(10 * time.Second); ; {
				if got := a.send(t, "GET", "/api/session", "", known); got.Status == http.StatusOK {
					break
				} else if got.Status != 503 || time.Now().After(end) {
					t.Fatalf("on the way back: %s", got)
				}
			}
		})
	}
}
