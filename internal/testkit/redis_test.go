//go:build unix

package testkit

import (
	"bufio"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ping asks a Redis whether it is there.
func ping(r *RedisServer, within time.Duration) error {
	c, err := net.DialTimeout("unix", strings.TrimPrefix(r.URL(), "unix://"), within)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(within))
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && line != "+PONG\r\n" {
		err = errors.New(line)
	}
	return err
}

func TestRedis(t *testing.T) {
	t.Parallel()
	r := Redis(t)
	url := r.URL()
	if err := ping(r, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	r.Freeze()
	if err := ping(r, 20*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("frozen: %v", err)
	}
	r.Thaw()
	if err := ping(r, 5*time.Second); err != nil {
		t.Errorf("thawed: %v", err)
	}
	r.Freeze()
	r.Stop()
	if err := ping(r, 5*time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("stopped: %v", err)
	}
	r.Start()
	if err := ping(r, 5*time.Second); err != nil || r.URL() != url {
		t.Errorf("started again at %s: %v", r.URL(), err)
	}
}
