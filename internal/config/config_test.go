package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// check runs Check with an environment of its own, and with the default of what
// the test leaves open.
func check(t *testing.T, c *Config, env map[string]string) error {
	t.Helper()
	if c.Log.Level == "" {
		c.Log.Level = "info"
	}
	if c.Log.Format == "" {
		c.Log.Format = "auto"
	}
	for _, name := range []string{"DATABASE_URL", "DATABASE_URL_FILE"} {
		t.Setenv(name, env[name])
	}
	return c.Check()
}

func TestCheckRefuses(t *testing.T) {
	const secret = "hunter2"
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte("mysql://root:"+secret+"@host/db\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		config Config
		env    map[string]string
		says   []string // the setting, and what to write
	}{
		{"no port", Config{Addr: "localhost"}, nil, []string{"ROSTER_ADDR", "localhost:8080"}},
		{"empty port", Config{Addr: "localhost:"}, nil, []string{"ROSTER_ADDR", "localhost:8080"}},
		{"no number", Config{Addr: "localhost:http"}, nil, []string{"ROSTER_ADDR", "localhost:8080"}},
		{"too large a port", Config{Addr: "localhost:65536"}, nil, []string{"ROSTER_ADDR", "localhost:8080"}},
		{"nothing", Config{}, nil, []string{"ROSTER_ADDR", "localhost:8080"}},
		{"IPv6 without brackets", Config{Addr: "::1:8080"}, nil, []string{"ROSTER_ADDR", "localhost:8080"}},
		{"all addresses", Config{Addr: ":8080"}, nil, []string{"ROSTER_ADDR", "write localhost:8080"}},
		{"all of IPv4", Config{Addr: "0.0.0.0:8080"}, nil, []string{"ROSTER_ADDR", "write localhost:8080"}},
		{"all of IPv6", Config{Addr: "[::]:9090"}, nil, []string{"ROSTER_ADDR", "write localhost:9090"}},
		{"another machine", Config{Addr: "192.168.1.4:8080"}, nil, []string{"ROSTER_ADDR", "write localhost:8080"}},
		{"a name", Config{Addr: "roster.example.org:80"}, nil, []string{"ROSTER_ADDR", "write localhost:80"}},
		{"a name that looks local", Config{Addr: "localhost.example.org:80"}, nil, []string{"ROSTER_ADDR", "write localhost:80"}},
		{"outside address without scheme", Config{Addr: "localhost:1", PublicURL: "roster.example.org"}, nil, []string{"ROSTER_PUBLIC_URL", "https://roster.example.org"}},
		{"outside address of another scheme", Config{Addr: "localhost:1", PublicURL: "ftp://roster.example.org"}, nil, []string{"ROSTER_PUBLIC_URL", "https://roster.example.org"}},
		{"outside address with only a port", Config{Addr: "localhost:1", PublicURL: "https://:443"}, nil, []string{"ROSTER_PUBLIC_URL", "https://roster.example.org"}},
		{"outside address without host", Config{Addr: "localhost:1", PublicURL: "https://"}, nil, []string{"ROSTER_PUBLIC_URL", "https://roster.example.org"}},
		{"outside address with path", Config{Addr: "localhost:1", PublicURL: "https://example.org/roster"}, nil, []string{"ROSTER_PUBLIC_URL", "https://roster.example.org"}},
		{"outside address with query", Config{Addr: "localhost:1", PublicURL: "https://example.org?a=b"}, nil, []string{"ROSTER_PUBLIC_URL", "https://roster.example.org"}},
		{"outside address with fragment", Config{Addr: "localhost:1", PublicURL: "https://example.org#a"}, nil, []string{"ROSTER_PUBLIC_URL", "https://roster.example.org"}},
		{"outside address with user", Config{Addr: "localhost:1", PublicURL: "https://u:" + secret + "@example.org"}, nil, []string{"ROSTER_PUBLIC_URL", "https://roster.example.org"}},
		{"outside address that does not parse", Config{Addr: "localhost:1", PublicURL: "https://%zz" + secret}, nil, []string{"ROSTER_PUBLIC_URL", "https://roster.example.org"}},
		{"another database", Config{Addr: "localhost:1"}, map[string]string{"DATABASE_URL": "mysql://root:" + secret + "@host/db"}, []string{"DATABASE_URL", "postgres://"}},
		{"another database by file", Config{Addr: "localhost:1"}, map[string]string{"DATABASE_URL_FILE": file}, []string{"DATABASE_URL", "postgres://"}},
		{"a secret twice", Config{Addr: "localhost:1"}, map[string]string{"DATABASE_URL": "postgres://" + secret + "/", "DATABASE_URL_FILE": file}, []string{"DATABASE_URL", "DATABASE_URL_FILE", "set one of them"}},
		{"a file that is not there", Config{Addr: "localhost:1"}, map[string]string{"DATABASE_URL_FILE": filepath.Join(t.TempDir(), "none")}, []string{"DATABASE_URL_FILE", "path of a file"}},
		{"a file that is a folder", Config{Addr: "localhost:1"}, map[string]string{"DATABASE_URL_FILE": t.TempDir()}, []string{"DATABASE_URL_FILE", "path of a file"}},
		{"an empty file", Config{Addr: "localhost:1"}, map[string]string{"DATABASE_URL_FILE": empty}, []string{"DATABASE_URL_FILE", "path of a file"}},
		{"the secret instead of a path", Config{Addr: "localhost:1"}, map[string]string{"DATABASE_URL_FILE": "postgres://u:" + secret + "@host/db"}, []string{"DATABASE_URL_FILE", "path of a file"}},
		{"a level that is none", Config{Addr: "localhost:1", Log: Log{Level: "loud"}}, nil, []string{"ROSTER_LOG_LEVEL", "debug, info, warn or error"}},
		{"a level in capitals", Config{Addr: "localhost:1", Log: Log{Level: "INFO"}}, nil, []string{"ROSTER_LOG_LEVEL", "debug, info, warn or error"}},
		{"a format that is none", Config{Addr: "localhost:1", Log: Log{Format: "xml"}}, nil, []string{"ROSTER_LOG_FORMAT", "auto, text or json"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := check(t, &c.config, c.env)
			if err == nil {
				t.Fatal("went through")
			}
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("more than a line: %q", err)
			}
			for _, part := range c.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q tells a secret", err)
			}
		})
	}
}

func TestCheckAccepts(t *testing.T) {
	const url = "postgres://roster:secret@db.example.org/roster"
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte("  "+url+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		config Config
		env    map[string]string
		url    string
		public string
	}{
		{"the default", Config{Addr: "localhost:8080"}, nil, "", ""},
		{"IPv4", Config{Addr: "127.0.0.1:0"}, nil, "", ""},
		{"any of loopback", Config{Addr: "127.9.8.7:80"}, nil, "", ""},
		{"capitals", Config{Addr: "LOCALHOST:80", Log: Log{Level: "debug", Format: "json"}}, nil, "", ""},
		{"IPv6", Config{Addr: "[::1]:8080"}, nil, "", ""},
		{"outside address", Config{Addr: "localhost:1", PublicURL: "https://roster.example.org"}, nil, "", "roster.example.org"},
		{"outside address with slash and port", Config{Addr: "localhost:1", PublicURL: "http://roster.example.org:8443/"}, nil, "", "roster.example.org:8443"},
		{"database", Config{Addr: "localhost:1"}, map[string]string{"DATABASE_URL": url}, url, ""},
		{"database by the long scheme", Config{Addr: "localhost:1"}, map[string]string{"DATABASE_URL": "postgresql:///roster"}, "postgresql:///roster", ""},
		{"database by words", Config{Addr: "localhost:1"}, map[string]string{"DATABASE_URL": "host=/run/postgresql dbname=roster"}, "host=/run/postgresql dbname=roster", ""},
		{"database by file", Config{Addr: "localhost:1"}, map[string]string{"DATABASE_URL_FILE": file}, url, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := check(t, &c.config, c.env); err != nil {
				t.Fatal(err)
			}
			if c.config.URL != c.url {
				t.Errorf("the database is %q, want %q", c.config.URL, c.url)
			}
			host := ""
			if c.config.Public != nil {
				host = c.config.Public.Host
			}
			if host != c.public {
				t.Errorf("the outside address is %q, want %q", host, c.public)
			}
		})
	}
}

func TestSlogLevel(t *testing.T) {
	t.Parallel()
	for level, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	} {
		if got := (Log{Level: level}).SlogLevel(); got != want {
			t.Errorf("%s is %v, want %v", level, got, want)
		}
	}
}
