package roster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	roster "github.com/roster-api/roster/clients/go"
)

func problemJSON(code string, status int) string {
	return fmt.Sprintf(`{"type":"about:blank","title":"T","status":%d,"detail":"D","code":%q,"requestId":"r1",
		"errors":[{"pointer":"/email","code":"invalid_format","message":"must be an email address"}]}`, status, code)
}

func TestErrors(t *testing.T) {
	const asProblem, asJSON, asHTML = "application/problem+json", "application/json; charset=utf-8", "text/html"
	tests := []struct {
		name      string
		status    int
		mediaType string
		body      string
		code      roster.ErrorCode
		requestID string // the header says h1
		fields    int
		kept      bool // the body, for logs
	}{
		{"a problem", 422, asProblem, problemJSON("validation_failed", 422), roster.ErrorCodeValidationFailed, "r1", 1, false},
		{"a code of a later server", 418, asProblem, problemJSON("teapot", 418), "teapot", "r1", 1, false},
		{"fields of a later server", 409, asProblem, `{"code":"email_taken","hint":{"a":[1]}}`, roster.ErrorCodeEmailTaken, "h1", 0, false},
		{"another status than the body's", 409, asProblem, problemJSON("email_taken", 400), roster.ErrorCodeEmailTaken, "r1", 1, false},
		{"as plain JSON", 404, asJSON, problemJSON("not_found", 404), roster.ErrorCodeNotFound, "r1", 1, false},
		{"errors null", 404, asProblem, `{"code":"not_found","errors":null}`, roster.ErrorCodeNotFound, "h1", 0, false},
		{"a proxy's page", 502, asHTML, "<html>Bad Gateway</html>", roster.ErrorCodeUnknown, "h1", 0, true},
		{"a proxy's JSON", 502, asJSON, `{"message":"upstream"}`, roster.ErrorCodeUnknown, "h1", 0, true},
		{"a problem of another service", 403, asProblem, `{"type":"https://waf.example/x","title":"Blocked"}`, roster.ErrorCodeUnknown, "h1", 0, true},
		{"JSON of other types", 500, asProblem, `{"code":7,"status":"500"}`, roster.ErrorCodeUnknown, "h1", 0, true},
		{"JSON cut off", 500, asProblem, `{"code":"int`, roster.ErrorCodeUnknown, "h1", 0, true},
		{"an array", 500, asJSON, `[]`, roster.ErrorCodeUnknown, "h1", 0, true},
		{"no body", 502, "", "", roster.ErrorCodeUnknown, "h1", 0, false},
		{"a redirect", 301, asHTML, "<a href>", roster.ErrorCodeUnknown, "h1", 0, true},
		{"a success that is no JSON", 200, asHTML, "<html>Sign in</html>", roster.ErrorCodeUnknown, "h1", 0, true},
		{"a success without a body", 204, "", "", roster.ErrorCodeUnknown, "h1", 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &script{steps: []step{{status: test.status, body: test.body, header: map[string]string{
				"Content-Type": test.mediaType, "X-Request-Id": "h1",
			}}}}
			_, err := over(t, s).GetUser(t.Context(), id)
			var e *roster.APIError
			if !errors.As(fmt.Errorf("wrapped: %w", err), &e) {
				t.Fatalf("no APIError: %v", err)
			}
			if int(e.Status) != test.status || e.Code != test.code || e.RequestID != test.requestID || len(e.Errors) != test.fields {
				t.Errorf("%+v", e)
			}
			if roster.CodeOf(fmt.Errorf("wrapped: %w", err)) != test.code {
				t.Errorf("CodeOf is %q", roster.CodeOf(err))
			}
			if (len(e.Body) > 0) != test.kept {
				t.Errorf("kept the body %q", e.Body)
			}
			if e.Method != http.MethodGet || e.Path != "/api/users/"+id.String() || e.Tries != 1 {
				t.Errorf("%s %s, %d tries", e.Method, e.Path, e.Tries)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	s := &script{steps: []step{{status: 422, body: problemJSON("validation_failed", 422)}}}
	_, err := over(t, s).CreateUser(t.Context(), roster.UserCreate{})
	const want = "roster: POST /api/users: 422 validation_failed: D [/email must be an email address] (request r1)"
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v, want\n%s", err, want)
	}
}

// What a refusal of a caller says beside its code.
func TestRefusals(t *testing.T) {
	limited := map[string]string{"Retry-After": "40", "RateLimit": `"caller";r=0;t=40`, "RateLimit-Policy": `"caller";q=3000;w=60`}
	of := func(code, more string) string {
		return `{"code":"` + code + `","detail":"D","requestId":"r1"` + more + `}`
	}
	for name, test := range map[string]struct {
		answer     step
		code       roster.ErrorCode
		permission roster.Permission
		resource   string
		wait       time.Duration
		text       string
	}{
		"401":            {step{status: 401, body: of("unauthenticated", "")}, roster.ErrorCodeUnauthenticated, "", "", 0, "401 unauthenticated: D (request r1)"},
		"403":            {step{status: 403, body: of("forbidden", `,"permission":"users:delete"`)}, roster.ErrorCodeForbidden, roster.PermissionUsersDelete, "", 0, "403 forbidden: D [needs users:delete] (request r1)"},
		"403 without":    {step{status: 403, body: of("forbidden", "")}, roster.ErrorCodeForbidden, "", "", 0, "403 forbidden: D (request r1)"},
		"409":            {step{status: 409, body: of("secret_not_replayable", `,"resourceId":"`+id.String()+`"`)}, roster.ErrorCodeSecretNotReplayable, "", id.String(), 0, "D [resource " + id.String() + "] (request r1)"},
		"409, not an id": {step{status: 409, body: of("secret_not_replayable", `,"resourceId":"x"`)}, roster.ErrorCodeSecretNotReplayable, "", uuid.Nil.String(), 0, "D (request r1)"},
		"429":            {step{status: 429, header: limited, body: of("rate_limited", "")}, roster.ErrorCodeRateLimited, "", "", 40 * time.Second, "429 rate_limited: D (request r1)"},
	} {
		s := &script{steps: []step{test.answer}}
		_, err := over(t, s).CreateKey(t.Context(), roster.KeyCreate{})
		var e *roster.APIError
		if !errors.As(err, &e) || len(s.sent) != 1 {
			t.Errorf("%s: sent %d times: %v", name, len(s.sent), err)
			continue
		}
		wrapped := fmt.Errorf("wrapped: %w", err)
		if roster.CodeOf(wrapped) != test.code || roster.PermissionOf(wrapped) != test.permission || roster.RetryAfterOf(wrapped) != test.wait {
			t.Errorf("%s: %q, %q, %v", name, roster.CodeOf(wrapped), roster.PermissionOf(wrapped), roster.RetryAfterOf(wrapped))
		}
		if test.resource != "" && e.ResourceID.String() != test.resource || !strings.HasSuffix(err.Error(), test.text) {
			t.Errorf("%s: %v", name, err)
		}
		if e.Header.Get("RateLimit") != test.answer.header["RateLimit"] {
			t.Errorf("%s: headers %v", name, e.Header)
		}
	}
	if roster.PermissionOf(context.Canceled) != "" || roster.RetryAfterOf(nil) != 0 {
		t.Error("of other errors")
	}
}

func TestErrorTextHasNoQuery(t *testing.T) {
	for name, answer := range map[string]step{
		"problem":     {status: 500, body: problemJSON("internal", 500)},
		"network":     {err: errors.New("cable cut")},
		"not decoded": {status: 200, body: `{"data":7}`},
	} {
		s := &script{steps: []step{answer}}
		_, err := over(t, s, roster.WithoutRetries()).ListUsers(t.Context(), &roster.ListUsersParams{Email: roster.Ptr("ada@example.org")})
		if err == nil || strings.Contains(err.Error(), "ada") || !strings.Contains(err.Error(), "GET /api/users") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCodeOfOtherErrors(t *testing.T) {
	if code := roster.CodeOf(nil); code != "" {
		t.Errorf("of nil: %q", code)
	}
	if code := roster.CodeOf(context.Canceled); code != "" {
		t.Errorf("of another error: %q", code)
	}
}

func TestForeignBodyIsKeptInPart(t *testing.T) {
	s := &script{steps: []step{{status: 502, body: strings.Repeat("x", 1<<20), header: map[string]string{"Content-Type": "text/plain"}}}}
	_, err := over(t, s).GetUser(t.Context(), id)
	var e *roster.APIError
	if !errors.As(err, &e) || len(e.Body) != 1<<10 {
		t.Errorf("%v", err)
	}
}

func TestAnswerTooLarge(t *testing.T) {
	const limit = 10 << 20
	page := func(size int) string {
		const around = `{"data":[],"pagination":{},"pad":""}`
		return strings.Replace(around, `""`, `"`+strings.Repeat("x", size-len(around))+`"`, 1)
	}
	for _, status := range []int{200, 500} {
		s := &script{steps: []step{{status: status, body: page(limit + 1)}}}
		if _, err := over(t, s).ListUsers(t.Context(), nil); !errors.Is(err, roster.ErrAnswerTooLarge) || len(s.sent) != 1 {
			t.Errorf("%d, sent %d times: %.100v", status, len(s.sent), err)
		}
	}
	s := &script{steps: []step{{status: 200, body: page(limit)}}}
	if _, err := over(t, s).ListUsers(t.Context(), nil); err != nil {
		t.Errorf("at the limit: %v", err)
	}
}

func TestAnswerThatDoesNotDecode(t *testing.T) {
	for _, body := range []string{``, `{`, `{"id":7}`, `{"id":"x"}`, `{"createdAt":"yesterday"}`, `[]`, someUser + `{}`} {
		s := &script{steps: []step{{status: 200, body: body}}}
		user, err := over(t, s).GetUser(t.Context(), id)
		if err == nil || user != nil || !strings.Contains(err.Error(), "GET /api/users/") {
			t.Errorf("%q: %v, %v", body, user, err)
		}
	}
}

// A later server may know more roles and fields.
func TestLaterServer(t *testing.T) {
	body := strings.NewReplacer(`"viewer"`, `"owner"`, `"disabled"`, `"team":{"a":[1]},"disabled"`).Replace(someUser)
	s := &script{steps: []step{{status: 200, body: body}}}
	user, err := over(t, s).GetUser(t.Context(), id)
	if err != nil || user.Role != "owner" || user.Role.Valid() || user.Name != "Ada" {
		t.Errorf("%v: %v", user, err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	hits := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits++
		if r.URL.Path == "/api/users" {
			http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
			return
		}
		reply(w, 200, json.RawMessage(someUser))
	}))
	defer server.Close()

	client, err := roster.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateUser(t.Context(), roster.UserCreate{Name: "Ada"})
	var e *roster.APIError
	if !errors.As(err, &e) || e.Status != 301 || hits != 1 {
		t.Errorf("%d requests: %v", hits, err)
	}

	// The caller's own http.Client follows it, and by a GET: that made no user.
	client, err = roster.New(server.URL, roster.WithHTTPClient(&http.Client{}))
	if err != nil {
		t.Fatal(err)
	}
	if user, err := client.CreateUser(t.Context(), roster.UserCreate{Name: "Ada"}); err == nil {
		t.Errorf("made %v", user)
	}
}
