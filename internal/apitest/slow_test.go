package apitest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// TestSlowClients is the torture of this name with fewer and for less long.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	slowClients(t, testkit.Database(t), 200, 8*time.Second, time.Second) // beside other tests
}

// slow is a way to be slow: what is sent at once, what follows octet by octet, and
// when the server has had enough.
type slow struct {
	name, first, rest string
	answer            string        // that the client gets, if any
	cut               time.Duration // after which the server has had enough
}

// slowClients measures normal requests alone and beside so many slow connections.
// The goal is the p99 of a normal request.
func slowClients(t *testing.T, url string, connections int, lasting, goal time.Duration) {
	const slack = 2 * time.Second // for a busy machine
	pool := must(pgxpool.New(t.Context(), url))(t)
	t.Cleanup(pool.Close)
	if err := db.SeedUsers(t.Context(), pool, 200, func(int) {}); err != nil {
		t.Fatal(err)
	}
	admin := testkit.User(t, pool, dbsqlc.User{Role: role.Admin})
	token := testkit.Session(t, pool, admin.ID)
	p := start(t, url, nil)

	const head = " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
	known := "Authorization: Bearer " + token + "\r\n"
	ways := []slow{
		{"a header in drops", "GET /api/users" + head, "X-Slow: " + strings.Repeat("a", 1000), "", 5 * time.Second},
		{"a body in drops", "POST /api/session" + head + "Content-Length: 1000\r\n\r\n", strings.Repeat(" ", 1000), "408", 5 * time.Second},
		{"a body in drops, with a credential", "POST /api/users" + head + known + "Content-Length: 1000\r\n\r\n", strings.Repeat(" ", 1000), "408", 5 * time.Second},
		{"a body in drops that nobody wants", "POST /api/users" + head + "Content-Length: 1000\r\n\r\n", strings.Repeat(" ", 1000), "401", time.Second},
		{"reads nothing", strings.Repeat("GET /openapi.json"+head+"\r\n", 200), "", "cut off", 30 * time.Second},
	}

	alone := normal(t, p.addr, token, lasting/2)
	begun := time.Now()
	var mu sync.Mutex
	took := make([][]time.Duration, len(ways))
	said := make([]map[string]int, len(ways))
	for i := range said {
		said[i] = map[string]int{}
	}
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() {
			time.Sleep(time.Duration(i) * lasting / 10 / time.Duration(connections)) // not all at the same moment
			n := i % (len(ways) - 1)
			if i%20 == 0 { // few: what they do not read takes the kernel's memory
				n = len(ways) - 1
			}
			way := ways[n]
			status, cut := way.run(p.addr, begun.Add(lasting))
			mu.Lock()
			defer mu.Unlock()
			said[n][status]++
			if cut > 0 {
				took[n] = append(took[n], cut)
			}
		})
	}
	under := normal(t, p.addr, token, lasting)
	all.Wait()

	for i, way := range ways {
		slices.Sort(took[i])
		t.Logf("%-36s answered %v, cut off after %s; the goal is %v", way.name, said[i], timesOf(took[i]), way.cut)
		if lasting < way.cut+way.cut/4 {
			continue
		}
		if way.rest != "" && len(took[i]) == 0 || len(took[i]) > 0 && slices.Max(took[i]) > way.cut+slack {
			t.Errorf("%s: not cut off in time", way.name)
		}
		for status := range said[i] {
			if status != way.answer {
				t.Errorf("%s: answered %q, want %q", way.name, status, way.answer)
			}
		}
	}
	t.Logf("a normal request alone: %s", timesOf(alone))
	t.Logf("a normal request beside %d slow connections: %s, none failed; the goal is p99 under %v", connections, timesOf(under), goal)
	if p99 := under[int(.99*float64(len(under)-1))]; p99 > goal {
		t.Errorf("p99 is %v", p99)
	}
}

// run is one slow connection, until it is cut off or the test ends.
func (s slow) run(addr string, end time.Time) (status string, cut time.Duration) {
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return "no connection", 0
	}
	defer conn.Close()
	_ = conn.SetDeadline(end.Add(5 * time.Second))
	if s.rest == "" {
		_ = conn.(*net.TCPConn).SetReadBuffer(4096)
		_ = conn.SetWriteDeadline(end)
		_, _ = io.WriteString(conn, s.first)
		time.Sleep(time.Until(end))
		var network net.Error
		if _, err := io.Copy(io.Discard, conn); errors.As(err, &network) && network.Timeout() {
			return "open", 0
		}
		return "cut off", 0
	}
	if _, err := io.WriteString(conn, s.first); err != nil {
		return "no request", 0
	}
	begun, over := time.Now(), make(chan struct{})
	go func() {
		for i := range s.rest {
			select {
			case <-over:
				return
			case <-time.After(50 * time.Millisecond):
			}
			if _, err := io.WriteString(conn, s.rest[i:i+1]); err != nil {
				return
			}
		}
	}()
	line, _ := bufio.NewReader(conn).ReadString('\n')
	close(over)
	cut = time.Since(begun)
	if len(line) >= 12 {
		status = line[9:12]
	}
	return status, cut
}

// normal asks 40 times a second, whether or not the answer before has come, and
// returns how long each took, in order.
func normal(t *testing.T, addr, token string, lasting time.Duration) []time.Duration {
	t.Helper()
	get := []byte("GET /api/users HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token + "\r\n\r\n")
	o := openLoop{addr: addr, conns: 40, next: func(int) []byte { return get }}.run(40, lasting)
	if o.statuses["200"] != o.sent {
		t.Errorf("normal requests are answered %v, of %d", o.statuses, o.sent)
	}
	if len(o.good) == 0 {
		t.Fatal("none is answered")
	}
	return o.good
}

// TestShed: where as many are worked on as may be, the next ones are told so at
// once, and health and the document are not among them. (/ready asks the database,
// whose connections are all held here.)
func TestShed(t *testing.T) {
	t.Parallel()
	a := newAPI(t, testkit.Deadline(20*time.Second))
	lock := must(pgxpool.New(t.Context(), a.DatabaseURL))(t)
	t.Cleanup(lock.Close)
	tx := must(lock.Begin(t.Context()))(t)
	if _, err := tx.Exec(t.Context(), "LOCK TABLE keys IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	const path = "/api/keys" // who is calling by a session needs no keys
	get := []byte(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n", path, a.token))
	var crowd sync.WaitGroup
	var mu sync.Mutex
	statuses := map[string]int{}
	shed := make(chan struct{}, 400)
	for range 300 {
		crowd.Go(func() {
			c := &rawClient{addr: strings.TrimPrefix(a.URL, "http://")}
			defer c.close()
			status, retry, err := c.do(get)
			if err != nil || status == "503" && !retry {
				t.Errorf("%s, Retry-After: %v, %v", status, retry, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if statuses[status]++; status == "503" {
				shed <- struct{}{}
			}
		})
	}
	for range 300 - 48 { // those beyond the turns: at once, or after their wait
		<-shed
	}
	for _, open := range []string{"/health", "/openapi.json"} {
		if got := a.send(t, http.MethodGet, open, ""); got.Status != http.StatusOK {
			t.Errorf("%s: %s", open, got)
		}
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	crowd.Wait()
	if statuses["200"] != 48 || statuses["503"] != 252 {
		t.Errorf("answered %v, want 48 x 200 and 252 x 503", statuses)
	}
	if got := a.send(t, http.MethodGet, path, ""); got.Status != http.StatusOK {
		t.Errorf("afterwards: %s", got)
	}
}
