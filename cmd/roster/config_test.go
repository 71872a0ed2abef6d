//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A setting that cannot be right stops the start with one line that says what to
// write instead, before anything is made.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const url = "write it as postgres://user:password@host:5432/database"
	for _, c := range []struct {
		settings string // separated by spaces; or a flag
		want     string
	}{
		{"DATABASE_URL=mysql://u:S3cret@localhost/x", url},
		{"DATABASE_URL=u:S3cret@localhost", url},
		{"DATABASE_URL=postgres://u:S3cret@localhost:port/x", url},
		{"DATABASE_URL=postgres://u:S3cret@[::1/x", url},
		{"DATABASE_URL=postgres://u:S3cret@localhost/x?sslmode=S3cret", url},
		{"DATABASE_URL=postgres://u:S3cret@localhost/x?pool_max_conns=S3cret", url},
		{"DATABASE_URL_FILE=/nowhere/S3cret", "DATABASE_URL_FILE cannot be read (no such file or directory); write the path of a file"},
		{"DATABASE_URL_FILE=/", "DATABASE_URL_FILE cannot be read (is a directory); write the path of a file"},
		{"DATABASE_URL_FILE=" + empty, "DATABASE_URL_FILE cannot be read (it is empty); write the path of a file"},
		{"DATABASE_URL=postgres://u:S3cret@localhost/x DATABASE_URL_FILE=" + empty, "DATABASE_URL and DATABASE_URL_FILE are both set; set one of them"},
		{"REDIS_URL=u:S3cret@localhost", "REDIS_URL is not the address of a Redis or Valkey; write it as redis://user:password@host:6379/0"},
		{"REDIS_URL=redis://u:S3cret@localhost/one", "write it as redis://user:password@host:6379/0"},
		{"ROSTER_ADDR=8080", "write a host and a port, such as localhost:8080"},
		{"ROSTER_ADDR=localhost", "write a host and a port, such as localhost:8080"},
		{"ROSTER_ADDR=localhost:", "write a host and a port, such as localhost:8080"},
		{"ROSTER_ADDR=localhost:http", "write a host and a port, such as localhost:8080"},
		{"ROSTER_ADDR=localhost:65536", "write a host and a port, such as localhost:8080"},
		{"ROSTER_ADDR=:8080", "which others can reach, and browsers send the session's cookie over https only; set ROSTER_TLS_CERT and ROSTER_TLS_KEY, or ROSTER_PUBLIC_URL to the https address of a proxy in front, or write localhost:8080"},
		{"ROSTER_ADDR=0.0.0.0:80", "write localhost:80"},
		{"ROSTER_ADDR=[::]:80", "write localhost:80"},
		{"ROSTER_ADDR=roster.example.org:80", "write localhost:80"},
		{"--addr=0.0.0.0:80", "write localhost:80"},
		{"ROSTER_PUBLIC_URL=roster.example.org", "write it as https://roster.example.org"},
		{"ROSTER_PUBLIC_URL=ftp://roster.example.org", "write it as https://roster.example.org"},
		{"ROSTER_PUBLIC_URL=https://u:S3cret@roster.example.org", "write it as https://roster.example.org"},
		{"ROSTER_PUBLIC_URL=https://roster.example.org/app", "write it as https://roster.example.org"},
		{"ROSTER_PUBLIC_URL=https://:443", "write it as https://roster.example.org"},
		{"ROSTER_LOG_LEVEL=loud", "ROSTER_LOG_LEVEL is \"loud\"; write debug, info, warn or error"},
		{"--log-level=loud", "write debug, info, warn or error"},
		{"ROSTER_LOG_FORMAT=xml", "ROSTER_LOG_FORMAT is \"xml\"; write auto, text or json"},
		{"--database-url=S3cret", "unknown flag --database-url"},
	} {
		t.Run(c.settings, func(t *testing.T) {
			t.Parallel()
			args, settings := []string{"serve"}, strings.Fields(c.settings)
			if strings.HasPrefix(c.settings, "--") {
				args, settings = append(args, settings...), nil
			}
			dir := filepath.Join(t.TempDir(), "none")
			r := roster(t, append(settings, "ROSTER_DATA_DIR="+dir), args...)
			if r.status != 2 || r.stdout != "" {
				t.Errorf("status %d, want 2", r.status)
			}
			if !strings.HasPrefix(r.stderr, "roster: ") || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, c.want) {
				t.Errorf("it says %q, want one line with %q", r.stderr, c.want)
			}
			if strings.Contains(r.stderr, "S3cret") {
				t.Errorf("the secret is in it: %s", r.stderr)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("the data folder was made")
			}
		})
	}
}

// A secret may come from a file, and its last line break is not part of it.
func TestSecretFromFile(t *testing.T) {
	t.Parallel()
	pg := outside(t)
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(pg.URL("")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := must(t, []string{"DATABASE_URL_FILE=" + file}, "migrate", "status"); !strings.Contains(got, "00001_users.sql") {
		t.Error(got)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	help := must(t, nil, "serve", "--help")
	for _, want := range []string{
		"ROSTER_ADDR", "localhost:8080", "ROSTER_PUBLIC_URL", "ROSTER_DATA_DIR", "/var/lib/roster",
		"ROSTER_LOG_LEVEL", "info", "ROSTER_LOG_FORMAT", "auto", "DATABASE_URL", "DATABASE_URL_FILE",
	} {
		if !strings.Contains(help, want) {
			t.Errorf("roster serve --help does not tell of %s", want)
		}
	}
	if r := roster(t, nil); r.status != 2 || !strings.Contains(r.stderr, "see roster --help") {
		t.Errorf("roster alone: %+v", r)
	}
	if a, b := must(t, nil, "version"), must(t, nil, "--version"); a != b || !strings.HasPrefix(a, "roster ") {
		t.Errorf("version says %q, --version %q", a, b)
	}
}
