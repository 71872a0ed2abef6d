package testkit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/embedded"
)

const (
	templateName   = "roster_template"
	templatePrefix = "template-"
	// templateFormat counts up when the way a template is made changes.
	templateFormat = "1"
	templatesKept  = 3
)

// options say which PostgreSQL the tests run on. The embedded one is unpacked once for all test binaries.
func options() (embedded.Options, error) {
	o := embedded.Options{Binaries: os.Getenv(PostgresEnv), Settings: testSettings}
	if o.Binaries != "" || !embedded.Packed() {
		return o, nil
	}
	cache, err := cacheFolder()
	if err != nil {
		return o, err
	}
	o.Binaries, err = embedded.Extract(cache)
	return o, err
}

// template returns a stopped data folder with a migrated database in it. Making one takes a second or two, so it
// is kept between runs, under a name made from all that it depends on.
func template(ctx context.Context, o embedded.Options) (string, error) {
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	key, err := templateKey(o)
	if err != nil {
		return "", err
	}
	done := filepath.Join(cache, templatePrefix+key)
	if _, err := os.Stat(done); err == nil {
		return done, nil
	}
	staging, err := os.MkdirTemp(cache, "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(staging)
	if err := os.Chmod(staging, 0o711); err != nil {
		return "", err
	}
	o.DataDir = filepath.Join(staging, "data")
	if err := makeTemplate(ctx, o); err != nil {
		return "", err
	}
	// Two test binaries may make it at once: the second one's is thrown away.
	if err := os.Rename(o.DataDir, done); err != nil {
		if _, there := os.Stat(done); there != nil {
			return "", err
		}
	}
	prune(cache, done)
	return done, nil
}

func makeTemplate(ctx context.Context, o embedded.Options) error {
	s, err := embedded.Start(ctx, o)
	if err != nil {
		return err
	}
	if err := fillTemplate(ctx, s); err != nil {
		return errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s.Stop(ctx)
}

func fillTemplate(ctx context.Context, s *embedded.Server) error {
	admin, err := pgx.Connect(ctx, s.AdminURL("postgres"))
	if err != nil {
		return err
	}
	defer admin.Close(context.WithoutCancel(ctx))
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+templateName+" OWNER "+embedded.Database); err != nil {
		return err
	}
	if err := db.Migrate(ctx, s.URL(templateName), slog.New(slog.DiscardHandler)); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	// Nobody connects to it, or it could not be copied.
	_, err = admin.Exec(ctx, "ALTER DATABASE "+templateName+" ALLOW_CONNECTIONS false")
	return err
}

// templateKey covers the binaries, the settings, the migrations and the code that runs them.
func templateKey(o embedded.Options) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, templateFormat, o.Binaries, os.Geteuid())
	for _, k := range slices.Sorted(maps.Keys(o.Settings)) {
		fmt.Fprintln(h, k, o.Settings[k])
	}
	for _, pattern := range []string{"db/migrations/*", "db/db.go", "db/embedded/*.go"} {
		paths, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			return "", err
		}
		for _, p := range paths {
			text, err := os.ReadFile(p)
			if err != nil {
				return "", err
			}
			fmt.Fprintln(h, filepath.Base(p), len(text))
			h.Write(text)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// moduleRoot goes up from the working directory, which is the package's folder in a test.
func moduleRoot() (string, error) {
	at, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(at, "db", "migrations")); missing == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			err = errors.New("testkit: db/migrations not found above the working directory")
		}
		at = filepath.Dir(at)
	}
	return "", err
}

// cacheFolder holds templates and unpacked binaries between test runs. Root's lies where the server's user can go.
func cacheFolder() (string, error) {
	dir := "/var/cache"
	if os.Geteuid() != 0 {
		var err error
		if dir, err = os.UserCacheDir(); err != nil {
			dir = os.TempDir()
		}
	}
	dir = filepath.Join(dir, "roster-testkit")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("roster-testkit-%d", os.Geteuid()))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// prune keeps the newest templates: every change of a migration makes another one.
func prune(cache, keep string) {
	found, _ := filepath.Glob(filepath.Join(cache, templatePrefix+"*"))
	age := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return info.ModTime().UnixNano()
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Compare(age(b), age(a)) })
	for _, p := range found[min(templatesKept, len(found)):] {
		if p != keep {
			_ = os.RemoveAll(p)
		}
	}
}

// copyTree copies a data folder with its modes, and as root with its owners.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			err = os.Mkdir(target, 0o700)
		case d.Type().IsRegular():
			err = copyFile(path, target)
		default:
			return fmt.Errorf("%s: cannot copy a %v", path, d.Type())
		}
		if err != nil {
			return err
		}
		if err := keepOwner(info, target); err != nil {
			return err
		}
		return os.Chmod(target, info.Mode().Perm())
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}
