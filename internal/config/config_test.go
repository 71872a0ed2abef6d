package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// load reads and checks an environment that has these settings alone, each
// written as NAME=value.
func load(t *testing.T, settings ...string) (*Config, error) {
	t.Helper()
	for _, line := range os.Environ() {
		name, _, _ := strings.Cut(line, "=")
		if strings.HasPrefix(name, "ROSTER_") || strings.HasPrefix(name, "DATABASE_URL") || strings.HasPrefix(name, "REDIS_URL") {
			t.Setenv(name, "") // to have it back afterwards
			os.Unsetenv(name)
		}
	}
	for _, line := range settings {
		name, value, _ := strings.Cut(line, "=")
		t.Setenv(name, value)
	}
	var c Config
	parser, err := kong.New(&c)
	if err == nil {
		_, err = parser.Parse(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &c, c.Check()
}

// file makes a file with this content, and returns its path.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pair makes a certificate and its key.
func pair(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	public, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public}))),
		file(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

func TestCheckRefuses(t *testing.T) {
	const secret = "hunter2"
	mysql, empty := file(t, "mysql://root:"+secret+"@host/db\n"), file(t, " \n")
	short := file(t, strings.Repeat("k", 31)+"\n")
	none := filepath.Join(t.TempDir(), "none")
	cert, key := pair(t)
	_, otherKey := pair(t)
	const (
		addr    = "ROSTER_ADDR"
		local   = "write localhost:"
		public  = "ROSTER_PUBLIC_URL"
		example = "https://roster.example.org"
		tlsCert = "ROSTER_TLS_CERT"
		tlsKey  = "ROSTER_TLS_KEY"
		proxies = "ROSTER_TRUSTED_PROXIES"
		ranges  = "such as 10.0.0.0/8,::1"
		origins = "ROSTER_ALLOWED_ORIGINS"
		exact   = "write exact origins separated by commas, such as https://app.example.org"
		idle    = "ROSTER_SESSION_IDLE"
		longest = "ROSTER_SESSION_MAX"
		keep    = "ROSTER_AUDIT_RETENTION"
		dbFile  = "DATABASE_URL_FILE"
		path    = "path of a file"
	)
	for _, c := range []struct {
		name     string
		settings []string
		says     []string // the setting, and what to write
	}{
		{"no port", []string{"ROSTER_ADDR=localhost"}, []string{addr, "localhost:8080"}},
		{"empty port", []string{"ROSTER_ADDR=localhost:"}, []string{addr, "localhost:8080"}},
		{"no number", []string{"ROSTER_ADDR=localhost:http"}, []string{addr, "localhost:8080"}},
		{"too large a port", []string{"ROSTER_ADDR=localhost:65536"}, []string{addr, "localhost:8080"}},
		{"nothing", []string{"ROSTER_ADDR="}, []string{addr, "localhost:8080"}},
		{"IPv6 without brackets", []string{"ROSTER_ADDR=::1:8080"}, []string{addr, "localhost:8080"}},

		// The cookie would be dropped.
		{"all addresses", []string{"ROSTER_ADDR=:8080"}, []string{addr, tlsCert, tlsKey, public, local + "8080"}},
		{"all of IPv4", []string{"ROSTER_ADDR=0.0.0.0:8080"}, []string{addr, tlsCert, tlsKey, public, local + "8080"}},
		{"all of IPv6", []string{"ROSTER_ADDR=[::]:9090"}, []string{addr, local + "9090"}},
		{"another machine", []string{"ROSTER_ADDR=192.168.1.4:8080"}, []string{addr, local + "8080"}},
		{"a name", []string{"ROSTER_ADDR=roster.example.org:80"}, []string{addr, local + "80"}},
		{"a name that looks local", []string{"ROSTER_ADDR=localhost.example.org:80"}, []string{addr, local + "80"}},
		{"all addresses, and http outside", []string{"ROSTER_ADDR=:8080", "ROSTER_PUBLIC_URL=http://roster.example.org"}, []string{public, example}},
		{"all addresses, and http on this machine", []string{"ROSTER_ADDR=:8080", "ROSTER_PUBLIC_URL=http://localhost:8080"}, []string{addr, local + "8080"}},
		{"http outside", []string{"ROSTER_PUBLIC_URL=http://roster.example.org"}, []string{public, "cookie", example}},
		{"http outside, by address", []string{"ROSTER_PUBLIC_URL=http://10.0.0.1:8080"}, []string{public, "cookie", example}},
		{"http outside, https here", []string{"ROSTER_PUBLIC_URL=http://localhost", "ROSTER_TLS_CERT=" + cert, "ROSTER_TLS_KEY=" + key}, []string{public, "https://"}},

		{"outside address without scheme", []string{"ROSTER_PUBLIC_URL=roster.example.org"}, []string{public, example}},
		{"outside address of another scheme", []string{"ROSTER_PUBLIC_URL=ftp://roster.example.org"}, []string{public, example}},
		{"outside address with only a port", []string{"ROSTER_PUBLIC_URL=https://:443"}, []string{public, example}},
		{"outside address with an empty port", []string{"ROSTER_PUBLIC_URL=https://example.org:"}, []string{public, example}},
		{"outside address with too large a port", []string{"ROSTER_PUBLIC_URL=https://example.org:65536"}, []string{public, example}},
		{"outside address with port 0", []string{"ROSTER_PUBLIC_URL=https://example.org:0"}, []string{public, example}},
		{"outside address without host", []string{"ROSTER_PUBLIC_URL=https://"}, []string{public, example}},
		{"outside address with path", []string{"ROSTER_PUBLIC_URL=https://example.org/roster"}, []string{public, example}},
		{"outside address with query", []string{"ROSTER_PUBLIC_URL=https://example.org?a=b"}, []string{public, example}},
		{"outside address with an empty query", []string{"ROSTER_PUBLIC_URL=https://example.org?"}, []string{public, example}},
		{"outside address with fragment", []string{"ROSTER_PUBLIC_URL=https://example.org#a"}, []string{public, example}},
		{"outside address with user", []string{"ROSTER_PUBLIC_URL=https://u:" + secret + "@example.org"}, []string{public, example}},
		{"outside address that does not parse", []string{"ROSTER_PUBLIC_URL=https://%zz" + secret}, []string{public, example}},
		{"outside address that no Host header names", []string{"ROSTER_PUBLIC_URL=https://b\u00fccher.example"}, []string{public, example}},

		{"a certificate without key", []string{"ROSTER_TLS_CERT=" + cert}, []string{tlsCert, tlsKey, "set both, or none"}},
		{"a key without certificate", []string{"ROSTER_TLS_KEY=" + key}, []string{tlsCert, tlsKey, "set both, or none"}},
		{"another key", []string{"ROSTER_TLS_CERT=" + cert, "ROSTER_TLS_KEY=" + otherKey}, []string{tlsCert, tlsKey, "write the paths"}},
		{"the two exchanged", []string{"ROSTER_TLS_CERT=" + key, "ROSTER_TLS_KEY=" + cert}, []string{tlsCert, tlsKey, "write the paths"}},
		{"no certificate there", []string{"ROSTER_TLS_CERT=" + none, "ROSTER_TLS_KEY=" + key}, []string{tlsCert, tlsKey, "no such file", "write the paths"}},
		{"no PEM", []string{"ROSTER_TLS_CERT=" + cert, "ROSTER_TLS_KEY=" + mysql}, []string{tlsCert, tlsKey, "write the paths"}},
		{"the key instead of its path", []string{"ROSTER_TLS_CERT=" + cert, "ROSTER_TLS_KEY=-----BEGIN PRIVATE KEY-----\n" + secret}, []string{tlsCert, tlsKey, "write the paths"}},

		{"a proxy's name", []string{"ROSTER_TRUSTED_PROXIES=proxy.example.org"}, []string{proxies, "proxy.example.org", ranges}},
		{"one proxy that is none", []string{"ROSTER_TRUSTED_PROXIES=10.0.0.1,10.0.0"}, []string{proxies, `"10.0.0"`, ranges}},
		{"a proxy with port", []string{"ROSTER_TRUSTED_PROXIES=10.0.0.1:80"}, []string{proxies, ranges}},
		{"a range too long", []string{"ROSTER_TRUSTED_PROXIES=10.0.0.0/33"}, []string{proxies, ranges}},
		{"a proxy on an interface", []string{"ROSTER_TRUSTED_PROXIES=fe80::1%eth0"}, []string{proxies, ranges}},
		{"a range that holds no address as it comes", []string{"ROSTER_TRUSTED_PROXIES=::ffff:10.0.0.0/104"}, []string{proxies, ranges}},
		{"everybody is a proxy", []string{"ROSTER_TRUSTED_PROXIES=0.0.0.0/0"}, []string{proxies, "everybody", ranges}},
		{"everybody is a proxy, of IPv6", []string{"ROSTER_TRUSTED_PROXIES=::/0"}, []string{proxies, "everybody", ranges}},

		{"every origin", []string{"ROSTER_ALLOWED_ORIGINS=*"}, []string{origins, "cookie", exact}},
		{"a wildcard", []string{"ROSTER_ALLOWED_ORIGINS=https://*.example.org"}, []string{origins, "cookie", exact}},
		{"any port", []string{"ROSTER_ALLOWED_ORIGINS=http://localhost:*"}, []string{origins, "cookie", exact}},
		{"the null origin", []string{"ROSTER_ALLOWED_ORIGINS=null"}, []string{origins, "any page", exact}},
		{"the null origin among others", []string{"ROSTER_ALLOWED_ORIGINS=https://a.example, null"}, []string{origins, "any page", exact}},
		{"an origin over http", []string{"ROSTER_ALLOWED_ORIGINS=http://app.example.org"}, []string{origins, "anybody on the way", exact}},
		{"an origin without scheme", []string{"ROSTER_ALLOWED_ORIGINS=app.example.org"}, []string{origins, exact}},
		{"an origin of another scheme", []string{"ROSTER_ALLOWED_ORIGINS=app://x"}, []string{origins, exact}},
		{"an origin with slash", []string{"ROSTER_ALLOWED_ORIGINS=https://app.example.org/"}, []string{origins, exact}},
		{"an origin with path", []string{"ROSTER_ALLOWED_ORIGINS=https://app.example.org/x"}, []string{origins, exact}},
		{"an origin with query", []string{"ROSTER_ALLOWED_ORIGINS=https://app.example.org?x"}, []string{origins, exact}},
		{"an origin with fragment", []string{"ROSTER_ALLOWED_ORIGINS=https://app.example.org#"}, []string{origins, exact}},
		{"an origin with user", []string{"ROSTER_ALLOWED_ORIGINS=https://u@app.example.org"}, []string{origins, exact}},
		{"an origin with too large a port", []string{"ROSTER_ALLOWED_ORIGINS=https://app.example.org:65536"}, []string{origins, exact}},
		{"an origin in letters that are not sent", []string{"ROSTER_ALLOWED_ORIGINS=https://b\u00fccher.example"}, []string{origins, exact}},
		{"an origin that is no name", []string{"ROSTER_ALLOWED_ORIGINS=https://a..example"}, []string{origins, exact}},
		{"an origin by half an address", []string{"ROSTER_ALLOWED_ORIGINS=https://10.1"}, []string{origins, exact}},
		{"an origin with a mapped address", []string{"ROSTER_ALLOWED_ORIGINS=https://[::ffff:10.0.0.1]"}, []string{origins, exact}},

		{"no time", []string{"ROSTER_SESSION_IDLE=long"}, []string{idle, `"long"`, "such as 1h"}},
		{"an empty time", []string{"ROSTER_SESSION_IDLE="}, []string{idle, "such as 1h"}},
		{"a time without unit", []string{"ROSTER_SESSION_MAX=3600"}, []string{longest, "such as 24h"}},
		{"a negative time", []string{"ROSTER_SESSION_IDLE=-1h"}, []string{idle, "1s to 365d"}},
		{"part of a second", []string{"ROSTER_SESSION_IDLE=1500ms"}, []string{idle, "whole seconds"}},
		{"no time at all", []string{"ROSTER_SESSION_IDLE=0s"}, []string{idle, "1s to 365d"}},
		{"too long a time", []string{"ROSTER_SESSION_MAX=366d"}, []string{longest, "1s to 365d"}},
		{"days that overflow", []string{"ROSTER_SESSION_MAX=213504d"}, []string{longest, "such as 24h"}},
		{"half a day", []string{"ROSTER_SESSION_MAX=0.5d"}, []string{longest, "such as 24h"}},
		{"idle for longer than in all", []string{"ROSTER_SESSION_IDLE=2h", "ROSTER_SESSION_MAX=1h"}, []string{idle, longest, "write at most 1h"}},
		{"in all shorter than idle by default", []string{"ROSTER_SESSION_MAX=30m"}, []string{idle, longest, "write at most 30m"}},

		{"a retention that is none", []string{"ROSTER_AUDIT_RETENTION=never"}, []string{keep, "write off or a time such as 90d"}},
		{"a retention of minutes", []string{"ROSTER_AUDIT_RETENTION=90m0.5s"}, []string{keep, "1h", "90d"}},
		{"a short retention", []string{"ROSTER_AUDIT_RETENTION=90s"}, []string{keep, "1h", "90d"}},
		{"a short key", []string{"ROSTER_AUDIT_KEY=" + secret}, []string{"ROSTER_AUDIT_KEY", "7 characters", "at least 32"}},
		{"a short key by file", []string{"ROSTER_AUDIT_KEY_FILE=" + short}, []string{"ROSTER_AUDIT_KEY", "31 characters", "at least 32"}},

		{"another database", []string{"DATABASE_URL=mysql://root:" + secret + "@host/db"}, []string{"DATABASE_URL", "postgres://"}},
		{"another database by file", []string{"DATABASE_URL_FILE=" + mysql}, []string{"DATABASE_URL", "postgres://"}},
		{"no address of a Redis", []string{"REDIS_URL=" + secret + "@host"}, []string{"REDIS_URL", "redis://user:password@host:6379/0"}},
		{"a secret twice", []string{"DATABASE_URL=postgres://" + secret + "/", "DATABASE_URL_FILE=" + mysql}, []string{"DATABASE_URL", dbFile, "set one of them"}},
		{"a file that is not there", []string{"DATABASE_URL_FILE=" + none}, []string{dbFile, path}},
		{"a file that is a folder", []string{"DATABASE_URL_FILE=" + t.TempDir()}, []string{dbFile, path}},
		{"an empty file", []string{"DATABASE_URL_FILE=" + empty}, []string{dbFile, path}},
		{"the secret instead of a path", []string{"DATABASE_URL_FILE=postgres://u:" + secret + "@host/db"}, []string{dbFile, path}},
		{"a password twice", []string{"ROSTER_ADMIN_PASSWORD=" + secret, "ROSTER_ADMIN_PASSWORD_FILE=" + mysql}, []string{"ROSTER_ADMIN_PASSWORD_FILE", "set one of them"}},
		{"an empty password file", []string{"ROSTER_ADMIN_PASSWORD_FILE=" + empty}, []string{"ROSTER_ADMIN_PASSWORD_FILE", path}},

		{"a level that is none", []string{"ROSTER_LOG_LEVEL=loud"}, []string{"ROSTER_LOG_LEVEL", "debug, info, warn or error"}},
		{"a level in capitals", []string{"ROSTER_LOG_LEVEL=INFO"}, []string{"ROSTER_LOG_LEVEL", "debug, info, warn or error"}},
		{"a format that is none", []string{"ROSTER_LOG_FORMAT=xml"}, []string{"ROSTER_LOG_FORMAT", "auto, text or json"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, c.settings...)
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

func TestCheckAcceptsDatabase(t *testing.T) {
	const url = "postgres://roster:secret@db.example.org/roster"
	for _, c := range []struct{ name, setting, want string }{
		{"none", "ROSTER_LOG_LEVEL=debug", ""},
		{"an address", "DATABASE_URL=" + url, url},
		{"the long scheme", "DATABASE_URL=postgresql:///roster", "postgresql:///roster"},
		{"words", "DATABASE_URL=host=/run/postgresql dbname=roster", "host=/run/postgresql dbname=roster"},
		{"a file", "DATABASE_URL_FILE=" + file(t, "  "+url+"\n"), url},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := load(t, c.setting); err != nil || got.URL != c.want {
				t.Errorf("the database is %q, want %q; %v", got.URL, c.want, err)
			}
		})
	}
}

func TestCheckAcceptsRedis(t *testing.T) {
	const url = "redis://roster:secret@cache.example.org:6379/0"
	for _, c := range []struct{ name, setting, want string }{
		{"none", "ROSTER_LOG_LEVEL=debug", ""},
		{"an address", "REDIS_URL=" + url, url},
		{"with TLS", "REDIS_URL=rediss://cache.example.org", "rediss://cache.example.org"},
		{"a socket", "REDIS_URL=unix:///run/redis/redis.sock", "unix:///run/redis/redis.sock"},
		{"a file", "REDIS_URL_FILE=" + file(t, "  "+url+"\n"), url},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := load(t, c.setting); err != nil || got.RedisURL != c.want {
				t.Errorf("the Redis is %q, want %q; %v", got.RedisURL, c.want, err)
			}
		})
	}
}

func TestCheckAcceptsAddresses(t *testing.T) {
	cert, key := pair(t)
	withTLS := []string{"ROSTER_TLS_CERT=" + cert, "ROSTER_TLS_KEY=" + key}
	for _, c := range []struct {
		name           string
		settings       []string
		public         string
		exposed, https bool
	}{
		{"the default", nil, "", false, false},
		{"IPv4", []string{"ROSTER_ADDR=127.0.0.1:0"}, "", false, false},
		{"any of loopback", []string{"ROSTER_ADDR=127.9.8.7:80"}, "", false, false},
		{"capitals", []string{"ROSTER_ADDR=LOCALHOST:80"}, "", false, false},
		{"IPv6", []string{"ROSTER_ADDR=[::1]:8080"}, "", false, false},
		{"behind a proxy on this machine", []string{"ROSTER_PUBLIC_URL=https://roster.example.org"}, "roster.example.org", false, true},
		{"a slash and a port", []string{"ROSTER_PUBLIC_URL=https://roster.example.org:8443/"}, "roster.example.org:8443", false, true},
		{"capitals outside", []string{"ROSTER_PUBLIC_URL=HTTPS://Roster.Example.ORG"}, "Roster.Example.ORG", false, true},
		{"http on this machine", []string{"ROSTER_PUBLIC_URL=http://localhost:3000"}, "localhost:3000", false, false},
		{"http on this machine, by address", []string{"ROSTER_PUBLIC_URL=http://[::1]:3000"}, "[::1]:3000", false, false},
		{"behind a proxy elsewhere", []string{"ROSTER_ADDR=:8080", "ROSTER_PUBLIC_URL=https://roster.example.org"}, "roster.example.org", true, true},
		{"https here", append(withTLS, "ROSTER_ADDR=0.0.0.0:443"), "", true, true},
		{"https here, for this machine", withTLS, "", false, true},
		{"https here and outside", append(withTLS, "ROSTER_ADDR=:443", "ROSTER_PUBLIC_URL=https://roster.example.org"), "roster.example.org", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := load(t, c.settings...)
			if err != nil {
				t.Fatal(err)
			}
			host := ""
			if got.Public != nil {
				host = got.Public.Host
			}
			if host != c.public {
				t.Errorf("the outside address is %q, want %q", host, c.public)
			}
			if got.Exposed() != c.exposed || got.HTTPS() != c.https {
				t.Errorf("exposed %t, https %t", got.Exposed(), got.HTTPS())
			}
		})
	}
}

func TestCheckAcceptsProxies(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"10.0.0.1":                      "10.0.0.1/32",
		"::1":                           "::1/128",
		"10.0.0.0/8,::1":                "10.0.0.0/8 ::1/128",
		" 192.168.1.7/24 , fd00::1/8, ": "192.168.1.0/24 fd00::/8",
		"::ffff:10.0.0.1":               "10.0.0.1/32", // as it is seen
	} {
		c, err := load(t, "ROSTER_TRUSTED_PROXIES="+text)
		var got []string
		for _, p := range c.Proxies {
			got = append(got, p.String())
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q; %v", text, got, want, err)
		}
	}
}

func TestCheckAcceptsOrigins(t *testing.T) {
	for text, want := range map[string][]string{
		"":                        nil,
		"https://app.example.org": {"https://app.example.org"},
		"HTTPS://App.Example.ORG:443,https://b.example:8443": {"https://app.example.org", "https://b.example:8443"},
		"http://localhost:3000 , http://127.0.0.1:80,":       {"http://localhost:3000", "http://127.0.0.1"},
		"http://[0:0:0:0:0:0:0:1]:5173":                      {"http://[::1]:5173"},
		"https://xn--bcher-kva.example,https://10.0.0.1":     {"https://xn--bcher-kva.example", "https://10.0.0.1"},
		"https://a.example:08443":                            {"https://a.example:8443"},
	} {
		if c, err := load(t, "ROSTER_ALLOWED_ORIGINS="+text); err != nil || !slices.Equal(c.Origins, want) {
			t.Errorf("%q: %q, want %q; %v", text, c.Origins, want, err)
		}
	}
}

func TestCheckAcceptsTimes(t *testing.T) {
	for _, c := range []struct {
		settings []string
		want     Sessions
		keep     time.Duration
	}{
		{nil, Sessions{Idle: time.Hour, Max: 24 * time.Hour}, 0},
		{[]string{"ROSTER_SESSION_IDLE=2s", "ROSTER_SESSION_MAX=2s"}, Sessions{Idle: 2 * time.Second, Max: 2 * time.Second}, 0},
		{[]string{"ROSTER_SESSION_IDLE=1h30m", "ROSTER_SESSION_MAX=30d"}, Sessions{Idle: 90 * time.Minute, Max: 30 * day}, 0},
		{[]string{"ROSTER_AUDIT_RETENTION=90d"}, Sessions{Idle: time.Hour, Max: day}, 90 * day},
		{[]string{"ROSTER_AUDIT_RETENTION=2160h"}, Sessions{Idle: time.Hour, Max: day}, 90 * day},
		{[]string{"ROSTER_AUDIT_RETENTION=off"}, Sessions{Idle: time.Hour, Max: day}, 0},
	} {
		if got, err := load(t, c.settings...); err != nil || got.Sessions != c.want || got.Keep != c.keep {
			t.Errorf("%q: %+v, kept %v; %v", c.settings, got.Sessions, got.Keep, err)
		}
	}
}

func TestCheckReadsTheSecrets(t *testing.T) {
	key := strings.Repeat("k\u00e9", 16)
	c, err := load(t, "ROSTER_ADMIN_PASSWORD= correct horse ", "ROSTER_AUDIT_KEY="+key)
	if err != nil || c.AdminPassword != " correct horse " || c.AuditKey != key {
		t.Errorf("%q %q %v", c.AdminPassword, c.AuditKey, err)
	}
	c, err = load(t, "ROSTER_ADMIN_PASSWORD_FILE="+file(t, " correct horse \r\n"), "ROSTER_AUDIT_KEY_FILE="+file(t, key+"\n"))
	if err != nil || c.AdminPassword != " correct horse " || c.AuditKey != key {
		t.Errorf("by file: %q %q %v", c.AdminPassword, c.AuditKey, err)
	}
	if key, err := AuditKey(); err != nil || key != c.AuditKey {
		t.Errorf("alone: %q %v", key, err)
	}
	c, err = load(t)
	if err != nil || c.AdminPassword != "" || c.AuditKey != "" {
		t.Errorf("not set: %q %q %v", c.AdminPassword, c.AuditKey, err)
	}
}

func TestDefaults(t *testing.T) {
	c, err := load(t)
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "localhost:8080" || c.AdminEmail != "admin@roster.local" || c.RateLimit != "100/1m" || c.RateLimitCaller != "3000/1m" ||
		c.Log != (Log{Level: "info", Format: "auto"}) || c.Public != nil || c.Proxies != nil || c.Origins != nil {
		t.Errorf("%+v", c)
	}
	c, err = load(t, "ROSTER_ADMIN_EMAIL=root@example.org", "ROSTER_RATE_LIMIT=off", "ROSTER_RATE_LIMIT_CALLER=9/1s")
	if err != nil || c.AdminEmail != "root@example.org" || c.RateLimit != "off" || c.RateLimitCaller != "9/1s" {
		t.Errorf("%+v %v", c, err)
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
