package db_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// newestPage is a page of any of the three lists.
type newestPage[T any] struct {
	rows          []T
	total         int64
	before, after bool
}

// place is where such a page begins.
type place struct {
	limit  int
	offset int64
	from   *db.NewestPosition
	back   bool
}

func (p place) String() string {
	return fmt.Sprintf("limit %d offset %d from %v back %t", p.limit, p.offset, p.from, p.back)
}

// checkNewest goes to pages of a list in every way. all are those rows that
// should be listed, in any order.
func checkNewest[T any](t *testing.T, what string, r *rand.Rand, all []T, at func(T) db.NewestPosition, read func(place) (newestPage[T], error)) {
	t.Helper()
	before := func(a, b db.NewestPosition) int {
		if n := b.CreatedAt.Compare(a.CreatedAt); n != 0 {
			return n
		}
		return bytes.Compare(b.ID[:], a.ID[:])
	}
	rows := slices.SortedFunc(slices.Values(all), func(a, b T) int { return before(at(a), at(b)) })
	n := int64(len(rows))
	check := func(p place) {
		t.Helper()
		from, to := p.offset, p.offset+int64(p.limit)
		if p.from != nil {
			i, found := slices.BinarySearchFunc(rows, *p.from, func(row T, p db.NewestPosition) int { return before(at(row), p) })
			from = int64(i)
			if found && !p.back {
				from++
			}
			to = from + int64(p.limit)
			if p.back {
				from, to = from-int64(p.limit), from
			}
		} else if p.back {
			from, to = n-int64(p.limit), n
		}
		from, to = min(max(from, 0), n), min(max(to, 0), n)
		want := newestPage[T]{rows: slices.Clip(rows[from:to]), total: n, before: from > 0, after: to < n}
		got, err := read(p)
		if err != nil {
			t.Fatalf("%s, %s: %v", what, p, err)
		}
		if got.rows == nil {
			t.Fatalf("%s, %s: rows are nil", what, p)
		}
		if len(want.rows) == 0 {
			want.rows = []T{}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s, %s\ngot  %+v\nwant %+v", what, p, got, want)
		}
	}
	for _, limit := range []int{1, 7, db.MaxNewest} {
		for _, offset := range []int64{0, 1, n / 3, n/2 + 1, n - 1, n, n + 5} {
			if offset >= 0 {
				check(place{limit: limit, offset: offset})
			}
		}
		check(place{limit: limit, back: true})
		for range 3 {
			from := db.NewestPosition{CreatedAt: modelStart.Add(time.Duration(r.IntN(100)) * time.Microsecond), ID: uuid.New()}
			if n > 0 && r.IntN(4) > 0 {
				from = at(rows[r.IntN(len(rows))])
			}
			check(place{limit: limit, from: &from})
			check(place{limit: limit, from: &from, back: true})
		}
	}
}

var modelStart = time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)

// modelAudit is the log of a few actors and things, with many entries at one time.
func modelAudit(n int, r *rand.Rand) (entries []dbsqlc.Audit, ids []uuid.UUID) {
	for range 5 {
		ids = append(ids, uuid.New())
	}
	for i := range n {
		e := dbsqlc.Audit{
			ID: uuid.New(), CreatedAt: modelStart.Add(time.Duration(r.IntN(n/4+1)) * time.Microsecond),
			Actor: "system", ActorName: fmt.Sprintf("actor-%d@example.org", r.IntN(5)),
			Operation: []string{"updateUser", "signIn", "revokeKey"}[r.IntN(3)],
			Target:    []string{"user", "session", "key"}[r.IntN(3)],
			Before:    json.RawMessage("{}"), After: json.RawMessage(fmt.Sprintf(`{"name": "%d"}`, i)),
			Address: "203.0.113.7", RequestID: fmt.Sprint("r", i),
		}
		if r.IntN(4) > 0 {
			e.Actor, e.ActorID = "user", &ids[r.IntN(3)]
		}
		if r.IntN(4) > 0 {
			e.TargetID = &ids[2+r.IntN(3)]
		}
		entries = append(entries, e)
	}
	return entries, ids
}

func insertAudit(t *testing.T, pool *pgxpool.Pool, entries []dbsqlc.Audit) {
	t.Helper()
	var batch pgx.Batch
	for _, e := range entries {
		batch.Queue(`INSERT INTO audit (id, created_at, actor, actor_id, actor_name, operation, target, target_id, before, after, address, request_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			e.ID, e.CreatedAt, e.Actor, e.ActorID, e.ActorName, e.Operation, e.Target, e.TargetID, e.Before, e.After, e.Address, e.RequestID)
	}
	if err := pool.SendBatch(t.Context(), &batch).Close(); err != nil {
		t.Fatal(err)
	}
}

// auditLists is every combination of filters.
func auditLists(actor, target uuid.UUID, operation, kind string, since, until time.Time) []db.AuditList {
	var lists []db.AuditList
	for set := range 1 << 6 {
		var l db.AuditList
		for i, add := range []func(){
			func() { l.ActorID = &actor }, func() { l.Operation = operation }, func() { l.Target = kind },
			func() { l.TargetID = &target }, func() { l.Since = &since }, func() { l.Until = &until },
		} {
			if set&(1<<i) != 0 {
				add()
			}
		}
		lists = append(lists, l)
	}
	return lists
}

func describeAudit(l db.AuditList) string {
	return fmt.Sprintf("actor %v operation %q target %q %v since %v until %v", l.ActorID, l.Operation, l.Target, l.TargetID, l.Since, l.Until)
}

func TestListAuditIsTheModel(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	r := rand.New(rand.NewPCG(1, 2))
	all, ids := modelAudit(300, r)
	insertAudit(t, pool, all)
	lists := auditLists(ids[2], ids[2], "updateUser", "user", modelStart.Add(10*time.Microsecond), modelStart.Add(60*time.Microsecond))
	lists = append(lists, db.AuditList{Operation: "never"}, db.AuditList{Since: ptr(modelStart.Add(time.Hour))})
	for _, l := range lists {
		var rows []dbsqlc.Audit
		for _, e := range all {
			if (l.ActorID == nil || e.ActorID != nil && *e.ActorID == *l.ActorID) && (l.Operation == "" || e.Operation == l.Operation) &&
				(l.Target == "" || e.Target == l.Target) && (l.TargetID == nil || e.TargetID != nil && *e.TargetID == *l.TargetID) &&
				(l.Since == nil || !e.CreatedAt.Before(*l.Since)) && (l.Until == nil || e.CreatedAt.Before(*l.Until)) {
				rows = append(rows, e)
			}
		}
		at := func(e dbsqlc.Audit) db.NewestPosition { return db.NewestPosition{CreatedAt: e.CreatedAt, ID: e.ID} }
		checkNewest(t, describeAudit(l), r, rows, at, func(p place) (newestPage[dbsqlc.Audit], error) {
			l.Limit, l.Offset, l.From, l.Back = p.limit, p.offset, p.from, p.back
			page, err := db.ListAudit(t.Context(), pool, l)
			return newestPage[dbsqlc.Audit]{page.Entries, page.Total, page.Before, page.After}, err
		})
	}
}

func TestListKeysIsTheModel(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	r := rand.New(rand.NewPCG(3, 4))
	users := testkit.Users(t, pool, dbsqlc.User{}, dbsqlc.User{}, dbsqlc.User{})
	var all []dbsqlc.Key
	var batch pgx.Batch
	for i := range 120 {
		k := dbsqlc.Key{
			ID: uuid.New(), UserID: users[r.IntN(2)].ID, Name: fmt.Sprint("key ", i), Scopes: []string{"users:read", "stats:read"}[:r.IntN(3)],
			CreatedAt: modelStart.Add(time.Duration(r.IntN(40)) * time.Microsecond),
		}
		if r.IntN(2) == 0 {
			k.LastUsedAt, k.ExpiresAt = &k.CreatedAt, ptr(k.CreatedAt.Add(time.Hour))
		}
		all = append(all, k)
		batch.Queue("INSERT INTO keys (id, user_id, name, scopes, created_at, last_used_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			k.ID, k.UserID, k.Name, k.Scopes, k.CreatedAt, k.LastUsedAt, k.ExpiresAt)
	}
	if err := pool.SendBatch(t.Context(), &batch).Close(); err != nil {
		t.Fatal(err)
	}
	for _, user := range []*uuid.UUID{nil, &users[0].ID, &users[1].ID, &users[2].ID} {
		var rows []dbsqlc.Key
		for _, k := range all {
			if user == nil || k.UserID == *user {
				rows = append(rows, k)
			}
		}
		at := func(k dbsqlc.Key) db.NewestPosition { return db.NewestPosition{CreatedAt: k.CreatedAt, ID: k.ID} }
		checkNewest(t, fmt.Sprint("keys of ", user), r, rows, at, func(p place) (newestPage[dbsqlc.Key], error) {
			page, err := db.ListKeys(t.Context(), pool, db.KeyList{UserID: user, Limit: p.limit, Offset: p.offset, From: p.from, Back: p.back})
			return newestPage[dbsqlc.Key]{page.Keys, page.Total, page.Before, page.After}, err
		})
	}
}

func TestListSessionsIsTheModel(t *testing.T) {
	t.Parallel()
	const idle = time.Hour
	url := testkit.Database(t)
	r := rand.New(rand.NewPCG(5, 6))
	var users []dbsqlc.User
	var all []dbsqlc.Session
	live := map[uuid.UUID]bool{}
	// A pooler between may know no prepared statements, and values come as text.
	for _, mode := range []string{"cache_statement", "simple_protocol"} {
		pool, err := db.Open(url+"&default_query_exec_mode="+mode, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if users == nil {
			users = testkit.Users(t, pool, dbsqlc.User{}, dbsqlc.User{}, dbsqlc.User{})
			all = modelSessions(120, users[:2], live, idle, r)
			insertSessions(t, pool, all)
		}
		for _, user := range []*uuid.UUID{nil, &users[0].ID, &users[1].ID, &users[2].ID} {
			var rows []dbsqlc.Session
			for _, s := range all {
				if live[s.ID] && (user == nil || s.UserID == *user) {
					rows = append(rows, s)
				}
			}
			at := func(s dbsqlc.Session) db.NewestPosition {
				return db.NewestPosition{CreatedAt: s.CreatedAt, ID: s.ID}
			}
			checkNewest(t, fmt.Sprint("sessions of ", user), r, rows, at, func(p place) (newestPage[dbsqlc.Session], error) {
				page, err := db.ListSessions(t.Context(), pool, db.SessionList{
					Idle: idle, UserID: user, Limit: p.limit, Offset: p.offset, From: p.from, Back: p.back,
				})
				return newestPage[dbsqlc.Session]{page.Sessions, page.Total, page.Before, page.After}, err
			})
		}
	}
}

// modelSessions are of these users; a third is live, one idle, one expired.
func modelSessions(n int, users []dbsqlc.User, live map[uuid.UUID]bool, idle time.Duration, r *rand.Rand) []dbsqlc.Session {
	now := time.Now().UTC().Truncate(time.Microsecond)
	all := make([]dbsqlc.Session, n)
	for i := range all {
		all[i] = dbsqlc.Session{
			ID: uuid.New(), UserID: users[r.IntN(len(users))].ID, Address: "203.0.113.7", UserAgent: fmt.Sprint("browser ", i),
			CreatedAt: modelStart.Add(time.Duration(r.IntN(n/3)) * time.Microsecond), LastUsedAt: now, ExpiresAt: now.Add(time.Hour),
		}
		switch r.IntN(3) {
		case 0:
			all[i].LastUsedAt = now.Add(-idle)
		case 1:
			all[i].ExpiresAt = now.Add(-time.Second)
		default:
			live[all[i].ID] = true
		}
	}
	return all
}

func insertSessions(t *testing.T, pool *pgxpool.Pool, all []dbsqlc.Session) {
	t.Helper()
	var batch pgx.Batch
	for _, s := range all {
		batch.Queue("INSERT INTO sessions (id, user_id, address, user_agent, created_at, last_used_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			s.ID, s.UserID, s.Address, s.UserAgent, s.CreatedAt, s.LastUsedAt, s.ExpiresAt)
	}
	if err := pool.SendBatch(t.Context(), &batch).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestNewestRefuses(t *testing.T) {
	t.Parallel()
	at := &db.NewestPosition{}
	for _, l := range []db.KeyList{
		{}, {Limit: db.MaxNewest + 1}, {Limit: 1, Offset: -1}, {Limit: 1, Offset: 1, From: at}, {Limit: 1, Offset: 1, Back: true},
	} {
		if _, _, err := db.NewestStatement(l); err == nil {
			t.Errorf("%+v is taken", l)
		}
	}
}

// Whatever is asked of many entries, and whether the plan was made for these
// values or for any, a page reads few of them, and the count reads an index.
func TestNewestPlans(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	const n = 20_000
	rare := uuid.New()
	owner := testkit.User(t, pool, dbsqlc.User{Role: role.Admin})
	seedAudit(t, pool, n)
	for i := range 3 {
		mustExec(t, pool, `
			INSERT INTO audit (id, created_at, actor, actor_id, actor_name, operation, target, target_id, address, request_id)
			VALUES (gen_random_uuid(), now() - $2 * interval '90 minutes', 'key', $1, 'rare', 'rare', 'rare', $1, '', '')`, rare, i)
	}
	mustExec(t, pool, `INSERT INTO users (id, name, email, role) SELECT md5(i::text)::uuid, 'U', i || '@example.org', 'viewer' FROM generate_series(1, 500) i`)
	mustExec(t, pool, `
		INSERT INTO sessions (id, user_id, address, user_agent, created_at, expires_at)
		SELECT gen_random_uuid(), md5((1 + i % 500)::text)::uuid, '', '', now() - i * interval '1 second', now() + interval '1 hour' FROM generate_series(1, $1::int) i`, n)
	mustExec(t, pool, `
		INSERT INTO keys (id, user_id, name, scopes, created_at)
		SELECT gen_random_uuid(), md5((1 + i % 500)::text)::uuid, 'key', '{}', now() - i * interval '1 second' FROM generate_series(1, $1::int) i`, n)
	mustExec(t, pool, `VACUUM ANALYZE audit, sessions, keys`)

	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	middle := &db.NewestPosition{CreatedAt: time.Now().Add(-n / 2 * time.Second), ID: uuid.New()}
	places := []place{
		{limit: 20}, {limit: 20, back: true}, {limit: 20, offset: 40}, {limit: 20, from: middle}, {limit: 20, from: middle, back: true},
	}
	var common uuid.UUID
	if err := pool.QueryRow(t.Context(), `SELECT md5('7')::uuid`).Scan(&common); err != nil {
		t.Fatal(err)
	}
	for _, p := range places {
		for _, values := range []struct {
			id              uuid.UUID
			operation, kind string
		}{{common, "updateUser", "user"}, {rare, "rare", "rare"}} {
			for i, l := range auditLists(values.id, values.id, values.operation, values.kind, time.Now().Add(-4*time.Hour), time.Now().Add(-time.Hour)) {
				l.Limit, l.Offset, l.From, l.Back = p.limit, p.offset, p.from, p.back
				checkNewestPlan(t, conn.Conn(), fmt.Sprint(describeAudit(l), ", ", p), "audit", l, bits.OnesCount(uint(i)))
			}
		}
		for _, user := range []*uuid.UUID{&common, &owner.ID} {
			checkNewestPlan(t, conn.Conn(), fmt.Sprint("sessions, ", p), "sessions", db.SessionList{Idle: time.Hour, UserID: user,
				Limit: p.limit, Offset: p.offset, From: p.from, Back: p.back}, 1)
			checkNewestPlan(t, conn.Conn(), fmt.Sprint("keys, ", p), "keys", db.KeyList{UserID: user,
				Limit: p.limit, Offset: p.offset, From: p.from, Back: p.back}, 1)
		}
	}
}

// seedAudit makes a log of n entries, one a second, by 50 actors.
func seedAudit(t *testing.T, pool *pgxpool.Pool, n int) {
	t.Helper()
	mustExec(t, pool, `
		INSERT INTO audit (id, created_at, actor, actor_id, actor_name, operation, target, target_id, after, address, request_id)
		SELECT gen_random_uuid(), now() - i * interval '1 second', 'user', md5((i % 50)::text)::uuid, 'ada@example.org',
		  (ARRAY['createUser','updateUser','signIn','signOut','createKey'])[1 + i % 5], (ARRAY['user','user','session','session','key'])[1 + i % 5],
		  md5((i % 3000)::text)::uuid, '{"name": "Ada Lovelace", "email": "ada@example.org"}', '203.0.113.7', 'r' || i
		FROM generate_series(1, $1::int) i`, n)
	mustExec(t, pool, `VACUUM ANALYZE audit`)
}

// checkNewestPlan runs a list's statement. By one filter or none, the page's rows
// are met by walking an index, and no others are; by more, some are passed over.
func checkNewestPlan(t *testing.T, conn *pgx.Conn, what, table string, l db.NewestList, filters int) {
	t.Helper()
	sql, args, err := db.NewestStatement(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
		var plan []byte
		err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
			var batch pgx.Batch
			batch.Queue("SET LOCAL plan_cache_mode = " + mode)
			batch.Queue("SET LOCAL jit = off")
			batch.Queue("PREPARE list AS " + sql)
			batch.Queue("EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, FORMAT JSON) EXECUTE list" + literals(args)).
				QueryRow(func(row pgx.Row) error { return row.Scan(&plan) })
			batch.Queue("DEALLOCATE list")
			return tx.SendBatch(t.Context(), &batch).Close()
		})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		var explained []struct{ Plan planNode }
		if err := json.Unmarshal(plan, &explained); err != nil {
			t.Fatal(err)
		}
		cost := newestCost{table: table}
		cost.add(explained[0].Plan, "")
		// A plan for a value that two in five have may count them by a scan; ours is
		// for any value.
		if cost.scans > 0 || cost.counts > 0 && filters > 0 && mode == "force_generic_plan" {
			t.Fatalf("%s, %s: scans the table\n%s", what, mode, cost.plan)
		}
		if filters <= 1 && (cost.read > 100 || cost.sorts > 0) {
			t.Fatalf("%s, %s: reads %d rows for a page, sorts %d times\n%s", what, mode, cost.read, cost.sorts, cost.plan)
		}
	}
}

// newestCost is what a statement did to its table, the count's reading left out.
type newestCost struct {
	table              string
	scans, read, sorts int
	counts             int // scans for the count
	plan               string
}

func (c *newestCost) add(n planNode, indent string) {
	c.plan += fmt.Sprintf("%s%s %s %s: %v rows + %v filtered, %v times\n",
		indent, n.Type, n.Relation, n.Index, n.Rows, n.Filtered+n.Rechecked, n.Loops)
	if n.Relation == c.table && n.Loops > 0 {
		c.read += int((n.Rows + n.Filtered + n.Rechecked) * n.Loops)
		if n.Type == "Seq Scan" {
			c.scans++
		}
	}
	if n.Type == "Sort" && n.Loops > 0 {
		c.sorts++
	}
	read, scans := c.read, c.scans
	for _, below := range n.Plans {
		c.add(below, indent+"  ")
	}
	if n.Type == "Aggregate" {
		c.counts += c.scans - scans
		c.read, c.scans = read, scans
	}
}
