package roster_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	roster "github.com/roster-api/roster/clients/go"
)

// ids walks a list and keeps the ids only.
func ids[T any](list iter.Seq2[T, error], id func(T) uuid.UUID) iter.Seq2[uuid.UUID, error] {
	return func(yield func(uuid.UUID, error) bool) {
		for row, err := range list {
			if !yield(id(row), err) {
				return
			}
		}
	}
}

// The other lists walk as Users does, which has tests of its own.
func TestWalks(t *testing.T) {
	page, limit, who, yes := roster.Ptr(int32(1)), roster.Ptr(int32(2)), roster.Ptr(exampleID(9)), roster.Ptr(true)
	since := time.Date(2026, 3, 14, 9, 26, 53, 589793000, time.FixedZone("", 2*60*60))
	tests := []struct {
		name  string
		walk  func(context.Context, *roster.Client) iter.Seq2[uuid.UUID, error]
		query map[string]string // that each request has
	}{
		{"users", func(ctx context.Context, c *roster.Client) iter.Seq2[uuid.UUID, error] {
			return ids(c.Users(ctx, &roster.ListUsersParams{Page: page, Limit: limit}), func(u roster.User) uuid.UUID { return u.ID })
		}, nil},
		{"sessions", func(ctx context.Context, c *roster.Client) iter.Seq2[uuid.UUID, error] {
			return ids(c.Sessions(ctx, &roster.ListSessionsParams{Page: page, Limit: limit, UserID: who}), func(s roster.Session) uuid.UUID { return s.ID })
		}, map[string]string{"userId": who.String()}},
		{"keys", func(ctx context.Context, c *roster.Client) iter.Seq2[uuid.UUID, error] {
			return ids(c.Keys(ctx, &roster.ListKeysParams{Page: page, Limit: limit, All: yes}), func(k roster.Key) uuid.UUID { return k.ID })
		}, map[string]string{"all": "true"}},
		{"audit", func(ctx context.Context, c *roster.Client) iter.Seq2[uuid.UUID, error] {
			params := &roster.ListAuditParams{Page: page, Limit: limit, From: &since, Operation: roster.Ptr("updateUser")}
			return ids(c.Audit(ctx, params), func(e roster.AuditEntry) uuid.UUID { return e.ID })
		}, map[string]string{"operation": "updateUser", "from": "2026-03-14T09:26:53.589793+02:00"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			requests, fails := 0, 0
			client := over(t, roundTripFunc(func(r *http.Request) (*http.Response, error) {
				requests++
				query := r.URL.Query()
				cursor := query.Get("cursor")
				if r.URL.Path != "/api/"+test.name || query.Get("limit") != "2" || query.Has("page") == (cursor != "") {
					t.Errorf("%s", r.URL)
				}
				for name, value := range test.query {
					if query.Get(name) != value {
						t.Errorf("%s is %q, want %q", name, query.Get(name), value)
					}
				}
				row := func(i int) string { return fmt.Sprintf(`{"id":%q}`, exampleID(i)) }
				answer := step{status: 200}
				switch cursor {
				case "":
					answer.body = `{"data":[` + row(1) + `,` + row(2) + `],"pagination":{"next":"c2"}}`
				case "c2":
					answer.body = `{"data":[` + row(3) + `],"pagination":{"next":"c3"}}`
				case "c3":
					answer.body = `{"data":[],"pagination":{"next":null}}`
					if fails > 0 {
						answer = step{status: 500, body: problemJSON("internal", 500)}
					}
				}
				return (&script{steps: []step{answer}}).RoundTrip(r)
			}))
			for range 2 { // each range is a walk of its own
				var got []uuid.UUID
				for id, err := range test.walk(t.Context(), client) {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, id)
				}
				if !slices.Equal(got, []uuid.UUID{exampleID(1), exampleID(2), exampleID(3)}) || requests != 3 {
					t.Errorf("%v in %d requests", got, requests)
				}
				requests = 0
			}
			fails = 1
			failures := 0
			for _, err := range test.walk(t.Context(), client) {
				if roster.CodeOf(err) == roster.ErrorCodeInternal {
					failures++
				} else if err != nil {
					t.Error(err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			seen := 0
			for _, err := range test.walk(ctx, client) {
				if seen++; seen == 2 && !errors.Is(err, context.Canceled) {
					t.Errorf("after the end of its context: %v", err)
				}
				cancel()
			}
			if failures != 1 || seen != 2 {
				t.Errorf("%d errors; %d steps", failures, seen)
			}
		})
	}
}
