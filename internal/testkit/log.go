package testkit

import (
	"bytes"
	"encoding/json"
	"sync"
	"testing"
	"time"
)

// Log keeps what was logged as JSON, a line an entry. The zero value is ready.
type Log struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed at the next line
}

func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return l.text.Write(line)
}

// String is all that was logged.
func (l *Log) String() string {
	text, _ := l.read()
	return text
}

func (l *Log) read() (text string, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.text.String(), l.changed
}

// Lines parses what was logged. A line that is no JSON fails the test.
func (l *Log) Lines(t testing.TB) []map[string]any {
	t.Helper()
	return parseLines(t, l.String())
}

func parseLines(t testing.TB, text string) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for line := range bytes.Lines([]byte(text)) {
		var entry map[string]any
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatalf("the log has the line %q: %v", line, err)
		}
		lines = append(lines, entry)
	}
	return lines
}

// Await returns the line of the request with this id: it is written after the
// answer was sent.
func (l *Log) Await(t testing.TB, requestID string) map[string]any {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		text, changed := l.read()
		for _, line := range parseLines(t, text) {
			if line["msg"] == "request" && line["requestId"] == requestID {
				return line
			}
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("no line of request %s in the log:\n%s", requestID, text)
		}
	}
}
