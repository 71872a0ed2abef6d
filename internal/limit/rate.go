package limit

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is a quota for each window of time. All of the quota may be used at once;
// it comes back evenly, one in every Window/Quota. The zero Rate is no limit.
type Rate struct {
	Quota  int
	Window time.Duration
}

// What a written rate may be: the fields of an answer count whole seconds, and an
// interval stays well above the clock's steps.
const (
	maxQuota  = 1_000_000
	minWindow = time.Second
	maxWindow = 24 * time.Hour
)

// ParseRate reads a rate such as 100/1m, or off for none.
func ParseRate(text string) (Rate, error) {
	if text == "off" {
		return Rate{}, nil
	}
	quota, window, _ := strings.Cut(text, "/")
	n, wrongQuota := strconv.ParseUint(quota, 10, 32)
	d, wrongWindow := time.ParseDuration(window)
	if wrongQuota != nil || n < 1 || n > maxQuota || wrongWindow != nil || d < minWindow || d > maxWindow || d%time.Second != 0 {
		return Rate{}, fmt.Errorf("%q is no rate; write a number from 1 to %d and a time of whole seconds, 1s to 24h, such as 100/1m, or write off", text, maxQuota)
	}
	return Rate{int(n), d}, nil
}

// Off reports whether the rate is no limit.
func (r Rate) Off() bool { return r.Quota <= 0 || r.Window <= 0 }

// String writes the rate as [ParseRate] reads it.
func (r Rate) String() string {
	if r.Off() {
		return "off"
	}
	window := r.Window.String()
	if strings.HasSuffix(window, "m0s") {
		window = strings.TrimSuffix(window, "0s")
	}
	if strings.HasSuffix(window, "h0m") {
		window = strings.TrimSuffix(window, "0m")
	}
	return strconv.Itoa(r.Quota) + "/" + window
}

func (r Rate) interval() time.Duration {
	return max(r.Window/time.Duration(r.Quota), 1)
}
