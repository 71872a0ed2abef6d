// Package config holds every setting of Roster: read once into one struct, and
// checked before anything starts.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Config is what `roster serve` can be told, by a flag or by the environment.
type Config struct {
	Addr            string `env:"ROSTER_ADDR" default:"localhost:8080" help:"Where to listen; where other machines reach it, Roster needs --tls-cert and --tls-key, or an https --public-url."`
	PublicURL       string `name:"public-url" env:"ROSTER_PUBLIC_URL" placeholder:"URL" help:"The outside address, if a proxy stands in front: https, or http on this machine."`
	TLSCert         string `name:"tls-cert" env:"ROSTER_TLS_CERT" placeholder:"FILE" help:"Serve https with this certificate (PEM, with its chain); a renewed one is taken without a restart."`
	TLSKey          string `name:"tls-key" env:"ROSTER_TLS_KEY" placeholder:"FILE" help:"The certificate's key (PEM)."`
	TrustedProxies  string `env:"ROSTER_TRUSTED_PROXIES" placeholder:"CIDRS" help:"Addresses of the proxies in front, separated by commas, such as 10.0.0.0/8,::1: only what they say of a client's address counts."`
	AllowedOrigins  string `env:"ROSTER_ALLOWED_ORIGINS" placeholder:"ORIGINS" help:"Other origins whose pages may call, with the cookie too, separated by commas, such as https://app.example.org."`
	RateLimit       string `env:"ROSTER_RATE_LIMIT" default:"100/1m" help:"Requests that an address may make without a credential; off turns all limits off."`
	RateLimitCaller string `env:"ROSTER_RATE_LIMIT_CALLER" default:"3000/1m" help:"Requests that a user or a key may make; off turns this limit off."`
	SessionIdle     string `env:"ROSTER_SESSION_IDLE" default:"1h" help:"A session that is not used for so long ends."`
	SessionMax      string `env:"ROSTER_SESSION_MAX" default:"24h" help:"A session ends after so long, used or not."`
	AdminEmail      string `env:"ROSTER_ADMIN_EMAIL" default:"admin@roster.local" help:"The first admin, made when no admin can sign in."`
	AuditRetention  string `env:"ROSTER_AUDIT_RETENTION" default:"off" help:"How long the audit log is kept, such as 90d; off keeps it for ever."`
	Log             Log    `embed:"" prefix:"log-"`
	Database        `embed:""`

	// Secrets: they come from the environment or, with _FILE behind the name,
	// from a file. Empty: not set.
	AdminPassword string `kong:"-"` // ROSTER_ADMIN_PASSWORD
	AuditKey      string `kong:"-"` // ROSTER_AUDIT_KEY
	RedisURL      string `kong:"-"` // REDIS_URL; empty: each process for itself

	// What Check makes of the above.
	Public   *url.URL       `kong:"-"` // PublicURL; nil when empty
	Proxies  []netip.Prefix `kong:"-"` // TrustedProxies
	Origins  []string       `kong:"-"` // AllowedOrigins, as browsers write them
	Sessions Sessions       `kong:"-"`
	Keep     time.Duration  `kong:"-"` // AuditRetention; 0: for ever
}

// Sessions are the times after which a session ends.
type Sessions struct {
	Idle, Max time.Duration
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
// what to write instead. Rates, and the first admin's email and password, are for
// those to read and to check who know their rules.
func (c *Config) Check() error {
	for _, check := range []func() error{
		c.Database.Check, c.checkAddresses, c.checkProxies, c.checkOrigins, c.checkSessions, c.checkAudit, c.checkRedis, c.Log.check,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	var err error
	c.AdminPassword, err = secret("ROSTER_ADMIN_PASSWORD")
	return err
}

// Check reads the secret.
func (d *Database) Check() error {
	url, err := secret("DATABASE_URL")
	if d.URL = strings.TrimSpace(url); err != nil || d.URL == "" {
		return err
	}
	if !strings.HasPrefix(d.URL, "postgres://") && !strings.HasPrefix(d.URL, "postgresql://") && !strings.Contains(d.URL, "=") {
		return errors.New("DATABASE_URL is not a PostgreSQL address; write it as postgres://user:password@host:5432/database")
	}
	return nil
}

// AuditKey reads ROSTER_AUDIT_KEY, for a command that needs no other setting.
func AuditKey() (string, error) {
	const name, least = "ROSTER_AUDIT_KEY", 32
	key, err := secret(name)
	if n := utf8.RuneCountInString(key); err == nil && key != "" && n < least {
		return "", fmt.Errorf("%s has %d characters; write at least %d, such as those that openssl rand -hex 32 prints", name, n, least)
	}
	return key, err
}

func (c *Config) checkAudit() error {
	var err error
	if c.AuditKey, err = AuditKey(); err != nil || c.AuditRetention == "off" {
		return err
	}
	c.Keep, err = Lasting(c.AuditRetention, time.Hour, 100*365*day)
	if err != nil {
		return fmt.Errorf("ROSTER_AUDIT_RETENTION is %q, %w; write off or a time such as 90d", c.AuditRetention, err)
	}
	return nil
}

// RedisURL reads REDIS_URL, for a command that needs no other setting.
func RedisURL() (string, error) {
	address, err := secret("REDIS_URL")
	address = strings.TrimSpace(address)
	if err != nil || address == "" {
		return "", err
	}
	for _, scheme := range []string{"redis://", "rediss://", "unix://"} {
		if strings.HasPrefix(address, scheme) {
			return address, nil
		}
	}
	return "", errors.New("REDIS_URL is not the address of a Redis or Valkey; write it as redis://user:password@host:6379/0, or rediss:// with TLS")
}

func (c *Config) checkRedis() error {
	var err error
	c.RedisURL, err = RedisURL()
	return err
}

func (l Log) check() error {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.Level) {
		return fmt.Errorf("ROSTER_LOG_LEVEL is %q; write debug, info, warn or error", l.Level)
	}
	if !slices.Contains([]string{"auto", "text", "json"}, l.Format) {
		return fmt.Errorf("ROSTER_LOG_FORMAT is %q; write auto, text or json", l.Format)
	}
	return nil
}

// secret reads a setting from NAME, or from the file that NAME_FILE names, whose
// last line break is not part of it.
func secret(name string) (string, error) {
	value, path := os.Getenv(name), os.Getenv(name+"_FILE")
	if path == "" {
		return value, nil
	}
	if value != "" {
		return "", fmt.Errorf("%s and %s_FILE are both set; set one of them", name, name)
	}
	content, err := os.ReadFile(path)
	err = withoutPath(err) // someone may have put the secret itself there
	if value = strings.TrimRight(string(content), "\r\n"); err == nil && strings.TrimSpace(value) == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", fmt.Errorf("%s_FILE cannot be read (%w); write the path of a file that holds the value", name, err)
	}
	return value, nil
}

// withoutPath is what the system said about a file, without the file's name.
func withoutPath(err error) error {
	if cause := new(fs.PathError); errors.As(err, &cause) {
		return cause.Err
	}
	return err
}

// Bounds that are no settings.
const (
	// Drain is the time between the first no of /ready and the end of the port.
	Drain = 3 * time.Second
	// Grace is the time for what is in flight when Roster is told to stop.
	Grace = 15 * time.Second
)
