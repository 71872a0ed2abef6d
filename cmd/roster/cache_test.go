//go:build unix

package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/roster-api/roster/internal/cache"
	"github.com/roster-api/roster/internal/etag"
	"github.com/roster-api/roster/internal/storage"
	"github.com/roster-api/roster/internal/testkit"
)

func TestCacheClear(t *testing.T) {
	t.Parallel()
	server := testkit.Redis(t)
	client, err := storage.OpenRedis(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c := cache.New(cache.Options{Redis: client})
	defer c.Close()
	type input struct{ etag.IfNoneMatch }
	n := 0
	get := cache.Handler(c, cache.Policy[input]{
		Name: "things", Group: "shop", MaxAge: time.Hour, Tags: func(*input) []string { return []string{"paint"} },
	}, func(context.Context, *input) (int, error) { n++; return n, nil })
	ask := func() int {
		t.Helper()
		a, err := get(t.Context(), &input{})
		if err != nil {
			t.Fatal(err)
		}
		return a.Body
	}
	last := ask()
	here := []string{"REDIS_URL=" + server.URL()}
	for _, args := range [][]string{{"--group=shop"}, {"--name=things"}, {"--tag=paint"}, {"--group=other", "--tag=paint"}} {
		if got := must(t, here, append([]string{"cache", "clear"}, args...)...); got != "cleared; every server notices within a second\n" {
			t.Errorf("%q prints %q", args, got)
		}
		for end := time.Now().Add(time.Second); ask() == last; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%q does not clear within a second", args)
			}
		}
		last = ask()
	}
	must(t, here, "cache", "clear", "--group=things", "--name=shop", "--tag=things")
	time.Sleep(700 * time.Millisecond) // long enough to be noticed, if there were something
	if got := ask(); got != last {
		t.Error("what is called otherwise is cleared")
	}
}

func TestCacheClearRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		settings, args []string
		status         int
		says           string
	}{
		{nil, nil, 2, "say what to clear"},
		{nil, []string{"--group=api"}, 2, "without Redis each server's cache is its own and ends with its process"},
		{[]string{"REDIS_URL=http://user:hunter2@host"}, []string{"--group=api"}, 2, "redis://user:password@host:6379/0"},
		{[]string{"REDIS_URL=redis://user:hunter2@host:6379/x"}, []string{"--group=api"}, 2, "redis://user:password@host:6379/0"},
		{[]string{"REDIS_URL=redis://user:hunter2@127.0.0.1:1"}, []string{"--group=api"}, 1, "the cache was not cleared: Redis"},
	} {
		r := roster(t, c.settings, append([]string{"cache", "clear"}, c.args...)...)
		if r.status != c.status || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, c.says) || strings.Contains(r.stderr, "hunter2") {
			t.Errorf("%q with %q: %+v", c.args, c.settings, r)
		}
	}
}
