package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/config"
)

type seedCmd struct {
	Users int `required:"" placeholder:"N" help:"How many users to add."`
	config.Database
}

// Help is what roster seed --help adds.
func (seedCmd) Help() string {
	return "The users have no password, so nobody signs in as one of them, and none is an admin. A second run adds more."
}

// Run adds the users. What is in when it is interrupted stays in.
func (c *seedCmd) Run(ctx context.Context) error {
	if c.Users < 1 {
		return misuse{fmt.Errorf("--users is %d; write a number from 1 on", c.Users)}
	}
	d, err := openMigrated(ctx, c.Database)
	if err != nil {
		return err
	}
	defer d.close(ctx)

	start, in := time.Now(), 0
	show := lines(c.Users)
	if term.IsTerminal(int(os.Stderr.Fd())) {
		show = bar(c.Users)
	}
	err = db.SeedUsers(ctx, d.pool, c.Users, func(done int) {
		in = done
		show(done)
	})
	if in > 0 { // what is in stays, and so does its row
		if err := recordSeed(context.WithoutCancel(ctx), d.pool, in); err != nil {
			return err
		}
	}
	if err != nil && ctx.Err() != nil {
		fmt.Fprintf(os.Stderr, "\nroster: interrupted; %d of %d users are in\n", in, c.Users)
		return errSaid
	}
	if err != nil {
		return err
	}
	_, err = fmt.Printf("%d users in %s\n", c.Users, time.Since(start).Round(100*time.Millisecond))
	return err
}

// recordSeed writes the one row that a seed has in the audit log.
func recordSeed(ctx context.Context, pool *pgxpool.Pool, users int) error {
	return audit.Record(audit.System(ctx, audit.CommandLine), dbsqlc.New(pool), audit.Change{
		Operation: "seed", Target: "user", After: map[string]int{"users": users},
	})
}

// bar shows progress to a person.
func bar(total int) func(done int) {
	b := progressbar.NewOptions(total, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription("users"),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("users"),
		progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(os.Stderr) }))
	return func(done int) { _ = b.Set(done) }
}

// lines shows progress to a file: now and then a line.
func lines(total int) func(done int) {
	const pause = 10 * time.Second
	next := time.Now().Add(pause)
	return func(done int) {
		if now := time.Now(); now.After(next) {
			next = now.Add(pause)
			fmt.Fprintf(os.Stderr, "%d of %d users\n", done, total)
		}
	}
}
