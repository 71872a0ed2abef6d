package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// makeCluster makes the data folder with initdb when there is none, and tells whether it did.
//
// All is made in a folder beside it and renamed at the end, so a crash in between leaves nothing that looks like
// a database. A folder that is there but is no database is somebody's: it is left alone, and the start fails.
func (l layout) makeCluster(ctx context.Context, b binaries, as *account) (bool, error) {
	_, err := l.dataVersion()
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if left, err := os.ReadDir(l.cluster()); err == nil && len(left) > 0 {
		return false, fmt.Errorf("%s has files and no database (no data/PG_VERSION): move it away, or choose another folder "+
			"with ROSTER_DATA_DIR; nothing was changed", l.cluster())
	}
	staging, err := os.MkdirTemp(l.root, stagingPrefix) // 0700
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(staging)
	next := layout{staging}.inside()

	password := rand.Text() // 130 bits; letters and digits only, so it needs no quoting anywhere
	if err := os.WriteFile(next.password, []byte(password+"\n"), 0o600); err != nil {
		return false, err
	}
	if err := os.Mkdir(next.run, 0o700); err != nil {
		return false, err
	}
	for _, p := range []string{staging, next.password, next.run} {
		if err := as.own(p); err != nil {
			return false, err
		}
	}
	// A search by letters that are not ASCII needs a C library that knows them for letters. One that has no such
	// locale refuses it at once; then such a search scans, and is right all the same.
	for _, ctype := range []string{"C.UTF-8", "C"} {
		if err = runTool(ctx, b, as, "initdb", initdbArgs(b.major, ctype, next.data, next.password)...); err == nil || b.major < 17 {
			break
		}
	}
	if err != nil {
		return false, fmt.Errorf("make the database: %w", err)
	}
	if err := includeSettings(filepath.Join(next.data, "postgresql.conf")); err != nil {
		return false, err
	}
	// initdb was told not to sync each file: one sync of all is several times faster and as safe before the rename.
	if err := syncTree(staging); err != nil {
		return false, err
	}
	if err := os.Rename(staging, l.cluster()); err != nil {
		return false, err
	}
	return true, syncDir(l.root)
}

// staged are the names inside the folder that becomes postgres/.
type staged struct{ data, password, run string }

func (l layout) inside() staged {
	return staged{filepath.Join(l.root, "data"), filepath.Join(l.root, "password"), filepath.Join(l.root, "run")}
}

// initdbArgs ask for UTF-8 and a C.UTF-8 order everywhere. The plain C locale breaks lower('É'), and the system's
// locales change with the system; from 17 on PostgreSQL brings its own.
func initdbArgs(major int, ctype, data, passwordFile string) []string {
	args := []string{"--pgdata=" + data, "--username=" + admin, "--pwfile=" + passwordFile, "--auth=scram-sha-256",
		"--encoding=UTF8", "--data-checksums", "--no-sync", "--no-instructions"}
	if major >= 17 {
		return append(args, "--locale=C", "--lc-ctype="+ctype, "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
	}
	return append(args, "--locale=C.UTF-8")
}

// makeDatabase makes Roster's role and database where they are missing.
func (s *Server) makeDatabase(ctx context.Context) error {
	return withConn(ctx, s.AdminURL("postgres"), func(c conn) error {
		var role, database bool
		const have = `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1), EXISTS (SELECT FROM pg_database WHERE datname = $1)`
		if err := c.QueryRow(ctx, have, Database).Scan(&role, &database); err != nil {
			return err
		}
		if !role {
			// These statements take no parameters; both values are letters and digits.
			if _, err := c.Exec(ctx, "CREATE ROLE "+Database+" LOGIN PASSWORD '"+strings.ReplaceAll(s.password, "'", "''")+"'"); err != nil {
				return err
			}
		}
		if !database {
			if _, err := c.Exec(ctx, "CREATE DATABASE "+Database+" OWNER "+Database); err != nil {
				return err
			}
		}
		return nil
	})
}
