//go:build unix

package middleware

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// What has arrived is read first, though nobody else would look for it. It is not parallel:
// it has the one core that there is.
func TestBacklog(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const (
		pipes  = 400
		atOnce = 128 // that the poller tells of; the last of them may run a moment later
	)
	var read atomic.Int64
	var all sync.WaitGroup
	var writers []*os.File
	for range pipes {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close(); _ = w.Close() }()
		writers = append(writers, w)
		all.Go(func() {
			if _, err := r.Read(make([]byte, 1)); err != nil {
				t.Error(err)
			}
			read.Add(1)
		})
	}
	arrived().wait() // all of them wait to read
	for idle := false; !idle; runtime.Gosched() {
		arrived().mu.Lock()
		idle = !arrived().turning
		arrived().mu.Unlock()
	}
	for _, w := range writers {
		if _, err := w.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	arrived().wait()
	if n := read.Load(); n < pipes-atOnce {
		t.Errorf("%d of %d have been read", n, pipes)
	}
	all.Wait()
}

// All who come in one turn go on at its end, and nobody waits where no turn can be made.
func TestBacklogIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns, release := 0, make(chan struct{})
		b := &backlog{turn: func() error {
			turns++
			<-release
			return nil
		}}
		var all sync.WaitGroup
		for range 20 {
			all.Go(b.wait)
		}
		synctest.Wait()
		if turns != 1 {
			t.Errorf("%d turns are under way", turns)
		}
		close(release)
		all.Wait()
		synctest.Wait()
		if turns != 2 { // in the second, nobody comes
			t.Errorf("%d turns for those who came in one", turns)
		}

		turns = 0
		broken := &backlog{turn: func() error { turns++; return errors.New("no pipe") }}
		for range 20 {
			broken.wait()
			synctest.Wait()
		}
		if turns > 2 {
			t.Errorf("%d turns where none can be made", turns)
		}
	})
}
