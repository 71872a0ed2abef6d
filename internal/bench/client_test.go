package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The client reads what net/http writes: with a length, in chunks, and empty.
func TestClient(t *testing.T) {
	long := strings.Repeat("0123456789", 5000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/length":
			fmt.Fprint(w, "short")
		case "/chunks":
			fmt.Fprint(w, long)
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	defer server.Close()
	c, err := dial(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for range 2 { // on one connection, so that each answer ends where it ends
		for path, want := range map[string]string{"/length": "short", "/chunks": long, "/empty": ""} {
			var body bytes.Buffer
			status, err := c.do(get(path, ""), &body)
			if err != nil || body.String() != want || (status == 204) != (want == "") {
				t.Errorf("%s: status %d, %d bytes, %v", path, status, body.Len(), err)
			}
			if _, err := c.do(get(path, ""), nil); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}
