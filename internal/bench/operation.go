package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// benchDomain is that of the addresses which a run makes up.
const benchDomain = "bench.example"

// perPage is how many users a list asks for.
const perPage = 20

// operation is one thing that a client does.
type operation struct {
	name     string
	list     bool // measured at every size, not at one alone
	status   int  // of the answer
	also     int  // a status that comes now and then
	slow     bool // a password is hashed: few at once, and for longer
	long     bool // turns take longer and are few, for what Roster does twice a minute
	ours     bool // no other program has it
	hashless bool // done by programs whose hash of a password costs nothing
	// requests returns the maker of requests to one process.
	requests func(ctx context.Context, b *bed, p *process) (maker, error)
}

// maker appends one request to a buffer, or returns nil when there are no more.
type maker func(*rand.Rand, []byte) []byte

// The operations, in the order of the tables. Those that write come last, since
// they leave work for PostgreSQL's background. Roster is asked with the session of
// an admin where the name says no other credential.
var operations = []operation{
	{name: "health", status: 200, requests: always("/health")},
	{name: getSession, status: 200, requests: getOne},
	{name: getKey, status: 200, requests: getOneByKey},
	{name: getSessions, status: 200, long: true, requests: getOneInTurn},
	{name: cachedStats, status: 200, requests: always("/api/stats")},
	{name: "stats, not changed", ours: true, status: 304, requests: statsUnchanged},
	{name: "throttled", status: 429, also: 401, requests: signInTooOften},
	{name: listFirst, list: true, status: 200, requests: always("/api/users?limit=20")},
	{name: listCursor, list: true, status: 200, requests: listMiddle},
	{name: "list, deep page", list: true, status: 200, requests: listDeep},
	{name: "list, one role", list: true, status: 200, requests: always("/api/users?limit=20&role=editor")},
	{name: "update", status: 200, requests: update},
	{name: "replace", status: 200, requests: replace},
	{name: "delete", status: 204, requests: deleteOne},
	{name: "create", status: 201, slow: true, requests: createOne},
	{name: createHashless, status: 201, hashless: true, requests: createOne},
}

// Names that figures and goals refer to.
const (
	getSession     = "get, one session"
	getKey         = "get, one key"
	getSessions    = "get, 10,000 sessions"
	cachedStats    = "stats, cached"
	listFirst      = "list, first page"
	listCursor     = "list, by cursor"
	createHashless = "create less its hash"
)

// bed is a database that operations work on.
type bed struct {
	url     string
	users   int
	sample  []person
	cursors map[*process][]string
	credentials
}

type person struct{ id, email, role string }

// serial makes each name and address another one.
var serial atomic.Int64

func newBed(ctx context.Context, c *cluster, url string, users int) (*bed, error) {
	b := &bed{url: url, users: users, cursors: map[*process][]string{}}
	err := c.with(ctx, url, func(conn *pgx.Conn) error {
		if err := b.issue(ctx, conn); err != nil {
			return fmt.Errorf("store credentials: %w", err)
		}
		// Not admins: the last of them could not be changed.
		rows, _ := conn.Query(ctx, "SELECT id::text, email, role::text FROM users WHERE role <> 'admin' ORDER BY random() LIMIT 20000")
		var err error
		b.sample, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p person, err error) {
			err = row.Scan(&p.id, &p.email, &p.role)
			return p, err
		})
		return err
	})
	return b, err
}

func (b *bed) any(random *rand.Rand) *person { return &b.sample[random.IntN(len(b.sample))] }

// admin is the token of an admin's session, for a program that asks for one.
func (b *bed) admin(p *process) string { return p.token(b.session) }

func get(path, token string) []byte { return appendRequest(nil, "GET", path, token, nil) }

// appendRequest appends a request with this token, or with none.
func appendRequest(buf []byte, method, path, token string, body []byte) []byte {
	buf = append(buf, method...)
	buf = append(buf, ' ')
	buf = append(buf, path...)
	buf = append(buf, " HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: roster-bench\r\nAccept: application/json\r\n"...)
	if token != "" {
		buf = append(buf, "Authorization: Bearer "...)
		buf = append(buf, token...)
		buf = append(buf, "\r\n"...)
	}
	if body != nil {
		buf = append(buf, "Content-Type: application/json\r\nContent-Length: "...)
		buf = strconv.AppendInt(buf, int64(len(body)), 10)
		buf = append(buf, "\r\n"...)
	}
	buf = append(buf, "\r\n"...)
	return append(buf, body...)
}

func always(path string) func(context.Context, *bed, *process) (maker, error) {
	return func(_ context.Context, b *bed, p *process) (maker, error) {
		request := get(path, b.admin(p))
		return func(_ *rand.Rand, buf []byte) []byte { return append(buf, request...) }, nil
	}
}

func getOne(_ context.Context, b *bed, p *process) (maker, error) {
	return getAs(b, func() string { return b.admin(p) }), nil
}

func getOneByKey(_ context.Context, b *bed, p *process) (maker, error) {
	return getAs(b, func() string { return p.token(b.key) }), nil
}

// getOneInTurn lets each of many sessions ask once, and then the next. Their use was
// noted at any time within the last minute, as it is while they are in use: so a turn
// of half a minute has to note that of half of them.
func getOneInTurn(ctx context.Context, b *bed, p *process) (maker, error) {
	conn, err := pgx.Connect(ctx, b.url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "UPDATE sessions SET last_used_at = statement_timestamp() - random() * interval '50 s'")
	return getAs(b, func() string { return p.token(b.next()) }), err
}

func getAs(b *bed, token func() string) maker {
	return func(random *rand.Rand, buf []byte) []byte {
		return appendRequest(buf, "GET", "/api/users/"+b.any(random).id, token(), nil)
	}
}

// statsUnchanged asks for the statistics that it already has.
func statsUnchanged(ctx context.Context, b *bed, p *process) (maker, error) {
	request := get("/api/stats", b.admin(p))
	if _, err := p.answer(ctx, request, 200); err != nil {
		return nil, err
	}
	request = append(bytes.TrimSuffix(request, []byte("\r\n")), "If-None-Match: *\r\n\r\n"...)
	return func(_ *rand.Rand, buf []byte) []byte { return append(buf, request...) }, nil
}

// signInTooOften signs in with what nobody has, from an address that has done so too
// often: the measure begins where it is refused.
func signInTooOften(ctx context.Context, _ *bed, p *process) (maker, error) {
	request := appendRequest(nil, "POST", "/api/session", "", []byte(`{"email":"nobody@`+benchDomain+`","password":"correct horse battery"}`))
	_, err := p.answer(ctx, request, 429)
	return func(_ *rand.Rand, buf []byte) []byte { return append(buf, request...) }, err
}

// listMiddle reads pages in the middle of the list: by cursor, or in the seed's
// way by number.
func listMiddle(_ context.Context, b *bed, p *process) (maker, error) {
	if p.name == seedWay {
		return listNear(b, p, 0.5), nil
	}
	if b.cursors[p] == nil {
		const cursors = 16
		for i := range cursors {
			number := max(b.users/perPage/2-cursors/2+i, 1)
			_, body, err := p.ask(fmt.Sprintf("/api/users?limit=%d&page=%d", perPage, number), b.admin(p))
			if err != nil {
				return nil, err
			}
			if body.Pagination.Next == "" {
				return nil, fmt.Errorf("%s gives no cursor on page %d", p.name, number)
			}
			b.cursors[p] = append(b.cursors[p], body.Pagination.Next)
		}
	}
	return func(random *rand.Rand, buf []byte) []byte {
		next := b.cursors[p][random.IntN(len(b.cursors[p]))]
		return appendRequest(buf, "GET", "/api/users?limit=20&cursor="+next, b.admin(p), nil)
	}, nil
}

func listDeep(_ context.Context, b *bed, p *process) (maker, error) {
	return listNear(b, p, 0.9), nil
}

// listNear reads pages by number around a part of the list.
func listNear(b *bed, p *process, part float64) maker {
	center := int(float64(b.users/perPage) * part)
	return func(random *rand.Rand, buf []byte) []byte {
		number := max(center+random.IntN(9)-4, 1)
		return appendRequest(buf, "GET", "/api/users?limit=20&page="+strconv.Itoa(number), b.admin(p), nil)
	}
}

func update(_ context.Context, b *bed, p *process) (maker, error) {
	return func(random *rand.Rand, buf []byte) []byte {
		body := fmt.Appendf(nil, `{"name":"Ada Updated %d"}`, serial.Add(1))
		return appendRequest(buf, "PATCH", "/api/users/"+b.any(random).id, b.admin(p), body)
	}, nil
}

func replace(_ context.Context, b *bed, p *process) (maker, error) {
	return func(random *rand.Rand, buf []byte) []byte {
		one := b.any(random)
		body := fmt.Appendf(nil, `{"name":"Ada Replaced %d","email":%q,"role":%q}`, serial.Add(1), one.email, one.role)
		return appendRequest(buf, "PUT", "/api/users/"+one.id, b.admin(p), body)
	}, nil
}

// deleteOne makes users to be deleted, as many as a second or two will need.
func deleteOne(ctx context.Context, b *bed, p *process) (maker, error) {
	conn, err := pgx.Connect(ctx, b.url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, _ := conn.Query(ctx, `
		INSERT INTO users (id, name, email, role)
		SELECT gen_random_uuid(), 'Victim ' || i, 'victim-' || gen_random_uuid() || $1, 'viewer' FROM generate_series(1, 8000) i
		RETURNING id::text`, "@"+benchDomain)
	victims, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	var used atomic.Int64
	return func(_ *rand.Rand, buf []byte) []byte {
		i := int(used.Add(1)) - 1
		if i >= len(victims) {
			return nil
		}
		return appendRequest(buf, "DELETE", "/api/users/"+victims[i], b.admin(p), nil)
	}, nil
}

func createOne(_ context.Context, b *bed, p *process) (maker, error) {
	return func(random *rand.Rand, buf []byte) []byte {
		n := serial.Add(1)
		body := fmt.Appendf(nil, `{"name":"Ada Created %d","email":"new-%d-%x@%s","password":"correct horse battery","role":"viewer"}`,
			n, n, random.Uint64(), benchDomain)
		return appendRequest(buf, "POST", "/api/users", b.admin(p), body)
	}, nil
}

// sealed waits until Roster has put all rows of its audit log into the chain, as it
// does every few seconds: that is work which its writes have left.
func (b *bed) sealed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, b.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for waits := true; ; {
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM audit_unsealed)").Scan(&waits); err != nil || !waits {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New("roster does not seal its audit log")
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// listed is what a list answers, as far as it is looked at.
type listed struct {
	Data       []json.RawMessage `json:"data"`
	Pagination struct {
		Total int    `json:"total"`
		Next  string `json:"next"`
	} `json:"pagination"`
}

// ask does a GET with a token and reads the answer as a list.
func (p *process) ask(path, token string) (status int, body listed, err error) {
	c, err := dial(p.addr)
	if err != nil {
		return 0, body, err
	}
	defer c.close()
	var text bytes.Buffer
	if status, err = c.do(get(path, token), &text); err != nil {
		return status, body, err
	}
	if status != 200 {
		return status, body, fmt.Errorf("%s answers %d to %s: %s", p.name, status, path, text.Bytes())
	}
	return status, body, json.Unmarshal(text.Bytes(), &body)
}
