package cache_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/cache"
	"github.com/roster-api/roster/internal/etag"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

type input struct {
	ID string `query:"id"`
	etag.IfNoneMatch
}

type number struct {
	N int64 `json:"n"`
}

// source computes numbers that count up, and can be made to fail or to wait.
type source struct {
	n     atomic.Int64
	fails atomic.Pointer[error]
	gate  atomic.Pointer[chan struct{}]
	began chan int64
}

func newSource() *source { return &source{began: make(chan int64, 10_000)} }

func (s *source) compute(ctx context.Context, _ *input) (number, error) {
	n := s.n.Add(1)
	s.began <- n
	if gate := s.gate.Load(); gate != nil {
		select {
		case <-*gate:
		case <-ctx.Done():
			return number{}, ctx.Err()
		}
	}
	if err := s.fails.Load(); err != nil {
		return number{}, *err
	}
	return number{n}, nil
}

func (s *source) fail(err error) {
	if err == nil {
		s.fails.Store(nil)
	} else {
		s.fails.Store(&err)
	}
}

// hold makes computations wait until the returned function is called.
func (s *source) hold() (release func()) {
	gate := make(chan struct{})
	s.gate.Store(&gate)
	return func() {
		s.gate.Store(nil)
		close(gate)
	}
}

type serve = func(context.Context, *input) (*cache.Answer[number], error)

func minute() cache.Policy[input] {
	return cache.Policy[input]{Name: "numbers", Group: "test", MaxAge: time.Minute}
}

func newCache(t testing.TB, o cache.Options) *cache.Cache {
	t.Helper()
	c := cache.New(o)
	t.Cleanup(c.Close)
	return c
}

// get wants a number of a handler.
func get(t testing.TB, h serve, ctx context.Context, id string, want int64) *cache.Answer[number] { //nolint:revive // t comes first here
	t.Helper()
	a, err := h(ctx, &input{ID: id})
	if err != nil {
		t.Fatalf("want %d, got %v", want, err)
	}
	if a.Body.N != want {
		t.Fatalf("got %d, want %d", a.Body.N, want)
	}
	return a
}

// eventually waits for what happens in the background.
func eventually(t testing.TB, within time.Duration, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, within)
		}
	}
}

func person(r role.Role) *auth.Principal {
	return auth.SessionOf(uuid.Must(uuid.NewV7()), dbsqlc.User{ID: uuid.Must(uuid.NewV7()), Email: "ada@example.org", Role: r})
}

func unconfirmedOf(p *auth.Principal) *auth.Principal {
	q := *p
	q.Unconfirmed = true
	return &q
}

func TestOneComputationForManyMisses(t *testing.T) {
	t.Parallel()
	s := newSource()
	h := cache.Handler(newCache(t, cache.Options{}), minute(), s.compute)
	release := s.hold()
	const callers = 500
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if a, err := h(t.Context(), &input{ID: "x"}); err != nil || a.Body.N != 1 {
				t.Errorf("got %v, %v", a, err)
			}
		})
	}
	<-s.began
	release()
	all.Wait()
	if n := s.n.Load(); n != 1 {
		t.Errorf("%d computations for %d misses", n, callers)
	}
	get(t, h, t.Context(), "y", 2)
}

type turn struct{ yielded chan struct{} }

func (t turn) Yield() { close(t.yielded) }

// Who waits for what another one computes lets others in meanwhile; who computes does
// not.
func TestWaitingYieldsTheTurn(t *testing.T) {
	t.Parallel()
	s := newSource()
	h := cache.Handler(newCache(t, cache.Options{}), minute(), s.compute)
	release := s.hold()
	ask := func() (turn, chan error) {
		its, done := turn{make(chan struct{})}, make(chan error, 1)
		ctx := problem.NewContext(t.Context(), &problem.Request{Turn: its})
		go func() {
			_, err := h(ctx, &input{})
			done <- err
		}()
		return its, done
	}
	computes, first := ask()
	<-s.began
	waits, second := ask()
	<-waits.yielded
	release()
	for _, done := range []chan error{first, second} {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	select {
	case <-computes.yielded:
		t.Error("who computes has yielded")
	default:
	}
}

// Who asked first may leave: the others still get what was begun for them all.
func TestFirstCallerLeaves(t *testing.T) {
	t.Parallel()
	s := newSource()
	h := cache.Handler(newCache(t, cache.Options{}), minute(), s.compute)
	release := s.hold()
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := h(ctx, &input{})
		left <- err
	}()
	<-s.began
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	release()
	get(t, h, t.Context(), "", 1)
}

func TestAges(t *testing.T) {
	t.Parallel()
	c, s := testkit.NewClock(), newSource()
	p := minute()
	p.StaleWhileRevalidate = 30 * time.Second
	h := cache.Handler(newCache(t, cache.Options{Now: c.Now}), p, s.compute)
	if a := get(t, h, t.Context(), "", 1); a.Age != "0" || a.CacheControl != "private, max-age=60, stale-while-revalidate=30" || a.Status != http.StatusOK {
		t.Errorf("%+v", a)
	}
	c.Pass(time.Minute - 1)
	if a := get(t, h, t.Context(), "", 1); a.Age != "59" {
		t.Errorf("age %s", a.Age)
	}

	// Stale: many get the old one at once, and one computation begins.
	release := s.hold()
	c.Pass(1)
	for range 20 {
		if a := get(t, h, t.Context(), "", 1); a.Age != "60" {
			t.Errorf("age %s", a.Age)
		}
	}
	release()
	eventually(t, 5*time.Second, "the new one", func() bool {
		a, err := h(t.Context(), &input{})
		return err == nil && a.Body.N == 2 && a.Age == "0"
	})
	if n := s.n.Load(); n != 2 {
		t.Errorf("%d computations", n)
	}

	// Too old even for that: everyone waits.
	c.Pass(90 * time.Second)
	if a := get(t, h, t.Context(), "", 3); a.Age != "0" {
		t.Errorf("age %s", a.Age)
	}
}

func TestStaleIfError(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]error{"a problem": problem.New(problem.Unavailable, ""), "a deadline": context.DeadlineExceeded} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := testkit.NewClock(), newSource()
			p := minute()
			p.StaleIfError = 10 * time.Minute
			h := cache.Handler(newCache(t, cache.Options{Now: c.Now}), p, s.compute)
			get(t, h, t.Context(), "", 1)

			s.fail(away)
			c.Pass(2 * time.Minute)
			if a := get(t, h, t.Context(), "", 1); a.Age != "120" || !strings.HasSuffix(a.CacheControl, ", stale-if-error=600") {
				t.Errorf("%+v", a)
			}
			before := s.n.Load()
			get(t, h, t.Context(), "", 1)
			if s.n.Load() != before {
				t.Error("a source that has just failed is asked again")
			}
			if _, err := h(t.Context(), &input{ID: "other"}); problem.From(err).Code != problem.Unavailable {
				t.Errorf("without a value: %v", err)
			}

			c.Pass(9*time.Minute - 1)
			get(t, h, t.Context(), "", 1)
			c.Pass(1) // 11 minutes old
			if _, err := h(t.Context(), &input{}); problem.From(err).Code != problem.Unavailable {
				t.Errorf("too old: %v", err)
			}
			s.fail(nil)
			get(t, h, t.Context(), "", s.n.Load()+1)

			// Other failures are no reason for old values, and are not kept.
			s.fail(problem.New(problem.NotFound, ""))
			c.Pass(2 * time.Minute)
			if _, err := h(t.Context(), &input{}); problem.From(err).Code != problem.NotFound {
				t.Errorf("got %v", err)
			}
			s.fail(nil)
			get(t, h, t.Context(), "", s.n.Load()+1)
		})
	}
}

// A source that hangs keeps nobody waiting for whom there is a stale value.
func TestSourceHangs(t *testing.T) {
	t.Parallel()
	c, s := testkit.NewClock(), newSource()
	p := minute()
	p.StaleIfError = 10 * time.Minute
	h := cache.Handler(newCache(t, cache.Options{Now: c.Now}), p, s.compute)
	get(t, h, t.Context(), "", 1)
	c.Pass(2 * time.Minute)
	release := s.hold()
	defer release()
	began := time.Now()
	get(t, h, t.Context(), "", 1)
	if took := time.Since(began); took > cache.Patience+time.Second {
		t.Errorf("it took %s", took)
	}
}

// Two callers get each other's values only where the policy says so.
func TestCallersAreApart(t *testing.T) {
	t.Parallel()
	one := person(role.Viewer)
	changed := func(change func(*auth.Principal)) *auth.Principal {
		p := *one
		change(&p)
		return &p
	}
	admin := auth.SessionOf(one.ID, dbsqlc.User{ID: one.UserID, Email: one.Email, Role: role.Admin})
	demoted := *admin // what it may do, but not its role
	demoted.Role = role.Viewer
	callers := map[string]*auth.Principal{
		"nobody": nil, "one": one, "another": person(role.Viewer), "with another role": admin, "with other permissions": &demoted,
		"by another session": changed(func(p *auth.Principal) { p.ID = uuid.New() }),
		"another's session":  changed(func(p *auth.Principal) { p.UserID = uuid.New() }),
		"by a key":           changed(func(p *auth.Principal) { p.Kind = auth.KeyKind }),
		"by a named key":     changed(func(p *auth.Principal) { p.Kind, p.Name = auth.KeyKind, "ci" }),
		"renamed":            changed(func(p *auth.Principal) { p.Email = "b@example.org" }),
	}
	c, s := newCache(t, cache.Options{}), newSource()
	h := cache.Handler(c, minute(), s.compute)
	n := int64(0)
	for name, caller := range callers {
		n++
		ctx := auth.NewContext(t.Context(), caller)
		a, err := h(ctx, &input{})
		if err != nil || a.Body.N != n {
			t.Errorf("%s gets what another got: %v, %v", name, a, err)
			continue
		}
		get(t, h, ctx, "", n)
	}

	p := minute()
	p.Name, p.For = "shared", cache.Shared
	all := cache.Handler(c, p, func(ctx context.Context, _ *input) (number, error) {
		if auth.From(ctx) != nil {
			t.Error("what is for all is told who asks")
		}
		return number{7}, nil
	})
	for _, caller := range callers {
		get(t, all, auth.NewContext(t.Context(), caller), "", 7)
	}
}

// Who cannot be confirmed gets what is there, and nothing is done for them.
func TestUnconfirmed(t *testing.T) {
	t.Parallel()
	c, s := testkit.NewClock(), newSource()
	p := minute()
	p.StaleIfError = 10 * time.Minute
	p.Bypass = func(_ context.Context, in *input) bool { return in.ID == "bypass" }
	h := cache.Handler(newCache(t, cache.Options{Now: c.Now}), p, s.compute)
	caller := person(role.Viewer)
	known, unknown := auth.NewContext(t.Context(), caller), auth.NewContext(t.Context(), unconfirmedOf(caller))
	refused := func(id string) {
		t.Helper()
		if _, err := h(unknown, &input{ID: id}); problem.From(err).Code != problem.Unavailable {
			t.Errorf("got %v", err)
		}
	}
	refused("")
	get(t, h, known, "", 1)
	get(t, h, unknown, "", 1)
	refused("other")
	refused("bypass")
	if _, err := h(auth.NewContext(t.Context(), unconfirmedOf(person(role.Admin))), &input{}); problem.From(err).Code != problem.Unavailable {
		t.Errorf("another one: %v", err)
	}
	c.Pass(11*time.Minute - 1)
	get(t, h, unknown, "", 1)
	c.Pass(1)
	refused("")
	if n := s.n.Load(); n != 1 {
		t.Errorf("%d computations", n)
	}
	without := cache.Handler(nil, minute(), s.compute)
	if _, err := without(unknown, &input{}); problem.From(err).Code != problem.Unavailable {
		t.Errorf("without a cache: %v", err)
	}
}

func TestInvalidate(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		of   cache.Of
		gone bool
	}{
		{"its name", cache.Name("numbers"), true}, {"its group", cache.Group("test"), true}, {"its tag", cache.Tag("x"), true}, {"its second tag", cache.Tag("users"), true},
		{"a long tag of its own", cache.Tag(strings.Repeat("x", 1000)), true},
		{"everything", cache.Everything, true},
		{"another's tag", cache.Tag("y"), false}, {"another name", cache.Name("test"), false}, {"another group", cache.Group("numbers"), false},
		{"a tag with its name", cache.Tag("numbers"), false}, {"a tag in disguise", cache.Tag("n:numbers"), false}, {"a longer tag", cache.Tag(strings.Repeat("x", 1001)), false},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			s := newSource()
			c := newCache(t, cache.Options{})
			p := minute()
			p.Tags = func(in *input) []string { return []string{in.ID, "users", strings.Repeat("x", 1000)} }
			h := cache.Handler(c, p, s.compute)
			if a := get(t, h, t.Context(), "x", 1); a.CacheControl != "private, no-cache" {
				t.Errorf("no write can reach a client, which is told %q", a.CacheControl)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // the request may be over
			c.Invalidate(ctx, k.of)
			want := int64(1)
			if k.gone {
				want = 2
			}
			get(t, h, t.Context(), "x", want)
		})
	}
}

// A computation that began before a write's commit must not be taken for what came
// after, by those who ask later.
func TestInvalidateDuringComputation(t *testing.T) {
	t.Parallel()
	s := newSource()
	c := newCache(t, cache.Options{})
	h := cache.Handler(c, minute(), s.compute)
	release := s.hold()
	first := make(chan int64)
	go func() {
		a, err := h(t.Context(), &input{})
		if err != nil {
			t.Error(err)
		}
		first <- a.Body.N
	}()
	<-s.began
	c.Invalidate(t.Context(), cache.Name("numbers"))
	// Who asks now does not even wait for the old computation.
	second := make(chan int64)
	go func() {
		a, err := h(t.Context(), &input{})
		if err != nil {
			t.Error(err)
		}
		second <- a.Body.N
	}()
	<-s.began
	release()
	if n := <-first; n != 1 {
		t.Errorf("who asked before got %d", n)
	}
	if n := <-second; n != 2 {
		t.Errorf("who asked after the write got %d", n)
	}
	// Whichever landed last, the old one is never given again.
	if a, err := h(t.Context(), &input{}); err != nil || a.Body.N < 2 {
		t.Errorf("later: %v, %v", a, err)
	}
}

// An invalidated value is not given while its successor is made, nor when it fails.
func TestInvalidatedIsNotStale(t *testing.T) {
	t.Parallel()
	s := newSource()
	c := newCache(t, cache.Options{})
	p := minute()
	p.StaleWhileRevalidate, p.StaleIfError = cache.MaxStale, cache.MaxStale
	h := cache.Handler(c, p, s.compute)
	get(t, h, t.Context(), "", 1)
	c.Invalidate(t.Context(), cache.Group("test"))
	s.fail(problem.New(problem.Unavailable, ""))
	if _, err := h(t.Context(), &input{}); problem.From(err).Code != problem.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestBypass(t *testing.T) {
	t.Parallel()
	s := newSource()
	p := minute()
	p.Bypass = func(_ context.Context, in *input) bool { return in.ID == "now" }
	h := cache.Handler(newCache(t, cache.Options{}), p, s.compute)
	for want := range int64(3) {
		if a := get(t, h, t.Context(), "now", want+1); a.Age != "" || a.CacheControl != "" || a.ETag == "" {
			t.Errorf("%+v", a)
		}
	}
	var none *cache.Cache
	none.Invalidate(t.Context(), cache.Tag("x"))
	without := cache.Handler(none, minute(), s.compute)
	get(t, without, t.Context(), "", 4)
	get(t, without, t.Context(), "", 5)
}

func TestNotModified(t *testing.T) {
	t.Parallel()
	s := newSource()
	h := cache.Handler(newCache(t, cache.Options{}), minute(), func(ctx context.Context, in *input) (number, error) {
		n, err := s.compute(ctx, in)
		n.N = min(n.N, 2)
		return n, err
	})
	one, two, again := get(t, h, t.Context(), "a", 1), get(t, h, t.Context(), "b", 2), get(t, h, t.Context(), "c", 2)
	if one.ETag == two.ETag || two.ETag != again.ETag || !strings.HasPrefix(one.ETag, `"`) || !strings.HasSuffix(one.ETag, `"`) {
		t.Errorf("tags %s, %s and %s", one.ETag, two.ETag, again.ETag)
	}
}

// What goes wrong in a computation goes to those who wait, and does not end the process.
func TestComputationBreaks(t *testing.T) {
	t.Parallel()
	for name, compute := range map[string]func(context.Context, *input) (any, error){
		"panic":   func(context.Context, *input) (any, error) { panic("secret") },
		"goexit":  func(context.Context, *input) (any, error) { runtime.Goexit(); return 0, nil },
		"no JSON": func(context.Context, *input) (any, error) { return func() {}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := cache.Handler(newCache(t, cache.Options{}), minute(), compute)
			for range 2 {
				if _, err := h(t.Context(), &input{}); problem.From(err).Code != problem.Internal {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

// All values together stay under the bound, and so does the memory that they take.
func TestMemoryIsBounded(t *testing.T) { // not parallel: it measures the heap
	const bound = 16 << 20
	type row struct {
		Day  time.Time         `json:"day"`
		Name string            `json:"name"`
		Of   map[string]*int64 `json:"of"`
		More []any             `json:"more"`
	}
	c := newCache(t, cache.Options{Octets: bound})
	h := cache.Handler(c, minute(), func(_ context.Context, in *input) ([]row, error) {
		rows := make([]row, 20)
		for i := range rows {
			n := int64(i)
			rows[i] = row{Day: time.Now(), Name: in.ID, Of: map[string]*int64{"a": &n, "b": nil, "c": &n}, More: []any{1, "two", in.ID}}
		}
		return rows, nil
	})
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range 5000 {
		if _, err := h(t.Context(), &input{ID: fmt.Sprint("a name that is ", i)}); err != nil {
			t.Fatal(err)
		}
	}
	used, grown := c.MemoryOctets(), int64(heap())-int64(before)
	t.Logf("%d octets are counted, the heap grew by %d, the bound is %d", used, grown, bound)
	if used > bound || used < bound/2 {
		t.Errorf("%d octets are counted, of %d", used, bound)
	}
	if grown > bound*3/2 {
		t.Errorf("the heap grew by %d octets", grown)
	}
}

// Hits are what it is all for.
func BenchmarkHit(b *testing.B) {
	for name, whom := range map[string]cache.For{"shared": cache.Shared, "each": cache.Each} {
		b.Run(name, func(b *testing.B) {
			p := minute()
			p.For = whom
			h := cache.Handler(newCache(b, cache.Options{}), p, newSource().compute)
			ctx, in := auth.NewContext(b.Context(), person(role.Admin)), &input{ID: "x"}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h(ctx, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
