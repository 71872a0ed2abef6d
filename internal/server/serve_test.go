package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener in memory, so that time can be a test's own.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// serve runs Serve in a bubble of its own time.
func serve(t *testing.T, h http.Handler, grace time.Duration, test func(p *pipes, stop func() error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{make(chan net.Conn), make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- Serve(ctx, p, h, slog.New(slog.DiscardHandler), grace) }()
		stopped := false
		stop := func() error {
			stopped = true
			cancel()
			return <-ended
		}
		test(p, stop)
		if !stopped {
			if err := stop(); err != nil {
				t.Error(err)
			}
		}
	})
}

// untilClosed reads until the server ends the connection, and returns what it said
// and how long that took.
func untilClosed(c net.Conn) (said string, took time.Duration) {
	start := time.Now()
	all, _ := io.ReadAll(c) // ends in EOF or in a broken pipe
	return string(all), time.Since(start)
}

var plain = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })

func TestServeBoundsTheHeader(t *testing.T) {
	t.Parallel()
	for _, sent := range []string{"", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: a"} {
		serve(t, plain, time.Second, func(p *pipes, _ func() error) {
			c := p.dial()
			if _, err := io.WriteString(c, sent); err != nil {
				t.Fatal(err)
			}
			if said, took := untilClosed(c); took != 5*time.Second || strings.Contains(said, "hello") {
				t.Errorf("after %q: said %q after %v, want an end after 5s", sent, said, took)
			}
		})
	}
}

// TestServeBoundsTheBody: a body that drips in gets its 408 from the API, whose
// bound is Huma's own (Operation.BodyReadTimeout).
func TestServeBoundsTheBody(t *testing.T) {
	t.Parallel()
	serve(t, withoutPool(t, nil), time.Second, func(p *pipes, _ func() error) {
		c := p.dial()
		go io.WriteString(c, "POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		start := time.Now()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if took := time.Since(start); took != 5*time.Second || resp.StatusCode != 408 || !strings.Contains(string(body), `"code":"request_timeout"`) {
			t.Errorf("%d %s after %v, want 408 after 5s", resp.StatusCode, body, took)
		}
		c.Close()
	})
}

func TestServeBoundsTheWholeRequest(t *testing.T) {
	t.Parallel()
	var took time.Duration
	reads := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		start := time.Now()
		_, _ = io.Copy(io.Discard, r.Body)
		took = time.Since(start)
	})
	serve(t, reads, time.Second, func(p *pipes, _ func() error) {
		c := p.dial()
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		untilClosed(c)
		if took != 15*time.Second {
			t.Errorf("read for %v, want 15s", took)
		}
	})
}

func TestServeBoundsIdleness(t *testing.T) {
	t.Parallel()
	serve(t, plain, time.Second, func(p *pipes, _ func() error) {
		c := p.dial()
		go io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if said, took := untilClosed(c); took != 2*time.Minute || !strings.HasSuffix(said, "hello") {
			t.Errorf("said %q after %v, want an end after 2m", said, took)
		}
	})
}

func TestServeBoundsTheAnswer(t *testing.T) {
	t.Parallel()
	var written chan error // made in the bubble
	endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				written <- err
				return
			}
		}
	})
	serve(t, endless, time.Second, func(p *pipes, _ func() error) {
		written = make(chan error, 1)
		c := p.dial()
		start := time.Now()
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(writeTimeout - time.Nanosecond) // nobody reads
		synctest.Wait()
		select {
		case err := <-written:
			t.Errorf("gave up after %v: %v", time.Since(start), err)
		default:
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		select {
		case <-written:
		default:
			t.Errorf("still writing after %v", time.Since(start))
		}
		c.Close()
	})
}

func TestServeBoundsHeaderSize(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]string{31 << 10: "200 OK", 40 << 10: "431 Request Header Fields Too Large"} {
		serve(t, plain, time.Second, func(p *pipes, _ func() error) {
			c := p.dial()
			go io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Long: "+strings.Repeat("a", size)+"\r\n\r\n")
			if said, _ := untilClosed(c); !strings.HasPrefix(said, "HTTP/1.1 "+want) {
				t.Errorf("%d octets: %q, want %s", size, said, want)
			}
		})
	}
}

// No request is answered before the handler has seen it, so that each answer has its
// id and headers and each is logged.
func TestServeHandsOnEveryMethod(t *testing.T) {
	t.Parallel()
	for _, request := range []string{"OPTIONS *", "OPTIONS /", "BREW /"} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
		serve(t, h, time.Second, func(p *pipes, _ func() error) {
			c := p.dial()
			_, _ = io.WriteString(c, request+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			if said, _ := untilClosed(c); !strings.HasPrefix(said, "HTTP/1.1 418 ") {
				t.Errorf("%s: %s", request, said)
			}
		})
	}
}

// TestServeLetsRequestsEnd: what is in flight when it is told to stop gets its
// answer, as long as it is done within the time of grace.
func TestServeLetsRequestsEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		work     time.Duration
		answered bool
	}{{"in time", 3 * time.Second, true}, {"too late", time.Hour, false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(c.work):
					fmt.Fprint(w, "done")
				case <-r.Context().Done():
				}
			})
			serve(t, slow, 5*time.Second, func(p *pipes, stop func() error) {
				conn := p.dial()
				if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				said := make(chan string, 1)
				go func() { s, _ := untilClosed(conn); said <- s }()
				start := time.Now()
				if err := stop(); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took > 6*time.Second {
					t.Errorf("it took %v to stop", took)
				}
				if got := <-said; strings.HasSuffix(got, "done") != c.answered {
					t.Errorf("answered %q", got)
				}
			})
		})
	}
}

type brokenListener struct{ net.Listener }

var errBroken = errors.New("broken")

func (brokenListener) Accept() (net.Conn, error) { return nil, errBroken }
func (brokenListener) Close() error              { return nil }

func TestServeReportsABrokenListener(t *testing.T) {
	t.Parallel()
	if err := Serve(t.Context(), brokenListener{}, plain, slog.New(slog.DiscardHandler), time.Second); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}
