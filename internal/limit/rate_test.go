package limit

import (
	"strings"
	"testing"
	"time"
)

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Rate{
		"off":           {},
		"100/1m":        {100, time.Minute},
		"3000/60s":      {3000, time.Minute},
		"1/1s":          {1, time.Second},
		"1000000/1s":    {1_000_000, time.Second},
		"10/24h":        {10, 24 * time.Hour},
		"10/1h30m":      {10, 90 * time.Minute},
		"7/90s":         {7, 90 * time.Second},
		"5/1h0m1s":      {5, time.Hour + time.Second},
		"10/0.5m":       {10, 30 * time.Second},
		"0010/1m":       {10, time.Minute},
		"10/59m59s1s":   {10, time.Hour},
		"10/2000ms":     {10, 2 * time.Second},
		"10/1000000us":  {10, time.Second},
		"10/23h59m60s":  {10, 24 * time.Hour},
		"10/+1m":        {10, time.Minute},
		"999999/86400s": {999_999, 24 * time.Hour},
	} {
		got, err := ParseRate(text)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
		if again, err := ParseRate(got.String()); err != nil || again != got {
			t.Errorf("%s writes itself as %s", text, got)
		}
	}
	for _, text := range []string{
		"", "100", "/", "100/", "/1m", "0/1m", "-1/1m", "+1/1m", "1.5/1m", "1e3/1m", "0x10/1m", "1_000/1m", "1000001/1m", "99999999999999999999/1m",
		"100/m", "100/60", "100/0s", "100/-1m", "100/500ms", "100/1500ms", "100/24h1s", "100/1d", "100/9999999h", "100 / 1m", " 100/1m", "100/1m ", "100/1m/1h",
		"100/1m,5/1s", "OFF", "Off", "none", "unlimited", "100/1m\nx",
	} {
		got, err := ParseRate(text)
		if err == nil {
			t.Errorf("%q is taken as %v", text, got)
			continue
		}
		if says := err.Error(); got != (Rate{}) || !strings.Contains(says, "100/1m") || !strings.Contains(says, "off") || strings.Contains(says, "\n") {
			t.Errorf("%q: %v, %q", text, got, says)
		}
	}
}

func TestRateString(t *testing.T) {
	t.Parallel()
	for want, rate := range map[string]Rate{
		"off":       {},
		"100/1m":    {100, time.Minute},
		"10/5m":     {10, 5 * time.Minute},
		"10/1h":     {10, time.Hour},
		"10/24h":    {10, 24 * time.Hour},
		"10/10s":    {10, 10 * time.Second},
		"10/20m":    {10, 20 * time.Minute},
		"10/1m30s":  {10, 90 * time.Second},
		"10/1h30m":  {10, 90 * time.Minute},
		"10/1h0m5s": {10, time.Hour + 5*time.Second},
	} {
		if got := rate.String(); got != want {
			t.Errorf("%#v: %s, want %s", rate, got, want)
		}
	}
}

func FuzzParseRate(f *testing.F) {
	for _, seed := range []string{"100/1m", "off", "1/24h", "10/1h0m5s", "0/0", "9/0.9999999999s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rate, err := ParseRate(text)
		if err != nil {
			return
		}
		if again, err := ParseRate(rate.String()); err != nil || again != rate {
			t.Errorf("%q becomes %#v and then %s", text, rate, rate)
		}
	})
}
