package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/roster-api/roster/db/dbsqlc"
)

// Sessions, keys and the audit log are listed in one order only: from the newest
// to the oldest, and those of one moment by their ids.

// MaxNewest is the most rows that a page of such a list can hold.
const MaxNewest = 100

// NewestPosition is a place in such a list, whether or not a row stands there.
type NewestPosition struct {
	CreatedAt time.Time
	ID        uuid.UUID
}

// SessionList says which sessions a page holds. Only live ones are listed.
type SessionList struct {
	Idle   time.Duration // how long a session lives without use
	UserID *uuid.UUID    // only this user's; nil: everyone's
	Limit  int           // the most sessions on the page, 1 to MaxNewest
	Offset int64         // how many sessions precede the page; not beside From or Back
	From   *NewestPosition
	Back   bool // read towards the newest; without From: from the very oldest
}

// SessionPage is one page of a list. Everything in it is of one snapshot.
type SessionPage struct {
	Sessions []dbsqlc.Session // never nil
	Total    int64            // how many sessions the whole list holds
	Before   bool             // some precede this page
	After    bool             // some follow it
}

// ListSessions reads one page of live sessions and counts the list, in one
// statement.
func ListSessions(ctx context.Context, db Lister, l SessionList) (SessionPage, error) {
	rows, n, err := sessions.list(ctx, db, l.newest())
	return SessionPage{Sessions: rows, Total: n.total, Before: n.before, After: n.after}, err
}

func (l SessionList) newest() newestList {
	n := newestList{limit: l.Limit, offset: l.Offset, from: l.From, back: l.Back}
	if l.UserID != nil {
		n.by("user_id", "uuid", *l.UserID)
	}
	n.only("expires_at > statement_timestamp() AND last_used_at > statement_timestamp() - make_interval(secs => $::float8)", l.Idle.Seconds())
	return n
}

// KeyList says which keys a page holds.
type KeyList struct {
	UserID *uuid.UUID // only this user's; nil: everyone's
	Limit  int        // the most keys on the page, 1 to MaxNewest
	Offset int64      // how many keys precede the page; not beside From or Back
	From   *NewestPosition
	Back   bool // read towards the newest; without From: from the very oldest
}

// KeyPage is one page of a list. Everything in it is of one snapshot.
type KeyPage struct {
	Keys   []dbsqlc.Key // never nil
	Total  int64        // how many keys the whole list holds
	Before bool         // some precede this page
	After  bool         // some follow it
}

// ListKeys reads one page of keys and counts the list, in one statement.
func ListKeys(ctx context.Context, db Lister, l KeyList) (KeyPage, error) {
	rows, n, err := keys.list(ctx, db, l.newest())
	return KeyPage{Keys: rows, Total: n.total, Before: n.before, After: n.after}, err
}

func (l KeyList) newest() newestList {
	n := newestList{limit: l.Limit, offset: l.Offset, from: l.From, back: l.Back}
	if l.UserID != nil {
		n.by("user_id", "uuid", *l.UserID)
	}
	return n
}

// AuditList says which entries of the audit log a page holds.
type AuditList struct {
	ActorID   *uuid.UUID // only what this user or key did; nil: anybody
	Operation string     // only this operation; empty: any
	Target    string     // only what was done to this kind of thing; empty: any
	TargetID  *uuid.UUID // only what was done to this one; nil: any
	Since     *time.Time // only what was done at this time or later; nil: from the first on
	Until     *time.Time // only what was done before this time; nil: up to the last
	Limit     int        // the most entries on the page, 1 to MaxNewest
	Offset    int64      // how many entries precede the page; not beside From or Back
	From      *NewestPosition
	Back      bool // read towards the newest; without From: from the very oldest
}

// AuditPage is one page of the log. Everything in it is of one snapshot.
type AuditPage struct {
	Entries []dbsqlc.Audit // never nil
	Total   int64          // how many entries the whole list holds
	Before  bool           // some precede this page
	After   bool           // some follow it
}

// ListAudit reads one page of the audit log and counts the list, in one statement.
// The count reads an index of all entries that match: where there are many, it
// costs more than the page.
func ListAudit(ctx context.Context, db Lister, l AuditList) (AuditPage, error) {
	rows, n, err := auditLog.list(ctx, db, l.newest())
	return AuditPage{Entries: rows, Total: n.total, Before: n.before, After: n.after}, err
}

func (l AuditList) newest() newestList {
	n := newestList{limit: l.Limit, offset: l.Offset, from: l.From, back: l.Back}
	// The most telling first: a page is met by walking its index.
	if l.TargetID != nil {
		n.by("target_id", "uuid", *l.TargetID)
	}
	if l.ActorID != nil {
		n.by("actor_id", "uuid", *l.ActorID)
	}
	if l.Operation != "" {
		n.by("operation", "text", l.Operation)
	}
	if l.Target != "" {
		n.by("target", "text", l.Target)
	}
	if l.Since != nil {
		n.only("created_at >= $::timestamptz", *l.Since)
	}
	if l.Until != nil {
		n.only("created_at < $::timestamptz", *l.Until)
	}
	return n
}

// newestTable is a table that is listed so: its columns, and where in a row they go.
type newestTable[T any] struct {
	name    string
	columns string
	into    func(*T) []any
}

var (
	sessions = newestTable[dbsqlc.Session]{
		"sessions", "id, user_id, address, user_agent, created_at, last_used_at, expires_at",
		func(s *dbsqlc.Session) []any {
			return []any{&s.ID, &s.UserID, &s.Address, &s.UserAgent, &s.CreatedAt, &s.LastUsedAt, &s.ExpiresAt}
		},
	}
	keys = newestTable[dbsqlc.Key]{
		"keys", "id, user_id, name, scopes, created_at, last_used_at, expires_at",
		func(k *dbsqlc.Key) []any {
			return []any{&k.ID, &k.UserID, &k.Name, &k.Scopes, &k.CreatedAt, &k.LastUsedAt, &k.ExpiresAt}
		},
	}
	auditLog = newestTable[dbsqlc.Audit]{
		"audit", "id, created_at, actor, actor_id, actor_name, operation, target, target_id, before, after, address, request_id",
		func(a *dbsqlc.Audit) []any {
			return []any{&a.ID, &a.CreatedAt, &a.Actor, &a.ActorID, &a.ActorName, &a.Operation,
				&a.Target, &a.TargetID, &a.Before, &a.After, &a.Address, &a.RequestID}
		},
	}
)

// newestList is which rows a page holds, whatever the table.
type newestList struct {
	index  string   // the column, before the order's own, of the index to walk
	which  []string // conditions; $ stands for the parameter
	args   []any    // a parameter for each
	limit  int
	offset int64
	from   *NewestPosition
	back   bool
}

func (l *newestList) only(condition string, arg any) {
	l.which, l.args = append(l.which, condition), append(l.args, arg)
}

// by wants one value of a column that has an index of its own. The first such
// column's is walked (see the role in list_sql.go): what the planner knows of all
// values says nothing about a rare one.
func (l *newestList) by(column, kind string, value any) {
	if l.index == "" {
		l.index = column
		l.only(column+" = ANY (ARRAY[$::"+kind+"])", value)
		return
	}
	l.only(column+" = $::"+kind, value)
}

// newestCount is what a list says beside its rows.
type newestCount struct {
	total         int64
	before, after bool
}

func (t newestTable[T]) list(ctx context.Context, db Lister, l newestList) ([]T, newestCount, error) {
	page, n := []T{}, newestCount{}
	sql, args, err := t.statement(l)
	if err != nil {
		return page, n, err
	}
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return page, n, err
	}
	defer rows.Close()
	for rows.Next() {
		var row T
		to := append([]any{&n.total, &n.before}, t.into(&row)...)
		none := rows.RawValues()[2] == nil // the one row of an empty page
		if none {
			clear(to[2:])
		}
		if err := rows.Scan(to...); err != nil {
			return page, n, err
		}
		if !none {
			page = append(page, row)
		}
	}
	if err := rows.Err(); err != nil {
		return page, n, err
	}
	if l.offset > 0 {
		n.before = n.total > 0
	}
	if len(page) > l.limit {
		page, n.after = page[:l.limit], true
	}
	if l.back {
		slices.Reverse(page)
		n.before, n.after = n.after, n.before
	}
	return page, n, nil
}

// newestPage is put together as the list of users is (see listed), except that
// rows are counted. When as many were met as there are, nobody walks on to see
// whether there are more.
const newestPage = `
SELECT n.total, n.behind, r.*
FROM (SELECT (SELECT count(*) FROM {table} WHERE true {which}) AS total, {behind} AS behind OFFSET 0) n
LEFT JOIN LATERAL (
  SELECT * FROM (SELECT {columns} FROM {table} WHERE true {which} {ahead} {order} LIMIT 101) page
  LIMIT least({limit}, n.total)
) r ON true`

// statement puts a list's statement together, from the fragments above and those
// in list_sql.go; nothing that came from a caller is ever part of it.
func (t newestTable[T]) statement(l newestList) (string, []any, error) {
	switch {
	case l.limit < 1 || l.limit > MaxNewest:
		return "", nil, fmt.Errorf("limit %d is not between 1 and %d", l.limit, MaxNewest)
	case l.offset < 0 || l.offset > 0 && (l.from != nil || l.back):
		return "", nil, errors.New("an offset counts from the start only")
	}
	args := l.args
	param := func(arg any, kind string) string {
		args = append(args, arg)
		return "$" + strconv.Itoa(len(args)) + "::" + kind
	}
	which := ""
	for i, condition := range l.which {
		which += " AND " + strings.Replace(condition, "$", "$"+strconv.Itoa(i+1), 1)
	}
	// To read towards the newest is to read the opposite order and turn the page round.
	aheadOp, behindOp, dir, turned := "<", ">=", "DESC", "ASC"
	if l.back {
		aheadOp, behindOp, dir, turned = ">", "<=", "ASC", "DESC"
	}
	order := "created_at DIR, id DIR"
	if l.index != "" {
		order = l.index + " DIR, " + order
	}
	ahead, behind, offset := "", "false", ""
	switch {
	case l.from != nil:
		at := "(" + param(l.from.CreatedAt, "timestamptz") + ", " + param(l.from.ID, "uuid") + ")"
		ahead = "AND ({keys}) " + aheadOp + " " + at
		behind = strings.ReplaceAll(standsBehind, "{behind}", "AND ({keys}) "+behindOp+" "+at)
	case l.offset > 0:
		ahead = fromOffset
		offset = param(min(l.offset, 1<<62), "bigint") // leaves room to add to it
	}
	limit := param(l.limit+1, "bigint") // one more tells whether the list goes on

	// What a blank is filled with may have blanks of its own.
	sql := strings.NewReplacer("{ahead}", ahead, "{behind}", behind).Replace(newestPage)
	return strings.NewReplacer(
		"{table}", t.name, "{columns}", t.columns, "{which}", which, "{keys}", "created_at, id", "{at or ahead}", aheadOp+"=",
		"{order}", "ORDER BY "+strings.ReplaceAll(order, "DIR", dir), "{turned}", "ORDER BY "+strings.ReplaceAll(order, "DIR", turned),
		"{offset}", offset, "{limit}", limit,
	).Replace(sql), args, nil
}
