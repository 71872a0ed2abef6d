package audit

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/roster-api/roster/db/dbsqlc"
)

// What is sealed stays sealed: no later version may make the MAC in another way.
func TestMACStays(t *testing.T) {
	t.Parallel()
	k, err := NewKey("correct horse battery staple, and more")
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.MustParse("019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21")
	row := &dbsqlc.Audit{
		ID: id, CreatedAt: time.Date(2026, 3, 14, 9, 26, 53, 589793000, time.UTC), Actor: "user", ActorID: &id, ActorName: "ada@example.org",
		Operation: "updateUser", Target: "user", Before: []byte(`{"name": "A"}`), After: []byte(`{"name": "B"}`), Address: "203.0.113.7", RequestID: "r-1",
	}
	got := hex.EncodeToString(k.entryMAC().of(1, make([]byte, 32), row))
	if want := "df9dfbe47e5acae934db97b562b6ad5d15e7f61697f7cf0d2c9d9a9b89b5e23d"; got != want {
		t.Errorf("the MAC is %s, want %s", got, want)
	}
	if got := k.ID(); got != "0025c5e9bc98700e" {
		t.Errorf("the key is %s", got)
	}
	proof := hex.EncodeToString(k.proof(state{Head{1, make([]byte, 32)}, Head{2, make([]byte, 32)}}))
	if want := "9fdaa15213af5013423b10c4d0582c3e50048212c0fe2b3f338434db6991baa9"; proof != want {
		t.Errorf("the proof is %s, want %s", proof, want)
	}
}

// Every field counts, and nothing moves from one into the next unseen.
func TestMACOfEveryField(t *testing.T) {
	t.Parallel()
	k, err := NewKey("correct horse battery staple, and more")
	if err != nil {
		t.Fatal(err)
	}
	id, other := uuid.New(), uuid.New()
	at := time.Now()
	row := func() dbsqlc.Audit {
		return dbsqlc.Audit{
			ID: id, CreatedAt: at, Actor: "ab", ActorID: &id, ActorName: "cd", Operation: "ef", Target: "gh", TargetID: &id,
			Before: []byte("ij"), After: []byte("kl"), Address: "mn", RequestID: "op",
		}
	}
	seen := map[string]string{}
	see := func(name string, seq int64, before string, change func(*dbsqlc.Audit)) {
		r := row()
		change(&r)
		mac := string(k.entryMAC().of(seq, []byte(before), &r))
		if twin, ok := seen[mac]; ok {
			t.Errorf("%s gives the MAC of %s", name, twin)
		}
		seen[mac] = name
	}
	see("the row", 1, "before", func(*dbsqlc.Audit) {})
	see("another number", 2, "before", func(*dbsqlc.Audit) {})
	see("another entry before", 1, "after", func(*dbsqlc.Audit) {})
	for name, change := range map[string]func(*dbsqlc.Audit){
		"id":             func(r *dbsqlc.Audit) { r.ID = other },
		"created_at":     func(r *dbsqlc.Audit) { r.CreatedAt = at.Add(time.Microsecond) },
		"actor":          func(r *dbsqlc.Audit) { r.Actor = "x" },
		"actor_id":       func(r *dbsqlc.Audit) { r.ActorID = &other },
		"no actor_id":    func(r *dbsqlc.Audit) { r.ActorID = nil },
		"actor_name":     func(r *dbsqlc.Audit) { r.ActorName = "x" },
		"operation":      func(r *dbsqlc.Audit) { r.Operation = "x" },
		"target":         func(r *dbsqlc.Audit) { r.Target = "x" },
		"target_id":      func(r *dbsqlc.Audit) { r.TargetID = &other },
		"no target_id":   func(r *dbsqlc.Audit) { r.TargetID = nil },
		"before":         func(r *dbsqlc.Audit) { r.Before = []byte("x") },
		"after":          func(r *dbsqlc.Audit) { r.After = []byte("x") },
		"address":        func(r *dbsqlc.Audit) { r.Address = "x" },
		"request_id":     func(r *dbsqlc.Audit) { r.RequestID = "x" },
		"a letter over":  func(r *dbsqlc.Audit) { r.Operation, r.Target = "e", "fgh" },
		"swapped":        func(r *dbsqlc.Audit) { r.Before, r.After = r.After, r.Before },
		"all in one":     func(r *dbsqlc.Audit) { r.Address, r.RequestID = "mnop", "" },
		"the other one":  func(r *dbsqlc.Audit) { r.Address, r.RequestID = "", "mnop" },
		"no id moves on": func(r *dbsqlc.Audit) { r.TargetID, r.Target = nil, "gh"+string(id[:]) },
	} {
		see(name, 1, "before", change)
	}
}

func TestParseHead(t *testing.T) {
	t.Parallel()
	h := Head{7, make([]byte, 32)}
	got, err := ParseHead(h.String() + "\n")
	if err != nil || !got.is(h) {
		t.Errorf("%v, %v", got, err)
	}
	for _, wrong := range []string{"", "7", ":", "7:", "7:00", "x:" + h.String()[2:], "-1:" + h.String()[2:], h.String() + "0", "7" + h.String()[2:]} {
		if h, err := ParseHead(wrong); err == nil {
			t.Errorf("%q is %v", wrong, h)
		}
	}
}
