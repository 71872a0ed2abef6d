package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// healthTimeout is a little longer than the server's own patience with its
// database, so that its answer is heard.
const healthTimeout = 4 * time.Second

type healthCmd struct {
	Addr    string `env:"ROSTER_ADDR" default:"localhost:8080" help:"Where the server listens."`
	TLSCert string `name:"tls-cert" env:"ROSTER_TLS_CERT" placeholder:"FILE" help:"That the server has one: it is asked by https then. Its name is not looked at."`
	Ready   bool   `help:"Ask whether it can answer requests, too: whether its database is there."`
}

// Help is what roster health --help adds.
func (healthCmd) Help() string {
	return "For the health check of a container. It asks /health, or with --ready /ready, and fails unless the answer is 200."
}

// Run asks.
func (c *healthCmd) Run(ctx context.Context) error {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil || port == "" {
		return misuse{fmt.Errorf("ROSTER_ADDR is %q; write a host and a port, such as localhost:8080", c.Addr)}
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost" // it listens on every address, and answers only to a name
	}
	scheme, path := "http://", "/health"
	if c.TLSCert != "" {
		scheme = "https://"
	}
	if c.Ready {
		path = "/ready"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+net.JoinHostPort(host, port)+path, nil)
	if err != nil {
		return misuse{fmt.Errorf("ROSTER_ADDR is %q; write a host and a port, such as localhost:8080", c.Addr)}
	}
	// No proxy of the environment stands between a server and its own health check.
	response, err := (&http.Transport{
		DisableKeepAlives: true,
		// The certificate is for the outside name, and what is asked is no secret.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}).RoundTrip(request)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer from %s within %s", c.Addr, healthTimeout)
	} else if err != nil {
		return fmt.Errorf("nobody answers at %s", c.Addr)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s of %s answers %s", path, c.Addr, response.Status)
	}
	_, err = fmt.Println("ok")
	return err
}
