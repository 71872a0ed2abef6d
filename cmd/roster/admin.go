package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/api/users"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/config"
	"github.com/roster-api/roster/internal/email"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/role"
)

// passwordFile is where the first admin's password lies when nobody looks on.
const passwordFile = "admin-password"

// newAdmin is a first admin whose password Roster made up.
type newAdmin struct {
	email    string
	password string // shown on the terminal; empty: it lies in file
	file     string
}

// checkAdmin refuses settings that could make no admin.
func checkAdmin(c *config.Config) error {
	in := adminOf(c)
	if c.AdminPassword == "" {
		in.Password = auth.Password(auth.NewPassword())
	}
	if err := in.Check(); err != nil {
		return fmt.Errorf("ROSTER_ADMIN_EMAIL or ROSTER_ADMIN_PASSWORD cannot be used: %s", explain(err))
	}
	return nil
}

func adminOf(c *config.Config) users.UserCreate {
	return users.UserCreate{Name: "Admin", Email: email.Address(c.AdminEmail), Password: auth.Password(c.AdminPassword), Role: role.Admin}
}

// firstAdmin makes an admin if none can sign in: from the settings, or else with
// a random password, which is shown once on the terminal, or lies in dataDir.
// dataDir is empty where there is no such folder.
func firstAdmin(ctx context.Context, pool *pgxpool.Pool, c *config.Config, dataDir string, terminal bool) (*newAdmin, error) {
	queries := dbsqlc.New(pool)
	if exists, err := queries.AnAdminCanSignIn(ctx); err != nil || exists {
		return nil, err
	}
	in := adminOf(c)
	made := &newAdmin{email: c.AdminEmail}
	if in.Password == "" {
		made.password = auth.NewPassword()
		in.Password = auth.Password(made.password)
		switch {
		case terminal:
		case dataDir == "":
			return nil, misuse{errors.New("no admin can sign in yet, and there is no terminal to show a password on; set ROSTER_ADMIN_PASSWORD, or ROSTER_ADMIN_PASSWORD_FILE, for the first one")}
		default:
			made.file = filepath.Join(dataDir, passwordFile)
			if err := writeSecret(made.file, made.password); err != nil {
				return nil, fmt.Errorf("the first admin's password cannot be written: %w; set ROSTER_ADMIN_PASSWORD instead", err)
			}
			made.password = ""
		}
	}
	if err := in.Check(); err != nil { // makes the address canonical
		return nil, err
	}
	created, err := users.New(pool, auth.NewPasswords(), nil, limit.SignIn{}).CreateFirst(audit.System(ctx, "first start"), in)
	if made.file != "" && !created {
		_ = os.Remove(made.file)
	}
	switch {
	case err != nil && problem.From(err).Code == problem.EmailTaken:
		return nil, misuse{fmt.Errorf("no admin can sign in, and %s belongs to a user who is none; set ROSTER_ADMIN_EMAIL to another address", in.Email)}
	case err != nil, !created, c.AdminPassword != "":
		return nil, err
	}
	return made, nil
}

// writeSecret writes a file that only its owner can read.
func writeSecret(path, secret string) error {
	_ = os.Remove(path) // one of an earlier try, whatever its mode
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(secret + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}
