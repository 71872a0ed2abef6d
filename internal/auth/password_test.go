package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/roster-api/roster/internal/problem"
)

// small makes a hasher of which one may hash and two more may wait.
func small() *Passwords {
	return &Passwords{turns: make(chan struct{}, 1), queue: make(chan struct{}, 3), idKey: argon2.IDKey}
}

func wantUnavailable(t *testing.T, err error) {
	t.Helper()
	var e *problem.Error
	if !errors.As(err, &e) || e.Code != problem.Unavailable {
		t.Errorf("got %v, want unavailable", err)
	}
}

// phc is the form of https://github.com/P-H-C/phc-string-format, with the least
// cost that Roster promises.
var phc = regexp.MustCompile(`^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$`)

func TestHash(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery \u00e9"
	p := NewPasswords()
	salts := map[string]bool{}
	for range 2 {
		hash, err := p.Hash(t.Context(), password)
		if err != nil {
			t.Fatal(err)
		}
		parts := phc.FindStringSubmatch(hash)
		if parts == nil {
			t.Fatalf("%q is no PHC string of argon2id", hash)
		}
		memory, _ := strconv.Atoi(parts[1])
		passes, _ := strconv.Atoi(parts[2])
		if memory < 19*1024 || passes < 2 {
			t.Errorf("%q costs less than 19 MiB and two passes", hash)
		}
		salt, err := base64.RawStdEncoding.DecodeString(parts[3])
		if err != nil || len(salt) != 16 {
			t.Fatalf("salt %x, %v", salt, err)
		}
		salts[string(salt)] = true

		key := argon2.IDKey([]byte(password), salt, uint32(passes), uint32(memory), 1, 32)
		if base64.RawStdEncoding.EncodeToString(key) != parts[4] {
			t.Errorf("%q is not the hash that it says", hash)
		}
	}
	if len(salts) != 2 {
		t.Error("two hashes share a salt")
	}
	if len(p.turns) != 0 || len(p.queue) != 0 {
		t.Error("a hash that is done keeps its place")
	}
}

func TestNewPasswordsLeavesHalfOfTheCores(t *testing.T) {
	t.Parallel()
	for cores, want := range map[int]int{1: 1, 2: 1, 3: 1, 4: 2, 8: 4, 9: 4, 64: 4} {
		if got := turnsOn(cores); got != want {
			t.Errorf("%d hash at once on %d cores, want %d", got, cores, want)
		}
	}
	p := NewPasswords()
	if got, want := cap(p.turns), turnsOn(runtime.GOMAXPROCS(0)); got != want {
		t.Errorf("%d hash at once, want %d", got, want)
	}
	if got, want := cap(p.queue)-cap(p.turns), 32; got != want {
		t.Errorf("%d may wait, want %d", got, want)
	}
}

func TestWaitIsBoundedInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := small()
		if err := p.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		wantUnavailable(t, p.wait(t.Context()))
		if waited := time.Since(start); waited != 2*time.Second {
			t.Errorf("waited %v, want 2s", waited)
		}
		if len(p.queue) != 1 {
			t.Errorf("%d places are taken after one gave up, want 1", len(p.queue))
		}
		p.done()
		if err := p.wait(t.Context()); err != nil {
			t.Errorf("the free turn: %v", err)
		}
	})
}

func TestWaitIsBoundedInNumber(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := small()
		if err := p.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 2)
		for range 2 {
			go func() { served <- p.wait(t.Context()) }()
		}
		synctest.Wait()
		start := time.Now()
		wantUnavailable(t, p.wait(t.Context()))
		if waited := time.Since(start); waited != 0 {
			t.Errorf("one too many waited %v for its no", waited)
		}
		// Those who wait come in turn as places come free.
		for range 2 {
			p.done()
			if err := <-served; err != nil {
				t.Error(err)
			}
		}
		p.done()
		if len(p.turns) != 0 || len(p.queue) != 0 {
			t.Errorf("%d turns and %d places are still taken", len(p.turns), len(p.queue))
		}
	})
}

func TestWaitEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := small()
		if err := p.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.wait(ctx) }()
		synctest.Wait()
		if len(p.queue) != 2 {
			t.Fatalf("%d places are taken, want 2", len(p.queue))
		}
		start := time.Now()
		cancel()
		wantUnavailable(t, <-ended)
		if time.Since(start) != 0 || len(p.queue) != 1 {
			t.Errorf("it ended after %v, %d places taken", time.Since(start), len(p.queue))
		}
	})
}

func TestWithoutATurnNothingIsHashed(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name  string
		ctx   context.Context
		taken int // of three places
	}{
		{"the queue is full", t.Context(), 3},
		{"the caller has gone", gone, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, done := counting(small())
			for range c.taken {
				p.queue <- struct{}{}
			}
			hash, err := p.Hash(c.ctx, "correct horse battery")
			wantUnavailable(t, err)
			if hash != "" {
				t.Errorf("hashed all the same: %q", hash)
			}
			for _, stored := range []string{"", "nonsense", hashOf("correct horse battery", 8, 1)} {
				ok, rehash, err := p.Verify(c.ctx, "correct horse battery", stored)
				wantUnavailable(t, err)
				if ok || rehash {
					t.Errorf("%q: ok %t, rehash %t", stored, ok, rehash)
				}
			}
			wantUnavailable(t, p.VerifyNone(c.ctx, "correct horse battery"))
			if *done != (work{}) || len(p.turns) != 0 || len(p.queue) != c.taken {
				t.Errorf("did %+v; %d turns and %d places are taken", *done, len(p.turns), len(p.queue))
			}
		})
	}
}
