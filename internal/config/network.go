package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/jub0bs/cors"
)

// Exposed reports whether other machines reach the port.
func (c *Config) Exposed() bool {
	host, _, _ := net.SplitHostPort(c.Addr)
	return !loopback(host)
}

// HTTPS reports whether browsers reach Roster by https: served here, or by a
// proxy in front.
func (c *Config) HTTPS() bool {
	return c.TLSCert != "" || c.Public != nil && c.Public.Scheme == "https"
}

// checkAddresses keeps the cookie: browsers send it, as Secure, over https only,
// and over http to this machine itself.
func (c *Config) checkAddresses() error {
	_, port, err := net.SplitHostPort(c.Addr)
	if !isPort(port) || err != nil {
		return fmt.Errorf("ROSTER_ADDR is %q; write a host and a port, such as localhost:8080", c.Addr)
	}
	c.Public = nil
	if c.PublicURL != "" {
		if c.Public = publicURL(c.PublicURL); c.Public == nil {
			return errors.New("ROSTER_PUBLIC_URL is not an address without a path; write it as https://roster.example.org")
		}
	}
	if err := c.checkTLS(); err != nil {
		return err
	}
	switch {
	case c.Public != nil && c.Public.Scheme == "http" && !loopback(c.Public.Hostname()):
		return errors.New("ROSTER_PUBLIC_URL is an http address, over which browsers do not send the session's cookie; write it as https://roster.example.org, and let the proxy serve that")
	case c.Public != nil && c.Public.Scheme == "http" && c.TLSCert != "":
		return errors.New("ROSTER_PUBLIC_URL is an http address, and ROSTER_TLS_CERT makes Roster serve https; write it as https://, or leave it out")
	case c.Exposed() && !c.HTTPS():
		return fmt.Errorf("ROSTER_ADDR is %q, which others can reach, and browsers send the session's cookie over https only; set ROSTER_TLS_CERT and ROSTER_TLS_KEY, or ROSTER_PUBLIC_URL to the https address of a proxy in front, or write localhost:%s", c.Addr, port)
	}
	return nil
}

// publicURL parses an address that has a scheme, a host and no more, or at most a
// slash. It is nil for anything else.
func publicURL(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil
	}
	bare := url.URL{Scheme: u.Scheme, Host: u.Host}
	if !strings.EqualFold(bare.String(), strings.TrimSuffix(text, "/")) || strings.ContainsFunc(u.Host, func(c rune) bool { return c > 127 }) {
		return nil
	}
	if port := u.Port(); port != "" && (!isPort(port) || strings.Trim(port, "0") == "") || strings.HasSuffix(u.Host, ":") {
		return nil
	}
	return u
}

func (c *Config) checkTLS() error {
	switch {
	case c.TLSCert == "" && c.TLSKey == "":
		return nil
	case c.TLSKey == "":
		return errors.New("ROSTER_TLS_CERT is set and ROSTER_TLS_KEY is not; set both, or none of them")
	case c.TLSCert == "":
		return errors.New("ROSTER_TLS_KEY is set and ROSTER_TLS_CERT is not; set both, or none of them")
	}
	_, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		// Without the path: someone may have put the key itself there.
		return fmt.Errorf("ROSTER_TLS_CERT and ROSTER_TLS_KEY cannot be used (%w); write the paths of a certificate and of its key, both in PEM", withoutPath(err))
	}
	return nil
}

func (c *Config) checkProxies() error {
	c.Proxies = nil
	for _, text := range list(c.TrustedProxies) {
		p, err := prefix(text)
		if err != nil {
			return fmt.Errorf("ROSTER_TRUSTED_PROXIES has %q, %w; write addresses separated by commas, such as 10.0.0.0/8,::1", text, err)
		}
		c.Proxies = append(c.Proxies, p)
	}
	return nil
}

func prefix(text string) (netip.Prefix, error) {
	var p netip.Prefix
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		p = netip.PrefixFrom(addr, addr.BitLen())
	} else if p, err = netip.ParsePrefix(text); err != nil || p.Addr().Is4In6() {
		return p, errors.New("which is no address and no range of them")
	}
	if p.Bits() == 0 {
		return p, errors.New("which makes everybody a proxy, whose word about a client's address would be taken")
	}
	return p.Masked(), nil
}

func (c *Config) checkOrigins() error {
	c.Origins = nil
	for _, text := range list(c.AllowedOrigins) {
		canonical, err := origin(text)
		if err != nil {
			return fmt.Errorf("ROSTER_ALLOWED_ORIGINS has %q, %w; write exact origins separated by commas, such as https://app.example.org", text, err)
		}
		c.Origins = append(c.Origins, canonical)
	}
	return nil
}

// origin reads an origin, and returns it as browsers write it: in lower case, and
// without the port that its scheme has anyway.
func origin(text string) (string, error) {
	switch {
	case strings.Contains(text, "*"):
		return "", errors.New("which would give pages that nobody has named the powers of the cookie")
	case strings.EqualFold(text, "null"):
		return "", errors.New("which any page can make itself, and so would get the powers of the cookie")
	}
	u := publicURL(text)
	if u == nil || strings.HasSuffix(text, "/") {
		return "", errors.New("which is not a scheme and a host")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return "", errors.New("which is http: anybody on the way could put a page there")
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if addr, err := netip.ParseAddr(host); err == nil {
		host = addr.String()
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port = strings.TrimLeft(port, "0"); port != "" && port != map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host += ":" + port
	}
	canonical := u.Scheme + "://" + host
	// Those who will compare have the last word about what a browser can send.
	if _, err := cors.NewMiddleware(cors.Config{Origins: []string{canonical}, Credentialed: true}); err != nil {
		return "", errors.New("which no browser can send")
	}
	return canonical, nil
}

// list splits at commas; spaces, and a comma too many, do no harm.
func list(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' })
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
