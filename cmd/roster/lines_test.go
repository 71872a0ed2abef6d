package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What jsonLines writes is, byte for byte, what slog's own handler does.
func TestJSONLinesAreSlogs(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 14, 9, 26, 53, 589_793_000, time.UTC)
	for name, c := range map[string]struct {
		level   slog.Level
		message string
		attrs   []slog.Attr
	}{
		"a request": {slog.LevelInfo, "request", []slog.Attr{
			slog.String("method", "GET"), slog.String("path", "/api/users/%0A"), slog.Int("status", 200), slog.Int64("us", 0), slog.Int("less", -7),
		}},
		"nothing":                 {slog.LevelWarn, "", nil},
		"a level between":         {slog.LevelInfo + 2, "x", nil},
		"quotes and backslashes":  {slog.LevelInfo, `a "b" \c`, []slog.Attr{slog.String(`k"`, `\`)}},
		"control characters":      {slog.LevelError, "a\nb\x1b", []slog.Attr{slog.String("k", "\x00\x7f\u2028")}},
		"not ASCII, not UTF-8":    {slog.LevelInfo, "É", []slog.Attr{slog.String("k", "日本"), slog.String("x", "\xff")}},
		"what HTML would mind":    {slog.LevelInfo, "<&>", []slog.Attr{slog.String("k", "<&>")}},
		"other kinds":             {slog.LevelInfo, "x", []slog.Attr{slog.Bool("b", true), slog.Duration("d", time.Second), slog.Float64("f", 1.5), slog.Any("e", errors.New("e")), slog.Time("t", at)}},
		"a group":                 {slog.LevelInfo, "x", []slog.Attr{slog.String("before", "1"), slog.Group("g", slog.Int("n", 1)), slog.String("after", "2")}},
		"an attribute of nothing": {slog.LevelInfo, "x", []slog.Attr{{}, slog.String("", "empty")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want bytes.Buffer
			file, err := os.Create(filepath.Join(t.TempDir(), "log"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			out := &gathered{file: file, unheld: true}
			record := slog.NewRecord(at, c.level, c.message, 0)
			record.AddAttrs(c.attrs...)
			if err := slog.NewJSONHandler(&want, nil).Handle(t.Context(), record); err != nil {
				t.Fatal(err)
			}
			if err := (jsonLines{slog.NewJSONHandler(out, nil), out}).Handle(t.Context(), record); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(file.Name())
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != want.String() {
				t.Errorf("got  %swant %s", got, want.String())
			}
		})
	}
}
