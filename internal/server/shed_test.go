package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roster-api/roster/internal/middleware"
)

// crowded is a server that has no room: one request is worked on and one waits, until the
// test ends. What it works on tells how net/http got it.
type crowded struct {
	addr string
	fill func(t *testing.T)
	seen chan string // what net/http has read
}

func newCrowded(t *testing.T) crowded {
	t.Helper()
	c := crowded{seen: make(chan string, 10)}
	crowd := middleware.NewInFlight(middleware.Crowd{Turns: 1, Queue: 1, Wait: time.Minute})
	working, end := make(chan struct{}, 2), make(chan struct{})
	work := crowd.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { working <- struct{}{}; <-end }))
	shed := newShed(crowd, middleware.Answers(nil, false), middleware.Headers(false)(http.HandlerFunc(middleware.Refuse)), slog.New(slog.DiscardHandler))
	mux := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/work" {
			work.ServeHTTP(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		c.seen <- r.Method + " " + r.URL.Path + " " + string(body)
		if shed.takes(r) {
			shed.ServeHTTP(w, r)
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, &handler{mux, shed}, slog.New(slog.DiscardHandler), time.Minute) }()
	t.Cleanup(func() {
		close(end)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	c.addr = l.Addr().String()
	c.fill = func(t *testing.T) {
		t.Helper()
		for range 2 {
			send(t, dial(t, c.addr), "GET /work HTTP/1.1\r\nHost: localhost\r\n\r\n")
		}
		<-working
		for !crowd.Packed() {
			time.Sleep(time.Millisecond)
		}
	}
	return c
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// read reads one answer to a request of a method, and all of its body.
func read(t *testing.T, in *bufio.Reader, method string) (*http.Response, string) {
	t.Helper()
	r, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}

// TestShedConn: without room, a connection refuses by itself what is sent in the usual way, as
// net/http would, and is at the next request then.
func TestShedConn(t *testing.T) {
	t.Parallel()
	c := newCrowded(t)
	const usual = " HTTP/1.1\r\nHost: localhost:8080\r\nAuthorization: Bearer x\r\nAccept: */*\r\n"
	tests := []struct {
		name, sent string
		nethttp    []string // what net/http gets of it
		status     int
	}{
		{"get", "GET /api/users?limit=20" + usual + "\r\n", nil, 503},
		{"of any case, kept alive", "GET /api/users HTTP/1.1\r\nhost: localhost\r\nconnection: keep-alive\r\n\r\n", nil, 503},
		{"delete", "DELETE /api/users/1" + usual + "\r\n", nil, 503},
		{"a body", "POST /api/users" + usual + "Content-Length: 2\r\n\r\n{}", nil, 503},
		{"a body that looks like a request", "PATCH /api/users/1" + usual + "Content-Length: 32\r\n\r\nGET /api/x HTTP/1.1\r\nHost: a\r\n\r\n", nil, 503},
		{"an empty body", "POST /api/users" + usual + "content-length: 0\r\n\r\n", nil, 503},
		{"head, whose answer has no body", "HEAD /api/users" + usual + "\r\n", []string{"HEAD /api/users "}, 503},
		{"of another origin's page", "GET /api/users" + usual + "Origin: https://a.example\r\n\r\n", []string{"GET /api/users "}, 200},
		{"with an id", "GET /api/users" + usual + "X-Request-Id: mine\r\n\r\n", []string{"GET /api/users "}, 503},
		{"for another host", "GET /api/users HTTP/1.1\r\nHost: a.example\r\n\r\n", []string{"GET /api/users "}, 200},
		{"for two hosts", "GET /api/users" + usual + "Host: localhost\r\n\r\n", nil, 400},
		{"not of the API", "GET /docs" + usual + "\r\n", []string{"GET /docs "}, 200},
		{"HTTP/1.0", "GET /api/users HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n", []string{"GET /api/users "}, 503},
		{"a body in chunks", "POST /api/users" + usual + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", []string{"POST /api/users {}"}, 503},
		{"bare line feeds", "GET /api/users HTTP/1.1\nHost: localhost\n\n", []string{"GET /api/users "}, 503},
	}
	ready := make([]net.Conn, len(tests)) // each has had its first answer before
	for i := range tests {
		ready[i] = dial(t, c.addr)
		send(t, ready[i], "GET /first HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if r, _ := read(t, bufio.NewReader(ready[i]), "GET"); r.StatusCode != 200 {
			t.Fatal(r.Status)
		}
		<-c.seen
	}
	c.fill(t)

	// A connection's first request is net/http's; so is its answer.
	first := dial(t, c.addr)
	send(t, first, tests[0].sent)
	want, wantBody := read(t, bufio.NewReader(first), "GET")
	if <-c.seen != "GET /api/users " || want.StatusCode != 503 {
		t.Fatal(want.Status)
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := bufio.NewReader(ready[i])
			for range 2 {
				send(t, ready[i], test.sent)
				got, body := read(t, in, test.sent[:strings.IndexByte(test.sent, ' ')])
				if got.StatusCode != test.status {
					t.Errorf("%s, not %d", got.Status, test.status)
				}
				if test.status == 400 {
					return
				}
				if test.status == 503 && test.nethttp == nil {
					wantAlike(t, got, want, body, wantBody)
				}
				for _, want := range test.nethttp {
					if seen := <-c.seen; seen != want {
						t.Errorf("net/http got %q, not %q", seen, want)
					}
				}
			}
			send(t, ready[i], "GET /after HTTP/1.1\r\nHost: localhost\r\n\r\n")
			if got, _ := read(t, in, "GET"); got.StatusCode != 200 {
				t.Errorf("afterwards: %s", got.Status)
			}
			if seen := <-c.seen; seen != "GET /after " {
				t.Errorf("net/http got %q afterwards", seen)
			}
		})
	}

	t.Run("two at once", func(t *testing.T) {
		conn := dial(t, c.addr)
		in := bufio.NewReader(conn)
		for range 2 {
			send(t, conn, tests[0].sent+tests[1].sent)
			for range 2 {
				if got, _ := read(t, in, "GET"); got.StatusCode != 503 || <-c.seen != "GET /api/users " {
					t.Error(got.Status)
				}
			}
		}
	})
}

// wantAlike compares two refusals in all but their ids and, of the API's alone, the date.
func wantAlike(t *testing.T, got, want *http.Response, body, wantBody string) {
	t.Helper()
	headers := func(h http.Header) http.Header {
		h = maps.Clone(h)
		h.Del("Date")
		h.Set("X-Request-Id", fmt.Sprint(len(h.Get("X-Request-Id"))))
		return h
	}
	if g, w := headers(got.Header), headers(want.Header); fmt.Sprint(g) != fmt.Sprint(w) {
		t.Errorf("%v\nnot %v", g, w)
	}
	var g, w map[string]any
	if err := json.Unmarshal([]byte(body), &g); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(wantBody), &w); err != nil {
		t.Fatal(err)
	}
	if g["requestId"] != got.Header.Get("X-Request-Id") || g["requestId"] == w["requestId"] {
		t.Errorf("the id is %v, in the header %s", g["requestId"], got.Header.Get("X-Request-Id"))
	}
	delete(g, "requestId")
	delete(w, "requestId")
	if fmt.Sprint(g) != fmt.Sprint(w) || got.ContentLength != int64(len(body)) {
		t.Errorf("%v\nnot %v", g, w)
	}
}
