package apitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// exchange is the request as the server was to read it.
func (q *message) exchange(got answer) exchange {
	x := exchange{method: q.method, sentType: q.get("Content-Type"), sent: q.content(), answer: got}
	if u, err := url.ParseRequestURI(q.target()); err == nil {
		x.path, x.query = u.Path, u.Query()
	}
	return x
}

// mark stands in much of what is sent. No problem may repeat it.
const mark = "zQ7x"

// insides are no business of a client's.
var insides = regexp.MustCompile(`(?i)sqlstate|pgx|pgconn|postgres|goroutine|panic|runtime error|\.go\b|/internal/|\bhuma\b|127\.0\.0\.1|0x[0-9a-f]{6}|relation "|column "`)

// fromNetHTTP are the statuses with which net/http refuses what it cannot read, before
// any of Roster's code has it.
var fromNetHTTP = []int{400, 417, 431, 501, 505}

// unmatched are the statuses of what is no operation's request.
var unmatched = []int{400, 401, 403, 404, 405, 408, 413, 415, 421, 422, 431}

// maxHead is less than what net/http reads of a request before its body.
const maxHead = 30 << 10

// judge says what is wrong with an answer.
func (w *world) judge(q *message, got answer, err error) (faults []string) {
	head := len(q.bytes(w.address)) - len(q.content())
	if _, err := url.ParseRequestURI(q.target()); err != nil || head > maxHead {
		q.torn = true
	}
	if err != nil {
		// Who sends what breaks off, or more than anyone reads, may find the door shut.
		broke := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
		if !q.torn || !broke {
			faults = append(faults, "no answer: "+err.Error())
		}
		return faults
	}
	kind := got.Header.Get("Content-Type")
	if q.torn && slices.Contains(fromNetHTTP, got.Status) && kind != "application/problem+json" {
		if kind != "" && !strings.HasPrefix(kind, "text/plain") || len(got.Body) > 200 || bytes.Contains(got.Body, []byte(mark)) {
			faults = append(faults, "net/http says too much")
		}
		return faults
	}
	if !q.torn {
		faults = w.contract.check(q.exchange(got))
		if len(faults) > 0 && q.wild && slices.Contains(unmatched, got.Status) {
			faults = nil
		}
	}
	if got.Header.Get("X-Request-Id") == "" {
		faults = append(faults, "it has no request id")
	}
	if sent := q.get("X-Request-Id"); !q.torn && sent == w.requestID() && got.Header.Get("X-Request-Id") != sent {
		faults = append(faults, "it is the answer to another request")
	}
	if got.Status >= 400 {
		faults = append(faults, w.judgeProblem(q, got)...)
	}
	if got.Status >= 500 && got.Status != http.StatusServiceUnavailable {
		faults = append(faults, "a server's error: "+w.logged(got.Header.Get("X-Request-Id")))
	}
	return faults
}

func (w *world) judgeProblem(q *message, got answer) (faults []string) {
	if found := insides.Find(got.Body); found != nil {
		faults = append(faults, "it tells of "+string(found))
	}
	if bytes.Contains(got.Body, []byte(mark)) {
		faults = append(faults, "it repeats what was sent")
	}
	for name, values := range got.Header {
		if strings.Contains(strings.Join(values, " "), mark) {
			faults = append(faults, name+" repeats what was sent")
		}
	}
	if got.Status == http.StatusServiceUnavailable && got.Header.Get("Retry-After") == "" {
		faults = append(faults, "a 503 without Retry-After")
	}
	if q.method == http.MethodHead {
		return faults
	}
	if err := w.contract.validate(pointer("components", "schemas", "ApiError"), got.Body); err != nil {
		return append(faults, err.Error())
	}
	var p struct {
		Status    int
		RequestID string
	}
	if err := json.Unmarshal(got.Body, &p); err != nil || p.Status != got.Status || p.RequestID != got.Header.Get("X-Request-Id") {
		faults = append(faults, "its body is of another answer")
	}
	return faults
}

// logged is the server's own line of a request, if it is written already.
func (w *world) logged(requestID string) string {
	for line := range strings.Lines(w.log.String()) {
		if strings.Contains(line, requestID) {
			return line
		}
	}
	return "not in the log yet"
}
