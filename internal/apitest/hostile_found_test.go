package apitest

import (
	"testing"

	roster "github.com/roster-api/roster/clients/go"
)

// A number in a query has one spelling, as in JSON: what the parser would take
// besides is nothing that the document lets in.
func TestNumbersHaveOneSpelling(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for _, value := range []string{"01", "%2B1", "%2B10", "007", "-0", "-01", "0001"} {
		a.send(t, "GET", "/api/users?limit="+value, "").wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/query/limit invalid_type")
	}
	for _, value := range []string{"1", "10", "100"} {
		a.send(t, "GET", "/api/users?limit="+value, "").page(t)
	}
}
