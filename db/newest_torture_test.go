//go:build torture

package db_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/internal/testkit"
)

// In a log of a million entries a page costs its own rows and the count; the count
// of a filter that few match costs nothing to speak of.
func TestTortureAMillionAuditEntries(t *testing.T) {
	pool := testkit.Pool(t)
	const n = 1_000_000
	seedAudit(t, pool, n)
	// Rare values are too few for the statistics to know of them.
	var rare uuid.UUID
	if err := pool.QueryRow(t.Context(), `INSERT INTO audit (id, actor, actor_id, actor_name, operation, target, target_id, address, request_id)
		SELECT gen_random_uuid(), 'key', i, 'rare', 'rare', 'rare', i, '', '' FROM gen_random_uuid() i RETURNING actor_id`).Scan(&rare); err != nil {
		t.Fatal(err)
	}
	mustExec(t, pool, `VACUUM audit`)
	common := uuid.MustParse("8f14e45f-ceea-167a-5a36-dedd4bea2543") // md5('7')
	middle := &db.NewestPosition{CreatedAt: time.Now().Add(-n / 2 * time.Second), ID: rare}
	for _, c := range []struct {
		name string
		list db.AuditList
		most time.Duration // a goal, for a busy machine
	}{
		{"all", db.AuditList{}, time.Second},
		{"all, from the middle", db.AuditList{From: middle}, time.Second},
		{"all, by number in the middle", db.AuditList{Offset: n / 2}, 2 * time.Second},
		{"an operation of 1 in 5", db.AuditList{Operation: "updateUser"}, time.Second},
		{"a kind of target, 2 in 5", db.AuditList{Target: "user"}, time.Second},
		{"an actor of 1 in 50", db.AuditList{ActorID: &common}, 100 * time.Millisecond},
		{"a target of 1 in 3000", db.AuditList{TargetID: &common}, 20 * time.Millisecond},
		{"a day of it", db.AuditList{Since: ptr(time.Now().Add(-72 * time.Hour)), Until: ptr(time.Now().Add(-48 * time.Hour))}, 200 * time.Millisecond},
		{"an actor's every operation", db.AuditList{ActorID: &common, Operation: "signIn"}, 500 * time.Millisecond},
		{"an operation never the actor's", db.AuditList{ActorID: &common, Operation: "updateUser"}, 500 * time.Millisecond},
		{"a rare operation", db.AuditList{Operation: "rare"}, 20 * time.Millisecond},
		{"a rare kind of target", db.AuditList{Target: "rare"}, 20 * time.Millisecond},
		{"a rare actor", db.AuditList{ActorID: &rare}, 20 * time.Millisecond},
	} {
		c.list.Limit = 20
		var total int64
		took := medianOf(t, func() error {
			page, err := db.ListAudit(t.Context(), pool, c.list)
			total = page.Total
			return err
		})
		t.Logf("%-30s %8d entries: a page takes %s", c.name, total, took.Round(10*time.Microsecond))
		if took > c.most {
			t.Errorf("%s takes %s, more than %s", c.name, took, c.most)
		}
	}
}

func medianOf(t *testing.T, run func() error) time.Duration {
	t.Helper()
	var all []time.Duration
	for range 9 {
		start := time.Now()
		if err := run(); err != nil {
			t.Fatal(err)
		}
		all = append(all, time.Since(start))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
