package server

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// files are a certificate and its key on the disk.
type files struct{ cert, key string }

// issue writes a new certificate, which says who it is for by its number.
func (f files) issue(t *testing.T, number int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// The time is that of the bubble, which began in the year 2000.
	template := &x509.Certificate{SerialNumber: big.NewInt(number), NotAfter: time.Now().AddDate(90, 0, 0), DNSNames: []string{"localhost"}}
	public, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, f.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public}))
	f.write(t, f.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// write gives a file a content and a time of change that it has not had before.
func (f files) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, time.Time{}, time.Now()); err != nil {
		t.Fatal(err)
	}
}

func newFiles(t *testing.T) files {
	t.Helper()
	dir := t.TempDir()
	f := files{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	f.issue(t, 1)
	return f
}

// secure is a server of https in a bubble, and those who call it.
type secure struct {
	*pipes
	files   files
	log     *bytes.Buffer
	clients []*conn
}

// serveTLS runs TLS and Serve in a bubble of its own time.
func serveTLS(t *testing.T, h http.Handler, test func(s *secure, stop func() error)) {
	t.Helper()
	f := newFiles(t)
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{make(chan net.Conn), make(chan struct{})}
		var logged bytes.Buffer
		log := slog.New(slog.NewTextHandler(&logged, nil))
		l, err := TLS(p, f.cert, f.key, log)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- Serve(ctx, l, h, log, 5*time.Second) }()
		stopped := false
		stop := func() error {
			stopped = true
			cancel()
			return <-ended
		}
		s := &secure{pipes: p, files: f, log: &logged}
		test(s, stop)
		for _, c := range s.clients {
			c.Close()
		}
		if !stopped {
			if err := stop(); err != nil {
				t.Error(err)
			}
		}
	})
}

// connect makes a connection that has shaken hands.
func (s *secure) connect(t *testing.T, versions ...uint16) (*tls.Conn, error) {
	t.Helper()
	config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}} //nolint:gosec // the bubble's clock is not the certificate's
	if len(versions) > 0 {
		config.MinVersion, config.MaxVersion = versions[0], versions[0]
	}
	c := tls.Client(s.dial(), config)
	return c, c.Handshake()
}

func (s *secure) serial(t *testing.T) int64 {
	t.Helper()
	c, err := s.connect(t)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// client is a client with one connection, of which it also returns the server's
// side.
func (s *secure) client(h2 bool) (c *http.Client, client, server *conn) {
	client, server = connection()
	transport := &http.Transport{
		ForceAttemptHTTP2: h2,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // as above
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			s.conns <- server
			return client, nil
		},
	}
	if !h2 {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	s.clients = append(s.clients, client)
	return &http.Client{Transport: transport}, client, server
}

func (s *secure) dial() *conn {
	client, server := connection()
	s.conns <- server
	return client
}

// conn is a side of a connection in memory that keeps what is written until it is
// read, as a network does: TLS on pipes that do not would wait for itself.
type conn struct {
	in, out *stream
	deaf    atomic.Bool // reads nothing any more
	once    sync.Once
	closed  chan struct{}
}

func connection() (client, server *conn) {
	up, down := newStream(), newStream()
	return &conn{in: down, out: up, closed: make(chan struct{})}, &conn{in: up, out: down, closed: make(chan struct{})}
}

func (c *conn) Read(b []byte) (int, error) {
	if c.deaf.Load() {
		<-c.closed
	}
	return c.in.read(b)
}

func (c *conn) Write(b []byte) (int, error)        { return c.out.write(b) }
func (c *conn) SetReadDeadline(t time.Time) error  { c.in.reading.set(c.in, t); return nil }
func (c *conn) SetWriteDeadline(t time.Time) error { c.out.writing.set(c.out, t); return nil }

func (*conn) LocalAddr() net.Addr  { return pipeAddr{} }
func (*conn) RemoteAddr() net.Addr { return pipeAddr{} }

func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.in.end()
		c.out.end()
	})
	return nil
}

// stream is one direction of a connection.
type stream struct {
	mu               sync.Mutex
	changed          sync.Cond
	kept             []byte
	ended            bool
	reading, writing deadline
}

func newStream() *stream {
	s := &stream{}
	s.changed.L = &s.mu
	return s
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.kept) == 0 {
		switch {
		case s.ended:
			return 0, io.EOF
		case s.reading.passed():
			return 0, os.ErrDeadlineExceeded
		}
		s.changed.Wait()
	}
	n := copy(b, s.kept)
	s.kept = s.kept[n:]
	s.changed.Broadcast()
	return n, nil
}

func (s *stream) write(b []byte) (n int, err error) {
	const most = 64 << 10
	s.mu.Lock()
	defer s.mu.Unlock()
	for n < len(b) {
		switch free := min(most-len(s.kept), len(b)-n); {
		case s.ended:
			return n, io.ErrClosedPipe
		case s.writing.passed():
			return n, os.ErrDeadlineExceeded
		case free > 0:
			s.kept = append(s.kept, b[n:n+free]...)
			n += free
			s.changed.Broadcast()
		default:
			s.changed.Wait()
		}
	}
	return n, nil
}

func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.changed.Broadcast()
}

// deadline is a time after which a stream waits no longer.
type deadline struct{ at time.Time }

func (d *deadline) set(s *stream, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.at = at
	s.changed.Broadcast()
	if !at.IsZero() {
		time.AfterFunc(time.Until(at), s.changed.Broadcast)
	}
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func TestTLSServesBothVersionsOfHTTP(t *testing.T) {
	t.Parallel()
	proto := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto, r.TLS != nil) })
	for h2, want := range map[bool]string{true: "HTTP/2.0true", false: "HTTP/1.1true"} {
		serveTLS(t, proto, func(s *secure, _ func() error) {
			client, _, _ := s.client(h2)
			resp, err := client.Get("https://localhost/")
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			if string(body) != want {
				t.Errorf("%s, want %s", body, want)
			}
		})
	}
}

func TestTLSRefusesOldVersions(t *testing.T) {
	t.Parallel()
	serveTLS(t, plain, func(s *secure, _ func() error) {
		for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
			c, err := s.connect(t, version)
			if (err == nil) != want {
				t.Errorf("%s: %v", tls.VersionName(version), err)
			}
			c.Close()
		}
	})
}

func TestTLSRefusesABadStart(t *testing.T) {
	t.Parallel()
	f, other := newFiles(t), newFiles(t)
	for _, c := range []files{{"none", f.key}, {f.cert, "none"}, {f.cert, other.key}, {f.key, f.cert}} {
		if _, err := TLS(nil, c.cert, c.key, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%+v went through", c)
		}
	}
}

func TestTLSRenewsItsCertificate(t *testing.T) {
	t.Parallel()
	serveTLS(t, plain, func(s *secure, _ func() error) {
		want := func(number int64, when string) {
			t.Helper()
			if got := s.serial(t); got != number {
				t.Errorf("%s: certificate %d, want %d", when, got, number)
			}
		}
		want(1, "at the start")
		time.Sleep(time.Minute)
		want(1, "unchanged")

		s.files.issue(t, 2)
		want(1, "changed within the second")
		time.Sleep(time.Second)
		want(2, "changed")

		// While the two do not fit, and while one is away, the last pair serves.
		cert, err := os.ReadFile(s.files.cert)
		if err != nil {
			t.Fatal(err)
		}
		key, err := os.ReadFile(s.files.key)
		if err != nil {
			t.Fatal(err)
		}
		for _, broken := range []func(){
			func() { s.files.write(t, s.files.key, []byte("no key\n")) },
			func() { os.Remove(s.files.key) },
		} {
			broken()
			for range 3 {
				time.Sleep(time.Second)
				want(2, "broken")
			}
		}
		if n := strings.Count(s.log.String(), "cannot be used"); n != 2 {
			t.Errorf("warned %d times, want once for each reason:\n%s", n, s.log)
		}

		// The same files again are good again.
		s.files.write(t, s.files.cert, cert)
		s.files.write(t, s.files.key, key)
		time.Sleep(time.Second)
		want(2, "repaired")
		s.files.issue(t, 3)
		time.Sleep(time.Second)
		want(3, "changed again")
		if n := strings.Count(s.log.String(), "was renewed"); n != 3 {
			t.Errorf("renewed %d times, want 3:\n%s", n, s.log)
		}
	})
}

func TestTLSBoundsTheHandshake(t *testing.T) {
	t.Parallel()
	serveTLS(t, plain, func(s *secure, _ func() error) {
		for _, sent := range []string{"", "\x16\x03\x01\x02\x00\x01"} {
			c := s.dial()
			if _, err := io.WriteString(c, sent); err != nil {
				t.Fatal(err)
			}
			if _, took := untilClosed(c); took != headerTimeout {
				t.Errorf("after %q: closed after %v, want %v", sent, took, headerTimeout)
			}
		}
	})
}

// TestTLSAnswersPlainHTTP: who forgets the s learns of it.
func TestTLSAnswersPlainHTTP(t *testing.T) {
	t.Parallel()
	serveTLS(t, plain, func(s *secure, _ func() error) {
		c := s.dial()
		go io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if said, _ := untilClosed(c); !strings.HasPrefix(said, "HTTP/1.0 400 Bad Request") || strings.Contains(said, "hello") {
			t.Errorf("said %q", said)
		}
	})
}

// TestTLSBoundsIdleness: an HTTP/2 connection gets another second for its good-bye.
func TestTLSBoundsIdleness(t *testing.T) {
	t.Parallel()
	for h2, want := range map[bool]time.Duration{false: idleTimeout, true: idleTimeout + time.Second} {
		serveTLS(t, plain, func(s *secure, _ func() error) {
			client, _, far := s.client(h2)
			resp, err := client.Get("https://localhost/")
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			start := time.Now()
			<-far.closed
			if took := time.Since(start); took < idleTimeout || took > want {
				t.Errorf("h2 %t: closed after %v, want %v", h2, took, want)
			}
		})
	}
}

// TestTLSBoundsAnAnswerThatNobodyReads: in HTTP/2 the bound of an answer ends a
// stream; a client that reads nothing at all must lose its connection as well.
func TestTLSBoundsAnAnswerThatNobodyReads(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{true, false} {
		var written chan time.Duration // made in the bubble
		endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			start := time.Now()
			for {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					written <- time.Since(start)
					return
				}
			}
		})
		serveTLS(t, endless, func(s *secure, _ func() error) {
			written = make(chan time.Duration, 1)
			client, near, far := s.client(h2)
			start := time.Now()
			resp, err := client.Get("https://localhost/")
			if err != nil {
				t.Fatal(err)
			}
			near.deaf.Store(true)
			const most = writeTimeout + 5*time.Second // TLS tries to say good-bye
			if took := <-written; took > most {
				t.Errorf("h2 %t: written for %v, want at most %v", h2, took, most)
			}
			select {
			case <-far.closed:
			case <-time.After(time.Hour):
				t.Errorf("h2 %t: open an hour later", h2)
			}
			if took := time.Since(start); took > most {
				t.Errorf("h2 %t: closed after %v, want at most %v", h2, took, most)
			}
			near.Close() // lets the reader go
			resp.Body.Close()
		})
	}
}

// TestHTTP2BoundsTheWholeRequest: as HTTP/1.1 does it, whose test needs no TLS.
func TestHTTP2BoundsTheWholeRequest(t *testing.T) {
	t.Parallel()
	var read chan time.Duration // made in the bubble
	reads := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		start := time.Now()
		_, _ = io.Copy(io.Discard, r.Body)
		read <- time.Since(start)
	})
	serveTLS(t, reads, func(s *secure, _ func() error) {
		read = make(chan time.Duration, 1)
		client, _, _ := s.client(true)
		body, more := io.Pipe()
		go func() {
			resp, err := client.Post("https://localhost/", "text/plain", body)
			if err == nil {
				resp.Body.Close()
			}
		}()
		if _, err := io.WriteString(more, "{"); err != nil { // and no more
			t.Fatal(err)
		}
		if took := <-read; took != readTimeout {
			t.Errorf("read for %v, want %v", took, readTimeout)
		}
		more.Close()
	})
}

// TestHTTP2BoundsHeaderSize: what is too long gets a 431, or ends the connection.
func TestHTTP2BoundsHeaderSize(t *testing.T) {
	t.Parallel()
	for size, served := range map[int]bool{30 << 10: true, 40 << 10: false} {
		serveTLS(t, plain, func(s *secure, _ func() error) {
			client, _, _ := s.client(true)
			request, err := http.NewRequest(http.MethodGet, "https://localhost/", nil)
			if err != nil {
				t.Error(err)
				return
			}
			request.Header.Set("X-Long", strings.Repeat("a", size))
			resp, err := client.Do(request)
			if err == nil {
				resp.Body.Close()
			}
			if (err == nil && resp.StatusCode == http.StatusOK) != served {
				t.Errorf("%d octets: %v %v, served: want %t", size, resp, err, served)
			}
		})
	}
}

func TestTLSLetsRequestsEnd(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{true, false} {
		slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(3 * time.Second)
			fmt.Fprint(w, "done")
		})
		serveTLS(t, slow, func(s *secure, stop func() error) {
			client, _, _ := s.client(h2)
			said := make(chan string, 1)
			go func() {
				resp, err := client.Get("https://localhost/")
				if err != nil {
					said <- err.Error()
					return
				}
				body, err := io.ReadAll(resp.Body)
				said <- fmt.Sprint(string(body), err)
			}()
			synctest.Wait()
			start := time.Now()
			if err := stop(); err != nil {
				t.Error(err)
			}
			if got := <-said; got != "done<nil>" {
				t.Errorf("h2 %t: %s", h2, got)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("h2 %t: it took %v to stop", h2, took)
			}
		})
	}
}
