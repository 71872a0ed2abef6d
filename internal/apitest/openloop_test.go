package apitest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// openLoop sends requests at a rate, whether or not those before are answered: as
// clients do who know nothing of each other. A closed loop slows down with the server
// and so never overloads it.
type openLoop struct {
	addr  string
	conns int // enough that one is free at each time
	next  func(n int) []byte
}

// offered is what became of the requests of an open loop.
type offered struct {
	sent     int
	lasting  time.Duration
	statuses map[string]int
	good     []time.Duration // 2xx, from when it was due
	shed     []time.Duration // 503, likewise
	late     []time.Duration // from when it was due to when it was sent
	noRetry  int             // 503 without Retry-After
}

type request struct {
	n   int
	due time.Time
}

// run offers a rate for a time.
func (l openLoop) run(rate float64, lasting time.Duration) offered {
	// What no connection is free for waits here, and its time counts.
	requests := make(chan request, int(rate*lasting.Seconds())+1)
	start := time.Now()
	return l.send(start, func() (request, bool) {
		r, more := <-requests
		return r, more
	}, func() {
		defer close(requests)
		for n := 0; ; time.Sleep(time.Millisecond) {
			passed := time.Since(start)
			for due := min(passed, lasting).Seconds() * rate; float64(n) < due; n++ {
				requests <- request{n, start.Add(time.Duration(float64(n) / rate * float64(time.Second)))}
			}
			if passed >= lasting {
				return
			}
		}
	})
}

// send sends what next says over all connections, while offer offers it.
func (l openLoop) send(start time.Time, next func() (request, bool), offer func()) offered {
	seen := make([]offered, l.conns)
	var all sync.WaitGroup
	for i := range seen {
		all.Go(func() {
			of := &seen[i]
			of.statuses = map[string]int{}
			c := &rawClient{addr: l.addr}
			defer c.close()
			for r, more := next(); more; r, more = next() {
				of.late = append(of.late, time.Since(r.due))
				status, retry, err := c.do(l.next(r.n))
				took := time.Since(r.due)
				switch {
				case err != nil:
					of.statuses[reason(err)]++
				case status == "503":
					of.shed = append(of.shed, took)
					if !retry {
						of.noRetry++
					}
				case status[0] == '2':
					of.good = append(of.good, took)
				}
				if err == nil {
					of.statuses[status]++
				}
			}
		})
	}
	sum := offered{statuses: map[string]int{}}
	offer()
	all.Wait()
	sum.lasting = time.Since(start)
	for _, of := range seen {
		sum.good, sum.shed = append(sum.good, of.good...), append(sum.shed, of.shed...)
		sum.late = append(sum.late, of.late...)
		sum.noRetry += of.noRetry
		for status, n := range of.statuses {
			sum.statuses[status] += n
			sum.sent += n
		}
	}
	slices.Sort(sum.good)
	slices.Sort(sum.shed)
	slices.Sort(sum.late)
	return sum
}

func reason(err error) string {
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return "timeout"
	}
	return "broken off"
}

// rawClient is one kept-alive connection. It costs a fraction of net/http's, whose
// cores the server needs.
type rawClient struct {
	addr string
	conn net.Conn
	in   *bufio.Reader
}

// do sends a request and reads its answer. A connection that is lost is made again
// for the next one.
func (c *rawClient) do(request []byte) (status string, retry bool, err error) {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.addr, 10*time.Second)
		if err != nil {
			return "", false, err
		}
		c.conn, c.in = conn, bufio.NewReaderSize(conn, 16<<10)
	}
	if status, retry, err = c.exchange(request); err != nil {
		c.close()
	}
	return status, retry, err
}

func (c *rawClient) exchange(request []byte) (status string, retry bool, err error) {
	_ = c.conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := c.conn.Write(request); err != nil {
		return "", false, err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return "", false, err
	}
	if len(line) < 12 {
		return "", false, fmt.Errorf("answered %q", line)
	}
	status = statusText(line[9:12])
	length, chunked, last := 0, false, false
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return "", false, err
		}
		if len(line) <= 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch string(name) {
		case "Content-Length":
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return "", false, err
			}
		case "Retry-After":
			retry = true
		case "Connection":
			last = true
		case "Transfer-Encoding":
			chunked = true
		}
	}
	if chunked {
		err = c.chunks()
	} else {
		_, err = c.in.Discard(length)
	}
	if last {
		c.close()
	}
	return status, retry, err
}

func (c *rawClient) chunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if _, err := c.in.Discard(int(size) + 2); err != nil || size == 0 {
			return err
		}
	}
}

func (c *rawClient) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// statusText needs no memory for the usual ones.
func statusText(b []byte) string {
	for _, s := range [...]string{"200", "503"} {
		if string(b) == s {
			return s
		}
	}
	return string(b)
}

// timesOf sums times up, which are in order.
func timesOf(times []time.Duration) string {
	if len(times) == 0 {
		return "none"
	}
	at := func(q float64) time.Duration {
		return times[int(q*float64(len(times)-1))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("p50 %v, p90 %v, p99 %v, max %v of %d", at(.5), at(.9), at(.99), at(1), len(times))
}
