package roster_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	roster "github.com/roster-api/roster/clients/go"
)

// creates are the calls that the server carries out once.
var creates = map[string]func(context.Context, *roster.Client, ...roster.CreateOption) error{
	"user": func(ctx context.Context, c *roster.Client, options ...roster.CreateOption) error {
		_, err := c.CreateUser(ctx, roster.UserCreate{Name: "Ada"}, options...)
		return err
	},
	"key": func(ctx context.Context, c *roster.Client, options ...roster.CreateOption) error {
		_, err := c.CreateKey(ctx, roster.KeyCreate{Name: "Nightly export"}, options...)
		return err
	},
}

var problemType = map[string]string{"Content-Type": "application/problem+json"}

func idempotencyKeys(s *script) []string {
	var keys []string
	for _, header := range s.headers {
		keys = append(keys, header.Get("Idempotency-Key"))
	}
	return keys
}

// All tries of a call have one key, whatever made them; no two calls have the same.
func TestIdempotencyKeyOfACall(t *testing.T) {
	for name, create := range creates {
		synctest.Test(t, func(t *testing.T) {
			s := &script{steps: []step{
				{status: 429, header: map[string]string{"Retry-After": "1"}}, {err: io.ErrUnexpectedEOF},
				{status: 401, header: problemType, body: problemJSON("unauthenticated", 401)}, {status: 503}, success,
			}}
			client := over(t, s, roster.WithTokenSource(func(context.Context) (string, error) { return rndEmail(), nil }))
			if err := create(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			if err := create(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			keys := idempotencyKeys(s)
			if len(keys) != 6 || len(keys[0]) < 22 {
				t.Fatalf("%s: %q", name, keys)
			}
			for i, key := range keys {
				if (key == keys[0]) != (i < 5) {
					t.Errorf("%s: try %d has %q, the first one %q", name, i, key, keys[0])
				}
			}
		})
	}
}

func TestIdempotencyKeyOfOnesOwn(t *testing.T) {
	for name, create := range creates {
		s := &script{steps: []step{success}}
		client := over(t, s)
		if err := create(t.Context(), client, roster.IdempotencyKey("order-7"), roster.Header("X-A", "b")); err != nil {
			t.Fatal(err)
		}
		if err := create(t.Context(), client, roster.IdempotencyKey("")); err == nil {
			t.Errorf("%s: an empty key is taken", name)
		}
		if keys := idempotencyKeys(s); len(keys) != 1 || keys[0] != "order-7" || s.headers[0].Get("X-A") != "b" {
			t.Errorf("%s: %q, %v", name, keys, s.headers)
		}
	}
	for name, call := range operations {
		var header http.Header
		_ = call(t.Context(), over(t, roundTrip(func(r *http.Request) { header = r.Header })))
		if (header.Get("Idempotency-Key") != "") != (name == "create" || name == "create key") {
			t.Errorf("%s: %v", name, header)
		}
	}
}

// The first try, whose answer was lost, is still being worked on.
func TestCreateInFlight(t *testing.T) {
	busy := step{
		status: 409, header: map[string]string{"Content-Type": "application/problem+json", "Retry-After": "1"},
		body: problemJSON("idempotency_in_flight", 409),
	}
	for name, create := range creates {
		synctest.Test(t, func(t *testing.T) {
			s := &script{steps: []step{{err: io.ErrUnexpectedEOF}, busy, busy, success}}
			if err := create(t.Context(), over(t, s)); err != nil || len(s.sent) != 4 || s.waits()[1] < time.Second {
				t.Errorf("%s: sent %d times, after %v: %v", name, len(s.sent), s.waits(), err)
			}
			s = &script{steps: []step{busy}}
			err := create(t.Context(), over(t, s))
			if roster.CodeOf(err) != roster.ErrorCodeIdempotencyInFlight || len(s.sent) != 4 {
				t.Errorf("%s: sent %d times: %v", name, len(s.sent), err)
			}
		})
	}
}

// The key was made, and its secret went with the answer.
func TestSecretIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := strings.Replace(problemJSON("secret_not_replayable", 409), "{", `{"resourceId":"`+id.String()+`",`, 1)
		s := &script{steps: []step{{err: io.ErrUnexpectedEOF}, {status: 409, header: problemType, body: made}}}
		_, err := over(t, s).CreateKey(t.Context(), roster.KeyCreate{})
		var e *roster.APIError
		if !errors.As(err, &e) || e.Code != roster.ErrorCodeSecretNotReplayable || e.ResourceID != id || e.Tries != 2 {
			t.Errorf("%v", err)
		}
	})
}
