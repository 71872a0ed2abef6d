package server

import (
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// TLS makes a listener of https of one of http, with the certificate and the key
// in two files (PEM). When the files change, new connections get what is in them
// now, a second later at most; while that cannot be used, what was there before.
func TLS(l net.Listener, certFile, keyFile string, log *slog.Logger) (net.Listener, error) {
	p := &pair{certFile: certFile, keyFile: keyFile, log: log, checked: time.Now(), seen: stampOf(certFile, keyFile)}
	var err error
	if p.current, err = p.load(); err != nil {
		return nil, err
	}
	return tls.NewListener(l, &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: p.certificate,
	}), nil
}

// pair is a certificate in files that somebody renews.
type pair struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	checked time.Time // when the files were last looked at
	seen    stamp     // the files that were last tried
	said    string    // why they could not be used; empty: they could
}

func (p *pair) load() (*tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	return &c, err
}

func (p *pair) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.checked) < time.Second {
		return p.current, nil
	}
	p.checked = time.Now()
	// The files are looked at before they are read: a change in between is then
	// found the next time.
	now := stampOf(p.certFile, p.keyFile)
	if now == p.seen && p.said == "" {
		return p.current, nil
	}
	p.seen = now
	renewed, err := p.load()
	switch {
	case err == nil:
		p.current, p.said = renewed, ""
		p.log.Info("the certificate was renewed")
	case p.said != err.Error():
		p.said = err.Error()
		p.log.Warn("the certificate has changed and cannot be used; serving with the one before", "error", err)
	}
	return p.current, nil
}

// stamp tells one state of the two files from another.
type stamp [2]struct{ changed, size int64 }

func stampOf(files ...string) (s stamp) {
	for i, name := range files {
		if info, err := os.Stat(name); err == nil {
			s[i].changed, s[i].size = info.ModTime().UnixNano(), info.Size()
		}
	}
	return s
}
