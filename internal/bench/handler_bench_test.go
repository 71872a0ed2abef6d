package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// BenchmarkHandler sends one request after the other through the whole handlers
// of Roster and of best, without a network, to see where time and memory go:
//
//	go test -run '^$' -bench 'Handler/roster/list' -cpuprofile cpu.out ./internal/bench
//
// Its ns/op hold the wait for PostgreSQL: for figures, see make bench.
func BenchmarkHandler(b *testing.B) {
	programs := handlers(b, 10_000)
	for _, name := range []string{ours, best} {
		_, list := ask(b, programs[name], "GET", "/api/users?limit=20", "")
		id := list["data"].([]any)[7].(object)["id"].(string)
		cursor := list["pagination"].(object)["next"].(string)
		for _, request := range []struct{ name, method, path, body string }{
			{"health", "GET", "/health", ""},
			{"get", "GET", "/api/users/" + id, ""},
			{"list", "GET", "/api/users?limit=20", ""},
			{"list-cursor", "GET", "/api/users?limit=20&cursor=" + cursor, ""},
			{"update", "PATCH", "/api/users/" + id, `{"name":"Ada Lovelace"}`},
			{"create-refused", "POST", "/api/users", `{"name":"Ada","email":1,"password":"short"}`},
		} {
			b.Run(name+"/"+request.name, func(b *testing.B) {
				b.ReportAllocs()
				r := httptest.NewRequest(request.method, request.path, nil)
				r.Host = "localhost:8080"
				r.Header.Set("Content-Type", "application/json")
				w := &discard{header: http.Header{}}
				for b.Loop() {
					clear(w.header)
					r.Body = io.NopCloser(strings.NewReader(request.body))
					r.ContentLength = int64(len(request.body))
					programs[name].ServeHTTP(w, r)
				}
			})
		}
	}
}

// BenchmarkSessionsInTurn lets 16 callers at once get users, each with the next of
// 10,000 sessions, and says how many statements a request takes: one to get the
// user, and a part of one to ask who is calling.
func BenchmarkSessionsInTurn(b *testing.B) {
	programs, pool := handlersOn(b, 10_000)
	_, list := ask(b, programs[ours], "GET", "/api/users?limit=100", "")
	ids := list["data"].([]any)
	var c credentials
	conn, err := pool.Acquire(b.Context())
	if err == nil {
		err = c.issue(b.Context(), conn.Conn())
		conn.Release()
	}
	if err != nil {
		b.Fatal(err)
	}
	before, cpu := pool.Stat().AcquireCount(), ownCPU(b)
	b.ReportAllocs()
	b.SetParallelism(16 / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		w := &discard{header: http.Header{}}
		for i := 0; pb.Next(); i++ {
			clear(w.header)
			r := httptest.NewRequest("GET", "/api/users/"+ids[i%len(ids)].(object)["id"].(string), nil)
			r.Host = "localhost:8080"
			r.Header.Set("Authorization", "Bearer "+c.next())
			programs[ours].ServeHTTP(w, r)
		}
	})
	b.ReportMetric(float64(pool.Stat().AcquireCount()-before)/float64(b.N), "statements/op")
	b.ReportMetric(float64(ownCPU(b)-cpu)/1e3/float64(b.N), "cpu-us/op")
}

func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	cpu, err := processCPU(os.Getpid())
	if err != nil {
		b.Fatal(err)
	}
	return cpu
}

// discard is an answer that nobody reads.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}
