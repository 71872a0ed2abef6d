package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/roster-api/roster/internal/cache"
	"github.com/roster-api/roster/internal/config"
	"github.com/roster-api/roster/internal/storage"
)

type cacheCmd struct {
	Clear cacheClearCmd `cmd:"" help:"Have what is cached made anew, on every server that has the same Redis."`
}

type cacheClearCmd struct {
	Group []string `placeholder:"G" help:"What the operations of this group answered, such as api."`
	Name  []string `placeholder:"N" help:"What the operation with this name in the cache answered, such as site-stats."`
	Tag   []string `placeholder:"T" help:"What depends on this."`
}

// Help is what roster cache clear --help adds.
func (cacheClearCmd) Help() string {
	return `REDIS_URL, or the file that REDIS_URL_FILE names, says which Redis the servers share. They notice within a second.`
}

// Run clears, and says what.
func (c *cacheClearCmd) Run(ctx context.Context) error {
	var of []cache.Of
	for _, group := range c.Group {
		of = append(of, cache.Group(group))
	}
	for _, name := range c.Name {
		of = append(of, cache.Name(name))
	}
	for _, tag := range c.Tag {
		of = append(of, cache.Tag(tag))
	}
	if len(of) == 0 {
		return misuse{errors.New("say what to clear: --group, --name or --tag; see roster cache clear --help")}
	}
	address, err := config.RedisURL()
	if err != nil {
		return misuse{err}
	}
	if address == "" {
		return misuse{errors.New("REDIS_URL is not set: without Redis each server's cache is its own and ends with its process; restart the server to clear it")}
	}
	client, err := storage.OpenRedis(address)
	if err != nil {
		return misuse{err}
	}
	defer func() { _ = client.Close() }()
	if err := cache.Clear(ctx, client, of...); err != nil {
		return fmt.Errorf("the cache was not cleared: %w", err)
	}
	_, err = fmt.Fprintln(os.Stdout, "cleared; every server notices within a second")
	return err
}
