package apitest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// world is what a life knows: the users that are its own, what it may call with, and
// what the answers told it.
type world struct {
	*hostile
	seed  uint64
	index int
	r     *rand.Rand

	callers   []*caller
	users     []*person
	pools     map[string][]string // ids that were seen, by the segment of the path that holds them
	gone      []string            // ids of what was deleted
	etags     map[string]string   // by path
	walks     []nextPage
	resets    []reset
	repeats   map[string]*message // the last request with a key, by operation
	emails    int
	expects   map[string]expectation // by table and id
	sent      map[string]*change     // by the id of the request
	statuses  map[string]map[int]int
	broken    map[string]int
	complains int
	unsure    bool // some answer did not say what was done
}

type person struct {
	id, email, password string
	role                role.Role
}

// caller is a credential. A dead one is replaced before it is used again.
type caller struct {
	name   string
	role   role.Role
	cookie bool
	scopes []auth.Permission // of a key
	user   *person
	token  string
	dead   bool
}

// nextPage is a page that follows: the query that it goes with, and its cursor.
type nextPage struct {
	op     *operation
	query  [][2]string
	cursor string
}

// reset is a link by which a user chooses a new password.
type reset struct {
	token string
	user  *person
}

// expectation is what an answer said of a row.
type expectation struct {
	body map[string]any // nil: it was deleted
	by   string         // the request, and its answer
}

// change is what became of a request that may change something.
type change struct {
	op       string
	status   int
	replayed bool
	many     bool // it names no single thing, so there may be nothing to do
	index    int
}

var everyScope = func() (scopes []auth.Permission) {
	for _, g := range auth.Grants {
		if g.Scope {
			scopes = append(scopes, g.Permission)
		}
	}
	return scopes
}()

func newWorld(t *testing.T, h *hostile, seed uint64) *world {
	w := &world{
		hostile: h, seed: seed, r: rand.New(rand.NewPCG(seed, 20)),
		pools: map[string][]string{}, etags: map[string]string{}, repeats: map[string]*message{}, expects: map[string]expectation{},
		sent: map[string]*change{}, statuses: map[string]map[int]int{}, broken: map[string]int{},
	}
	w.callers = []*caller{
		{name: "an admin's session", role: role.Admin}, {name: "an admin's cookie", role: role.Admin, cookie: true},
		{name: "an editor's session", role: role.Editor}, {name: "an editor's cookie", role: role.Editor, cookie: true},
		{name: "a viewer's session", role: role.Viewer}, {name: "a key with all scopes", role: role.Admin, scopes: everyScope},
		{name: "a key with one scope", role: role.Admin, scopes: []auth.Permission{oneOf(w.r, everyScope...)}},
		{name: "a viewer's key", role: role.Viewer, scopes: []auth.Permission{auth.UsersRead, auth.StatsRead}},
	}
	for _, c := range w.callers {
		c.dead = true
	}
	w.refill(t)
	return w
}

// refill replaces the users and credentials that the last answers took away.
func (w *world) refill(t *testing.T) {
	if w.unsure {
		w.look(t)
	}
	for len(w.users) < 8 {
		w.newPerson(t, oneOf(w.r, role.All...))
	}
	for _, c := range w.callers {
		if !c.dead {
			continue
		}
		if c.user == nil || !slices.Contains(w.users, c.user) || c.user.role != c.role {
			c.user = w.newPerson(t, c.role)
		}
		if c.scopes != nil {
			c.token = testkit.Key(t, w.pool, uuid.MustParse(c.user.id), c.scopes...)
		} else {
			c.token = testkit.Session(t, w.pool, uuid.MustParse(c.user.id))
		}
		c.dead = false
	}
}

// look finds out which users are left, and what they are.
func (w *world) look(t *testing.T) {
	w.unsure = false
	for _, p := range slices.Clone(w.users) {
		var disabled bool
		var now string
		err := w.pool.QueryRow(t.Context(), "SELECT email, role::text, disabled FROM users WHERE id = $1", p.id).Scan(&p.email, &now, &disabled)
		p.role = role.Role(now)
		if err != nil || disabled {
			w.forget(p.id)
		}
	}
	for _, c := range w.callers {
		c.dead = true
	}
}

func (w *world) newPerson(t *testing.T, r role.Role) *person {
	u := testkit.User(t, w.pool, dbsqlc.User{ID: w.newID(), Email: w.newEmail(), Role: r})
	p := &person{id: u.ID.String(), email: u.Email, password: testkit.Password, role: r}
	w.users = append(w.users, p)
	return p
}

func (w *world) newID() (id uuid.UUID) {
	for i := range id {
		id[i] = byte(w.r.Uint32())
	}
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id
}

func (w *world) newEmail() string {
	w.emails++
	return fmt.Sprintf("user-%d-%d@example.org", w.seed, w.emails)
}

func (w *world) person(id string) *person {
	for _, p := range w.users {
		if p.id == id {
			return p
		}
	}
	return nil
}

// remember keeps an id for later requests.
func (w *world) remember(segment, id string) {
	if pool := w.pools[segment]; !slices.Contains(pool, id) && segment != "users" {
		w.pools[segment] = append(pool[max(0, len(pool)-11):], id)
	}
}

func (w *world) count(q *message, got answer) {
	if w.statuses[q.op.id] == nil {
		w.statuses[q.op.id] = map[int]int{}
	}
	w.statuses[q.op.id][got.Status]++
	for _, how := range q.how {
		w.broken[how]++
	}
}

// faulty says whether a life has complained enough.
func (w *world) faulty() bool {
	w.complains++
	return w.complains >= 5
}

// served is the operation that a request met, which need not be the one meant, and
// whether it names a single thing.
func (w *world) served(q *message) (op *operation, single bool) {
	x := q.exchange(answer{})
	at, found := w.contract.operation(x)
	if found == nil {
		return nil, false
	}
	for _, op := range w.ops {
		if op.path == at[1] && op.method == q.method {
			return op, strings.HasSuffix(op.path, "}")
		}
	}
	return nil, false
}

// learn takes from an answer what later requests can use, and what must stand in the
// database.
func (w *world) learn(q *message, got answer) {
	if got.Status == 401 && q.by != nil {
		q.by.dead = true
	}
	if got.Status == 0 || got.Status >= 500 { // whatever it did
		clear(w.expects)
		w.unsure = true
	}
	op, single := w.served(q)
	if op == nil {
		return
	}
	x := q.exchange(got)
	replayed := got.Header.Get("Idempotency-Replayed") != ""
	if q.method != "GET" {
		w.sent[got.Header.Get("X-Request-Id")] = &change{op.id, got.Status, replayed, op.method == "DELETE" && !single, w.index}
	}
	if got.Status < 200 || got.Status >= 300 || replayed {
		return
	}
	if op.idempotent && q.get("Idempotency-Key") != "" && len(q.how) == 0 {
		w.repeats[op.id] = q
	}
	if tag := got.Header.Get("Etag"); tag != "" {
		w.etags[x.path] = strings.ReplaceAll(tag, "-gzip", "")
	}
	if op.method == "DELETE" {
		if single {
			table, id := op.segment(), x.path[strings.LastIndexByte(x.path, '/')+1:]
			w.expects[table+" "+strings.ToLower(id)] = expectation{nil, w.told(q, got)}
			w.forget(strings.ToLower(id))
		}
		for _, c := range w.callers { // which of them, the next answer tells
			c.dead = c.dead || !single && c.user == userOf(q)
		}
		return
	}
	w.learnPassword(q, x.path)
	var body map[string]any
	if json.Unmarshal(got.Body, &body) != nil {
		return
	}
	if token, ok := body["token"].(string); ok && strings.HasPrefix(token, "rsr_") {
		w.resets = append(w.resets, reset{token, w.person(pathID(x.path))})
	}
	w.learnRows(op, body, w.told(q, got))
	if data, ok := body["data"].([]any); ok {
		for _, row := range data {
			id, _ := down(row, "id").(string)
			owner, owned := down(row, "userId").(string)
			if id != "" && (!owned || w.person(owner) != nil) {
				w.remember(op.segment(), id)
			}
		}
		if next, ok := down(body, "pagination", "next").(string); ok {
			var kept [][2]string
			for _, p := range q.query {
				if p[0] != "page" && p[0] != "cursor" {
					kept = append(kept, p)
				}
			}
			w.walks = append(w.walks[max(0, len(w.walks)-9):], nextPage{op, kept, next})
		}
	}
}

// told tells of a request, so that it can be found and sent again.
func (w *world) told(q *message, got answer) string {
	return fmt.Sprintf("seed %d, request %d, %s by %s, %s:\n%q\n-> %v", w.seed, w.index, q.op.id, q.caller, strings.Join(q.how, ", "), clip(q.bytes(w.address)), got)
}

func userOf(q *message) *person {
	if q.by == nil {
		return &person{}
	}
	return q.by.user
}

// pathID is the third segment of a path, where an id stands.
func pathID(path string) string { return strings.ToLower(strings.Split(path+"///", "/")[3]) }

// learnPassword notes that a user has another password.
func (w *world) learnPassword(q *message, path string) {
	var sent struct{ NewPassword, Token string }
	if json.Unmarshal(q.content(), &sent) != nil || sent.NewPassword == "" {
		return
	}
	p := w.person(pathID(path))
	for _, r := range w.resets {
		if r.token == sent.Token {
			p = r.user
		}
	}
	if p != nil {
		p.password = sent.NewPassword
	}
}

// learnRows notes what an answer says of single rows.
func (w *world) learnRows(op *operation, body map[string]any, told string) {
	rows := []any{body}
	for _, v := range body {
		rows = append(rows, v)
	}
	for _, row := range rows {
		row, _ := row.(map[string]any)
		id, _ := row["id"].(string)
		if id == "" {
			continue
		}
		w.expects[op.segment()+" "+id] = expectation{row, told}
		w.remember(op.segment(), id)
		name, isUser := row["email"].(string)
		if !isUser {
			continue
		}
		p := w.person(id)
		if p == nil {
			p = &person{id: id, password: testkit.Password}
			w.users = append(w.users, p)
		}
		p.email, p.role = name, role.Role(row["role"].(string))
		for _, c := range w.callers {
			if c.user == p && (p.role != c.role || row["disabled"] == true) {
				c.dead = true
			}
		}
		if row["disabled"] == true || len(w.users) > 24 {
			w.forget(id)
		}
	}
}

// forget takes an id out of use.
func (w *world) forget(id string) {
	w.gone = append(w.gone[max(0, len(w.gone)-9):], id)
	for segment, pool := range w.pools {
		w.pools[segment] = slices.DeleteFunc(slices.Clone(pool), func(other string) bool { return other == id })
	}
	for _, c := range w.callers {
		c.dead = c.dead || c.user.id == id
	}
	w.users = slices.DeleteFunc(slices.Clone(w.users), func(p *person) bool { return p.id == id })
}

// checkChanges holds the database against what was answered: each change stands in
// the audit log once, nothing else does, and each row is what the last answer said.
func (w *world) checkChanges(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	logged := map[string]int{}
	var ids []string
	for id := range w.sent {
		ids = append(ids, id)
	}
	rows, err := w.pool.Query(ctx, "SELECT request_id, operation FROM audit WHERE request_id = ANY($1)", ids)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, operation string
		if err := rows.Scan(&id, &operation); err != nil {
			t.Fatal(err)
		}
		logged[id]++
		if operation != w.sent[id].op {
			t.Errorf("seed %d, request %d: %s is %s in the audit log", w.seed, w.sent[id].index, w.sent[id].op, operation)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for id, c := range w.sent {
		done := c.status >= 200 && c.status < 300 && !c.replayed
		if n := logged[id]; n > 1 || !done && n > 0 && c.status < 500 || done && n == 0 && !c.many {
			t.Errorf("seed %d, request %d: %s answered %d, and has %d rows in the audit log", w.seed, c.index, c.op, c.status, n)
		}
	}
	for at, want := range w.expects {
		table, id, _ := strings.Cut(at, " ")
		if fault := w.compare(t, table, id, want.body); fault != "" {
			t.Errorf("%s %s, after %s", at, fault, want.by)
		}
	}
}

var capitals = regexp.MustCompile("[A-Z]")

// compare holds a row against what an answer said of it.
func (w *world) compare(t *testing.T, table, id string, want map[string]any) string {
	var exists bool
	if err := w.pool.QueryRow(t.Context(), "SELECT to_regclass($1) IS NOT NULL", table).Scan(&exists); err != nil || !exists {
		return ""
	}
	var got map[string]any
	err := w.pool.QueryRow(t.Context(), "SELECT to_jsonb(r) FROM "+table+" r WHERE id = $1", id).Scan(&got)
	switch owner, owned := want["userId"].(string); {
	case err != nil && want == nil:
		return ""
	case want == nil:
		return "is there, and was deleted"
	case err != nil && owned && w.person(owner) == nil:
		return "" // it ended with its owner
	case err != nil:
		return "is not there: " + err.Error()
	}
	for name, value := range want {
		column := capitals.ReplaceAllStringFunc(name, func(c string) string { return "_" + strings.ToLower(c) })
		stored, ok := got[column]
		if !ok || strings.HasPrefix(name, "last") { // which moves by itself
			continue
		}
		if text, ok := value.(string); ok && strings.HasSuffix(name, "At") {
			at, err := time.Parse(time.RFC3339Nano, text)
			other, err2 := time.Parse(time.RFC3339Nano, fmt.Sprint(stored))
			if err != nil || err2 != nil || !at.Equal(other) {
				return fmt.Sprintf("has %s %v, not %v", name, stored, value)
			}
			continue
		}
		if fmt.Sprint(stored) != fmt.Sprint(value) {
			return fmt.Sprintf("has %s %v, not %v", name, stored, value)
		}
	}
	return ""
}
