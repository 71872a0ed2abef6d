package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/internal/config"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Bring the database to this version, as roster serve does when it starts."`
	Status migrateStatusCmd `cmd:"" help:"List the steps, and which were taken. Changes nothing."`
}

type migrateUpCmd struct{ config.Database }

// Run migrates, and prints where the database stands then.
func (c *migrateUpCmd) Run(ctx context.Context) error {
	d, err := openMigrated(ctx, c.Database)
	if err != nil {
		return err
	}
	defer d.close(ctx)
	return d.printMigrations(ctx)
}

type migrateStatusCmd struct{ config.Database }

// Run prints where the database stands.
func (c *migrateStatusCmd) Run(ctx context.Context) error {
	d, err := openDatabase(ctx, c.Database)
	if err != nil {
		return err
	}
	defer d.close(ctx)
	return d.printMigrations(ctx)
}

func (d *database) printMigrations(ctx context.Context) error {
	steps, err := db.Migrations(ctx, d.url)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VERSION\tNAME\tTAKEN")
	for _, step := range steps {
		taken := "not yet"
		if step.Applied != nil {
			taken = step.Applied.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\n", step.Version, step.Name, taken)
	}
	return w.Flush()
}
