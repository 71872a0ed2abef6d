//go:build torture

package apitest

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/roster-api/roster/db/dbsqlc"
)

// TestTortureSignInTimes: nobody can tell by the time why a sign-in failed. Three
// hundred tries of each way, one after the other in an order that changes each round.
func TestTortureSignInTimes(t *testing.T) {
	const rounds, within, most = 300, 0.05, 3 * time.Millisecond
	a := newServer(t)
	all := failures(t, a)
	classes := []string{"wrong", "unknown", "disabled", "disabled and wrong", "no password", "empty", "empty, unknown", "a hash that is refused", "no address"}
	weak := a.user(t, dbsqlc.User{})
	a.exec(t, "UPDATE credentials SET password_hash = $2 WHERE user_id = $1", weak.ID, weakHash)
	all["wrong, a weak hash"] = failure{weak.Email, "wrong horse battery"}
	classes = append(classes, "wrong, a weak hash")

	client := a.plain(t, 1)
	try := func(f failure) time.Duration {
		body := []byte(jsonOf(t, map[string]any{"email": f.email, "password": f.password}))
		r := must(http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/api/session", bytes.NewReader(body)))(t)
		r.Header.Set("Content-Type", "application/json")
		start := time.Now()
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		took := time.Since(start)
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Fatalf("status %d", resp.StatusCode)
		}
		return took
	}
	for _, class := range classes { // connections are open, statements prepared
		try(all[class])
	}
	times := map[string][]time.Duration{}
	for range rounds {
		for _, i := range rand.Perm(len(classes)) {
			times[classes[i]] = append(times[classes[i]], try(all[classes[i]]))
		}
	}
	median := func(class string) time.Duration {
		slices.Sort(times[class])
		return times[class][rounds/2]
	}
	usual := median(classes[0])
	t.Logf("%d tries a class; the goal: every median within %.0f %% and %v of that of %q, %.2f ms", rounds, within*100, most, classes[0], ms(usual))
	for _, class := range classes {
		m := median(class)
		off := m - usual
		t.Logf("%-24s median %6.2f ms, %+5.2f ms, %+5.1f %%, p10 %6.2f, p90 %6.2f", class, ms(m), ms(off), 100*float64(off)/float64(usual),
			ms(times[class][rounds/10]), ms(times[class][rounds*9/10]))
		if off.Abs() > most || float64(off.Abs()) > within*float64(usual) {
			t.Errorf("%q can be told apart", class)
		}
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
