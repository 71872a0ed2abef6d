package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/audit"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/testkit"
)

// from is a context as a request from an address has it.
func from(ctx context.Context, id, address string) context.Context {
	return problem.NewContext(ctx, &problem.Request{ID: id, Client: netip.MustParseAddr(address)})
}

func TestActor(t *testing.T) {
	t.Parallel()
	id, owner := uuid.New(), uuid.New()
	session := &auth.Principal{Kind: auth.SessionKind, ID: id, UserID: owner, Email: "ada@example.org"}
	key := &auth.Principal{Kind: auth.KeyKind, ID: id, UserID: owner, Email: "ada@example.org", Name: "CI"}
	for name, c := range map[string]struct {
		ctx                    func(context.Context) context.Context
		actor, name            string
		id                     *uuid.UUID
		address, wantRequestID string
	}{
		"nobody":  {func(ctx context.Context) context.Context { return ctx }, "anonymous", "", nil, "", ""},
		"session": {func(ctx context.Context) context.Context { return auth.NewContext(ctx, session) }, "user", "ada@example.org", &owner, "", ""},
		"key":     {func(ctx context.Context) context.Context { return auth.NewContext(ctx, key) }, "key", "CI", &id, "", ""},
		"command": {func(ctx context.Context) context.Context { return audit.System(ctx, audit.CommandLine) }, "system", "command line", nil, "", ""},
		"command within a request": {func(ctx context.Context) context.Context {
			return audit.System(auth.NewContext(ctx, session), "first start")
		}, "system", "first start", nil, "", ""},
		"request": {func(ctx context.Context) context.Context {
			return from(ctx, "r-1", "203.0.113.7")
		}, "anonymous", "", nil, "203.0.113.7", "r-1"},
		"session within a request": {func(ctx context.Context) context.Context {
			return auth.NewContext(from(ctx, "r-1", "2001:db8::1"), session)
		}, "user", "ada@example.org", &owner, "2001:db8::1", "r-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row, err := audit.Row(c.ctx(t.Context()), audit.Change{Operation: "signIn", Target: "session"})
			if err != nil {
				t.Fatal(err)
			}
			same := row.ActorID == nil && c.id == nil || row.ActorID != nil && c.id != nil && *row.ActorID == *c.id
			if row.Actor != c.actor || row.ActorName != c.name || !same || row.Address != c.address || row.RequestID != c.wantRequestID {
				t.Errorf("%+v", row)
			}
			if row.TargetID != nil || row.ID.Version() != 7 {
				t.Errorf("target %v, id %v", row.TargetID, row.ID)
			}
		})
	}
}

func TestBeforeAndAfter(t *testing.T) {
	t.Parallel()
	type thing struct {
		Name      string    `json:"name"`
		Scopes    []string  `json:"scopes"`
		Note      string    `json:"note,omitempty"`
		UpdatedAt time.Time `json:"updatedAt"`
	}
	one := thing{"a", []string{"x"}, "", time.Unix(1, 0).UTC()}
	for name, c := range map[string]struct {
		before, after any
		was, is       string
	}{
		"nothing":         {nil, nil, `{}`, `{}`},
		"made":            {nil, one, `{}`, `{"name":"a","scopes":["x"],"updatedAt":"1970-01-01T00:00:01Z"}`},
		"deleted":         {one, nil, `{"name":"a","scopes":["x"],"updatedAt":"1970-01-01T00:00:01Z"}`, `{}`},
		"same":            {one, one, `{}`, `{}`},
		"only touched":    {one, thing{"a", []string{"x"}, "", time.Unix(2, 0)}, `{}`, `{}`},
		"one field":       {one, thing{"b", []string{"x"}, "", time.Unix(2, 0)}, `{"name":"a"}`, `{"name":"b"}`},
		"two fields":      {one, thing{"b", []string{"x", "y"}, "", time.Unix(2, 0)}, `{"name":"a","scopes":["x"]}`, `{"name":"b","scopes":["x","y"]}`},
		"a field more":    {one, thing{"a", []string{"x"}, "n", time.Unix(2, 0)}, `{}`, `{"note":"n"}`},
		"a field less":    {thing{"a", nil, "n", time.Time{}}, thing{"a", nil, "", time.Time{}}, `{"note":"n"}`, `{}`},
		"maps":            {map[string]int{"b": 1, "a": 2}, map[string]int{"a": 2, "b": 3, "c": 4}, `{"b":1}`, `{"b":3,"c":4}`},
		"names to escape": {map[string]string{"\"\\\n": "é"}, map[string]string{"\"\\\n": "明"}, `{"\"\\\n":"é"}`, `{"\"\\\n":"明"}`},
		"nested":          {map[string]any{"a": map[string]any{"}": 1}}, map[string]any{"a": map[string]any{"}": 2}}, `{"a":{"}":1}}`, `{"a":{"}":2}}`},
		"by hand":         {nil, json.RawMessage(`{"users":5}`), `{}`, `{"users":5}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row, err := audit.Row(t.Context(), audit.Change{Before: c.before, After: c.after})
			if err != nil {
				t.Fatal(err)
			}
			if string(row.Before) != c.was || string(row.After) != c.is {
				t.Errorf("%s and %s, want %s and %s", row.Before, row.After, c.was, c.is)
			}
		})
	}
	for _, wrong := range []any{1, "text", []int{1}, (*thing)(nil), func() {}} {
		if _, err := audit.Row(t.Context(), audit.Change{After: wrong}); err == nil {
			t.Errorf("%T went through", wrong)
		}
	}
}

// A row is there exactly if its change is.
func TestRecordIsPartOfTheChange(t *testing.T) {
	t.Parallel()
	l := newLog(t, 0)
	target := uuid.New()
	change := audit.Change{Operation: "updateUser", Target: "user", TargetID: target, Before: map[string]any{"name": "A", "n": 1e21}, After: map[string]any{"name": "Ä"}}
	undone := errors.New("undone")
	for _, end := range []error{undone, nil} {
		err := db.InTx(t.Context(), l.pool, func(ctx context.Context, q *dbsqlc.Queries) error {
			return errors.Join(audit.Record(audit.System(ctx, "test"), q, change), end)
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
	}
	rows, err := dbsqlc.New(l.pool).ExportAudit(t.Context(), dbsqlc.ExportAuditParams{Until: time.Now().Add(time.Hour), RowLimit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 {
		t.Fatalf("%d rows", len(rows))
	}
	r := rows[0]
	if r.Operation != "updateUser" || r.Target != "user" || *r.TargetID != target || r.Actor != "system" || r.ActorName != "test" ||
		string(r.Before) != `{"n": 1000000000000000000000, "name": "A"}` || string(r.After) != `{"name": "Ä"}` || time.Since(r.CreatedAt).Abs() > time.Minute {
		t.Errorf("%+v", r)
	}
	l.seal()
	l.well(1, 0, nil)
}

// Nobody who goes through SQL changes or takes away a row.
func TestAppendOnly(t *testing.T) {
	t.Parallel()
	l := newLog(t, 0)
	l.record(2)
	l.seal()
	l.record(1)
	for _, sql := range []string{
		"UPDATE audit SET operation = 'x'",
		"UPDATE audit SET operation = 'x' WHERE false",
		"INSERT INTO audit SELECT * FROM audit ON CONFLICT (id) DO UPDATE SET operation = 'x'",
		"DELETE FROM audit",
		"DELETE FROM audit WHERE id IN (SELECT audit_id FROM audit_chain)",
		"DELETE FROM audit WHERE id IN (SELECT id FROM audit_unsealed)",
		"TRUNCATE audit",
		"TRUNCATE users, audit CASCADE",
		"MERGE INTO audit a USING audit b ON a.id = b.id WHEN MATCHED THEN DELETE",
	} {
		if _, err := l.pool.Exec(t.Context(), sql); !db.Violates(err, "audit_append_only") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	l.seal()
	l.well(3, 0, nil)
}

// The same row gives the same MAC on every PostgreSQL, and after a dump.
func TestSameEverywhere(t *testing.T) {
	t.Parallel()
	l := newLog(t, 0)
	_, err := l.pool.Exec(t.Context(), `INSERT INTO audit VALUES
		('019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21', '2026-03-14 09:26:53.589793+00', 'user', '019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d22', 'ada@example.org',
		 'updateUser', 'user', '019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d23',
		 '{"zz": 1, "a": [1.0, 1e3, 0.10, -0, 1e-7], "text": "\u00e9\ud83d\ude00\n\t\u0001\"\\/", "é": {"b": null}, "a": true, "n": [1.0, 1e3, 0.10, -0, 1e-7]}',
		 '{}', '2001:db8::1', 'r-1')`)
	if err != nil {
		t.Fatal(err)
	}
	l.seal()
	row, err := dbsqlc.New(l.pool).AuditByIDs(t.Context(), []uuid.UUID{uuid.MustParse("019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21")})
	if err != nil || len(row) != 1 {
		t.Fatal(err)
	}
	if got, want := string(row[0].Before), `{"a": true, "n": [1.0, 1000, 0.10, 0, 0.0000001], "zz": 1, "é": {"b": null}, "text": "é😀\n\t\u0001\"\\/"}`; got != want {
		t.Errorf("PostgreSQL writes %s, want %s", got, want)
	}
	before := l.well(1, 0, nil)

	copied := testkit.Pool(t)
	restored := &log{t: t, pool: copied, key: l.key}
	restored.byHand("DELETE FROM audit_seal")
	if _, err := copied.Exec(t.Context(), "ALTER TABLE audit DISABLE TRIGGER USER"); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"audit", "audit_unsealed", "audit_chain", "audit_seal"} {
		if err := copyTo(t.Context(), l.pool, copied, table); err != nil {
			t.Fatal(err)
		}
	}
	if after := restored.well(1, 0, &before.Head); after.Head.String() != before.Head.String() {
		t.Errorf("the head was %s and is %s", before.Head, after.Head)
	}
}

func BenchmarkRow(b *testing.B) {
	user := dbsqlc.User{ID: uuid.New(), Name: "Ada Lovelace", Email: "ada@example.org", Role: "viewer", CreatedAt: time.Now(), UpdatedAt: time.Now()}
	other := user
	other.Name = "Ada King"
	ctx := auth.NewContext(b.Context(), &auth.Principal{Kind: auth.SessionKind})
	for name, c := range map[string]audit.Change{
		"created": {Operation: "createUser", Target: "user", TargetID: user.ID, After: user},
		"updated": {Operation: "updateUser", Target: "user", TargetID: user.ID, Before: user, After: other},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := audit.Row(ctx, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
