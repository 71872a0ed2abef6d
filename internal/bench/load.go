package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// load is a closed loop: each of conns connections sends its next request as soon
// as it has the answer to the last.
type load struct {
	conns   int
	seconds float64
	also    int // a status that may come now and then in the place of the one that is wanted
}

// outcome is what a load saw.
type outcome struct {
	requests  int
	elapsed   time.Duration
	latencies histogram
}

// run sends requests to addr until the time is over, waits for the answers that
// are still due, and counts them all. Each request is made by next, which appends
// to its argument and returns nil when there are no more.
func (l load) run(addr string, status int, next func(*rand.Rand, []byte) []byte) (outcome, error) {
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		all   outcome
		first error
	)
	begin := time.Now()
	deadline := begin.Add(time.Duration(l.seconds * float64(time.Second)))
	for i := range l.conns {
		wg.Go(func() {
			var seen outcome
			err := seen.repeat(addr, status, l.also, rand.New(rand.NewPCG(uint64(begin.UnixNano()), uint64(i))), next, deadline)
			mu.Lock()
			defer mu.Unlock()
			all.requests += seen.requests
			all.latencies.merge(&seen.latencies)
			if first == nil {
				first = err
			}
		})
	}
	wg.Wait()
	all.elapsed = time.Since(begin)
	return all, first
}

func (o *outcome) repeat(addr string, status, also int, random *rand.Rand, next func(*rand.Rand, []byte) []byte, deadline time.Time) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	var request []byte
	for sent := time.Now(); sent.Before(deadline); {
		if request = next(random, request[:0]); request == nil {
			return nil
		}
		got, err := c.do(request, nil)
		if err != nil {
			return err
		}
		if got != status && got != also {
			return fmt.Errorf("status %d instead of %d for %q", got, status, request)
		}
		answered := time.Now()
		o.requests++
		o.latencies.add(answered.Sub(sent))
		sent = answered
	}
	return nil
}
