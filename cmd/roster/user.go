package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/api/users"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/config"
	"github.com/roster-api/roster/internal/email"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/name"
	"github.com/roster-api/roster/internal/role"
)

type userCmd struct {
	Create userCreateCmd `cmd:"" help:"Create a user and print the id."`
	List   userListCmd   `cmd:"" help:"List users, the newest first."`
}

type userCreateCmd struct {
	Name         string    `required:"" help:"The name, 1 to 100 characters."`
	Email        string    `required:"" placeholder:"ADDRESS" help:"The email address."`
	Role         role.Role `default:"viewer" enum:"admin,editor,viewer" help:"admin, editor or viewer."`
	PasswordFile string    `type:"path" placeholder:"FILE" help:"Take the password from the first line of this file."`
	config.Database
}

// Help is what roster user create --help adds.
func (userCreateCmd) Help() string {
	return `The password, 8 to 128 characters, is asked for on a terminal. A script gives it on the standard input or in a file:

  printf '%s\n' "$PASSWORD" | roster user create --name "Ada Lovelace" --email ada@example.org`
}

// Run creates the user. Nothing but the id is on the standard output.
func (c *userCreateCmd) Run(ctx context.Context) error {
	password, err := readPassword(ctx, c.PasswordFile)
	if err != nil {
		return err
	}
	in := users.UserCreate{Name: name.Name(c.Name), Email: email.Address(c.Email), Password: auth.Password(password), Role: c.Role}
	if err := in.Check(); err != nil {
		return misuse{err}
	}
	d, err := openMigrated(ctx, c.Database)
	if err != nil {
		return err
	}
	defer d.close(ctx)
	user, err := users.New(d.pool, auth.NewPasswords(), nil, limit.SignIn{}).Create(audit.System(ctx, audit.CommandLine), in)
	if err != nil {
		return err
	}
	_, err = fmt.Println(user.ID)
	return err
}

type userListCmd struct {
	Role  role.Role `enum:",admin,editor,viewer" default:"" placeholder:"ROLE" help:"Only users of this role: admin, editor or viewer."`
	Q     string    `placeholder:"TEXT" help:"Only users whose name or email contains this text."`
	Limit int       `default:"50" help:"How many at most; 0 for all."`
	JSON  bool      `name:"json" help:"One JSON object a line, as the API has it."`
	config.Database
}

// Run walks the list by cursor and prints as it goes.
func (c *userListCmd) Run(ctx context.Context) error {
	if c.Limit < 0 {
		return misuse{fmt.Errorf("--limit is %d; write how many at most, or 0 for all", c.Limit)}
	}
	d, err := openDatabase(ctx, c.Database)
	if err != nil {
		return err
	}
	defer d.close(ctx)

	list := db.UserList{Search: c.Q, Sort: db.UsersByCreatedAtDesc, Limit: db.MaxUsers}
	if c.Role != "" {
		list.Role = &c.Role
	}
	out := bufio.NewWriter(os.Stdout)
	write := writeRow
	if c.JSON {
		write = writeJSON
	}
	for left := c.Limit; ; {
		if c.Limit > 0 {
			list.Limit = min(left, db.MaxUsers)
		}
		page, err := db.ListUsers(ctx, d.pool, list)
		if err != nil {
			return err
		}
		if list.From == nil && !c.JSON {
			writeHead(out)
		}
		for _, u := range page.Users {
			if err := write(out, u); err != nil {
				return err
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
		if left -= len(page.Users); !page.After || left == 0 {
			return nil
		}
		at := db.PositionOf(list.Sort, page.Users[len(page.Users)-1])
		list.From = &at
	}
}

// The columns whose width is known come first: so a row can be written before the
// next one is read.
const row = "%-36s  %-20s  %-6s  %-8s  %-32s  %s\n"

func writeHead(w io.Writer) {
	fmt.Fprintf(w, row, "ID", "CREATED", "ROLE", "DISABLED", "EMAIL", "NAME")
}

func writeRow(w io.Writer, u dbsqlc.User) error {
	disabled := "no"
	if u.Disabled {
		disabled = "yes"
	}
	_, err := fmt.Fprintf(w, row, u.ID, u.CreatedAt.UTC().Format(time.RFC3339), u.Role, disabled, visible(u.Email), visible(u.Name))
	return err
}

func writeJSON(w io.Writer, u dbsqlc.User) error {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(users.User(u)); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, visible(string(bytes.TrimSuffix(line.Bytes(), []byte("\n")))))
	return err
}

// visible escapes as JSON does what a terminal would obey instead of showing:
// control characters, and those that turn the direction of the text around. In
// JSON, where these can only stand in strings, it keeps the meaning.
func visible(s string) string {
	var b []byte
	for _, r := range s {
		switch {
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return string(b)
}
