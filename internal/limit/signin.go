package limit

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

// The usual rates of tries to sign in.
var (
	SignInAddress = Rate{20, time.Minute}
	SignInAccount = Rate{10, 5 * time.Minute}
)

// What an operation declares that calls [SignIn.Take].
var (
	FailuresByAddress = Limit{Policy: kindAddress, Rate: SignInAddress, By: ByAddress, Failures: true}
	FailuresByAccount = Limit{Policy: kindAccount, Rate: SignInAccount, By: ByAccount, Failures: true}
)

// SignIn bounds the guessing of passwords: how often one address tries, and how
// often an account is tried, from wherever. Zero rates are no limits.
type SignIn struct {
	Limiter *Limiter
	Address Rate
	Account Rate
}

const (
	kindAddress = "sign-in address"
	kindAccount = "sign-in account"
)

// Take counts one try, before the password is looked at. account is what is tried
// to sign in with, in its canonical form, whether or not there is such a user.
// After a sign-in that succeeds, call giveBack: only failures use up the quotas.
//
// A try that one of the two refuses counts for none, so an address that is shut
// out cannot shut out an account, and RetryAfter is that of both.
func (s SignIn) Take(ctx context.Context, addr netip.Addr, account string, now time.Time) (result Result, giveBack func()) {
	hash := sha256.Sum256([]byte(account)) // a limiter that is shared gets to see no emails
	asks := []Ask{
		{kindAddress, Address(addr), s.Address},
		{kindAccount, string(hash[:]), s.Account},
	}
	verdict := s.Limiter.Take(ctx, asks, now)
	return verdict.Result, sync.OnceFunc(func() { s.Limiter.Give(ctx, asks, verdict) })
}
