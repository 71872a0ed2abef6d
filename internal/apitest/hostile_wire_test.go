package apitest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// message is a request as it goes over the wire, where a client of net/http would
// refuse to send most of what is broken.
type message struct {
	op     *operation
	caller string
	by     *caller  // nil: it is none of the life's own
	how    []string // what was broken; nothing: it is as the document wants it

	method  string
	path    string
	query   [][2]string // escaped; a name without "=" has the value "\x00"
	version string
	header  [][2]string
	tree    *node  // the body
	body    []byte // instead of tree
	chunked bool

	// wild: it may not be the operation's any more; torn: net/http may not read it.
	wild, torn bool
	// cut: no more is sent after it, though it promises more.
	cut bool
}

func (q *message) target() string {
	var b bytes.Buffer
	b.WriteString(q.path)
	for i, p := range q.query {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(p[0])
		if p[1] != "\x00" {
			b.WriteString("=" + p[1])
		}
	}
	return b.String()
}

func (q *message) content() []byte {
	if q.body == nil && q.tree != nil {
		var b bytes.Buffer
		q.tree.write(&b)
		q.body = b.Bytes()
	}
	return q.body
}

// get is the first header of a name, written as the generator writes it.
func (q *message) get(name string) string {
	for _, h := range q.header {
		if h[0] == name {
			return h[1]
		}
	}
	return ""
}

// set puts a header in the place of all of its name.
func (q *message) set(name, value string) {
	q.drop(name)
	q.header = append(q.header, [2]string{name, value})
}

func (q *message) drop(name string) {
	var kept [][2]string
	for _, h := range q.header {
		if h[0] != name {
			kept = append(kept, h)
		}
	}
	q.header = kept
}

func (q *message) bytes(host string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\r\n", q.method, q.target(), q.version)
	if q.get("Host") == "" {
		fmt.Fprintf(&b, "Host: %s\r\n", host)
	}
	for _, h := range q.header {
		if h[0] == "Host" && h[1] == "-" {
			continue // none at all
		}
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	body := q.content()
	switch {
	case q.chunked:
		b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		for len(body) > 0 {
			n := min(len(body), 1000)
			fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
			body = body[n:]
		}
		b.WriteString("0\r\n\r\n")
	case body != nil && q.get("Content-Length") == "":
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(body))
		b.Write(body)
	default:
		b.WriteString("\r\n")
		b.Write(body)
	}
	return b.Bytes()
}

// wire is a connection that is kept for as long as the server keeps it.
type wire struct {
	address string
	conn    net.Conn
	reader  *bufio.Reader
}

func (w *wire) close() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

func (w *wire) send(q *message) (answer, error) {
	if w.conn == nil {
		conn, err := net.Dial("tcp", w.address)
		if err != nil {
			return answer{}, err
		}
		w.conn, w.reader = conn, bufio.NewReader(conn)
	}
	_ = w.conn.SetDeadline(time.Now().Add(30 * time.Second))
	// What the server does not wait for to the end, it may answer all the same.
	_, sendErr := w.conn.Write(q.bytes(w.address))
	if q.cut {
		_ = w.conn.(*net.TCPConn).CloseWrite()
	}
	got, closed, err := w.receive(q.method)
	if err != nil && sendErr != nil {
		err = sendErr
	}
	if err != nil || closed || q.torn {
		w.close()
	}
	return got, err
}

func (w *wire) receive(method string) (got answer, closed bool, err error) {
	for {
		resp, err := http.ReadResponse(w.reader, &http.Request{Method: method})
		if err != nil {
			return answer{}, true, err
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return answer{}, true, err
		}
		if resp.StatusCode < 200 {
			continue
		}
		if resp.Header.Get("Content-Encoding") == "gzip" && len(body) > 0 {
			z, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				return answer{}, true, err
			}
			if body, err = io.ReadAll(z); err != nil {
				return answer{}, true, err
			}
		}
		if resp.Close {
			resp.Header.Set("Connection", "close")
		}
		return answer{resp.StatusCode, resp.Header, body}, resp.Close, nil
	}
}
