package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/db/embedded"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/config"
)

type auditCmd struct {
	Verify  auditVerifyCmd  `cmd:"" help:"Look whether the audit log is as it was written."`
	Export  auditExportCmd  `cmd:"" help:"Print the audit log, the oldest first, one JSON object a line, as the API has it."`
	Restart auditRestartCmd `cmd:"" help:"Seal the audit log anew, with another key."`
}

type auditVerifyCmd struct {
	Head string `placeholder:"SEQ:MAC" help:"What an earlier run printed: shows also whether the end was cut off since, or everything replaced."`
	config.Database
}

// Help is what roster audit verify --help adds.
func (auditVerifyCmd) Help() string {
	return `Every change is a row of the log, and a few seconds later an entry of a chain, made with a key that the database does not know: ROSTER_AUDIT_KEY, or the file that ROSTER_AUDIT_KEY_FILE names, else the file audit.key in the data folder. So a row that was changed, taken away, moved or put in between is found. Whoever owns the database can still put back an older state of all of it: keep the head that is printed somewhere else, and give it to a later run.

The exit status is 1 when there is a finding.`
}

// Run prints a line for each finding, and how many rows there are.
func (c *auditVerifyCmd) Run(ctx context.Context) error {
	var since *audit.Head
	if c.Head != "" {
		head, err := audit.ParseHead(c.Head)
		if err != nil {
			return misuse{fmt.Errorf("--head: %w", err)}
		}
		since = &head
	}
	text, err := config.AuditKey()
	if err != nil {
		return misuse{err}
	}
	d, err := openDatabase(ctx, c.Database)
	if err != nil {
		return err
	}
	defer d.close(ctx)
	key, err := auditKey(text, c.DataDir, audit.ReadKey)
	if err != nil {
		return misuse{err}
	}

	var progress func(done, total int64)
	if term.IsTerminal(int(os.Stderr.Fd())) {
		progress = checking()
	}
	report, err := audit.Verify(ctx, d.pool, key, since, progress)
	if err != nil {
		return err
	}
	return printReport(os.Stdout, report)
}

func printReport(w io.Writer, r audit.Report) error {
	out := bufio.NewWriter(w)
	for _, line := range r.Findings {
		fmt.Fprintln(out, line)
	}
	if r.More > 0 {
		fmt.Fprintf(out, "and %d more findings\n", r.More)
	}
	fmt.Fprintf(out, "%d rows sealed, %d waiting, %d dropped by retention\n", r.Sealed, r.Waiting, r.Dropped)
	// A head is kept to compare with: not one of a chain that is wrong.
	if len(r.Findings) == 0 && r.Head.Seq > 0 {
		fmt.Fprintf(out, "head %s\n", r.Head)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if len(r.Findings) > 0 {
		fmt.Fprintf(os.Stderr, "roster: the audit log is not as it was written: %d findings\n", len(r.Findings)+r.More)
		return errSaid
	}
	return nil
}

// checking shows progress to a person.
func checking() func(done, total int64) {
	var b *progressbar.ProgressBar
	return func(done, total int64) {
		if b == nil {
			b = progressbar.NewOptions64(max(total, 1), progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription("checking"),
				progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionClearOnFinish())
		}
		_ = b.Set64(done)
	}
}

type auditExportCmd struct {
	From moment `placeholder:"TIME" help:"Only from this time on, such as 2026-03-14 or 2026-03-14T09:26:53Z; without a zone UTC."`
	To   moment `placeholder:"TIME" help:"Only before this time."`
	config.Database
}

// Run prints as it reads.
func (c *auditExportCmd) Run(ctx context.Context) error {
	d, err := openDatabase(ctx, c.Database)
	if err != nil {
		return err
	}
	defer d.close(ctx)
	return exportAudit(ctx, d.pool, os.Stdout, time.Time(c.From), time.Time(c.To))
}

func exportAudit(ctx context.Context, pool *pgxpool.Pool, w io.Writer, from, to time.Time) error {
	if to.IsZero() {
		to = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	const rows = 1000
	out := bufio.NewWriterSize(w, 64<<10)
	page := dbsqlc.ExportAuditParams{AfterTime: from, AfterID: uuid.Nil, Until: to, RowLimit: rows}
	for {
		all, err := dbsqlc.New(pool).ExportAudit(ctx, page)
		if err != nil {
			return err
		}
		for _, row := range all {
			if err := writeEntry(out, audit.Entry(row)); err != nil {
				return err
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
		if len(all) < rows {
			return nil
		}
		last := all[len(all)-1]
		page.AfterTime, page.AfterID = last.CreatedAt, last.ID
	}
}

func writeEntry(w io.Writer, e audit.Entry) error {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, visible(string(bytes.TrimSuffix(line.Bytes(), []byte("\n")))))
	return err
}

// moment is a time on the command line.
type moment time.Time

// UnmarshalText reads a time of RFC 3339, or a day, or a time without a zone.
func (m *moment) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, string(text)); err == nil {
			*m = moment(t.UTC())
			return nil
		}
	}
	return fmt.Errorf("%q is no time; write it as 2026-03-14 or 2026-03-14T09:26:53Z", text)
}

type auditRestartCmd struct {
	Yes bool `help:"Do it; without this, nothing happens."`
	config.Database
}

// Help is what roster audit restart --help adds.
func (auditRestartCmd) Help() string {
	return `For when the key is lost, or what roster audit verify found has been looked into: the chain is thrown away, and a running server seals every row anew, as it now is, with the key that it has. No row is changed. The log gets a row that says so, with the head of the old chain.`
}

// Run throws the chain away.
func (c *auditRestartCmd) Run(ctx context.Context) error {
	if !c.Yes {
		return misuse{errors.New("from then on nobody can tell whether a row was changed before; add --yes to do it, and see roster audit restart --help")}
	}
	d, err := openDatabase(ctx, c.Database)
	if err != nil {
		return err
	}
	defer d.close(ctx)
	queued, err := audit.Restart(audit.System(ctx, audit.CommandLine), d.pool)
	if err != nil {
		return err
	}
	_, err = fmt.Printf("%d rows wait to be sealed anew\n", queued)
	return err
}

// auditKey is the key of ROSTER_AUDIT_KEY, else that of the data folder.
func auditKey(text, dir string, find func(dir string) (*audit.Key, error)) (*audit.Key, error) {
	if text != "" {
		key, err := audit.NewKey(text)
		if err != nil {
			err = fmt.Errorf("ROSTER_AUDIT_KEY: %w", err)
		}
		return key, err
	}
	if dir == "" {
		var err error
		if dir, err = embedded.DefaultDataDir(); err != nil {
			return nil, err
		}
	}
	key, err := find(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("there is no key: neither ROSTER_AUDIT_KEY nor the file %s, which roster serve makes", filepath.Join(dir, audit.KeyFile))
	}
	return key, err
}

// sealAudit seals the audit log until ctx ends. Without a key the rows wait.
func sealAudit(ctx context.Context, pool *pgxpool.Pool, c *config.Config, log *slog.Logger) {
	key, err := auditKey(c.AuditKey, c.DataDir, audit.MakeKey)
	if err != nil {
		log.Warn("the audit log is not sealed: there is no key for it; set ROSTER_AUDIT_KEY, or make ROSTER_DATA_DIR a folder that can be written", "error", err)
		return
	}
	audit.NewSealer(pool, key, c.Keep, log).Run(ctx)
}
