// Package embedded runs a real PostgreSQL for Roster: it finds or unpacks the binaries, makes the data folder,
// starts the server, brings it up again when it dies, and stops it.
//
// One folder, Options.DataDir, holds everything:
//
//	postgres.lock       held (flock) by the one process that runs the server; its process id stands inside
//	postgres/           made in one rename, so it is whole or absent
//	postgres/data/      PostgreSQL's own data folder
//	postgres/password   the random password of both database roles, 0600
//	postgres/run/       the socket, where the path is short enough
//	postgres.conf       Roster's settings, written at every start
//	postgres.log        what the server says, at most two files of 8 MB
//	postgres-bin-*/     the unpacked binaries
//
// The data folder is never removed or overwritten by this package.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
)

// Database is the database that Start makes, and the role that owns it. The role is no superuser, so what works
// here also works on a PostgreSQL that somebody else runs.
const Database = "roster"

// admin is the superuser: it makes the role and the database.
const admin = "postgres"

// Options say where the server lives. The zero value of each field is usable.
type Options struct {
	// DataDir holds everything; empty means DefaultDataDir.
	DataDir string
	// Binaries is a folder with bin/postgres and bin/initdb; empty means: the embedded archive, then the npm
	// package in a source tree, then the system's newest from 15 on.
	Binaries string
	// Settings are extra PostgreSQL settings. They win over Roster's own and over postgresql.conf.
	Settings map[string]string
	// Log gets starts, stops and restarts; what the server itself says goes there at debug. Nil discards.
	Log *slog.Logger
}

// ErrNotRunning is what Attach returns when no process runs a server on the data folder.
var ErrNotRunning = errors.New("no PostgreSQL runs on this data folder")

// RunningError says that another process already runs a server on the data folder.
type RunningError struct {
	PID     int // 0 when it could not be read
	DataDir string
}

func (e *RunningError) Error() string {
	return fmt.Sprintf("another Roster (process %d) already uses the data folder %s: stop it first, "+
		"or choose another folder with ROSTER_DATA_DIR", e.PID, e.DataDir)
}

// VersionError says that the data folder belongs to a major version of PostgreSQL that is not at hand.
// The folder was not touched.
type VersionError struct {
	DataDir string
	Data    int   // the major version that made the folder
	Found   []int // the major versions that are at hand
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the data folder %s was made by PostgreSQL %d, and this Roster found only %v: install PostgreSQL %d, "+
		"or dump it with the old version and load it into a new folder; nothing was changed", e.DataDir, e.Data, e.Found, e.Data)
}

// DefaultDataDir is /var/lib/roster for root, and for others the system's folder for application data:
// $XDG_DATA_HOME/roster or ~/.local/share/roster on Linux.
func DefaultDataDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/roster", nil
	}
	if runtime.GOOS == "windows" {
		dir, err := os.UserCacheDir() // %LocalAppData%: data that stays on this machine
		return filepath.Join(dir, "roster"), err
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "roster"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the database: %w; set ROSTER_DATA_DIR", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "roster"), nil
	}
	return filepath.Join(home, ".local", "share", "roster"), nil
}

// Open attaches to the server that runs on the data folder, or starts one. It is what a command uses that must
// work with and without a running Roster.
func Open(ctx context.Context, o Options) (*Server, error) {
	var err error
	for range 3 { // another process may start or stop between the two questions
		var s *Server
		if s, err = Attach(ctx, o); !errors.Is(err, ErrNotRunning) {
			return s, err
		}
		var running *RunningError
		if s, err = Start(ctx, o); !errors.As(err, &running) {
			return s, err
		}
	}
	return nil, err
}

// withDefaults makes the folder absolute: PostgreSQL changes its working directory.
func (o Options) withDefaults() (Options, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	var err error
	if o.DataDir == "" {
		if o.DataDir, err = DefaultDataDir(); err != nil {
			return o, err
		}
	}
	if o.DataDir, err = filepath.Abs(o.DataDir); err != nil {
		return o, err
	}
	if o.Binaries != "" {
		o.Binaries, err = filepath.Abs(o.Binaries)
	}
	return o, err
}
