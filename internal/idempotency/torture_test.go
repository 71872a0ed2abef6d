//go:build torture && unix

package idempotency_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// TestTortureIdempotencyKill sends 100 requests with a key 20 times each at once,
// by turns to make a user, whose address the database keeps from being made twice,
// and a key for a service, which nothing else does. It kills the program in
// between: by chance, and in the moment in which one was committed, so that its
// answer may be lost. Each is carried out once all the same.
func TestTortureIdempotencyKill(t *testing.T) {
	const keys, racers, atOnce = 100, 20, 5
	url := testkit.Database(t)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	admin := testkit.User(t, pool, dbsqlc.User{Role: role.Admin})
	p := build(t, url)
	p.token = testkit.Session(t, pool, admin.ID)
	slow(t, pool)
	p.start(t)

	began := time.Now()
	racing, end := context.WithCancel(t.Context())
	defer end()
	var killer sync.WaitGroup
	killer.Go(func() { p.keepKilling(racing, t, url) })

	all := make([]race, keys)
	slots := make(chan struct{}, atOnce)
	var races sync.WaitGroup
	for k := range all {
		slots <- struct{}{}
		races.Go(func() {
			defer func() { <-slots }()
			all[k].run(t, p, k, racers)
		})
	}
	races.Wait()
	end()
	killer.Wait()

	var requests, lost, refused, first, replayed, unseen, effects, wrong int
	for k := range all {
		r := &all[k]
		requests, lost, refused = requests+r.requests, lost+r.lost, refused+r.refused
		first, replayed = first+r.first, replayed+r.replayed
		if r.first == 0 {
			unseen++
		}
		var made, logged, remembered int
		if err := pool.QueryRow(t.Context(), `
			SELECT (SELECT count(*) FROM users u JOIN credentials c ON c.user_id = u.id WHERE u.name = $1) +
			       (SELECT count(*) FROM keys k JOIN key_secrets s ON s.key_id = k.id WHERE k.name = $1),
			       (SELECT count(*) FROM audit WHERE operation IN ('createUser', 'createKey') AND after ->> 'name' = $1),
			       (SELECT count(*) FROM idempotency_keys WHERE key = $1)`, r.key).Scan(&made, &logged, &remembered); err != nil {
			t.Fatal(err)
		}
		effects += made
		if len(r.ids) != 1 || made != 1 || logged != 1 || remembered != 1 || r.first > 1 {
			wrong++
			t.Errorf("%s: answered with the ids %v, %d times as the first; %d were made, %d rows in the audit log, %d keys", r.key, r.ids, r.first, made, logged, remembered)
		}
	}
	t.Logf("%d keys, %d racers each: %d requests in %s, kill -9 %d times", keys, racers, requests, time.Since(began).Round(time.Second), p.kills.Load())
	t.Logf("answers: %d first, %d later, %d in flight or 503; %d connections lost", first, replayed, refused, lost)
	t.Logf("keys whose first answer was lost, and which a later one told of: %d", unseen)
	t.Logf("effects: %d; the goal is one a key, %d. Keys with anything else: %d; the goal is 0", effects, keys, wrong)
	if p.kills.Load() < 10 || unseen == 0 {
		t.Error("too few kills, or none lost an answer: this shows nothing")
	}
}

// slow makes transactions last, so that a kill falls into one, and tells when one
// was committed.
func slow(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	_, err := pool.Exec(t.Context(), `
		CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			PERFORM pg_sleep(random() * 0.05);
			PERFORM pg_notify('committed', NEW.key);
			RETURN NULL;
		END $$;
		CREATE TRIGGER slow AFTER INSERT ON idempotency_keys FOR EACH ROW EXECUTE FUNCTION slow()`)
	if err != nil {
		t.Fatal(err)
	}
}

// race is what came of one key.
type race struct {
	key, path, body string

	mu                                       sync.Mutex
	ids                                      []uuid.UUID
	requests, lost, refused, first, replayed int
}

// run sends the request from all racers at once, until each has an answer and one
// of them a success.
func (r *race) run(t *testing.T, p *program, k, racers int) {
	r.key = fmt.Sprintf("key-%d", k)
	r.path, r.body = "/api/users", fmt.Sprintf(`{"name":%q,"email":"%s@example.org","password":%q}`, r.key, r.key, password)
	if k%2 == 1 {
		r.path, r.body = "/api/keys", fmt.Sprintf(`{"name":%q,"scopes":["users:read"]}`, r.key)
	}
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			for again := true; again && !t.Failed(); {
				status, body, replayed, err := p.post(r.path, r.key, r.body)
				again = r.count(t, status, body, replayed, err, i == 0)
				if err != nil {
					p.await()
				} else if again {
					time.Sleep(50 * time.Millisecond) // the second of Retry-After is for those who are in no hurry
				}
			}
		})
	}
	all.Wait()
}

// count notes an answer, and says whether to ask again.
func (r *race) count(t *testing.T, status int, body []byte, replayed string, err error, untilDone bool) (again bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	switch {
	case err != nil:
		r.lost++
		return true
	case status == http.StatusCreated, strings.Contains(string(body), "secret_not_replayable"):
		var of struct { // whichever it is
			ID, ResourceID uuid.UUID
			Key            struct{ ID uuid.UUID }
		}
		if err := json.Unmarshal(body, &of); err != nil {
			t.Errorf("%s: %s", r.key, body)
		}
		for _, id := range []uuid.UUID{of.ID, of.Key.ID, of.ResourceID} {
			if id != uuid.Nil && !slices.Contains(r.ids, id) {
				r.ids = append(r.ids, id)
			}
		}
		if status == http.StatusCreated && replayed == "" {
			r.first++
		} else {
			r.replayed++
		}
		return false
	case status == http.StatusServiceUnavailable, status == http.StatusConflict && strings.Contains(string(body), "idempotency_in_flight"):
		r.refused++
		return untilDone
	default:
		t.Errorf("%s: got %d %s", r.key, status, body)
		return false
	}
}

// program is roster serve, built and started as its users do.
type program struct {
	path, address, token string
	settings             []string
	http                 *http.Client

	up      sync.RWMutex // held while it is down
	process *exec.Cmd
	kills   atomic.Int64
}

func build(t *testing.T, database string) *program {
	t.Helper()
	dir := t.TempDir()
	p := &program{path: filepath.Join(dir, "roster"), http: &http.Client{Timeout: 15 * time.Second}}
	make := exec.Command("go", "build", "-o", p.path, "../../cmd/roster")
	make.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free
	if err != nil {
		t.Fatal(err)
	}
	p.address = l.Addr().String()
	l.Close()
	p.settings = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "DATABASE_URL=" + database, "ROSTER_ADDR=" + p.address,
		"ROSTER_RATE_LIMIT=off", "ROSTER_LOG_LEVEL=error", "ROSTER_DATA_DIR=" + dir,
	}
	t.Cleanup(func() {
		if p.process != nil {
			_ = p.process.Process.Kill()
			_ = p.process.Wait()
		}
	})
	return p
}

// start returns when it answers.
func (p *program) start(t *testing.T) {
	p.process = exec.Command(p.path, "serve")
	var said bytes.Buffer
	p.process.Env, p.process.Stderr = p.settings, &said
	if err := p.process.Start(); err != nil {
		t.Error(err)
		return
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		resp, err := p.http.Get("http://" + p.address + "/ready")
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
	t.Errorf("the program does not come up; it said: %.2000s", said.String())
}

// await returns when the program is up.
func (p *program) await() {
	p.up.RLock()
	defer p.up.RUnlock()
}

// keepKilling kills the program and starts it again, at any moment and, twice as often,
// when something was just committed.
func (p *program) keepKilling(ctx context.Context, t *testing.T, url string) {
	conn, err := pgx.Connect(ctx, url)
	if err == nil {
		_, err = conn.Exec(ctx, "LISTEN committed")
	}
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for n := 0; ctx.Err() == nil && !t.Failed(); n++ {
		if n%3 == 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Duration(rand.IntN(300)) * time.Millisecond):
			}
		} else if err := drain(ctx, conn); err != nil {
			return
		}
		p.up.Lock()
		_ = p.process.Process.Kill()
		_ = p.process.Wait()
		p.kills.Add(1)
		p.start(t)
		p.up.Unlock()
	}
}

// drain returns at the next commit, not at one of before.
func drain(ctx context.Context, conn *pgx.Conn) error {
	for {
		soon, cancel := context.WithTimeout(ctx, time.Millisecond)
		_, err := conn.WaitForNotification(soon)
		cancel()
		if err != nil {
			break
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	_, err := conn.WaitForNotification(ctx)
	return err
}

func (p *program) post(path, key, content string) (status int, body []byte, replayed string, err error) {
	r, err := http.NewRequest(http.MethodPost, "http://"+p.address+path, strings.NewReader(content))
	if err != nil {
		return 0, nil, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set("Idempotency-Key", key)
	resp, err := p.http.Do(r)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, resp.Header.Get("Idempotency-Replayed"), err
}
