package hand

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Best serves users as well as hands can: a list is one statement in one round
// trip, reads its total where writes keep it, and walks by keyset.
func Best(pool *pgxpool.Pool) http.Handler {
	var statements sync.Map // of form to string
	var seen sync.Map       // of role to the total that was last read: it tells which end is nearer
	return newUsers(pool).handler(func(w http.ResponseWriter, r *http.Request) {
		asked, ok := want(w, r)
		if !ok {
			return
		}
		form := form{asked.role, asked.sort, first, asked.limit}
		var args []any
		switch {
		case asked.cursor != "":
			from, ok := parseCursor(asked.cursor)
			if !ok {
				http.Error(w, "no cursor", http.StatusUnprocessableEntity)
				return
			}
			form.way, asked.page = from.way, from.page
			if args = []any{from.key(asked.order), [16]byte(from.id)}; asked.order.key == "email" {
				args = args[:1]
			}
		case asked.page > 1:
			offset := (asked.page - 1) * asked.limit
			form.way, args = byPage, []any{offset}
			if total, ok := seen.Load(asked.role); ok && int64(offset) > total.(int64)/2 {
				form.way = byPageFromEnd
			}
		}
		sql, ok := statements.Load(form)
		if !ok {
			sql = form.statement()
			statements.Store(form, sql)
		}

		found := page{Data: make([]User, 0, asked.limit+1)}
		numbered := form.way == first || form.way == byPage || form.way == byPageFromEnd
		precedes := numbered && asked.page > 1
		rows, err := pool.Query(r.Context(), sql.(string), args...)
		if err != nil {
			fail(w, err)
			return
		}
		total, other := &found.Pagination.Total, &precedes
		if numbered {
			other = nil
		}
		for rows.Next() {
			found.Data = append(found.Data, User{})
			u := &found.Data[len(found.Data)-1]
			if other != nil {
				err = rows.Scan(raw(&u.ID), &u.Name, &u.Email, &u.Role, &u.Disabled, &u.CreatedAt, &u.UpdatedAt, total, other)
			} else {
				err = rows.Scan(raw(&u.ID), &u.Name, &u.Email, &u.Role, &u.Disabled, &u.CreatedAt, &u.UpdatedAt, total)
			}
			if err != nil {
				break
			}
		}
		rows.Close()
		if err == nil {
			err = rows.Err()
		}
		if err == nil && len(found.Data) == 0 {
			err = pool.QueryRow(r.Context(), "SELECT "+totalOf(asked.role)).Scan(total)
		}
		if err != nil {
			fail(w, err)
			return
		}

		seen.Store(asked.role, *total)
		follows := len(found.Data) > asked.limit
		if follows {
			found.Data = found.Data[:asked.limit]
		}
		if form.way == before {
			slices.Reverse(found.Data)
			precedes, follows = follows, precedes
		}
		p := &found.Pagination
		p.Page, p.Limit, p.Pages = asked.page, asked.limit, pages(p.Total, asked.limit)
		if n := len(found.Data); n > 0 {
			if precedes {
				p.Prev = cursor(before, max(asked.page-1, 1), asked.order, &found.Data[0])
			}
			if follows {
				p.Next = cursor(after, asked.page+1, asked.order, &found.Data[n-1])
			}
		}
		answer(w, http.StatusOK, &found)
	})
}

// form is what makes one statement differ from another.
type form struct {
	role, sort string
	way        way
	limit      int // in the text: a plan for any limit would expect a tenth of all rows
}

// way says how a page is found.
type way byte

const (
	first way = iota
	byPage
	byPageFromEnd
	after
	before
)

// statement takes the offset of a page as $1, and for after and before the sort
// key of the place as $1 and its id as $2; an email needs no id to break ties. It
// finds one row more than wanted, which tells whether there is a next page.
func (f form) statement() string {
	o := orders[f.sort]
	where := "true"
	if f.role != "" {
		where = roles[f.role]
	}
	onward, backward, beyond, sofar := " ASC", " DESC", ">", "<="
	if o.desc != (f.way == before) {
		onward, backward, beyond, sofar = backward, onward, "<", ">="
	}
	place, at := "("+o.key+", id)", "($1, $2)"
	order := func(direction string) string { return " ORDER BY " + o.key + direction + ", id" + direction }
	switch o.key {
	case byName:
		at = `(lower($1::text COLLATE roster) COLLATE "C", $2)`
	case "email":
		place, at = "email", "$1"
		order = func(direction string) string { return " ORDER BY email" + direction }
	}
	head := "SELECT " + columns + ", " + totalOf(f.role)
	limit := " LIMIT " + strconv.Itoa(f.limit+1)
	switch f.way {
	case after, before:
		// EXISTS would be planned as a scan of the table: the order makes it use the index.
		return head + ", (SELECT true FROM users WHERE " + where + " AND " + place + " " + sofar + " " + at + order(backward) + " LIMIT 1) IS NOT NULL" +
			" FROM users WHERE " + where + " AND " + place + " " + beyond + " " + at + order(onward) + limit
	case byPage, byPageFromEnd: // finds the page in the index alone, then reads its rows
		found := "SELECT id FROM users WHERE " + where + order(onward) + limit + " OFFSET $1"
		if f.way == byPageFromEnd {
			left := "(" + totalOf(f.role) + " - $1::bigint)"
			n := strconv.Itoa(f.limit + 1)
			found = "SELECT id FROM (SELECT id FROM users WHERE " + where + order(backward) +
				" LIMIT greatest(least(" + left + ", " + n + "), 0) OFFSET greatest(" + left + " - " + n + ", 0)) near" + limit
		}
		return head + " FROM (" + found + ") found JOIN users USING (id)" + order(onward)
	default:
		return head + " FROM users WHERE " + where + order(onward) + limit
	}
}

func totalOf(role string) string {
	if role != "" {
		return "(SELECT sum(" + role + "s) FROM user_counts)"
	}
	return "(SELECT sum(admins) + sum(editors) + sum(viewers) FROM user_counts)"
}

// place is what a cursor holds.
type place struct {
	way  way
	page int
	id   uuid.UUID
	time time.Time
	text string
}

const placeLength = 1 + 4 + 16 + 8

func (p *place) key(o order) any {
	if o.key == "created_at" {
		return p.time
	}
	return p.text
}

func cursor(way way, page int, o order, u *User) *string {
	b := make([]byte, 0, placeLength+len(u.Email))
	b = append(b, byte(way))
	b = binary.BigEndian.AppendUint32(b, uint32(page))
	b = append(b, u.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(u.CreatedAt.UnixMicro()))
	switch o.key {
	case "email":
		b = append(b, u.Email...)
	case byName:
		b = append(b, u.Name...)
	}
	text := base64.RawURLEncoding.EncodeToString(b)
	return &text
}

func parseCursor(text string) (place, bool) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < placeLength || way(b[0]) != after && way(b[0]) != before {
		return place{}, false
	}
	return place{
		way: way(b[0]), page: int(binary.BigEndian.Uint32(b[1:])), id: uuid.UUID(b[5:21]),
		time: time.UnixMicro(int64(binary.BigEndian.Uint64(b[21:]))), text: string(b[placeLength:]),
	}, true
}
