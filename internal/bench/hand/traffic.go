package hand

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// stats is an answer that is computed once a minute and kept as bytes.
func stats(pool *pgxpool.Pool) http.HandlerFunc {
	var mu sync.Mutex
	var kept []byte
	var until time.Time
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.After(until) {
			var found struct {
				Users struct {
					Total    int64 `json:"total"`
					Admins   int64 `json:"admin"`
					Editors  int64 `json:"editor"`
					Viewers  int64 `json:"viewer"`
					Disabled int64 `json:"disabled"`
				} `json:"users"`
			}
			u := &found.Users
			err := pool.QueryRow(r.Context(), `
				SELECT count(*), count(*) FILTER (WHERE role = 'admin'), count(*) FILTER (WHERE role = 'editor'),
				       count(*) FILTER (WHERE role = 'viewer'), count(*) FILTER (WHERE disabled) FROM users`).
				Scan(&u.Total, &u.Admins, &u.Editors, &u.Viewers, &u.Disabled)
			if err != nil {
				fail(w, err)
				return
			}
			var b bytes.Buffer
			_ = json.NewEncoder(&b).Encode(found) // numbers only
			kept, until = b.Bytes(), now.Add(time.Minute)
		}
		w.Header()["Content-Type"] = jsonType
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(kept))}
		_, _ = w.Write(kept)
	}
}

// throttled counts as the seed does: by address, 20 in a minute, in a map. What is
// let through has nothing to sign in with.
func throttled() http.HandlerFunc {
	type window struct {
		count int
		until time.Time
	}
	const quota = 20
	var mu sync.Mutex
	seen := map[string]*window{}
	return func(w http.ResponseWriter, r *http.Request) {
		address, _, _ := net.SplitHostPort(r.RemoteAddr)
		now := time.Now()
		mu.Lock()
		one := seen[address]
		if one == nil || now.After(one.until) {
			one = &window{until: now.Add(time.Minute)}
			seen[address] = one
		}
		one.count++
		refused, wait := one.count > quota, one.until.Sub(now)
		mu.Unlock()
		if !refused {
			answer(w, http.StatusUnauthorized, struct{}{})
			return
		}
		w.Header()["Retry-After"] = []string{strconv.Itoa(int(wait.Seconds()) + 1)}
		answer(w, http.StatusTooManyRequests, struct {
			Status int    `json:"statusCode"`
			Text   string `json:"statusMessage"`
		}{http.StatusTooManyRequests, "Too Many Requests"})
	}
}
