package limit

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func usual() SignIn { return SignIn{Limiter: New(), Address: SignInAddress, Account: SignInAccount} }

func addr(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)})
}

func TestSignInByAddress(t *testing.T) {
	t.Parallel()
	s, now := usual(), time.Now()
	for i := range 20 {
		if r, _ := s.Take(context.Background(), addr(1), fmt.Sprint(i, "@example.org"), now); !r.Allowed {
			t.Fatalf("try %d: %+v", i, r)
		}
	}
	r, giveBack := s.Take(context.Background(), addr(1), "victim@example.org", now)
	if r.Allowed || r.RetryAfter != 3 {
		t.Errorf("the 21st try: %+v", r)
	}
	giveBack() // does nothing: nothing was taken
	if r, _ := s.Take(context.Background(), addr(1), "other@example.org", now); r.Allowed {
		t.Errorf("after that: %+v", r)
	}
	// An address that is shut out has shut nobody else out.
	for i := range 1000 {
		s.Take(context.Background(), addr(1), "victim@example.org", now.Add(time.Duration(i)*time.Millisecond))
	}
	for i := range 10 {
		if r, _ := s.Take(context.Background(), addr(2), "victim@example.org", now.Add(time.Second)); !r.Allowed {
			t.Errorf("the victim's own try %d: %+v", i, r)
		}
	}
}

func TestSignInByAccount(t *testing.T) {
	t.Parallel()
	s, now := usual(), time.Now()
	for i := range 10 {
		if r, _ := s.Take(context.Background(), addr(i), "ada@example.org", now); !r.Allowed {
			t.Fatalf("try %d: %+v", i, r)
		}
	}
	for i := range 1000 {
		if r, _ := s.Take(context.Background(), addr(i%2*i), "ada@example.org", now); r.Allowed || r.RetryAfter != 30 {
			t.Fatalf("from another address, or the first: %+v", r)
		}
	}
	// What the account refused does not count for the address.
	for i := range 19 {
		if r, _ := s.Take(context.Background(), addr(0), fmt.Sprint(i), now); !r.Allowed {
			t.Fatalf("try %d into another account: %+v", i, r)
		}
	}
}

func TestSignInThatSucceedsCostsNothing(t *testing.T) {
	t.Parallel()
	s, now := usual(), time.Now()
	for i := range 1000 {
		r, giveBack := s.Take(context.Background(), addr(1), "ada@example.org", now)
		if !r.Allowed || r.Remaining != 9 {
			t.Fatalf("sign-in %d: %+v", i, r)
		}
		giveBack()
	}
	// Given back once, however often it is said.
	_, giveBack := s.Take(context.Background(), addr(1), "ada@example.org", now)
	for range 9 {
		s.Take(context.Background(), addr(1), "ada@example.org", now)
	}
	for range 9 {
		giveBack()
	}
	s.Take(context.Background(), addr(1), "ada@example.org", now)
	if r, _ := s.Take(context.Background(), addr(1), "ada@example.org", now); r.Allowed {
		t.Errorf("%+v after ten failures", r)
	}
}

// Whoever waits for as long as both say is let in.
func TestSignInRetryAfterIsThatOfBoth(t *testing.T) {
	t.Parallel()
	for _, first := range []int{0, 10} {
		synctest.Test(t, func(t *testing.T) {
			s := usual()
			for range first {
				s.Take(context.Background(), addr(9), "ada@example.org", time.Now())
			}
			for i := range 20 {
				s.Take(context.Background(), addr(1), fmt.Sprint(i), time.Now())
			}
			r, _ := s.Take(context.Background(), addr(1), "ada@example.org", time.Now())
			if want := map[int]int{0: 3, 10: 30}[first]; r.Allowed || r.RetryAfter != want {
				t.Errorf("%+v, want to wait %d", r, want)
			}
			time.Sleep(time.Duration(r.RetryAfter) * time.Second)
			if r, _ := s.Take(context.Background(), addr(1), "ada@example.org", time.Now()); !r.Allowed {
				t.Errorf("after the wait: %+v", r)
			}
		})
	}
}

func TestSignInOff(t *testing.T) {
	t.Parallel()
	s := SignIn{Limiter: New()}
	for range 1000 {
		r, giveBack := s.Take(context.Background(), netip.Addr{}, "ada@example.org", time.Now())
		if !r.Allowed {
			t.Fatalf("%+v", r)
		}
		giveBack()
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"203.0.113.7":          "203.0.113.7",
		"::ffff:203.0.113.7":   "203.0.113.7",
		"::ffff:203.0.113.7%x": "203.0.113.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::",
		"2001:db8:1:2:ffff::":  "2001:db8:1:2::",
		"2001:db8:1:3::":       "2001:db8:1:3::",
		"fe80::1%eth0":         "fe80::",
		"::1":                  "::",
		"127.0.0.1":            "127.0.0.1",
	} {
		if got := Address(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s counts as %s, want %s", in, got, want)
		}
	}
	if got := Address(netip.Addr{}); got != "unknown" {
		t.Errorf("no address counts as %s", got)
	}
}
