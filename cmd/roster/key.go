package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/api/keys"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/config"
	"github.com/roster-api/roster/internal/email"
	"github.com/roster-api/roster/internal/name"
	"github.com/roster-api/roster/internal/role"
)

type keyCmd struct {
	Create keyCreateCmd `cmd:"" help:"Create a key for a service and print it."`
	List   keyListCmd   `cmd:"" help:"List keys, the newest first."`
	Revoke keyRevokeCmd `cmd:"" help:"End a key."`
}

type keyCreateCmd struct {
	Name    string    `required:"" help:"What the key is for, 1 to 100 characters."`
	Role    role.Role `required:"" enum:"admin,editor,viewer" help:"admin, editor or viewer: the key may do what that role may, as far as a key may."`
	Owner   string    `placeholder:"ADDRESS" help:"The email address of the user who owns the key; without it the oldest admin who can sign in."`
	Expires string    `placeholder:"TIME" help:"How long the key works, such as 90d or 12h; without it for ever."`
	config.Database
}

// Help is what roster key create --help adds.
func (keyCreateCmd) Help() string {
	return `The key is printed this once. It may never do more than its owner may just then, and ends with its owner.`
}

// The shortest and the longest time that a key may work for.
const (
	shortestKey = time.Second
	longestKey  = keys.MaxYears * 365 * 24 * time.Hour
)

// Run creates the key. Nothing but the key is on the standard output.
func (c *keyCreateCmd) Run(ctx context.Context) error {
	in := keys.KeyCreate{Name: name.Name(c.Name), UserID: new(uuid.UUID)}
	for _, scope := range auth.Scopes(c.Role) {
		in.Scopes = append(in.Scopes, auth.Scope(scope))
	}
	if err := in.Check(); err != nil {
		return misuse{err}
	}
	var works time.Duration
	if c.Expires != "" {
		var err error
		if works, err = config.Lasting(c.Expires, shortestKey, longestKey); err != nil {
			return misuse{fmt.Errorf("--expires is %q, %w; write a time such as 90d", c.Expires, err)}
		}
	}
	address, err := ownerAddress(c.Owner)
	if err != nil {
		return err
	}
	d, err := openMigrated(ctx, c.Database)
	if err != nil {
		return err
	}
	defer d.close(ctx)
	owner, now, err := c.owner(ctx, dbsqlc.New(d.pool), address)
	if err != nil {
		return err
	}
	*in.UserID = owner.ID
	if works > 0 {
		ends := now.Add(works)
		in.ExpiresAt = &ends
	}
	made, err := keys.New(d.pool, nil).Create(audit.System(ctx, audit.CommandLine), in)
	if err != nil {
		return err
	}
	_, err = fmt.Println(made.Secret)
	return err
}

// owner finds who is to own the key, if they may own such a one. now is the time
// of the database, which ends keys.
func (c *keyCreateCmd) owner(ctx context.Context, q *dbsqlc.Queries, address string) (owner dbsqlc.User, now time.Time, err error) {
	if address == "" {
		row, err := q.OldestAdmin(ctx)
		if errors.Is(err, pgx.ErrNoRows) {
			return owner, now, errors.New("no admin can sign in who could own the key; name another user with --owner, or make an admin with roster user create --role admin")
		}
		return row.User, row.Now, err
	}
	row, err := q.FindKeyOwner(ctx, address)
	owner = row.User
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		err = noUser(address)
	case err != nil:
	case owner.Disabled:
		err = misuse{fmt.Errorf("%s is disabled; a disabled user's key would not work", address)}
	case slices.Index(role.All, owner.Role) > slices.Index(role.All, c.Role):
		err = misuse{fmt.Errorf("%s is %s, and a key is never wider than its owner; choose --role %[2]s or another owner", address, owner.Role)}
	}
	return owner, row.Now, err
}

// ownerAddress is the canonical form of what --owner says; nothing, of nothing.
func ownerAddress(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	address, ok := email.Canonical(text)
	if !ok {
		return "", misuse{fmt.Errorf("--owner is %q, which is no email address", text)}
	}
	return address, nil
}

func noUser(address string) error {
	return misuse{fmt.Errorf("there is no user with the address %s", address)}
}

type keyListCmd struct {
	Owner string `placeholder:"ADDRESS" help:"Only keys of the user with this email address."`
	Limit int    `default:"50" help:"How many at most; 0 for all."`
	JSON  bool   `name:"json" help:"One JSON object a line, as the API has it."`
	config.Database
}

// Run walks the list by cursor and prints as it goes.
func (c *keyListCmd) Run(ctx context.Context) error {
	if c.Limit < 0 {
		return misuse{fmt.Errorf("--limit is %d; write how many at most, or 0 for all", c.Limit)}
	}
	address, err := ownerAddress(c.Owner)
	if err != nil {
		return err
	}
	d, err := openDatabase(ctx, c.Database)
	if err != nil {
		return err
	}
	defer d.close(ctx)
	queries := dbsqlc.New(d.pool)

	list := db.KeyList{Limit: db.MaxNewest}
	if address != "" {
		owner, err := queries.FindKeyOwner(ctx, address)
		if errors.Is(err, pgx.ErrNoRows) {
			return noUser(address)
		} else if err != nil {
			return err
		}
		list.UserID = &owner.User.ID
	}
	out := bufio.NewWriter(os.Stdout)
	for left := c.Limit; ; {
		if c.Limit > 0 {
			list.Limit = min(left, db.MaxNewest)
		}
		page, err := db.ListKeys(ctx, d.pool, list)
		if err != nil {
			return err
		}
		if c.JSON {
			err = writeKeysJSON(out, page.Keys)
		} else {
			if list.From == nil {
				fmt.Fprintf(out, keyRow, "ID", "CREATED", "LAST USED", "EXPIRES", "OWNER", "NAME", "SCOPES")
			}
			err = writeKeys(ctx, out, queries, page.Keys)
		}
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			return err
		}
		if left -= len(page.Keys); !page.After || left == 0 {
			return nil
		}
		last := page.Keys[len(page.Keys)-1]
		list.From = &db.NewestPosition{CreatedAt: last.CreatedAt, ID: last.ID}
	}
}

const keyRow = "%-36s  %-20s  %-20s  %-20s  %-32s  %-24s  %s\n"

func writeKeys(ctx context.Context, w io.Writer, q *dbsqlc.Queries, rows []dbsqlc.Key) error {
	ids := make([]uuid.UUID, len(rows))
	for i, k := range rows {
		ids[i] = k.UserID
	}
	owners, err := q.KeyOwners(ctx, ids)
	if err != nil {
		return err
	}
	addresses := make(map[uuid.UUID]string, len(owners))
	for _, o := range owners {
		addresses[o.ID] = o.Email
	}
	for _, k := range rows {
		_, err := fmt.Fprintf(w, keyRow, k.ID, k.CreatedAt.UTC().Format(time.RFC3339), when(k.LastUsedAt), when(k.ExpiresAt),
			visible(addresses[k.UserID]), visible(k.Name), visible(strings.Join(k.Scopes, ",")))
		if err != nil {
			return err
		}
	}
	return nil
}

func when(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

func writeKeysJSON(w io.Writer, rows []dbsqlc.Key) error {
	for _, k := range rows {
		var line bytes.Buffer
		encoder := json.NewEncoder(&line)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(keys.Key(k)); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(w, visible(string(bytes.TrimSuffix(line.Bytes(), []byte("\n"))))); err != nil {
			return err
		}
	}
	return nil
}

type keyRevokeCmd struct {
	ID uuid.UUID `arg:"" help:"The key's id; roster key list shows it."`
	config.Database
}

// Run ends the key. Servers that run hear of it within a second.
func (c *keyRevokeCmd) Run(ctx context.Context) error {
	d, err := openDatabase(ctx, c.Database)
	if err != nil {
		return err
	}
	defer d.close(ctx)
	return keys.New(d.pool, nil).Revoke(audit.System(ctx, audit.CommandLine), c.ID, nil)
}
