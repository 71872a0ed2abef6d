package embedded

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	sinkLimit = 8 << 20 // bytes in postgres.log before it becomes postgres.log.1
	sinkTail  = 12      // lines that an error shows
)

// sink takes what the server says: into a file of bounded size, to slog at debug, and the last lines into errors.
type sink struct {
	log     *slog.Logger
	path    string
	readers sync.WaitGroup

	mu   sync.Mutex
	file *os.File
	size int64
	last []string
}

func openSink(path string, log *slog.Logger) (*sink, error) {
	s := &sink{log: log, path: path}
	return s, s.open()
}

func (s *sink) open() error {
	f, err := os.OpenFile(s.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY|noFollow, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		err = ownLike(s.path, filepath.Dir(s.path))
	}
	if err != nil {
		f.Close()
		return err
	}
	s.file, s.size = f, info.Size()
	return nil
}

// read takes lines from r until its last writer is gone.
func (s *sink) read(r io.ReadCloser) {
	s.readers.Go(func() {
		defer r.Close()
		lines := bufio.NewReaderSize(r, 64<<10)
		for {
			line, err := lines.ReadString('\n')
			if line != "" {
				s.add(line)
			}
			if err != nil {
				return
			}
		}
	})
}

func (s *sink) add(line string) {
	level := slog.LevelDebug
	if strings.Contains(line, "PANIC:  ") {
		level = slog.LevelError
	}
	said := strings.TrimSpace(line)
	if _, after, ok := strings.Cut(said, "] "); ok {
		said = after // slog has a time of its own
	}
	s.log.Log(context.Background(), level, "postgres: "+said)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = append(s.last, line)
	s.last = s.last[max(0, len(s.last)-sinkTail):]
	if s.file == nil {
		return
	}
	if s.size > sinkLimit {
		s.file.Close()
		s.file = nil
		_ = os.Rename(s.path, s.path+".1")
		if s.open() != nil {
			return // a log that cannot be written must not stop the database
		}
	}
	n, _ := s.file.WriteString(line)
	s.size += int64(n)
}

// tail is the end of what the server said, for an error, with the name of the file.
func (s *sink) tail() string {
	s.wait(100 * time.Millisecond) // the last words may still be in the pipe
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.last) == 0 {
		return ""
	}
	return "; it said:\n" + strings.Join(s.last, "") + "(more in " + s.path + ")"
}

func (s *sink) close() {
	s.wait(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
}

// wait gives the readers a moment: a child of a killed server may keep the pipe open.
func (s *sink) wait(patience time.Duration) {
	done := make(chan struct{})
	go func() {
		s.readers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
}
