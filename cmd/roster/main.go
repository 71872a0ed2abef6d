// Command roster serves users, access and a typed API from one binary, and keeps
// its own database.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type cli struct {
	Serve   serveCmd   `cmd:"" help:"Serve the API."`
	Migrate migrateCmd `cmd:"" help:"Bring the database to this version, or say where it stands."`
	OpenAPI openapiCmd `cmd:"" name:"openapi" help:"Print the OpenAPI document."`
	User    userCmd    `cmd:"" help:"Create and list users."`
	Key     keyCmd     `cmd:"" help:"Create, list and revoke keys for services."`
	Audit   auditCmd   `cmd:"" help:"Verify and export the audit log."`
	Cache   cacheCmd   `cmd:"" help:"Have what is cached made anew."`
	Seed    seedCmd    `cmd:"" help:"Add made-up users, to try Roster at scale."`
	Health  healthCmd  `cmd:"" help:"Ask a running server whether it lives."`
	Version versionCmd `cmd:"" help:"Print the version."`

	V kong.VersionFlag `name:"version" help:"Print the version."`
}

const description = `Users, access and a typed API in one binary.

Every setting is a flag and an environment variable; secrets are never flags. DATABASE_URL, or the file that DATABASE_URL_FILE names, says which PostgreSQL (15 or later) keeps the data; without it Roster runs its own. All commands work beside a running server.

The exit status is 0, or 1 when the command failed, or 2 when a flag, an argument or a setting cannot be right.`

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	var c cli
	parser := kong.Must(&c, kong.Name("roster"), kong.Description(description), kong.Vars{"version": versionLine()})
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "roster: %v; see roster --help\n", err)
		return 2
	}
	// A reader that has gone (roster user list | head) is an error like any other,
	// so that the built-in database is still stopped, and no reason for a server
	// to end whose log nobody reads any more.
	signal.Ignore(syscall.SIGPIPE)
	ctx := untilSignal()
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run()

	var wrong misuse
	switch {
	case err == nil, readerGone(err):
		return 0
	case errors.Is(err, errSaid):
		return 1
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "roster: interrupted")
		return 1
	case errors.As(err, &wrong):
		fmt.Fprintln(os.Stderr, "roster: "+explain(err))
		return 2
	}
	fmt.Fprintln(os.Stderr, "roster: "+explain(err))
	return 1
}

// untilSignal returns a context that ends at the first SIGINT or SIGTERM. The
// second ends the process at once, also as process 1 of a container, where the
// system itself would ignore it.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(1)
	}()
	return ctx
}

// readerGone reports whether err is that nobody reads the standard output any more.
func readerGone(err error) bool {
	var file *fs.PathError
	return errors.As(err, &file) && errors.Is(file.Err, syscall.EPIPE)
}

// misuse is what is wrong with a flag, an argument or a setting.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

// errSaid ends a command that has already told its user what is wrong.
var errSaid = errors.New("said")
