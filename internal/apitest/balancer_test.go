package apitest

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// balancer is a proxy as stands in front of replicas: it asks each of them whether
// it is ready, and sends requests to those that are, in turn. It tries nothing twice.
type balancer struct {
	addr string

	mu       sync.Mutex
	replicas map[string]bool // by address; whether it is ready
	next     int
}

// probes is how often a replica is asked.
const probes = 200 * time.Millisecond

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	b := &balancer{replicas: map[string]bool{}}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: b.pick()})
		},
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0), // its 502 is counted
	}
	s := httptest.NewServer(proxy)
	b.addr = s.Listener.Addr().String()
	t.Cleanup(func() {
		s.Close()
		transport.CloseIdleConnections()
	})
	return b
}

// pick is the next replica that is ready.
func (b *balancer) pick() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ready []string
	for addr, ok := range b.replicas {
		if ok {
			ready = append(ready, addr)
		}
	}
	if len(ready) == 0 {
		return "127.0.0.1:1" // where nobody listens
	}
	b.next++
	return ready[b.next%len(ready)]
}

// watch asks a replica until it ended, and returns once it is ready.
func (b *balancer) watch(t *testing.T, p *program) {
	t.Helper()
	ready := make(chan struct{})
	go func() {
		client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		for first := true; ; {
			resp, err := client.Get("http://" + p.addr + "/ready")
			ok := err == nil && resp.StatusCode == http.StatusOK
			if err == nil {
				resp.Body.Close()
			}
			b.mu.Lock()
			b.replicas[p.addr] = ok
			b.mu.Unlock()
			if ok && first {
				first = false
				close(ready)
			}
			select {
			case <-p.ended:
				b.mu.Lock()
				delete(b.replicas, p.addr)
				b.mu.Unlock()
				return
			case <-time.After(probes):
			}
		}
	}()
	select {
	case <-ready:
	case <-time.After(30 * time.Second):
		t.Fatalf("it is never ready; it said:\n%s", p.said())
	}
}
