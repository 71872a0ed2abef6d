package limit

import (
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
func (s SignIn) Take(addr netip.Addr, account string, now time.Time) (result Result, giveBack func()) {
	address := Address(addr)
	hash := sha256.Sum256([]byte(account)) // a limiter that is shared gets to see no emails
	name := string(hash[:])

	giveAddress := func() { s.Limiter.Give(kindAddress, address, s.Address) }
	giveAccount := func() { s.Limiter.Give(kindAccount, name, s.Account) }
	byAddress := s.Limiter.Take(kindAddress, address, s.Address, now)
	byAccount := s.Limiter.Take(kindAccount, name, s.Account, now)
	switch {
	case byAddress.Allowed && byAccount.Allowed:
		return tighter(byAddress, byAccount), sync.OnceFunc(func() { giveAddress(); giveAccount() })
	case byAddress.Allowed:
		giveAddress()
	case byAccount.Allowed:
		giveAccount()
	}
	return tighter(byAddress, byAccount), func() {}
}

// tighter returns the one to tell the caller of.
func tighter(a, b Result) Result {
	if a.RetryAfter > b.RetryAfter || a.RetryAfter == b.RetryAfter && a.Quota > 0 && (b.Quota == 0 || a.Remaining < b.Remaining) {
		return a
	}
	return b
}
