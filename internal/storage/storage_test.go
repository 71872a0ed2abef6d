//go:build unix

package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roster-api/roster/internal/storage"
	"github.com/roster-api/roster/internal/testkit"
)

// drivers makes each driver, and what lets time go by for it.
var drivers = []struct {
	name string
	open func(*testing.T) (d storage.Driver, pass func(time.Duration))
}{
	{"memory", func(*testing.T) (storage.Driver, func(time.Duration)) {
		c := testkit.NewClock()
		return storage.NewMemory(8<<20, c.Now), c.Pass
	}},
	{"redis", func(t *testing.T) (storage.Driver, func(time.Duration)) {
		// A patient client: what is tested is what the driver does, not how fast.
		o, err := redis.ParseURL(testkit.Redis(t).URL())
		if err != nil {
			t.Fatal(err)
		}
		c := redis.NewClient(o)
		t.Cleanup(func() { _ = c.Close() })
		return storage.NewRedis(c), time.Sleep // its clock is its own
	}},
}

// each runs a test for every driver.
func each(t *testing.T, test func(t *testing.T, d storage.Driver, pass func(time.Duration))) {
	t.Parallel()
	for _, driver := range drivers {
		t.Run(driver.name, func(t *testing.T) {
			t.Parallel()
			d, pass := driver.open(t)
			test(t, d, pass)
		})
	}
}

func TestSetGetDelete(t *testing.T) {
	each(t, func(t *testing.T, d storage.Driver, _ func(time.Duration)) {
		ctx, s := t.Context(), storage.In(d, "a")
		if _, err := s.Get(ctx, "k"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("nothing is there: %v", err)
		}
		for _, v := range [][]byte{[]byte("one"), {}, {0, 255, '\n'}, bytes.Repeat([]byte("x"), storage.MaxValue)} {
			if err := s.Set(ctx, "k", v, 0); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Get(ctx, "k"); err != nil || !bytes.Equal(got, v) {
				t.Errorf("got %.20q, %v, want %.20q", got, err, v)
			}
		}
		if err := s.Set(ctx, "l", nil, 0); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(ctx, "k", "l", "never there"); err != nil {
			t.Error(err)
		}
		if err := s.Delete(ctx); err != nil {
			t.Error(err)
		}
		if keys, err := s.List(ctx, ""); err != nil || len(keys) != 0 || keys == nil {
			t.Errorf("left: %#v, %v", keys, err)
		}
	})
}

func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, d storage.Driver, _ func(time.Duration)) {
		ctx, s := t.Context(), storage.In(d, "a")
		long := strings.Repeat("k", storage.MaxKey)
		if err := s.Set(ctx, long, []byte("v"), 0); err != nil {
			t.Errorf("the longest key: %v", err)
		}
		for _, key := range []string{"", long + "k"} {
			_, err := s.Get(ctx, key)
			for _, err := range []error{err, s.Set(ctx, key, nil, 0), s.Delete(ctx, "fine", key)} {
				if !errors.Is(err, storage.ErrKey) {
					t.Errorf("a key of %d octets: %v", len(key), err)
				}
			}
		}
		if err := s.Set(ctx, "k", make([]byte, storage.MaxValue+1), 0); !errors.Is(err, storage.ErrTooLarge) {
			t.Errorf("too large: %v", err)
		}
		if err := s.Set(ctx, "k", nil, -1); !errors.Is(err, storage.ErrTTL) {
			t.Errorf("below 0: %v", err)
		}
	})
}

func TestTTL(t *testing.T) {
	each(t, func(t *testing.T, d storage.Driver, pass func(time.Duration)) {
		ctx, s := t.Context(), storage.In(d, "a")
		for key, ttl := range map[string]time.Duration{"short": 20 * time.Millisecond, "least": 1, "long": time.Hour, "ever": 0, "again": 20 * time.Millisecond} {
			if err := s.Set(ctx, key, []byte("v"), ttl); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Set(ctx, "again", []byte("v"), time.Hour); err != nil {
			t.Fatal(err)
		}
		pass(40 * time.Millisecond)
		for key, want := range map[string]error{"short": storage.ErrNotFound, "least": storage.ErrNotFound, "long": nil, "ever": nil, "again": nil} {
			if _, err := s.Get(ctx, key); !errors.Is(err, want) {
				t.Errorf("%s: %v", key, err)
			}
		}
		if keys, err := s.List(ctx, ""); err != nil || !slices.Equal(keys, []string{"again", "ever", "long"}) {
			t.Errorf("%v, %v", keys, err)
		}
	})
}

// tricky are keys that could mean something else somewhere.
var tricky = []string{
	"a", "a:b", ":", "b:a", "*", "a*", "?", "[a]", "[", "]", "[^a]", "[a-z]", `\`, `\*`, `a\`, "a b", "a\r\nDEL a", "\x00", "é", "\xff",
	"roster:a:a", "{a}", "a\nb",
}

// No key and no prefix reaches another namespace, or means more than it says.
func TestKeysAreLiteral(t *testing.T) {
	each(t, func(t *testing.T, d storage.Driver, _ func(time.Duration)) {
		ctx := t.Context()
		spaces := map[string]storage.Space{"a": storage.In(d, "a"), "b": storage.In(d, "b"), "a-b": storage.In(d, "a-b")}
		for name, s := range spaces {
			for _, key := range tricky {
				if err := s.Set(ctx, key, []byte(name+" "+key), 0); err != nil {
					t.Fatal(err)
				}
			}
		}
		for name, s := range spaces {
			for _, key := range tricky {
				if v, err := s.Get(ctx, key); err != nil || string(v) != name+" "+key {
					t.Errorf("%s: %q: %q, %v", name, key, v, err)
				}
				var want []string
				for _, k := range tricky {
					if strings.HasPrefix(k, key) {
						want = append(want, k)
					}
				}
				slices.Sort(want)
				if got, err := s.List(ctx, key); err != nil || !slices.Equal(got, want) {
					t.Errorf("%s: list of %q: %q, %v, want %q", name, key, got, err, want)
				}
			}
		}
		if err := spaces["a"].Delete(ctx, tricky...); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]int{"a": 0, "b": len(tricky), "a-b": len(tricky)} {
			if got, err := spaces[name].List(ctx, ""); err != nil || len(got) != want {
				t.Errorf("%s: %d keys left, %v", name, len(got), err)
			}
		}
	})
}

func TestListOfMany(t *testing.T) {
	each(t, func(t *testing.T, d storage.Driver, _ func(time.Duration)) {
		ctx, s := t.Context(), storage.In(d, "a")
		var want []string
		for i := range 3000 {
			key := fmt.Sprintf("k%04d", i)
			if err := s.Set(ctx, key, []byte("v"), 0); err != nil {
				t.Fatal(err)
			}
			if i < 1000 {
				want = append(want, key)
			}
		}
		if got, err := s.List(ctx, "k0"); err != nil || !slices.Equal(got, want) {
			t.Errorf("%d keys, %v", len(got), err)
		}
	})
}

type thing struct {
	Name string         `json:"name"`
	At   time.Time      `json:"at"`
	Of   map[string]int `json:"of"`
}

func TestTyped(t *testing.T) {
	each(t, func(t *testing.T, d storage.Driver, _ func(time.Duration)) {
		ctx, s := t.Context(), storage.Of[thing](d, "things")
		want := thing{"<é>", time.Date(2026, 3, 14, 9, 26, 53, 589_793_000, time.UTC), map[string]int{"a": 1}}
		if err := s.Set(ctx, "k", want, time.Hour); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(ctx, "k"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, %v", got, err)
		}
		if keys, err := s.List(ctx, "k"); err != nil || len(keys) != 1 {
			t.Errorf("%v, %v", keys, err)
		}
		if _, err := storage.Of[int](d, "things").Get(ctx, "k"); err == nil || strings.Contains(err.Error(), "é") {
			t.Errorf("another type: %v", err)
		}
		if err := s.Delete(ctx, "k"); err != nil {
			t.Error(err)
		}
		if _, err := s.Get(ctx, "k"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("deleted: %v", err)
		}
	})
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "A", "a:b", "a b", "a*", "-a", strings.Repeat("a", 33), "a\n"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q is taken for a namespace", name)
				}
			}()
			storage.In(storage.NewMemory(1, nil), name)
		}()
	}
}

func FuzzKey(f *testing.F) {
	for _, key := range tricky {
		f.Add(key, "other")
		f.Add("other", key)
	}
	ctx := context.Background()
	f.Fuzz(func(t *testing.T, key, other string) {
		d := storage.NewMemory(1<<20, nil)
		a, b := storage.In(d, "a"), storage.In(d, "b")
		if err := a.Set(ctx, key, []byte("a"), 0); err != nil {
			return
		}
		if _, err := b.Get(ctx, other); err == nil {
			t.Errorf("%q reaches another namespace as %q", key, other)
		}
		if _, err := a.Get(ctx, other); err == nil && key != other {
			t.Errorf("%q and %q are one key", key, other)
		}
		if keys, _ := a.List(ctx, other); len(keys) == 1 != strings.HasPrefix(key, other) {
			t.Errorf("%q lists %q", other, keys)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	const bound = 1 << 20
	m := storage.NewMemory(bound, nil)
	s := storage.In(m, "a")
	for i := range 20_000 {
		if err := s.Set(t.Context(), fmt.Sprint(i), make([]byte, i%2000), 0); err != nil {
			t.Fatal(err)
		}
	}
	if n := m.Octets(); n > bound || n < bound/2 {
		t.Errorf("%d octets are in use, of %d", n, bound)
	}
}
