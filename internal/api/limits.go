package api

import (
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/roster-api/roster/internal/limit"
)

const ownLimitsKey = "own limits"

// declareLimits puts the limits that an operation has of its own into the document,
// and in reach of the limiter. One that cannot be read ends the start.
func declareLimits(op *huma.Operation) {
	own, err := limit.Declared(op.OperationID, op.Metadata)
	if err != nil {
		panic(fmt.Sprintf("api: the limits of operation %s: %v", op.OperationID, err))
	}
	if len(own) == 0 {
		return
	}
	op.Metadata[ownLimitsKey] = own
	texts, shown := make([]string, len(own)), make([]any, len(own))
	for i, l := range own {
		counts := "requests"
		if l.Failures {
			counts = "failures"
		}
		texts[i] = l.String()
		shown[i] = map[string]any{
			"policy": l.Policy, "by": string(l.By), "counts": counts,
			"quota": l.Rate.Quota, "windowSeconds": int(l.Rate.Window.Seconds()),
		}
	}
	op.Description += "\n\nAt most " + strings.Join(texts, ", and ") + "; this is within the limit that all requests of a caller or an address have together."
	op.Extensions["x-roster-limit"] = shown
}
