package limit

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDeclared(t *testing.T) {
	t.Parallel()
	got, err := Declared("makeTea", Declare(Per("20/1m", ByAddress), Per("100/24h", ByCaller), FailuresByAddress))
	want := []Limit{
		{Policy: "makeTea address", Rate: Rate{20, time.Minute}, By: ByAddress},
		{Policy: "makeTea caller", Rate: Rate{100, 24 * time.Hour}, By: ByCaller},
		{Policy: "sign-in address", Rate: SignInAddress, By: ByAddress, Failures: true},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, metadata := range []map[string]any{nil, {}, {"another": 1}, Declare()} {
		if got, err := Declared("makeTea", metadata); got != nil || err != nil {
			t.Errorf("%v: %v, %v", metadata, got, err)
		}
	}
	for _, wrong := range []struct {
		metadata map[string]any
		says     string
	}{
		{Declare(Per("20 a minute", ByAddress)), "100/1m"},
		{Declare(Per("", ByCaller)), "100/1m"},
		{Declare(Per("off", ByCaller)), "leave the declaration out"},
		{Declare(Per("20/1m", ByAccount)), "account"},
		{Declare(Per("20/1m", "planet")), "planet"},
		{Declare(Per("20/1m", ByCaller), Per("100/1h", ByCaller)), "twice"},
		{Declare(Per("20/1m", ByCaller), Per("20/m", ByAddress)), "20/m"},
		{Declare(FailuresByAccount, FailuresByAccount), "twice"},
	} {
		if got, err := Declared("makeTea", wrong.metadata); err == nil || got != nil || !strings.Contains(err.Error(), wrong.says) {
			t.Errorf("%v: %v, %v", wrong.metadata, got, err)
		}
	}
}

func TestLimitString(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]Limit{
		"60 a minute for each caller":               Per("60/1m", ByCaller),
		"5 a second for each address":               Per("5/1s", ByAddress),
		"7 an hour for each caller":                 Per("7/1h", ByCaller),
		"100 a day for each caller":                 Per("100/24h", ByCaller),
		"3 in 2 hours for each caller":              Per("3/2h", ByCaller),
		"3 in 90 minutes for each caller":           Per("3/1h30m", ByCaller),
		"3 in 61 seconds for each caller":           Per("3/61s", ByCaller),
		"20 failures a minute for each address":     FailuresByAddress,
		"10 failures in 5 minutes for each account": FailuresByAccount,
		"1000000 in 10 seconds for each address":    Per("1000000/10s", ByAddress),
		"1 in 86399 seconds for each address":       Per("1/23h59m59s", ByAddress),
		"1 in 1439 minutes for each address":        Per("1/23h59m", ByAddress),
	} {
		if got := l.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
