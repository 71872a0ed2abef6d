//go:build torture && linux

package apitest

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// spinning is an open loop, or a closed one, that asks the kernel again and again whether
// something has come and never sleeps: a client on another machine does not cost the
// server the waking of a core. Of the connections that are free it takes the one that was
// used last, as pools do; it opens as many as it needs, and keeps them.
type spinning struct {
	t     *testing.T
	to    syscall.Sockaddr
	next  func(n int) []byte
	epoll int
	all   map[int32]*spinningConn
	free  []*spinningConn
}

type spinningConn struct {
	fd int
	r  request
	in []byte // of the answer, so far
}

func newSpinning(t *testing.T, addr string, next func(n int) []byte) *spinning {
	a := netip.MustParseAddrPort(addr)
	epoll := must(syscall.EpollCreate1(syscall.EPOLL_CLOEXEC))(t)
	s := &spinning{t: t, to: &syscall.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}, next: next, epoll: epoll, all: map[int32]*spinningConn{}}
	t.Cleanup(func() {
		for _, c := range s.all {
			_ = syscall.Close(c.fd)
		}
		_ = syscall.Close(epoll)
	})
	return s
}

// open offers a rate for a time, and waits for all answers.
func (s *spinning) open(rate float64, lasting time.Duration) offered {
	n := 0
	return s.run(func(passed time.Duration) (time.Duration, bool) {
		due := time.Duration(float64(n) / rate * float64(time.Second))
		if due > passed || due >= lasting {
			return 0, false
		}
		n++
		return due, true
	}, lasting)
}

// closed is so many clients of which each asks again when it has its answer.
func (s *spinning) closed(clients int, lasting time.Duration) offered {
	return s.run(func(passed time.Duration) (time.Duration, bool) {
		return passed, passed < lasting && len(s.all)-len(s.free) < clients
	}, lasting)
}

// run sends what due says to send at a time, with when it was due.
func (s *spinning) run(due func(passed time.Duration) (time.Duration, bool), lasting time.Duration) offered {
	sum := offered{statuses: map[string]int{}}
	start, events := time.Now(), make([]syscall.EpollEvent, 256)
	for {
		passed := time.Since(start)
		if passed > lasting+20*time.Second {
			s.t.Fatalf("%d requests have no answer after 20 s", len(s.all)-len(s.free))
		}
		for range 64 { // then look what has come
			at, more := due(passed)
			if !more {
				break
			}
			sum.late = append(sum.late, passed-at)
			s.send(request{sum.sent, start.Add(at)})
			sum.sent++
		}
		if passed >= lasting && len(s.free) == len(s.all) {
			break
		}
		n, err := syscall.EpollWait(s.epoll, events, 0)
		if err != nil && err != syscall.EINTR {
			s.t.Fatal(err)
		}
		for _, event := range events[:max(n, 0)] {
			if c := s.all[event.Fd]; s.receive(c) {
				sum.count(c.in, time.Since(c.r.due))
				s.free = append(s.free, c)
			}
		}
	}
	sum.lasting = time.Since(start)
	for _, times := range [][]time.Duration{sum.good, sum.shed, sum.late} {
		slices.Sort(times)
	}
	return sum
}

func (s *spinning) send(r request) {
	if len(s.free) == 0 {
		s.free = append(s.free, s.dial())
	}
	last := len(s.free) - 1
	c := s.free[last]
	s.free = s.free[:last]
	c.r, c.in = r, c.in[:0]
	if _, err := syscall.Write(c.fd, s.next(r.n)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *spinning) dial() *spinningConn {
	fd := must(syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0))(s.t)
	for _, err := range []error{
		syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1),
		syscall.Connect(fd, s.to),
		syscall.SetNonblock(fd, true),
		syscall.EpollCtl(s.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}),
	} {
		if err != nil {
			s.t.Fatal(err)
		}
	}
	c := &spinningConn{fd: fd}
	s.all[int32(fd)] = c
	return c
}

// receive reads what has come, and reports whether that is all of the answer.
func (s *spinning) receive(c *spinningConn) bool {
	var part [16 << 10]byte
	n, err := syscall.Read(c.fd, part[:])
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return false
	}
	if err != nil || n == 0 {
		s.t.Fatalf("broken off: %v", err)
	}
	c.in = append(c.in, part[:n]...)
	head, body, whole := bytes.Cut(c.in, []byte("\r\n\r\n"))
	if !whole {
		return false
	}
	if _, length, has := bytes.Cut(head, []byte("\r\nContent-Length: ")); has {
		length, _, _ = bytes.Cut(length, []byte("\r\n"))
		return len(body) == must(strconv.Atoi(string(length)))(s.t)
	}
	return bytes.HasSuffix(body, []byte("0\r\n\r\n")) // in chunks; a line of JSON does not end so
}

// count notes an answer and its time from when its request was due.
func (o *offered) count(answer []byte, took time.Duration) {
	status := statusText(answer[9:12])
	o.statuses[status]++
	switch {
	case status == "503":
		o.shed = append(o.shed, took)
		if !bytes.Contains(answer, []byte("\r\nRetry-After: ")) {
			o.noRetry++
		}
	case status[0] == '2':
		o.good = append(o.good, took)
	default:
		o.statuses[fmt.Sprintf("%.40q", answer)]++
	}
}
