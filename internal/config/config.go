// Package config holds every setting of Roster: read once into one struct, and
// checked before anything starts.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config is what `roster serve` can be told, by a flag or by the environment.
type Config struct {
	Addr      string `env:"ROSTER_ADDR" default:"localhost:8080" help:"Where to listen; a loopback address, as long as Roster does not know who is calling."`
	PublicURL string `name:"public-url" env:"ROSTER_PUBLIC_URL" placeholder:"URL" help:"The outside address, if a proxy on this machine stands in front."`
	Log       Log    `embed:"" prefix:"log-"`
	Database  `embed:""`

	// Public is PublicURL, parsed by Check; nil when empty.
	Public *url.URL `kong:"-"`
}

// Log says what is logged, and how.
type Log struct {
	Level  string `env:"ROSTER_LOG_LEVEL" default:"info" help:"debug (every query), info, warn or error."`
	Format string `env:"ROSTER_LOG_FORMAT" default:"auto" help:"text or json; auto is text on a terminal, else json."`
}

// SlogLevel is Level for package slog.
func (l Log) SlogLevel() slog.Level {
	return map[string]slog.Level{"debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError}[l.Level]
}

// Database says where the data is.
type Database struct {
	DataDir string `env:"ROSTER_DATA_DIR" placeholder:"FOLDER" help:"The built-in PostgreSQL's files; by default /var/lib/roster as root, else roster in the user's data folder."`

	// URL is DATABASE_URL, a secret: it comes from the environment or, by
	// DATABASE_URL_FILE, from a file, never from a flag. Empty: the built-in PostgreSQL.
	URL string `kong:"-"`
}

// Check reads the secrets and refuses what cannot work, with one line that says
// what to write instead.
func (c *Config) Check() error {
	if err := c.Database.Check(); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(c.Addr)
	if _, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil {
		return fmt.Errorf("ROSTER_ADDR is %q; write a host and a port, such as localhost:8080", c.Addr)
	}
	if !loopback(host) {
		return fmt.Errorf("ROSTER_ADDR is %q, which others can reach, and Roster does not know yet who is calling; write localhost:%s", c.Addr, port)
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return errors.New("ROSTER_PUBLIC_URL is not an address without a path; write it as https://roster.example.org")
		}
		c.Public = u
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) {
		return fmt.Errorf("ROSTER_LOG_LEVEL is %q; write debug, info, warn or error", c.Log.Level)
	}
	if !slices.Contains([]string{"auto", "text", "json"}, c.Log.Format) {
		return fmt.Errorf("ROSTER_LOG_FORMAT is %q; write auto, text or json", c.Log.Format)
	}
	return nil
}

// Check reads the secret.
func (d *Database) Check() error {
	var err error
	if d.URL, err = secret("DATABASE_URL"); err != nil || d.URL == "" {
		return err
	}
	if !strings.HasPrefix(d.URL, "postgres://") && !strings.HasPrefix(d.URL, "postgresql://") && !strings.Contains(d.URL, "=") {
		return errors.New("DATABASE_URL is not a PostgreSQL address; write it as postgres://user:password@host:5432/database")
	}
	return nil
}

// secret reads a setting from NAME, or from the file that NAME_FILE names.
func secret(name string) (string, error) {
	value, path := os.Getenv(name), os.Getenv(name+"_FILE")
	if path == "" {
		return value, nil
	}
	if value != "" {
		return "", fmt.Errorf("%s and %s_FILE are both set; set one of them", name, name)
	}
	content, err := os.ReadFile(path)
	if cause := new(fs.PathError); errors.As(err, &cause) {
		err = cause.Err // without the path: someone may have put the secret itself there
	}
	if value = strings.TrimSpace(string(content)); err == nil && value == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", fmt.Errorf("%s_FILE cannot be read (%w); write the path of a file that holds the value", name, err)
	}
	return value, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// Bounds that are no settings.
const (
	// Drain is the time between the first no of /ready and the end of the port.
	Drain = 3 * time.Second
	// Grace is the time for what is in flight when Roster is told to stop.
	Grace = 15 * time.Second
)
