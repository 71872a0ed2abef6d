package server

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/roster-api/roster/internal/middleware"
)

// shed refuses requests to the API while there is no room for them. A server that is asked
// for three times what it can do refuses two for each that it answers, so it is done before
// all else, and where it can be, before net/http: see [shedConn].
type shed struct {
	crowd   *middleware.InFlight
	answers func(host, path string) bool
	refuse  http.Handler
	log     *slog.Logger

	before, between, after string // the same refusal on the wire; the request's id stands between the parts
}

func newShed(crowd *middleware.InFlight, answers func(host, path string) bool, refuse http.Handler, log *slog.Logger) *shed {
	s := &shed{crowd: crowd, answers: answers, refuse: refuse, log: log}
	id := middleware.NewID()
	w := &wire{header: http.Header{}}
	refuse.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/api/"}, Header: http.Header{"X-Request-Id": {id}}})
	parts := strings.Split(w.String(), id)
	if len(parts) != 3 {
		panic(fmt.Sprintf("a refusal does not have its id twice: %q", w))
	}
	s.before, s.between, s.after = parts[0], parts[1], parts[2]
	return s
}

// wire is an answer as it is sent.
type wire struct {
	bytes.Buffer
	header http.Header
}

func (w *wire) Header() http.Header { return w.header }

func (w *wire) WriteHeader(status int) {
	fmt.Fprintf(w, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	_ = w.header.Write(w) // to a buffer
	_, _ = w.WriteString("\r\n")
}

// takes reports whether a request is refused here. Pages of other origins must be able to
// read the answer, which takes more.
func (s *shed) takes(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") && r.Header["Origin"] == nil && s.crowd.Full(r) && s.answers(r.Host, r.URL.Path)
}

func (s *shed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.crowd.Refused(s.log)
	s.refuse.ServeHTTP(w, r)
}

// shedding is a listener whose connections are [shedConn], unless they speak TLS.
type shedding struct {
	net.Listener
	shed *shed
}

func (l shedding) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		raw, err := tcp.SyscallConn()
		return &shedConn{TCPConn: tcp, raw: raw, shed: l.shed}, err
	}
	return c, err
}

// shedConn answers a request that is refused by itself, before net/http has read it: that
// costs half of what it costs there (TestTortureOverload).
//
// It does so only where it knows that a request begins: as long as each part that net/http
// was given has been one whole request, which is how clients send all but large ones. After
// any other part it leaves all to net/http, for good.
type shedConn struct {
	*net.TCPConn
	raw   syscall.RawConn
	shed  *shed
	begun bool // net/http has the first request: that one has a time to arrive in
	apart bool // what is read next may be in the middle of a request

	renewed time.Time // when the deadlines were last moved here
}

// refused answers what was read, if it is a request that is refused, and reports whether it
// has.
func (c *shedConn) refused(b []byte, n int) (bool, error) {
	if c.apart {
		return false, nil
	}
	r, whole := scan(b[:n])
	c.apart = !whole
	if c.apart || !c.begun || !c.shed.crowd.Packed() || !c.shed.takesScanned(r) {
		c.begun = true
		return false, nil
	}
	// net/http thinks that it waits for a request, and has left its times as they were.
	if now := time.Now(); now.Sub(c.renewed) > time.Second {
		c.renewed = now
		if err := errors.Join(c.SetWriteDeadline(now.Add(writeTimeout)), c.SetReadDeadline(now.Add(idleTimeout))); err != nil {
			return false, err
		}
	}
	c.shed.crowd.Refused(c.shed.log)
	_, err := c.Write(c.shed.answer(b[:0], middleware.NewID()))
	return err == nil, err
}

// answer appends the refusal of the request with an id.
func (s *shed) answer(b []byte, id string) []byte {
	b = append(b, s.before...)
	b = append(b, id...)
	b = append(b, s.between...)
	b = append(b, id...)
	return append(b, s.after...)
}

// takesScanned is [shed.takes] where there is no room for anybody.
func (s *shed) takesScanned(r scanned) bool {
	return r.alike && bytes.HasPrefix(r.target, []byte("/api/")) && s.answers(string(r.host), "/api/")
}
