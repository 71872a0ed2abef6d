package middleware

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/problem"
)

// work is a handler that works until it is told to end.
type work struct{ begun, end chan struct{} }

func newWork() work { return work{make(chan struct{}, 10), make(chan struct{})} }

func (w work) serve(http.ResponseWriter, *http.Request) {
	w.begun <- struct{}{}
	<-w.end
}

func (w work) running() int { return len(w.begun) }

func send(h http.Handler, r *http.Request) <-chan *httptest.ResponseRecorder {
	answer := make(chan *httptest.ResponseRecorder, 1)
	go func() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		answer <- w
	}()
	synctest.Wait()
	return answer
}

func wantShed(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if p := problemIn(t, w); p.Code != problem.Unavailable || w.Code != 503 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%d %s, Retry-After %q", w.Code, p.Code, w.Header().Get("Retry-After"))
	}
}

func get() *http.Request { return httptest.NewRequest("GET", "/", nil) }

// Two work, one waits, the next is refused at once, and the one that waits gets the
// first turn that is free, or is refused when that takes too long.
func TestInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWork()
		h := chain(w.serve, NewInFlight(Crowd{Turns: 2, Queue: 1, Wait: time.Second}).Wrap)
		first, second := send(h, get()), send(h, get())
		waits := send(h, get())
		if w.running() != 2 {
			t.Fatalf("%d work, want 2", w.running())
		}
		start := time.Now()
		wantShed(t, <-send(h, get()))
		if time.Since(start) != 0 {
			t.Errorf("refused after %v, want at once", time.Since(start))
		}
		wantShed(t, <-waits)
		if time.Since(start) != time.Second {
			t.Errorf("refused after %v, want 1s", time.Since(start))
		}

		waits = send(h, get())
		w.end <- struct{}{}
		synctest.Wait()
		if w.running() != 3 {
			t.Error("who waits does not get the turn that is free")
		}
		w.end <- struct{}{}
		w.end <- struct{}{}
		for _, answer := range []<-chan *httptest.ResponseRecorder{first, second, waits} {
			if got := <-answer; got.Code != 200 {
				t.Errorf("%d", got.Code)
			}
		}
		// All turns are back, also those of requests that panic.
		panics := chain(func(http.ResponseWriter, *http.Request) { panic("no") }, NewInFlight(Crowd{Turns: 1}).Wrap)
		for range 3 {
			func() {
				defer func() {
					if recover() != "no" {
						t.Error("the turn of a request that panicked is lost")
					}
				}()
				panics.ServeHTTP(httptest.NewRecorder(), get())
			}()
		}
	})
}

// Strangers leave half of the queue to those who show a credential.
func TestInFlightLeavesRoomForCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWork()
		h := chain(w.serve, NewInFlight(Crowd{Turns: 1, Queue: 4, Wait: time.Second}).Wrap)
		stranger, bearer, cookie := get(), get(), get()
		bearer.Header.Set("Authorization", "Bearer x")
		cookie.AddCookie(&http.Cookie{Name: auth.Cookie, Value: "x"})
		let := []<-chan *httptest.ResponseRecorder{send(h, stranger), send(h, stranger), send(h, stranger)}
		wantShed(t, <-send(h, stranger))
		let = append(let, send(h, bearer), send(h, cookie))
		wantShed(t, <-send(h, bearer))
		for range let {
			w.end <- struct{}{}
			synctest.Wait()
		}
		for i, answer := range let {
			if got := <-answer; got.Code != 200 {
				t.Errorf("%d: %d", i, got.Code)
			}
		}
	})
}

// Where there is no room, a request can be refused before anything else is done for it;
// the log says once a second how many were.
func TestInFlightRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWork()
		log, logged := jsonLog(slog.LevelInfo)
		crowd := NewInFlight(Crowd{Turns: 1, Queue: 2, Wait: time.Minute})
		h := crowd.Wrap(http.HandlerFunc(w.serve))
		refuse := chain(func(w http.ResponseWriter, r *http.Request) { crowd.Refused(log); Refuse(w, r) })
		known := get()
		known.Header.Set("Authorization", "Bearer x")
		var let []<-chan *httptest.ResponseRecorder
		for i, full := range []struct{ stranger, known bool }{{false, false}, {false, false}, {true, false}, {true, true}} {
			if got := crowd.Full(get()); got != full.stranger {
				t.Errorf("%d are in: full for a stranger: %v", i, got)
			}
			if got := crowd.Full(known); got != full.known {
				t.Errorf("%d are in: full for a caller: %v", i, got)
			}
			if i < 3 {
				let = append(let, send(h, known))
			}
		}
		for range 3 {
			answer := httptest.NewRecorder()
			refuse.ServeHTTP(answer, known)
			wantShed(t, answer)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if all := lines(t, logged); len(all) != 1 || all[0]["refused"] != 3. || all[0]["level"] != "WARN" {
			t.Errorf("logged %v", all)
		}
		for range let {
			w.end <- struct{}{}
			synctest.Wait()
		}
		for _, answer := range let {
			if got := <-answer; got.Code != 200 {
				t.Errorf("%d", got.Code)
			}
		}
	})
}

// The turn is free as soon as the answer begins, however slowly the client reads it.
func TestInFlightEndsWithTheWork(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(http.ResponseWriter){
		"body":   func(w http.ResponseWriter) { _, _ = io.WriteString(w, "hello") },
		"status": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				read := make(chan struct{})
				h := chain(func(w http.ResponseWriter, _ *http.Request) { begin(w); <-read }, NewInFlight(Crowd{Turns: 1}).Wrap)
				first, second := send(h, get()), send(h, get())
				close(read)
				if a, b := (<-first).Code, (<-second).Code; a >= 300 || b >= 300 {
					t.Errorf("%d and %d", a, b)
				}
			})
		})
	}
}

// A body that takes long to arrive keeps nobody waiting, and its request has a turn
// again once it is there; one that is there keeps its turn.
func TestInFlightSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWork()
		h := chain(func(rw http.ResponseWriter, r *http.Request) {
			if body, err := io.ReadAll(r.Body); err != nil || r.Method == "POST" && len(body) != len("slow") {
				t.Errorf("read %q, %v", body, err)
			}
			w.serve(rw, r)
		}, NewInFlight(Crowd{Turns: 1, Wait: time.Second}).Wrap)
		body, client := io.Pipe()
		slow := send(h, httptest.NewRequest("POST", "/", body))
		wantShed(t, <-send(h, get()))
		time.Sleep(slowBody)
		synctest.Wait()
		fast := send(h, httptest.NewRequest("POST", "/", strings.NewReader("fast")))
		if w.running() != 1 {
			t.Fatal("the turn of a request whose body takes long is not free")
		}
		wantShed(t, <-send(h, get()))
		w.end <- struct{}{}
		if got := <-fast; got.Code != 200 {
			t.Errorf("%d", got.Code)
		}
		_, _ = io.WriteString(client, "slow")
		client.Close()
		synctest.Wait()
		if w.running() != 2 {
			t.Fatal("the body is here, and nothing happens")
		}
		wantShed(t, <-send(h, get()))
		w.end <- struct{}{}
		if got := <-slow; got.Code != 200 {
			t.Errorf("%d", got.Code)
		}
		go func() { w.end <- struct{}{} }()
		if got := <-send(h, get()); got.Code != 200 {
			t.Errorf("in the end a turn is missing: %d", got.Code)
		}
	})
}

// Many at once: never more than may, and in the end all turns are there.
func TestInFlightRacers(t *testing.T) {
	t.Parallel()
	const turns = 4
	at := make(chan struct{}, turns)
	h := chain(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case at <- struct{}{}:
		default:
			t.Error("more are worked on than may")
		}
		_, _ = io.Copy(io.Discard, r.Body)
		<-at
	}, NewInFlight(Crowd{Turns: turns, Queue: 1000, Wait: time.Minute}).Wrap)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for n := range 500 {
				r := get()
				if (i+n)%2 == 0 {
					r = httptest.NewRequest("POST", "/", strings.NewReader("body"))
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != 200 {
					t.Errorf("%d", w.Code)
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkInFlight is what the bound costs a request that is let in.
func BenchmarkInFlight(b *testing.B) {
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	r := get()
	for name, h := range map[string]http.Handler{
		"with": NewInFlight(Crowd{Turns: 128, Queue: 128, Wait: time.Second}).Wrap(nothing), "without": nothing,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			w := httptest.NewRecorder()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}
