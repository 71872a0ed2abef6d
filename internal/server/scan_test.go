package server

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

// FuzzScan holds scan to net/http: where it says that octets are one request, net/http is
// at the next one afterwards, or has closed the connection.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		"GET /api/users HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"POST /api/users HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Content-Length: 2\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 2\r\n\r\n{}",
		"GET / HTTP/1.1\nHost: a\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "\r\n\r\n", "",
		"POST * HTTP/1.1\r\nHost:\r\nContent-Length:\t0 \r\n\r\n", "GET / HTTP/1.1\r\nHostile: a\r\n\r\n", "POST * HTTP/1.1\r\nHost:0\r\n \r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		r, whole := scan(sent)
		if !whole {
			return
		}
		in := bufio.NewReader(io.MultiReader(bytes.NewReader(sent), strings.NewReader("GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n")))
		got, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if r.alike && (got.Close || got.Header["Origin"] != nil || got.Header["X-Request-Id"] != nil || got.Method == "HEAD" || got.Host != string(r.host) || got.RequestURI != string(r.target)) {
			t.Fatalf("%q is unlike others: %+v", sent, got)
		}
		if n, err := io.Copy(io.Discard, got.Body); err != nil || n != max(got.ContentLength, 0) {
			t.Fatalf("%q: a body of %d, %v", sent, n, err)
		}
		if next, err := http.ReadRequest(in); err != nil || next.RequestURI != "/next" {
			t.Fatalf("%q: next is %+v, %v", sent, next, err)
		}
	})
}
