package cache

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/problem"
)

const (
	// deadline is how long a computation may take. Those who asked for it may have
	// gone by then.
	deadline = 10 * time.Second
	// pause is how long a source that was not able to answer is left alone by those
	// for whom there is a stale value.
	pause = time.Second
	// patience is how long somebody for whom there is a stale value waits for a new one.
	patience = time.Second
)

// Answer is the output of a cached operation.
type Answer[T any] struct {
	Status       int
	ETag         string   `header:"ETag" doc:"The version of the value, for If-None-Match." example:"\"3q2-7wAAAAB1bnNl\""`
	CacheControl string   `header:"Cache-Control" doc:"How long the value may be kept, by this caller alone (RFC 9111)." example:"private, max-age=60"`
	Age          string   `header:"Age" doc:"Seconds since the value was made." example:"12"`
	Vary         []string `header:"Vary" doc:"Another caller may get another value." example:"Authorization, Cookie"`
	Body         T
}

// vary keeps a browser from giving one person what it kept for another.
var vary = []string{"Authorization, Cookie"}

// Handler makes the handler of a cached operation out of what computes its value. A
// policy that cannot be right, or whose name is taken, panics. With a nil cache
// nothing is kept.
//
// The value is given to any number of callers, in JSON as it would be without a cache,
// and compute must not change it later. One computation serves all who wait for the
// same value; it goes on when they leave, for ten seconds at most. What it returns with
// an error is not kept.
func Handler[In, T any](c *Cache, p Policy[In], compute func(context.Context, *In) (T, error)) func(context.Context, *In) (*Answer[T], error) {
	p.check()
	h := &handler[In, T]{cache: c, policy: p, compute: compute, control: p.header()}
	h.of = []Of{everything, Name(p.Name)}
	if p.Group != "" {
		h.of = append(h.of, Group(p.Group))
	}
	h.start.add(p.Name)
	h.start.add(shapeOf(reflect.TypeFor[T]()))
	if p.Key == nil {
		var err error
		if h.fields, err = fieldsOf(reflect.TypeFor[In]()); err != nil {
			panic(fmt.Sprintf("cache: the policy %q needs a Key: %v", p.Name, err))
		}
	}
	if c != nil {
		c.declare(p.Name)
	}
	return h.serve
}

type handler[In, T any] struct {
	cache   *Cache
	policy  Policy[In]
	compute func(context.Context, *In) (T, error)

	control string // Cache-Control
	of      []Of   // without tags
	start   key    // of every key
	fields  fields
	down    atomic.Int64 // the source failed; left alone until then, in Unix ns
}

// entry is a value in memory. It never changes.
type entry struct {
	value any // the operation's T
	etag  string
	made  time.Time
	marks string
	size  int
}

func (e *entry) octets() int { return e.size }

// packed is an entry in Redis.
type packed struct {
	Made  time.Time      `json:"made"`
	Marks string         `json:"marks"`
	Value jsontext.Value `json:"value"`
}

// flight is a computation, and those who wait for it.
type flight struct {
	done  chan struct{}
	entry *entry // after done, unless err
	stale *entry // after done, if there was one
	err   error
}

func (h *handler[In, T]) serve(ctx context.Context, in *In) (*Answer[T], error) {
	caller := auth.From(ctx)
	unconfirmed := caller != nil && caller.Unconfirmed
	if h.cache == nil || h.policy.Bypass != nil && h.policy.Bypass(ctx, in) {
		if unconfirmed {
			return nil, problem.New(problem.Unavailable, "").WithCause(auth.ErrUnconfirmed)
		}
		v, err := h.compute(h.context(ctx), in)
		if err != nil {
			return nil, err
		}
		e, _, err := h.entry(v, time.Time{}, "")
		if err != nil {
			return nil, err
		}
		return h.answer(in, e, "", ""), nil
	}

	of := h.belongs(in)
	place := h.key(caller, in)
	marks := h.cache.marks.read(ctx, of)
	e := h.cache.find(place, marks)
	if unconfirmed {
		if e == nil || h.age(e) >= h.policy.MaxAge {
			e = newer(e, h.load(ctx, place, marks))
		}
		if e == nil || h.age(e) >= h.longest() {
			return nil, problem.New(problem.Unavailable, "").WithCause(auth.ErrUnconfirmed)
		}
		return h.kept(in, e), nil
	}

	if e == nil {
		f := h.await(ctx, in, place, marks)
		select {
		case <-f.done:
			return h.landed(in, f)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	age := h.age(e)
	down := h.cache.now().UnixNano() < h.down.Load()
	switch {
	case age < h.policy.MaxAge:
		return h.kept(in, e), nil
	case down && age < h.longest():
		return h.kept(in, e), nil
	case age < h.policy.MaxAge+h.policy.StaleWhileRevalidate:
		h.fly(ctx, in, place, marks)
		return h.kept(in, e), nil
	}
	f := h.await(ctx, in, place, marks)
	var late <-chan time.Time
	if age < h.longest() {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-f.done:
		return h.landed(in, f)
	case <-late:
		return h.kept(in, e), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// landed is what those get who waited.
func (h *handler[In, T]) landed(in *In, f *flight) (*Answer[T], error) {
	switch {
	case f.err == nil:
		return h.kept(in, f.entry), nil
	case unavailable(f.err) && f.stale != nil && h.age(f.stale) < h.longest():
		return h.kept(in, f.stale), nil
	}
	return nil, f.err
}

// kept answers with a value that is, or may be, in the cache.
func (h *handler[In, T]) kept(in *In, e *entry) *Answer[T] {
	return h.answer(in, e, h.control, strconv.Itoa(int(h.age(e).Seconds())))
}

func (h *handler[In, T]) answer(in *In, e *entry, control, age string) *Answer[T] {
	a := &Answer[T]{Status: http.StatusOK, ETag: e.etag, CacheControl: control, Age: age, Vary: vary, Body: e.value.(T)}
	if any(in).(condition).Fresh(e.etag) {
		a.Status = http.StatusNotModified
	}
	return a
}

// await is fly for one who waits. Who has joined does no work meanwhile, and so leaves
// its turn to another: hundreds may come for what has just gone out of the cache.
func (h *handler[In, T]) await(ctx context.Context, in *In, place, marks string) *flight {
	f, joined := h.fly(ctx, in, place, marks)
	if turn := problem.RequestFrom(ctx).Turn; joined && turn != nil {
		turn.Yield()
	}
	return f
}

// fly starts a computation, or joins one that is on its way and began under the same
// marks.
func (h *handler[In, T]) fly(ctx context.Context, in *In, place, marks string) (f *flight, joined bool) {
	name := place + marks
	c := h.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[name]; f != nil {
		return f, true
	}
	f = &flight{done: make(chan struct{})}
	c.flights[name] = f
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.context(ctx)), deadline)
	go func() {
		defer func() {
			// Nobody else would catch a panic here, nor tell those who wait.
			if r := recover(); r != nil {
				f.err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
			} else if f.entry == nil && f.err == nil {
				f.err = errors.New("the computation did not return")
			}
			if f.err != nil {
				h.failed(ctx, f)
			}
			cancel()
			c.mu.Lock()
			delete(c.flights, name)
			c.mu.Unlock()
			close(f.done)
		}()
		h.land(ctx, in, place, marks, f)
	}()
	return f, false
}

// land finds or computes a value.
func (h *handler[In, T]) land(ctx context.Context, in *In, place, marks string, f *flight) {
	// The flight before this one may have landed a moment ago.
	f.stale = h.cache.find(place, marks)
	if f.stale == nil || h.age(f.stale) >= h.policy.MaxAge {
		f.stale = newer(f.stale, h.load(ctx, place, marks))
	}
	if f.stale != nil && h.age(f.stale) < h.policy.MaxAge {
		f.entry = f.stale
		return
	}
	v, err := h.compute(ctx, in)
	if err != nil {
		f.err = err
		return
	}
	e, text, err := h.entry(v, h.cache.now(), marks)
	if err != nil {
		f.err = err
		return
	}
	f.entry = e
	h.down.Store(0)
	h.cache.memory.Set(place, e, h.longest())
	if h.cache.shared != nil {
		// It is kept here, whatever becomes of it there.
		_ = h.cache.shared.Set(ctx, h.name(place), packed{e.made, marks, text}, h.longest())
	}
}

func (h *handler[In, T]) failed(ctx context.Context, f *flight) {
	if unavailable(f.err) {
		h.down.Store(h.cache.now().Add(pause).UnixNano())
	}
	// Those who get a stale value do not learn why.
	if f.stale != nil {
		h.cache.log.WarnContext(ctx, "a cached value could not be made anew", "cache", h.policy.Name, "error", f.err)
	}
}

// entry makes an entry of a value, as it comes out of JSON: the same here as on a
// server that has it from Redis.
func (h *handler[In, T]) entry(v T, made time.Time, marks string) (*entry, []byte, error) {
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, nil, err
	}
	e, err := h.unpack(packed{made, marks, text})
	return e, text, err
}

func (h *handler[In, T]) unpack(p packed) (*entry, error) {
	var v T
	if err := json.Unmarshal(p.Value, &v); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(p.Value)
	e := &entry{value: v, made: p.Made, marks: p.Marks}
	e.etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	e.size = octetsOf(reflect.ValueOf(&v).Elem()) + len(e.marks) + 100 // the entry itself
	return e, nil
}

// load looks into Redis, and keeps in memory what is there.
func (h *handler[In, T]) load(ctx context.Context, place, marks string) *entry {
	if h.cache.shared == nil {
		return nil
	}
	p, err := h.cache.shared.Get(ctx, h.name(place))
	if err != nil || p.Marks != marks {
		return nil
	}
	if now := h.cache.now(); p.Made.After(now) {
		p.Made = now // a clock that is ahead makes nothing younger than now
	}
	e, err := h.unpack(p)
	if err != nil {
		return nil
	}
	if left := h.longest() - h.age(e); left > 0 && newer(h.cache.find(place, marks), e) == e {
		h.cache.memory.Set(place, e, left)
	}
	return e
}

// name is the key in Redis, which people can read.
func (h *handler[In, T]) name(place string) string {
	return h.policy.Name + ":" + base64.RawURLEncoding.EncodeToString([]byte(place))
}

// find returns what is in memory under these marks.
func (c *Cache) find(place, marks string) *entry {
	if e, ok := c.memory.Get(place); ok && e.marks == marks {
		return e
	}
	return nil
}

// context is what a computation gets to know of the request.
func (h *handler[In, T]) context(ctx context.Context) context.Context {
	if h.policy.For == Shared {
		return auth.NewContext(ctx, nil)
	}
	return ctx
}

func (h *handler[In, T]) belongs(in *In) []Of {
	of := h.of
	if h.policy.Tags != nil {
		of = of[:len(of):len(of)]
		for _, tag := range h.policy.Tags(in) {
			of = append(of, Tag(tag))
		}
	}
	return of
}

func (h *handler[In, T]) key(caller *auth.Principal, in *In) string {
	k := key{append(make([]byte, 0, 256), h.start.octets...)}
	if h.policy.Key != nil {
		k.add(h.policy.Key(in))
	} else {
		h.fields.add(&k, reflect.ValueOf(in).Elem())
	}
	if h.policy.For != Shared {
		k.addCaller(caller)
	}
	return k.sum()
}

// longest is the age from which on a value is of no use.
func (h *handler[In, T]) longest() time.Duration {
	return h.policy.MaxAge + max(h.policy.StaleWhileRevalidate, h.policy.StaleIfError)
}

func (h *handler[In, T]) age(e *entry) time.Duration { return max(h.cache.now().Sub(e.made), 0) }

func newer(a, b *entry) *entry {
	if a == nil || b != nil && b.made.After(a.made) {
		return b
	}
	return a
}

// unavailable reports whether an error is that of a source that is away.
func unavailable(err error) bool {
	return problem.From(err).Code == problem.Unavailable
}
