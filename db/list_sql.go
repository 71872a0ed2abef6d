package db

import (
	"strings"
	"sync"
)

// userKey is what a list is sorted by.
type userKey uint8

const (
	noKey userKey = iota
	byCreatedAt
	byName
	byEmail
)

// parts says what an order sorts by, and whether it descends.
func (s UserSort) parts() (key userKey, desc bool) {
	switch s {
	case UsersByCreatedAt:
		return byCreatedAt, false
	case UsersByCreatedAtDesc, "":
		return byCreatedAt, true
	case UsersByName:
		return byName, false
	case UsersByNameDesc:
		return byName, true
	case UsersByEmail:
		return byEmail, false
	case UsersByEmailDesc:
		return byEmail, true
	}
	return noKey, false
}

// userPlace is where a page begins.
type userPlace uint8

const (
	atStart userPlace = iota
	atOffset
	atPosition
)

// userForm is one of the statements that read a list. desc is the direction of
// reading.
type userForm struct {
	key                 userKey
	desc                bool
	place               userPlace
	role, search, email bool
}

// userStatements holds every form's statement. They are made once, from the
// fragments below; nothing that came from a caller is ever part of one.
var userStatements = sync.OnceValue(func() map[userForm]string {
	all := map[userForm]string{}
	for _, key := range []userKey{byCreatedAt, byName, byEmail} {
		for _, desc := range []bool{false, true} {
			for _, place := range []userPlace{atStart, atOffset, atPosition} {
				for _, role := range []bool{false, true} {
					for _, search := range []bool{false, true} {
						form := userForm{key: key, desc: desc, place: place, role: role, search: search}
						all[form] = form.statement()
						if place != atOffset {
							form.email = true
							all[form] = form.statement()
						}
					}
				}
			}
		}
	}
	return all
})

// Three things are the same in the statements of lists.
//
// A subquery's fixed LIMIT, of MaxUsers and one more, tells the planner that a
// page is small: of LIMIT $n alone it assumes a tenth of the table, and would sort
// all of it, or plan anew for each request.
//
// What is counted or probed is one row n, to which the page's rows are joined: so
// an empty page has a total, and all is of one snapshot. LATERAL can only be
// joined by a nested loop, which keeps the order of its inner side.
//
// A role is = ANY of one, and named in ORDER BY: then only the role's own index
// has that order, and no plan reads all users to find the few of a rare role.

// listed has no search: the counters know its total.
const listed = `
SELECT n.total, n.behind, u.id, u.name, u.email, u.role, u.disabled, u.created_at, u.updated_at
FROM (SELECT {users} AS total, {behind} AS behind {once}) n
LEFT JOIN LATERAL (
  SELECT * FROM (SELECT {columns} FROM users WHERE true {which} {ahead} {order} LIMIT 101) page
  LIMIT {limit}
) u ON true`

// standsBehind probes for one user. It is no EXISTS, which would drop the order,
// and with it the reason to look next to the position and not from the start.
const standsBehind = `(SELECT true FROM {table} WHERE true {which} {behind} {turned} LIMIT 1) IS NOT NULL`

// fromOffset is the condition that a user is the one that stands at the offset, or
// lies ahead of it. Which one stands there is found in the index alone, counting
// from the nearer end; past the end nothing is read.
const fromOffset = `AND ({keys}) {at or ahead} (
  (SELECT {keys} FROM {table} WHERE true {which} {order}
   LIMIT CASE WHEN {offset} < n.total - {offset} THEN 1 ELSE 0 END
   OFFSET {offset})
  UNION ALL
  (SELECT {keys} FROM {table} WHERE true {which} {turned}
   LIMIT CASE WHEN {offset} >= n.total - {offset} AND {offset} < n.total THEN 1 ELSE 0 END
   OFFSET greatest(n.total - 1 - {offset}, 0)))`

// searched has a search. Its matches (m) are read as far as they are needed: where
// there are few, they are counted and sorted as they are. Where there are many,
// they are counted in the index, and the page is met by walking (w) along the
// order, where one in users/matches is a match; they are many (cap) where that
// walk is half as long as there are matches. But all who match may stand at the
// far end of the order, so the walk ends after as many users as there are matches;
// if it is not done by then, with a full page or with all users, the matches are
// sorted after all. So a search costs a few times its count at most, and mostly
// just that.
const searched = `
WITH r AS MATERIALIZED (
  SELECT users, 1 + greatest(500, sqrt(2.0::float8 * ({offset} + {limit}) * users))::bigint AS cap
  FROM (SELECT {users} AS users OFFSET 0) r
),
m AS MATERIALIZED ({matching}),
few AS MATERIALIZED (SELECT count(*) AS found FROM (SELECT FROM m LIMIT (SELECT cap FROM r)) few),
t AS MATERIALIZED (
  SELECT found < cap AS few, CASE
    WHEN found < cap THEN found
    ELSE (SELECT count(*) FROM users WHERE {matches} {which}) END AS total
  FROM few, r
),
s AS MATERIALIZED (SELECT total, CASE WHEN few OR total <= {offset} THEN 0 ELSE total END AS walk FROM t),
w AS MATERIALIZED (
  SELECT {columns} FROM (
    SELECT {columns}, {text} AS text FROM users WHERE true {which} {ahead} {order} LIMIT (SELECT walk FROM s)
  ) near
  WHERE {text matches} LIMIT {limit} OFFSET {offset}
),
n AS MATERIALIZED (
  SELECT total, {behind} AS behind, CASE
    WHEN walk = 0 THEN false
    WHEN (SELECT count(*) FROM w) = {limit} THEN true
    ELSE (SELECT true FROM users WHERE true {which} {ahead} {order} LIMIT 1 OFFSET (SELECT walk FROM s)) IS NULL END AS done
  FROM s
)
SELECT n.total, n.behind, u.id, u.name, u.email, u.role, u.disabled, u.created_at, u.updated_at
FROM n LEFT JOIN LATERAL (
  SELECT {columns} FROM w WHERE n.done
  UNION ALL
  (SELECT {columns} FROM m WHERE true {m ahead} {m order}
   LIMIT CASE WHEN n.done OR n.total <= {offset} THEN 0 ELSE {limit} END
   OFFSET {offset})
) u ON true`

// matching are the matches. Where a role has so few users that reading them all is
// cheaper than reading the index for a common text, they are.
const (
	matching       = `SELECT {columns} {name key} FROM users WHERE {matches} {which}`
	matchingOfRole = matching + ` AND (SELECT users FROM r) > 500
  UNION ALL
  SELECT {columns} {name key} FROM (
    SELECT {columns}, {text} AS text FROM users WHERE true {which} {order}
    LIMIT (SELECT CASE WHEN users > 500 THEN 0 ELSE users END FROM r)
  ) of_role
  WHERE {text matches}`
)

// matchBehind probes for one match: likely the next user is one.
const matchBehind = `coalesce(
  (SELECT true FROM (
    SELECT {text} AS text FROM users WHERE true {which} {behind} {turned} LIMIT least(s.walk, 1000)
  ) near WHERE {text matches} LIMIT 1),
  (SELECT true FROM m WHERE true {m behind} LIMIT 1),
  false)`

// exact is the one user of an address: by the unique index, whatever the order.
const exact = `
SELECT 1::bigint, {passed}, {columns} FROM users WHERE email = {email}::text {which} {and matches}`

const (
	userColumns = "id, name, email, role, disabled, created_at, updated_at"

	// The expressions of users_name_idx and users_search_idx.
	nameKey    = `lower(name COLLATE roster) COLLATE "C"`
	searchText = `replace(lower(name COLLATE roster) || E'\n' || email, 'ς', 'σ')`
)

// statement fills in the blanks of a form's template.
func (f userForm) statement() string {
	// Parameters are numbered in the order in which form gives them.
	n := byte('0')
	param := func(used bool, kind string) string {
		if !used {
			return ""
		}
		n++
		return "$" + string(n) + "::" + kind
	}
	role := param(f.role, "role")
	search := param(f.search, "text")
	email := param(f.email, "text")
	offset, at := "0", ""
	switch f.place {
	case atOffset:
		offset = param(true, "bigint")
	case atPosition:
		switch f.key {
		case byCreatedAt:
			at = param(true, "timestamptz") + ", " + param(true, "uuid")
		case byName:
			at = "lower(" + param(true, "text") + ` COLLATE roster) COLLATE "C", ` + param(true, "uuid")
		case byEmail:
			at = param(true, "text")
		}
	}
	limit := param(!f.email, "bigint")

	keys := map[userKey]string{byCreatedAt: "created_at, id", byName: nameKey + ", id", byEmail: "email"}[f.key]
	aheadOp, behindOp, dir, turned := ">", "<=", "ASC", "DESC"
	if f.desc {
		aheadOp, behindOp, dir, turned = "<", ">=", "DESC", "ASC"
	}
	order := "ORDER BY " + strings.ReplaceAll(keys, ", id", " DIR, id") + " DIR"
	which, users := "", "coalesce((SELECT sum(admins + editors + viewers) FROM user_counts), 0)"
	match := matching
	if f.role {
		order = strings.Replace(order, "BY ", "BY role DIR, ", 1)
		which = "AND role = ANY (ARRAY[" + role + "])"
		users = "coalesce((SELECT sum(CASE " + role + " WHEN 'admin' THEN admins WHEN 'editor' THEN editors ELSE viewers END) FROM user_counts), 0)"
		match = matchingOfRole
	}
	ahead, behind := "", ""
	if f.place == atPosition {
		ahead = "AND (" + keys + ") " + aheadOp + " (" + at + ")"
		behind = "AND (" + keys + ") " + behindOp + " (" + at + ")"
	}
	order, turned = strings.ReplaceAll(order, "DIR", dir), strings.ReplaceAll(order, "DIR", turned)
	like := " LIKE replace(lower(" + search + " COLLATE roster), 'ς', 'σ')"
	// Of m, the name's key is a column.
	ofMatches := strings.NewReplacer(nameKey, "name_key").Replace

	blanks := []string{
		"{table}", "users", "{columns}", userColumns, "{users}", users, "{which}", which, "{offset}", offset, "{limit}", limit,
		"{keys}", keys, "{order}", order, "{turned}", turned, "{at or ahead}", aheadOp + "=",
		"{text}", searchText, "{matches}", searchText + like, "{text matches}", "text" + like,
		"{m ahead}", ofMatches(ahead), "{m behind}", ofMatches(behind), "{m order}", ofMatches(order),
		"{email}", email,
	}
	// What a blank is filled with may have blanks of its own.
	fill := func(template string, more ...string) string {
		return strings.NewReplacer(append(more, blanks...)...).Replace(template)
	}
	if f.key == byName {
		blanks = append(blanks, "{name key}", ", "+nameKey+" AS name_key")
	} else {
		blanks = append(blanks, "{name key}", "")
	}

	switch {
	case f.email:
		passed, and := "false", ""
		if f.place == atPosition {
			passed = "NOT " + strings.TrimPrefix(ahead, "AND ")
		}
		if f.search {
			and = "AND " + searchText + like
		}
		return fill(exact, "{passed}", passed, "{and matches}", and)
	case f.search:
		stands := "false"
		if f.place == atPosition {
			stands = fill(matchBehind, "{behind}", behind)
		}
		return fill(searched, "{matching}", fill(match), "{ahead}", ahead, "{behind}", stands)
	case f.place == atOffset:
		// Without OFFSET 0, the counters are summed wherever the total stands.
		return fill(listed, "{ahead}", fill(fromOffset), "{behind}", "false", "{once}", "OFFSET 0")
	case f.place == atPosition:
		return fill(listed, "{ahead}", ahead, "{behind}", fill(standsBehind, "{behind}", behind), "{once}", "")
	default:
		return fill(listed, "{ahead}", "", "{behind}", "false", "{once}", "")
	}
}

// searchSettings hold for the search's statement alone. What would be dear must
// not even be planned: the planner cannot know how many users match, and a scan
// of all users or a sort of them is its guess when it thinks that many do. One
// plan serves all searches, since the statement itself chooses; planning it anew
// costs more than most searches. It is compiled for no request, and takes no
// second core from the others.
const searchSettings = "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)," +
	" set_config('plan_cache_mode', 'force_generic_plan', true)," +
	" set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)"

// scanSettings are those for a search that the index may have nothing for: it
// holds no three letters in a row, or those are of a kind that the database's
// locale does not know for letters. Then only the planner, which sees the text,
// knows whether reading the whole index or all users is cheaper.
const scanSettings = "SELECT set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'off', true)," +
	" set_config('plan_cache_mode', 'force_custom_plan', true)," +
	" set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)"

func settingsFor(search string) string {
	if hasTrigram(search) {
		return searchSettings
	}
	return scanSettings
}

// hasTrigram reports whether the index has entries for a text on every server:
// pg_trgm makes them of three letters or digits in a row, and of the first after
// something else.
func hasTrigram(text string) bool {
	run := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			if run++; run == 3 || run == 1 && i > 0 && text[i-1] < 0x80 {
				return true
			}
		default:
			run = 0
		}
	}
	return false
}
