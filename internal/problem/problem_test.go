package problem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func sqlState(code string) error {
	return fmt.Errorf("list: %w", &pgconn.PgError{Code: code, Message: "SECRET", Detail: "SECRET"})
}

func TestFrom(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		err  error
		want Code
	}{
		{"a problem stays", New(EmailTaken, ""), EmailTaken},
		{"a wrapped problem stays", fmt.Errorf("create: %w", New(LastAdmin, "")), LastAdmin},
		{"a rule", &huma.ErrorDetail{Location: "query.cursor", Message: "invalid_format|must be a cursor"}, ValidationFailed},
		{"a wrapped rule", fmt.Errorf("list: %w", &huma.ErrorDetail{Message: "x|y"}), ValidationFailed},

		{"connection failure", sqlState("08006"), Unavailable},
		{"protocol violation of a pooler", sqlState("08P01"), Unavailable},
		{"disk full", sqlState("53100"), Unavailable},
		{"out of memory", sqlState("53200"), Unavailable},
		{"too many connections", sqlState("53300"), Unavailable},
		{"statement timeout", sqlState("57014"), Unavailable},
		{"shutdown", sqlState("57P01"), Unavailable},
		{"crash", sqlState("57P02"), Unavailable},
		{"starting up", sqlState("57P03"), Unavailable},
		{"I/O error", sqlState("58030"), Unavailable},
		{"read-only", sqlState("25006"), Unavailable},
		{"idle in transaction", sqlState("25P03"), Unavailable},
		{"serialization", sqlState("40001"), Unavailable},
		{"deadlock", sqlState("40P01"), Unavailable},
		{"lock timeout", sqlState("55P03"), Unavailable},
		{"unique violation that nobody named", sqlState("23505"), Internal},
		{"check violation", sqlState("23514"), Internal},
		{"U+0000", sqlState("22021"), Internal},
		{"no such table", sqlState("42P01"), Internal},
		{"syntax", sqlState("42601"), Internal},
		{"permission", sqlState("42501"), Internal},
		{"raised by a function", sqlState("P0001"), Internal},
		{"internal of PostgreSQL", sqlState("XX000"), Internal},
		{"an odd state", sqlState("57"), Internal},

		{"deadline", context.DeadlineExceeded, Unavailable},
		{"caller gone", canceled.Err(), Unavailable},
		{"cut off", fmt.Errorf("read: %w", io.ErrUnexpectedEOF), Unavailable},
		{"closed", io.EOF, Unavailable},
		{"closed by us", net.ErrClosed, Unavailable},
		{"refused", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, Unavailable},
		{"no such host", &net.DNSError{Name: "db.internal", IsNotFound: true}, Unavailable},

		{"no row that nobody expected", pgx.ErrNoRows, Internal},
		{"any other", errors.New("SECRET"), Internal},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := From(c.err)
			if got.Code != c.want || got.GetStatus() != c.want.Status() {
				t.Fatalf("%v became %d %s, want %s", c.err, got.Status, got.Code, c.want)
			}
			if (got.retryAfter > 0) != (c.want == Unavailable) {
				t.Errorf("Retry-After %d on %s", got.retryAfter, got.Code)
			}
			body, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"SECRET", "db.internal", "connect", "SQLSTATE", "list:", "create:"} {
				if contains(string(body), secret) {
					t.Errorf("%s tells %q", body, secret)
				}
			}
		})
	}
}

func TestConnectErrorIsUnavailable(t *testing.T) {
	t.Parallel()
	_, err := pgconn.Connect(t.Context(), "host=127.0.0.1 port=1 user=u password=SECRET dbname=d sslmode=disable")
	if got := From(err); got.Code != Unavailable {
		t.Errorf("%v became %s", err, got.Code)
	}
}

func TestEveryCodeHasItsPlace(t *testing.T) {
	t.Parallel()
	seen := map[Code]bool{}
	for _, k := range kinds {
		switch {
		case seen[k.code]:
			t.Errorf("%s stands twice", k.code)
		case http.StatusText(k.status) == "" || k.detail == "":
			t.Errorf("%s has no words", k.code)
		}
		seen[k.code] = true
		e := New(k.code, "")
		if e.Type != "about:blank" || e.Title != http.StatusText(k.status) || e.Errors == nil || e.Detail != k.detail {
			t.Errorf("%s: %+v", k.code, e)
		}
	}
	if got := New(NotFound, "There is no such user.").Detail; got != "There is no such user." {
		t.Errorf("detail %q", got)
	}
}

func TestInvalidWithoutFieldsIsNotNull(t *testing.T) {
	t.Parallel()
	if Invalid().Errors == nil {
		t.Error("errors would be null")
	}
}

func TestUnknownCodePanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a code without a status went through")
		}
	}()
	New("nonsense", "")
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	cause := errors.New("the cause")
	e := New(Internal, "").WithCause(cause)
	if e.Error() != "internal: the cause" || !errors.Is(e, cause) {
		t.Errorf("the log would say %q", e)
	}
	if got := New(Malformed, "Words.").Error(); got != "malformed: Words." {
		t.Errorf("the log would say %q", got)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	shared := New(Unavailable, "")
	for _, method := range []string{"GET", "HEAD"} {
		request := &Request{ID: "the-id"}
		r := httptest.NewRequestWithContext(NewContext(t.Context(), request), method, "/", nil)
		w := httptest.NewRecorder()
		shared.Write(w, r)

		h := w.Header()
		if w.Code != 503 || h.Get("Content-Type") != "application/problem+json" || h.Get("Retry-After") != "1" ||
			h.Get("Cache-Control") != "no-store" || h.Get("Content-Length") == "" {
			t.Errorf("%s: %d, %v", method, w.Code, h)
		}
		if request.Fail == nil || request.Fail.Code != Unavailable {
			t.Errorf("%s: the log learns %v", method, request.Fail)
		}
		if method == "HEAD" {
			if w.Body.Len() != 0 {
				t.Errorf("HEAD got a body: %s", w.Body)
			}
			continue
		}
		var got Error
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.RequestID != "the-id" {
			t.Errorf("%s, %v", w.Body, err)
		}
	}
	if shared.RequestID != "" {
		t.Error("a shared problem remembers one request")
	}
}

func TestPrepared(t *testing.T) {
	t.Parallel()
	crowded := New(Unavailable, `Say "please", and <wait>.`)
	prepared := crowded.Prepare()
	for _, method := range []string{"GET", "HEAD"} {
		r := httptest.NewRequestWithContext(NewContext(t.Context(), &Request{ID: "the-id"}), method, "/", nil)
		want, got := httptest.NewRecorder(), httptest.NewRecorder()
		crowded.Write(want, r)
		prepared.Write(got, r, "the-id")
		if got.Code != want.Code || !maps.EqualFunc(got.Header(), want.Header(), slices.Equal[[]string]) || got.Body.String() != want.Body.String() {
			t.Errorf("%s: %d %v %s, want %d %v %s", method, got.Code, got.Header(), got.Body, want.Code, want.Header(), want.Body)
		}
	}
}
