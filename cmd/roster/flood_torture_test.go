//go:build torture && linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestTortureSignInFlood: two thousand connections sign in, all the time, with wrong
// passwords. The server's memory is bounded, and who is signed in hardly notices.
func TestTortureSignInFlood(t *testing.T) {
	const (
		connections = 2000
		lasting     = 20 * time.Second
		pause       = time.Second // after an answer: what Retry-After asks for
		mostMiB     = 150
		goal        = 100 * time.Millisecond
	)
	for _, c := range []struct {
		name      string
		addresses bool // each connection is told of as another address
		settings  []string
	}{
		{"limits as by default, one address", false, nil},
		{"limits as by default, 2000 addresses", true, []string{"ROSTER_TRUSTED_PROXIES=127.0.0.1/32"}},
		{"ROSTER_RATE_LIMIT=off", false, []string{"ROSTER_RATE_LIMIT=off"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, append(c.settings, "ROSTER_ADDR=127.0.0.1:0", "ROSTER_DATA_DIR="+data(t))...)
			alone := s.probe(t, 5*time.Second)
			idle := s.memory(t, "VmRSS")
			s.forgetPeak(t)

			server, clients := s.cpu(t, s.process.Pid), s.cpu(t, os.Getpid())
			var flood sync.WaitGroup
			counts := make([]map[string]int, connections)
			end := time.Now().Add(lasting)
			for i := range connections {
				counts[i] = map[string]int{}
				flood.Go(func() {
					// Not all at the same moment: connections come over half a second.
					time.Sleep(time.Duration(i) * 500 * time.Millisecond / connections)
					header := ""
					if c.addresses {
						header = fmt.Sprintf("X-Forwarded-For: 198.18.%d.%d\r\n", i/250, i%250)
					}
					s.flood(i, header, end, pause, counts[i])
				})
			}
			under := s.probe(t, lasting)
			flood.Wait()

			server, clients = s.cpu(t, s.process.Pid)-server, s.cpu(t, os.Getpid())-clients
			peak, after := s.memory(t, "VmHWM"), s.memory(t, "VmRSS")
			answers := map[string]int{}
			for _, of := range counts {
				for what, n := range of {
					answers[what] += n
				}
			}
			t.Logf("%d connections for %v: %s", connections, lasting, sorted(answers))
			t.Logf("CPU: %.1f s by the server, %.1f s by the clients, of %.0f s", server.Seconds(), clients.Seconds(), lasting.Seconds()*float64(runtime.NumCPU()))
			t.Logf("RSS %d MiB idle, %d MiB at the peak, %d MiB after it: %d MiB above idle; the goal is at most %d", idle, peak, after, peak-idle, mostMiB)
			t.Logf("an authenticated GET: alone %s", spread(alone))
			t.Logf("an authenticated GET: in the flood %s; the goal is p99 under %v", spread(under), goal)
			if peak-idle > mostMiB {
				t.Error("too much memory")
			}
			if p99 := quantile(under, .99); p99 > goal {
				t.Errorf("p99 is %v", p99)
			}
			if answers["201"]+answers["500"]+answers["502"] > 0 || answers["401"]+answers["503"]+answers["429"] == 0 {
				t.Error("these are not the answers to a flood")
			}
			s.want(http.StatusOK, http.MethodGet, "/ready", "")
			s.want(http.StatusOK, http.MethodGet, "/api/session", "")
			if s.memory(t, "VmRSS") == 0 {
				t.Error("it has crashed")
			}
			for line := range strings.Lines(s.said()) { // not the word alone: it may stand in an id that is made up
				if strings.Contains(line, `"msg":"panic"`) || strings.HasPrefix(line, "panic: ") {
					t.Error(line)
				}
			}
		})
	}
}

// flood signs in over one connection until the end, and counts the answers. A
// connection that is lost is made again.
func (s *serving) flood(i int, header string, end time.Time, pause time.Duration, count map[string]int) {
	var conn net.Conn
	var answers *bufio.Reader
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	for n := 0; time.Now().Before(end); n++ {
		if conn == nil {
			var err error
			if conn, err = net.DialTimeout("tcp", strings.TrimPrefix(s.base, "http://"), 10*time.Second); err != nil {
				count["no connection"]++
				time.Sleep(pause)
				continue
			}
			answers = bufio.NewReader(conn)
		}
		body := fmt.Sprintf(`{"email":"nobody-%d-%d@example.org","password":"wrong horse battery"}`, i, n)
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		_, err := fmt.Fprintf(conn, "POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", header, len(body), body)
		var status string
		if err == nil {
			status, err = readAnswer(answers)
		}
		if err != nil {
			count["broken off"]++
			conn.Close()
			conn = nil
			continue
		}
		count[status]++
		time.Sleep(min(pause, time.Until(end)))
	}
}

// readAnswer reads one answer for as little as it takes: two thousand clients share
// the cores with the server.
func readAnswer(r *bufio.Reader) (status string, err error) {
	line, err := r.ReadString('\n')
	if err != nil || len(line) < 12 {
		return "", fmt.Errorf("%q: %w", line, err)
	}
	length := 0
	for {
		head, err := r.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		if len(head) <= 2 {
			break
		}
		if name, value, _ := strings.Cut(string(head), ": "); strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return "", err
			}
		}
	}
	_, err = r.Discard(length)
	return line[9:12], err
}

// probe asks 40 times a second who it is, whether or not the answer before has come,
// and returns how long each took, from the moment when it should have been sent.
func (s *serving) probe(t *testing.T, lasting time.Duration) []time.Duration {
	t.Helper()
	const every = 25 * time.Millisecond
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	var mu sync.Mutex
	var times []time.Duration
	var all sync.WaitGroup
	start := time.Now()
	for due := start; due.Sub(start) < lasting; due = due.Add(every) {
		time.Sleep(time.Until(due))
		all.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+"/api/session", nil)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer "+s.token)
			resp, err := client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			took := time.Since(due)
			if resp.StatusCode != http.StatusOK {
				t.Errorf("an authenticated GET: %d", resp.StatusCode)
			}
			mu.Lock()
			times = append(times, took)
			mu.Unlock()
		})
	}
	all.Wait()
	slices.Sort(times)
	return times
}

// memory reads a line of the server's status, in MiB.
func (s *serving) memory(t *testing.T, name string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); fields[0] == name+":" {
			kib, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			return kib >> 10
		}
	}
	t.Fatalf("no %s", name)
	return 0
}

// cpu is the time that a process has worked.
func (s *serving) cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ") // the name may have spaces in it
	ticks := 0
	for _, field := range strings.Fields(after)[11:13] { // in user mode and in the kernel, a hundredth of a second each
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// forgetPeak makes VmHWM begin anew.
func (s *serving) forgetPeak(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.process.Pid), []byte("5"), 0); err != nil {
		t.Logf("the peak is that since the start: %v", err)
	}
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[int(q*float64(len(sorted)-1))]
}

func spread(sorted []time.Duration) string {
	at := func(q float64) time.Duration { return quantile(sorted, q).Round(100 * time.Microsecond) }
	return fmt.Sprintf("p50 %v, p90 %v, p99 %v, max %v of %d", at(.5), at(.9), at(.99), at(1), len(sorted))
}

func sorted(counts map[string]int) string {
	var all []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, fmt.Sprintf("%d x %s", counts[what], what))
	}
	return strings.Join(all, ", ")
}
