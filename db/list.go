package db

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
)

// UserSort names an order of users. Users that are equal in it stand in the
// order of their ids, in the same direction.
type UserSort string

// The orders. Names are compared without regard to case.
const (
	UsersByCreatedAt     UserSort = "createdAt"
	UsersByCreatedAtDesc UserSort = "-createdAt"
	UsersByName          UserSort = "name"
	UsersByNameDesc      UserSort = "-name"
	UsersByEmail         UserSort = "email"
	UsersByEmailDesc     UserSort = "-email"
)

// UserSorts holds every order.
var UserSorts = []UserSort{
	UsersByCreatedAt, UsersByCreatedAtDesc, UsersByName, UsersByNameDesc, UsersByEmail, UsersByEmailDesc,
}

// MaxUsers is the most users that a page can hold.
const MaxUsers = 100

// UserList says which users a page holds.
type UserList struct {
	Role   *role.Role    // only users of this role; nil: any
	Email  string        // only the user of this canonical address; empty: any
	Search string        // contained in the name or the address, whatever the case; empty: any
	Sort   UserSort      // empty: UsersByCreatedAtDesc
	Limit  int           // the most users on the page, 1 to MaxUsers
	Offset int64         // how many users precede the page; not beside From or Back
	From   *UserPosition // read on from here: just after it, or just before it when Back
	Back   bool          // read towards the start; without From: from the very end
}

// UserPosition is a place in a sorted list, whether or not a user stands there.
type UserPosition struct {
	CreatedAt time.Time // in an order by time
	Text      string    // in an order by name or address: that name or address
	ID        uuid.UUID // tells apart those who are equal in it; addresses are not
}

// PositionOf returns the place of a user in an order.
func PositionOf(sort UserSort, u dbsqlc.User) UserPosition {
	switch key, _ := sort.parts(); key {
	case byName:
		return UserPosition{Text: u.Name, ID: u.ID}
	case byEmail:
		return UserPosition{Text: u.Email}
	default:
		return UserPosition{CreatedAt: u.CreatedAt, ID: u.ID}
	}
}

// UserPage is one page of a list. Everything in it is of one snapshot.
type UserPage struct {
	Users  []dbsqlc.User // in the order of the list; never nil
	Total  int64         // how many users the whole list holds
	Before bool          // some precede this page
	After  bool          // some follow it
}

// Lister is what ListUsers needs of a pool or a connection.
type Lister interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// ListUsers reads one page of users and counts the list, in one statement and
// one round trip.
func ListUsers(ctx context.Context, db Lister, l UserList) (UserPage, error) {
	form, args, err := l.form()
	if err != nil {
		return UserPage{}, err
	}
	page, err := form.read(ctx, db, args, l)
	if err != nil {
		return UserPage{}, err
	}
	if l.Offset > 0 {
		page.Before = page.Total > 0
	}
	if form.email && page.Before {
		page.Users = page.Users[:0] // the one that there is lies behind
	}
	if len(page.Users) > l.Limit {
		page.Users, page.After = page.Users[:l.Limit], true
	}
	if l.Back {
		slices.Reverse(page.Users)
		page.Before, page.After = page.After, page.Before
	}
	return page, nil
}

// form says which statement reads a list, and with what parameters.
func (l UserList) form() (userForm, []any, error) {
	key, desc := l.Sort.parts()
	switch {
	case key == noKey:
		return userForm{}, nil, fmt.Errorf("unknown order %q", l.Sort)
	case l.Limit < 1 || l.Limit > MaxUsers:
		return userForm{}, nil, fmt.Errorf("limit %d is not between 1 and %d", l.Limit, MaxUsers)
	case l.Offset < 0 || l.Offset > 0 && (l.From != nil || l.Back):
		return userForm{}, nil, errors.New("an offset counts from the start only")
	}

	// To read towards the start is to read the opposite order and turn the page round.
	form := userForm{key: key, desc: desc != l.Back, role: l.Role != nil, search: l.Search != "", email: l.Email != ""}
	args := make([]any, 0, 6)
	if form.role {
		args = append(args, string(*l.Role))
	}
	if form.search {
		args = append(args, "%"+likeEscaper.Replace(l.Search)+"%")
	}
	if form.email {
		args = append(args, l.Email)
	}
	switch {
	case l.From != nil:
		form.place = atPosition
		switch key {
		case byCreatedAt:
			args = append(args, l.From.CreatedAt, l.From.ID)
		case byName:
			args = append(args, l.From.Text, l.From.ID)
		case byEmail:
			args = append(args, l.From.Text)
		}
	case l.Offset > 0 && !form.email:
		form.place = atOffset
		args = append(args, min(l.Offset, 1<<62)) // leaves room to add to it
	}
	if !form.email {
		args = append(args, l.Limit+1) // one more tells whether the list goes on
	}
	return form, args, nil
}

// likeEscaper makes a text stand for itself in LIKE.
var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// read runs a form's statement. In the page it returns, Before says whether users
// lie behind the position that was read from, in the order of reading.
func (f userForm) read(ctx context.Context, db Lister, args []any, l UserList) (UserPage, error) {
	sql := userStatements()[f]
	if !f.search || f.email {
		rows, err := db.Query(ctx, sql, args...)
		if err != nil {
			return UserPage{}, err
		}
		return scanUsers(rows, l.Limit)
	}
	// What the first statement sets lasts as long as the batch, which is one
	// transaction.
	var batch pgx.Batch
	batch.Queue(settingsFor(l.Search))
	batch.Queue(sql, args...)
	results := db.SendBatch(ctx, &batch)
	defer results.Close() // fails only where reading did
	if _, err := results.Exec(); err != nil {
		return UserPage{}, err
	}
	rows, err := results.Query()
	if err != nil {
		return UserPage{}, err
	}
	return scanUsers(rows, l.Limit)
}

// scanUsers reads what a list statement returns: the total and whether users lie
// behind, repeated on every row, and a user, which is null where there is none.
func scanUsers(rows pgx.Rows, limit int) (UserPage, error) {
	defer rows.Close()
	page := UserPage{Users: []dbsqlc.User{}}
	var scratch [654]byte // the longest name and address
	for rows.Next() {
		if !binaryUsers(rows.FieldDescriptions()) {
			if err := scanTextUser(rows, &page); err != nil {
				return page, err
			}
			continue
		}
		// Lists are most of what is read, so values are taken from the wire by
		// hand, without reflection.
		v := rows.RawValues()
		if len(page.Users) == 0 {
			page.Total = int64(binary.BigEndian.Uint64(v[0]))
			page.Before = v[1][0] != 0
			if v[2] == nil {
				continue
			}
			page.Users = make([]dbsqlc.User, 0, max(min(int64(limit)+1, page.Total), 1))
		}
		texts := string(append(append(scratch[:0], v[3]...), v[4]...)) // one allocation for both
		page.Users = append(page.Users, dbsqlc.User{
			ID:        uuid.UUID(v[2]),
			Name:      texts[:len(v[3])],
			Email:     texts[len(v[3]):],
			Role:      roleOf(v[5]),
			Disabled:  v[6][0] != 0,
			CreatedAt: timeOf(v[7]),
			UpdatedAt: timeOf(v[8]),
		})
	}
	return page, rows.Err()
}

// binaryUsers reports whether values come in the binary form. They do, unless
// the URL asks for a simpler protocol. Texts and roles are the same in both.
func binaryUsers(fields []pgconn.FieldDescription) bool {
	for _, i := range [...]int{0, 1, 2, 6, 7, 8} {
		if fields[i].Format != pgx.BinaryFormatCode {
			return false
		}
	}
	return true
}

func scanTextUser(rows pgx.Rows, page *UserPage) error {
	var id *uuid.UUID
	var name, email *string
	var r *role.Role
	var disabled *bool
	var created, updated *time.Time
	err := rows.Scan(&page.Total, &page.Before, &id, &name, &email, &r, &disabled, &created, &updated)
	if err == nil && id != nil {
		page.Users = append(page.Users, dbsqlc.User{ID: *id, Name: *name, Email: *email, Role: *r,
			Disabled: *disabled, CreatedAt: created.UTC(), UpdatedAt: updated.UTC()})
	}
	return err
}

// roleOf is role.Role(text) without a copy of those that there are.
func roleOf(text []byte) role.Role {
	for _, r := range role.All {
		if string(text) == string(r) {
			return r
		}
	}
	return role.Role(text)
}

// timeOf reads a timestamptz: microseconds since the start of 2000, in UTC.
func timeOf(b []byte) time.Time {
	const year2000 = 946_684_800_000_000
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b)) + year2000).UTC()
}
