//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// journal is what clients of a server know of what they wrote: what was acknowledged,
// and what may have taken place because its answer was lost or was a 503.
type journal struct {
	t    testing.TB
	http *http.Client
	end  context.CancelFunc
	all  sync.WaitGroup

	mu      sync.Mutex
	written []*written
	counts  map[string]int // of answers, by operation and status
	acked   int
	more    chan struct{} // closed at the next acknowledged write
	base    string
	token   string
}

// written is a user and what is known of them. A user of whom something is in doubt is
// left alone from then on: a request that was given up may still be carried out.
type written struct {
	email, id string
	name      string // the one that was acknowledged last
	perhaps   string // another one that they may have
	changes   int    // acknowledged
	deleted   bool   // acknowledged
	acked     string // the id, for those who look on; the rest is the client's alone
	doubted   string // the operation that has no good answer
}

// startJournal begins to write with some clients, until stop.
func startJournal(t testing.TB, s *serving, clients int) *journal {
	ctx, end := context.WithCancel(context.Background())
	j := &journal{
		t: t, end: end, counts: map[string]int{}, more: make(chan struct{}),
		http: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: clients}},
	}
	j.follow(s)
	for i := range clients {
		j.all.Go(func() { j.client(ctx, fmt.Sprintf("%d-%d", i, time.Now().UnixNano())) })
	}
	t.Cleanup(j.stop)
	return j
}

// follow makes what comes next go to another server.
func (j *journal) follow(s *serving) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.base, j.token = s.base, s.token
}

// stop ends the writing, each client after the answer that it waits for.
func (j *journal) stop() {
	j.end()
	j.all.Wait()
	j.http.CloseIdleConnections()
}

// progress waits until so many more writes were acknowledged, and returns how many
// there are in all.
func (j *journal) progress(more int) int {
	j.t.Helper()
	j.mu.Lock()
	goal := j.acked + more
	j.mu.Unlock()
	patience := time.After(2 * time.Minute)
	for {
		j.mu.Lock()
		acked, changed := j.acked, j.more
		j.mu.Unlock()
		if acked >= goal {
			return acked
		}
		select {
		case <-changed:
		case <-patience:
			j.t.Fatalf("no write is acknowledged any more; the answers were %s", j.answers())
		}
	}
}

func (j *journal) answers() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []string
	for what, n := range j.counts {
		all = append(all, fmt.Sprintf("%d x %s", n, what))
	}
	return strings.Join(all, ", ")
}

// client makes a user, changes them some times, and deletes every other one.
func (j *journal) client(ctx context.Context, label string) {
	for n := 0; ctx.Err() == nil; n++ {
		w := &written{email: fmt.Sprintf("w%s-%d@example.org", label, n), name: "new"}
		j.mu.Lock()
		j.written = append(j.written, w)
		j.mu.Unlock()
		ok := j.write(w, "create", http.MethodPost, "/api/users", fmt.Sprintf(`{"name":%q,"email":%q,"password":%q}`, w.name, w.email, password))
		for change := 1; ok && change <= 12 && ctx.Err() == nil; change++ {
			w.perhaps = fmt.Sprintf("change %d", change)
			if ok = j.write(w, "update", http.MethodPatch, "/api/users/"+w.id, fmt.Sprintf(`{"name":%q}`, w.perhaps)); ok {
				w.name, w.perhaps = w.perhaps, ""
				w.changes++
			}
		}
		if ok && n%2 == 1 && ctx.Err() == nil {
			w.deleted = j.write(w, "delete", http.MethodDelete, "/api/users/"+w.id, "")
		}
	}
}

// write makes one request and reports whether it was acknowledged.
func (j *journal) write(w *written, what, method, path, body string) bool {
	j.mu.Lock()
	base, token := j.base, j.token
	j.mu.Unlock()
	r, err := http.NewRequestWithContext(context.Background(), method, base+path, strings.NewReader(body))
	if err != nil {
		j.t.Error(err)
		return false
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	status, said := 0, []byte(nil)
	if resp, err := j.http.Do(r); err == nil {
		if said, err = io.ReadAll(resp.Body); err == nil {
			status = resp.StatusCode
		}
		resp.Body.Close()
	}
	good := status == http.StatusCreated || status == http.StatusOK || status == http.StatusNoContent
	if good && what == "create" {
		var made struct{ ID string }
		if err := json.Unmarshal(said, &made); err != nil {
			j.t.Errorf("%s: %v", said, err)
		}
		w.id = made.ID
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case good:
		w.acked = w.id
		j.counts[what]++
		j.acked++
		close(j.more)
		j.more = make(chan struct{})
		return true
	case status == 0:
		j.counts[what+" lost"]++
	default:
		j.counts[fmt.Sprintf("%s %d", what, status)]++
		if status != http.StatusServiceUnavailable {
			j.t.Errorf("%s: %d %s", what, status, said)
		}
	}
	w.doubted = what
	time.Sleep(10 * time.Millisecond) // the server is away, and this must not take its core
	return false
}

// stored is what the database has of a user.
type stored struct {
	id, name                  string
	credential                bool
	created, updated, deleted int // rows of the audit log
}

// verify compares the database with the journal, which must have stopped: what was
// acknowledged is there, and nothing is there in part. It returns the lines that say so.
func (j *journal) verify(url string) (lines []string) {
	j.t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		j.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	there := map[string]stored{}
	rows, err := conn.Query(context.Background(), `
		SELECT l.email, coalesce(u.id::text, ''), coalesce(u.name, ''), c.user_id IS NOT NULL, l.created, l.updated, l.deleted
		FROM (SELECT target_id, max(after ->> 'email') FILTER (WHERE operation = 'createUser') AS email,
		             count(*) FILTER (WHERE operation = 'createUser') AS created,
		             count(*) FILTER (WHERE operation = 'updateUser') AS updated,
		             count(*) FILTER (WHERE operation = 'deleteUser') AS deleted
		      FROM audit WHERE target = 'user' GROUP BY target_id) l
		FULL JOIN users u ON u.id = l.target_id LEFT JOIN credentials c ON c.user_id = u.id`)
	if err != nil {
		j.t.Fatal(err)
	}
	halved := 0
	for rows.Next() {
		var email *string
		var created, updated, deleted *int
		var s stored
		if err := rows.Scan(&email, &s.id, &s.name, &s.credential, &created, &updated, &deleted); err != nil {
			j.t.Fatal(err)
		}
		if email == nil {
			halved++
			j.t.Errorf("the user %s is not in the audit log as made", s.id)
			continue
		}
		s.created, s.updated, s.deleted = *created, *updated, *deleted
		if s.created != 1 || s.deleted > 1 || (s.id == "") != (s.deleted == 1) || (s.id != "") != s.credential {
			halved++
			j.t.Errorf("%s is there in part: %+v", *email, s)
		}
		there[*email] = s
	}
	if err := rows.Err(); err != nil {
		j.t.Fatal(err)
	}

	lost, doubts, took := 0, 0, 0
	for _, w := range j.written {
		s, known := there[w.email]
		if w.doubted != "" {
			doubts++
		}
		var right bool
		switch {
		case w.doubted == "create":
			right = true // or not there at all; in part, it was found above
			took += s.created
		case !known:
		case w.deleted:
			right = s.id == "" && s.updated == w.changes
		case w.doubted == "delete":
			right = s.updated == w.changes && (s.id == "" || s.name == w.name)
			took += s.deleted
		case w.doubted == "update":
			right = s.id != "" && (s.name == w.name && s.updated == w.changes || s.name == w.perhaps && s.updated == w.changes+1)
			took += s.updated - w.changes
		default:
			right = s.id == w.id && s.name == w.name && s.updated == w.changes
		}
		if !right {
			lost++
			j.t.Errorf("acknowledged was %+v, there is %+v", *w, s)
		}
	}
	var miscounted int
	if err := conn.QueryRow(context.Background(), `
		SELECT abs((SELECT sum(admins + editors + viewers) FROM user_counts) - (SELECT count(*) FROM users))`).Scan(&miscounted); err != nil {
		j.t.Fatal(err)
	}
	if miscounted != 0 {
		j.t.Errorf("the counts are wrong by %d", miscounted)
	}
	return []string{
		fmt.Sprintf("answers: %s", j.answers()),
		fmt.Sprintf("in doubt: %d, of which %d took place", doubts, took),
		fmt.Sprintf("acknowledged writes: %d; users of whom one was lost: %d; the goal is 0", j.acked, lost),
		fmt.Sprintf("users or audit rows that are there in part: %d; the goal is 0", halved),
		fmt.Sprintf("the counts of users are wrong by %d; the goal is 0", miscounted),
	}
}
