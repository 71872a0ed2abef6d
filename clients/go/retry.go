package roster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	defaultRetries = 3
	defaultMaxWait = 30 * time.Second
	firstWait      = 200 * time.Millisecond
)

// retrier sends what is safe to send again; the package comment has its rules.
type retrier struct {
	max     int
	maxWait time.Duration
}

// permanent marks an error that another try would meet again.
type permanent struct{ error }

func (r retrier) do(ctx context.Context, call *call, try func(context.Context, *call) (*answer, error)) (*answer, error) {
	lost := false
	for tries := 1; ; tries++ {
		a, err := try(ctx, call)
		if a != nil {
			a.lost = lost
			a.retryAfter, a.asked = retryAfter(a.header, time.Now())
		}
		wait, again := r.again(ctx, call, a, err, tries)
		if !again {
			var p permanent
			if errors.As(err, &p) {
				err = p.error
			}
			return a, err
		}
		if a != nil {
			err = newAPIError(a)
		}
		if !refused(a, err) {
			lost = true
		}
		if ended := sleep(ctx, wait); ended != nil {
			return nil, fmt.Errorf("roster: %w, before another try after: %w", ended, err)
		}
	}
}

// again decides whether to send the call again, and after which time.
func (r retrier) again(ctx context.Context, call *call, a *answer, err error, tries int) (wait time.Duration, again bool) {
	replayable := call.request.Body == nil || call.request.GetBody != nil
	if tries > r.max || ctx.Err() != nil || !replayable {
		return 0, false
	}
	wait = min(firstWait<<min(tries-1, 20), r.maxWait)
	wait -= time.Duration(rand.Int64N(int64(wait/2) + 1))
	switch {
	case err != nil:
		again = !hopeless(err) && (refused(a, err) || repeatable(call))
	case a.status == http.StatusTooManyRequests, a.status == http.StatusServiceUnavailable, inFlight(a):
		again = (a.asked || repeatable(call)) && a.retryAfter <= r.maxWait
		if a.retryAfter > 0 { // and a little more, so that not all who were refused come back at once
			wait = a.retryAfter + time.Duration(rand.Int64N(int64(firstWait)))
		}
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
		again = false
	}
	return wait, again
}

// repeatable reports whether the call may be sent again although it may have been
// carried out.
func repeatable(call *call) bool {
	return call.idempotent && call.request.Header.Get("If-Match") == ""
}

// inFlight reports whether the server is still at work on an earlier try.
func inFlight(a *answer) bool {
	if a.status != http.StatusConflict {
		return false
	}
	p, _ := decodeProblem(a)
	return p.Code == ErrorCodeIdempotencyInFlight
}

// refused reports whether a try is known to have done nothing: the rate limit
// stands before every operation, and without a connection nothing was sent. A 503
// is no proof: the server may have lost its database while it wrote.
func refused(a *answer, err error) bool {
	if a != nil {
		return a.status == http.StatusTooManyRequests
	}
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}

// hopeless reports whether another try would end the same.
func hopeless(err error) bool {
	var p permanent
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &p) ||
		errors.As(err, &dns) && dns.IsNotFound ||
		errors.As(err, &certificate) || errors.As(err, &record) ||
		errors.Is(err, http.ErrSchemeMismatch)
}

// retryAfter reads Retry-After (RFC 9110, section 10.2.3): seconds, or a date.
// asked is false where it is missing or makes no sense.
func retryAfter(header http.Header, now time.Time) (wait time.Duration, asked bool) {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		const century = 100 * 365 * 24 * time.Hour // a time.Duration holds no more than three
		return time.Duration(min(seconds, uint64(century/time.Second))) * time.Second, true
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(date.Sub(now), 0), true
	}
	return 0, false
}

// sleep waits, at most until the context ends, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
