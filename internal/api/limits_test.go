package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/problem"
)

// A limit that cannot be read ends the start, and says of which operation it is.
func TestAWrongLimitDoesNotStart(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"20 a minute", "20/m", "0/1m", "off", ""} {
		said := func() (said string) {
			defer func() { said = fmt.Sprint(recover()) }()
			huma.Register(humachi.New(chi.NewMux(), config()), huma.Operation{
				OperationID: "signOut", Method: http.MethodPost, Path: "/api/tea", Summary: "Make tea", Description: "Makes tea.",
				Metadata: limit.Declare(limit.Per(wrong, limit.ByCaller)), Responses: problem.Responses(),
			}, func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
			return
		}()
		if !strings.Contains(said, "signOut") || !strings.Contains(said, fmt.Sprintf("%q", wrong)) {
			t.Errorf("%q: it started, or does not say what is wrong: %s", wrong, said)
		}
	}
}

// The limits of each operation, by hand: what the document says of them, in words and
// as data.
func TestLimitsAreDocumented(t *testing.T) {
	t.Parallel()
	const byAddress, byAccount = "20 failures a minute for each address", "10 failures in 5 minutes for each account"
	want := map[string][]string{
		"signIn": {byAddress, byAccount}, "setPassword": {byAddress, byAccount}, "redeemPasswordReset": {byAddress},
		"createPasswordReset": {"60 a minute for each caller"}, "createKey": {"60 a minute for each caller"}, "rotateKey": {"60 a minute for each caller"},
	}
	for _, op := range document31(t).operations() {
		id := text(op.node["operationId"])
		own := list(op.node["x-roster-limit"])
		if len(own) != len(want[id]) {
			t.Errorf("%s: x-roster-limit is %v, want %q", id, own, want[id])
			continue
		}
		for i, words := range want[id] {
			l := object(own[i])
			if !strings.Contains(text(op.node["description"]), words) {
				t.Errorf("%s does not say %q", id, words)
			}
			if !strings.HasPrefix(words, fmt.Sprint(l["quota"])) || !strings.HasSuffix(words, text(l["by"])) ||
				strings.Contains(words, "failures") != (l["counts"] == "failures") || number(l["windowSeconds"], 0) < 60 || text(l["policy"]) == "" {
				t.Errorf("%s: %v, want %s", id, l, words)
			}
		}
		if len(own) == 0 && strings.Contains(text(op.node["description"]), "At most ") {
			t.Errorf("%s speaks of a limit", id)
		}
	}
}
