package db_test

import (
	"slices"
	"testing"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/internal/testkit"
)

// Seeded users are plausible, in order, and numbered on from one run to the next.
func TestSeedUsers(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	const n = 26_000 // more than a batch
	for run := range 2 {
		var done []int
		if err := db.SeedUsers(t.Context(), pool, n, func(d int) { done = append(done, d) }); err != nil {
			t.Fatal(err)
		}
		if len(done) < 2 || done[len(done)-1] != n || !slices.IsSorted(done) {
			t.Errorf("progress: %v", done)
		}

		var all, editors, viewers, foreign, inOrder, emails, future int
		err := pool.QueryRow(t.Context(), `
			SELECT count(*), count(*) FILTER (WHERE role = 'editor'), count(*) FILTER (WHERE role = 'viewer'),
			       count(*) FILTER (WHERE octet_length(name) > length(name)), count(*) FILTER (WHERE id > earlier),
			       count(DISTINCT email), count(*) FILTER (WHERE created_at > now() OR updated_at > now() OR updated_at < created_at)
			FROM (SELECT *, lag(id) OVER (ORDER BY created_at, id) AS earlier FROM users) u`).
			Scan(&all, &editors, &viewers, &foreign, &inOrder, &emails, &future)
		if err != nil {
			t.Fatal(err)
		}
		want := n * (run + 1)
		if all != want || editors+viewers != want || editors < want*8/100 || editors > want*12/100 || foreign < want/10 {
			t.Errorf("%d users, %d editors, %d viewers, %d names beyond ASCII", all, editors, viewers, foreign)
		}
		if inOrder != want-1 || emails != want || future != 0 {
			t.Errorf("%d ids in order, %d addresses, %d of the future", inOrder, emails, future)
		}
	}
	if err := countsAgree(t.Context(), pool); err != nil {
		t.Error(err)
	}
	// Readers of an index alone find all pages marked as seen by everyone.
	var pages, visible int
	err := pool.QueryRow(t.Context(), `SELECT relpages, relallvisible FROM pg_class WHERE relname = 'users'`).Scan(&pages, &visible)
	if err != nil || visible < pages*99/100 {
		t.Errorf("%d of %d pages are visible to all, %v", visible, pages, err)
	}
}
