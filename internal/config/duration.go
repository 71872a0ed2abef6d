package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

func (c *Config) checkSessions() error {
	for _, s := range []struct {
		name, value, example string
		to                   *time.Duration
	}{
		{"ROSTER_SESSION_IDLE", c.SessionIdle, "1h", &c.Sessions.Idle},
		{"ROSTER_SESSION_MAX", c.SessionMax, "24h", &c.Sessions.Max},
	} {
		var err error
		if *s.to, err = Lasting(s.value, time.Second, 365*day); err != nil {
			return fmt.Errorf("%s is %q, %w; write a time such as %s", s.name, s.value, err, s.example)
		}
	}
	if c.Sessions.Idle > c.Sessions.Max {
		return fmt.Errorf("ROSTER_SESSION_IDLE is %q, longer than ROSTER_SESSION_MAX, which is %q; write at most %s, or raise the other", c.SessionIdle, c.SessionMax, c.SessionMax)
	}
	return nil
}

// Lasting reads a time from least to most, written as Go does, such as 90s or
// 1h30m, or in whole days, such as 90d.
func Lasting(text string, least, most time.Duration) (time.Duration, error) {
	var d time.Duration
	if number, days := strings.CutSuffix(text, "d"); days {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return 0, errors.New("which is not a time")
		}
		d = time.Duration(n) * day
	} else {
		var err error
		if d, err = time.ParseDuration(text); err != nil {
			return 0, errors.New("which is not a time")
		}
	}
	if d < least || d > most || d%time.Second != 0 {
		return 0, fmt.Errorf("which is not from %s to %s in whole seconds", written(least), written(most))
	}
	return d, nil
}

// written is a whole number of days, hours or seconds as it is set.
func written(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}} {
		if d%unit.of == 0 {
			return strconv.Itoa(int(d/unit.of)) + unit.name
		}
	}
	return strconv.Itoa(int(d/time.Second)) + "s"
}
