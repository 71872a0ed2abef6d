package limit

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// By is whose quota it is.
type By string

// The ways to count.
const (
	ByAddress By = "address" // where a request comes from, whoever sends it
	ByCaller  By = "caller"  // the user or the key; where none is known, the address
	ByAccount By = "account" // whom a request wants to sign in
)

// Limit is a limit that an operation has for itself, within those that all
// requests have.
type Limit struct {
	Policy   string // its name in RateLimit-Policy; operations that use one name share the quotas
	Rate     Rate
	By       By
	Failures bool // only what fails counts, so the operation itself counts, by [SignIn]
	wrong    error
}

// Per makes a limit of a rate as [ParseRate] reads it, such as 60/1m.
func Per(rate string, by By) Limit {
	r, err := ParseRate(rate)
	switch {
	case err == nil && r.Off():
		err = fmt.Errorf("%q is no limit; leave the declaration out", rate)
	case err == nil && by != ByAddress && by != ByCaller:
		err = fmt.Errorf("by %q: a declaration counts by %s or by %s", by, ByAddress, ByCaller)
	}
	return Limit{Rate: r, By: by, wrong: err}
}

const metadataKey = "limits"

// Declare is the Metadata of an operation that has limits of its own:
//
//	Metadata: limit.Declare(limit.Per("60/1m", limit.ByCaller)),
func Declare(limits ...Limit) map[string]any {
	return map[string]any{metadataKey: limits}
}

// Declared returns what an operation of this name declares in its metadata.
func Declared(operation string, metadata map[string]any) ([]Limit, error) {
	all, _ := metadata[metadataKey].([]Limit)
	var named []Limit
	for _, l := range all {
		if l.wrong != nil {
			return nil, l.wrong
		}
		if l.Policy == "" {
			l.Policy = operation + " " + string(l.By)
		}
		if slices.ContainsFunc(named, func(other Limit) bool { return other.Policy == l.Policy }) {
			return nil, fmt.Errorf("%q is declared twice", l.Policy)
		}
		named = append(named, l)
	}
	return named, nil
}

// String says the limit in words, such as "60 a minute for each caller".
func (l Limit) String() string {
	text := strconv.Itoa(l.Rate.Quota)
	if l.Failures {
		text += " failures"
	}
	return text + " " + each(l.Rate.Window) + " for each " + string(l.By)
}

// each says a time in words: a minute, in 5 minutes.
func each(d time.Duration) string {
	for _, unit := range []struct {
		one      time.Duration
		a, plain string
	}{{24 * time.Hour, "a day", "days"}, {time.Hour, "an hour", "hours"}, {time.Minute, "a minute", "minutes"}, {time.Second, "a second", "seconds"}} {
		switch {
		case d == unit.one:
			return unit.a
		case d%unit.one == 0:
			return "in " + strconv.Itoa(int(d/unit.one)) + " " + unit.plain
		}
	}
	return "in " + d.String()
}
