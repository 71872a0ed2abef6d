package audit_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/roster-api/roster/internal/audit"
)

// Whatever the owner of the database does to what was sealed is found.
func TestTampering(t *testing.T) {
	t.Parallel()
	const rows = 8
	for name, c := range map[string]struct {
		sql  func(ids []uuid.UUID) []string
		want []string
	}{
		"nothing": {func([]uuid.UUID) []string { return nil }, nil},
		"a row changed": {
			func(ids []uuid.UUID) []string {
				return []string{fmt.Sprintf("UPDATE audit SET operation = 'deleteUser' WHERE id = '%s'", ids[3])}
			},
			[]string{"entry 4: it does not fit its row"},
		},
		"a time changed": {
			func(ids []uuid.UUID) []string {
				return []string{fmt.Sprintf("UPDATE audit SET created_at = created_at + interval '1 microsecond' WHERE id = '%s'", ids[7])}
			},
			[]string{"entry 8: it does not fit its row"},
		},
		"json changed": {
			func(ids []uuid.UUID) []string {
				return []string{fmt.Sprintf(`UPDATE audit SET after = '{"n": 5.0}' WHERE id = '%s'`, ids[5])}
			},
			[]string{"entry 6: it does not fit its row"},
		},
		"a time without end": {
			func(ids []uuid.UUID) []string {
				return []string{"ALTER TABLE audit DROP CONSTRAINT audit_created_at_check", fmt.Sprintf("UPDATE audit SET created_at = 'infinity' WHERE id = '%s'", ids[3])}
			},
			[]string{"entry 4: its row"},
		},
		"a row taken away": {
			func(ids []uuid.UUID) []string {
				return []string{fmt.Sprintf("DELETE FROM audit WHERE id = '%s'", ids[3])}
			},
			[]string{"entry 4: its row"},
		},
		"all rows taken away": {
			func([]uuid.UUID) []string { return []string{"DELETE FROM audit"} },
			[]string{"entry 1:", "entry 2:", "entry 3:", "entry 4:", "entry 5:", "entry 6:", "entry 7:", "entry 8:", "waits to be sealed, but was taken away"},
		},
		"a row with its entry taken away": {
			func(ids []uuid.UUID) []string {
				return []string{fmt.Sprintf("DELETE FROM audit WHERE id = '%s'", ids[3]), "DELETE FROM audit_chain WHERE seq = 4"}
			},
			[]string{"entry 4 was cut out of the chain"},
		},
		"a row with its entry taken away, and the gap closed": {
			func(ids []uuid.UUID) []string {
				return []string{fmt.Sprintf("DELETE FROM audit WHERE id = '%s'", ids[3]), "DELETE FROM audit_chain WHERE seq = 4",
					"UPDATE audit_chain SET seq = seq - 1 WHERE seq = 5", "UPDATE audit_chain SET seq = seq - 1 WHERE seq = 6",
					"UPDATE audit_chain SET seq = seq - 1 WHERE seq = 7", "UPDATE audit_chain SET seq = seq - 1 WHERE seq = 8",
					"UPDATE audit_seal SET sealed_seq = 7"}
			},
			[]string{"audit_seal", "entry 4: it does not fit", "entry 5: it does not fit", "entry 6: it does not fit", "entry 7: it does not fit"},
		},
		"two rows' contents exchanged": {
			func(ids []uuid.UUID) []string {
				return []string{fmt.Sprintf(`UPDATE audit a SET after = b.after FROM audit b WHERE (a.id, b.id) IN (('%[1]s', '%[2]s'), ('%[2]s', '%[1]s'))`, ids[2], ids[4])}
			},
			[]string{"entry 3: it does not fit", "entry 5: it does not fit"},
		},
		"two entries exchanged": {
			func([]uuid.UUID) []string {
				return []string{"UPDATE audit_chain SET seq = 0 WHERE seq = 3", "UPDATE audit_chain SET seq = 3 WHERE seq = 5", "UPDATE audit_chain SET seq = 5 WHERE seq = 0"}
			},
			[]string{"entry 3: it does not fit", "entry 4: it does not fit", "entry 5: it does not fit", "entry 6: it does not fit"},
		},
		"the end cut off": {
			func(ids []uuid.UUID) []string {
				return []string{fmt.Sprintf("DELETE FROM audit WHERE id IN ('%s', '%s')", ids[6], ids[7]), "DELETE FROM audit_chain WHERE seq > 6"}
			},
			[]string{"entries 7 to 8 were cut off at the end"},
		},
		"the end cut off, and the seal adapted": {
			func(ids []uuid.UUID) []string {
				return []string{fmt.Sprintf("DELETE FROM audit WHERE id IN ('%s', '%s')", ids[6], ids[7]), "DELETE FROM audit_chain WHERE seq > 6",
					"UPDATE audit_seal SET sealed_seq = 6, sealed_mac = (SELECT mac FROM audit_chain WHERE seq = 6)"}
			},
			[]string{"audit_seal, which says where the chain begins and ends, was changed"},
		},
		"the beginning cut off by a forged checkpoint": {
			func([]uuid.UUID) []string {
				return []string{"UPDATE audit_seal SET dropped_seq = 2, dropped_mac = (SELECT mac FROM audit_chain WHERE seq = 2)",
					"DELETE FROM audit USING audit_chain WHERE audit_id = id AND seq <= 2", "DELETE FROM audit_chain WHERE seq <= 2"}
			},
			[]string{"audit_seal, which says where the chain begins and ends, was changed"},
		},
		"the beginning cut off": {
			func(ids []uuid.UUID) []string {
				return []string{fmt.Sprintf("DELETE FROM audit WHERE id = '%s'", ids[0]), "DELETE FROM audit_chain WHERE seq = 1"}
			},
			[]string{"entry 1 was cut out of the chain"},
		},
		"a row put in": {
			func([]uuid.UUID) []string {
				return []string{"INSERT INTO audit SELECT gen_random_uuid(), created_at, actor, actor_id, actor_name, operation, target, target_id, before, after, address, request_id FROM audit LIMIT 1"}
			},
			[]string{"is neither sealed nor waits for it"},
		},
		"a row put in at the end of the chain": {
			func([]uuid.UUID) []string {
				return []string{
					"INSERT INTO audit SELECT '00000000-0000-4000-8000-000000000001', created_at, actor, actor_id, actor_name, operation, target, target_id, before, after, address, request_id FROM audit LIMIT 1",
					"INSERT INTO audit_chain VALUES (9, '00000000-0000-4000-8000-000000000001', sha256('x'))",
				}
			},
			[]string{"entry 9: it does not fit its row", "entry 9 was added to the end of the chain by hand"},
		},
		"a row put in before the beginning of the chain": {
			func([]uuid.UUID) []string {
				return []string{
					"INSERT INTO audit SELECT '00000000-0000-4000-8000-000000000001', created_at, actor, actor_id, actor_name, operation, target, target_id, before, after, address, request_id FROM audit LIMIT 1",
					"INSERT INTO audit_chain VALUES (0, '00000000-0000-4000-8000-000000000001', sha256('x'))",
				}
			},
			[]string{"entry 0 stands before the beginning of the chain"},
		},
		"the queue emptied": {
			func([]uuid.UUID) []string { return []string{"DELETE FROM audit_unsealed"} },
			[]string{"is neither sealed nor waits for it"},
		},
		"a waiting row taken away": {
			func([]uuid.UUID) []string {
				return []string{"DELETE FROM audit WHERE id IN (SELECT id FROM audit_unsealed)"}
			},
			[]string{"waits to be sealed, but was taken away"},
		},
		"a sealed row queued again": {
			func(ids []uuid.UUID) []string {
				return []string{fmt.Sprintf("INSERT INTO audit_unsealed VALUES ('%s')", ids[3])}
			},
			[]string{"is sealed and waits to be sealed"},
		},
		"the seal emptied": {
			func([]uuid.UUID) []string {
				return []string{"DELETE FROM audit_seal", "INSERT INTO audit_seal DEFAULT VALUES"}
			},
			[]string{"entry 1: it does not fit its row", "entries 1 to 8 were added to the end of the chain by hand"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLog(t, 0)
			l.SetBatch(3)
			ids := l.record(rows)
			l.seal()
			head := l.well(rows, 0, nil).Head
			l.record(1) // and one that waits
			l.well(rows, 1, &head)
			l.byHand(c.sql(ids)...)
			l.ill(nil, c.want...)
			if len(c.want) > 0 {
				// To go on sealing does not wash it away.
				l.SealNow(t.Context())
				if len(l.verify(nil).Findings) == 0 {
					t.Error("not found any more after the next row was sealed")
				}
			}
		})
	}
}

// What is in order by itself is found by a head that was kept elsewhere.
func TestHead(t *testing.T) {
	t.Parallel()
	l := newLog(t, 0)
	l.record(3)
	l.seal()
	early := l.well(3, 0, nil).Head
	old := fmt.Sprintf("UPDATE audit_seal SET sealed_seq = 3, sealed_mac = '\\x%x', proof = '\\x%x'", early.MAC, l.bytes("SELECT proof FROM audit_seal"))
	l.record(3)
	l.seal()
	late := l.well(6, 0, &early).Head
	if late.Seq != 6 {
		t.Errorf("the head is %s", late)
	}

	// An older state of everything.
	l.byHand("DELETE FROM audit USING audit_chain WHERE audit_id = id AND seq > 3", "DELETE FROM audit_chain WHERE seq > 3", old)
	l.well(3, 0, nil)
	l.well(3, 0, &early)
	l.ill(&late, "entries 4 to 6 were cut off at the end of the chain since the head 6 was kept")
	// This process saw more, and says so once.
	l.record(1)
	l.SealNow(t.Context())
	l.record(1)
	l.SealNow(t.Context())
	if said := l.said.String(); strings.Count(said, "cut or begun anew") != 1 || !strings.Contains(said, late.String()) {
		t.Errorf("the log says %s", said)
	}
	l.record(3)
	l.seal()
	l.well(8, 0, &early)
	l.ill(&late, "entry 6 is another one than when its head was kept")

	// All begun anew.
	if _, err := audit.Restart(t.Context(), l.pool); err != nil {
		t.Fatal(err)
	}
	l.seal()
	l.well(9, 0, nil)
	l.ill(&early, "entry 3 is another one")
}

func TestRestart(t *testing.T) {
	t.Parallel()
	l := newLog(t, 0)
	l.record(3)
	l.seal()
	head := l.well(3, 0, nil).Head
	l.record(2)
	l.byHand("UPDATE audit SET operation = 'x'")

	// The key is lost; with another one nothing works until the chain is begun anew.
	lost := l.key
	l.key = newKey(t, "another secret, which nobody has given away")
	l.Sealer, l.said = l.sealer(l.key, 0)
	l.SealNow(t.Context())
	l.SealNow(t.Context())
	said := l.said.String()
	if strings.Count(said, "\n") != 1 || !strings.Contains(said, "sealed with another key ("+lost.ID()+"; this one is "+l.key.ID()) || !strings.Contains(said, "roster audit restart") {
		t.Errorf("the log says %s", said)
	}
	var other *audit.OtherKeyError
	if _, err := audit.Verify(t.Context(), l.pool, l.key, nil, nil); !errors.As(err, &other) {
		t.Errorf("to verify with another key: %v", err)
	}
	if n := l.count("SELECT count(*) FROM audit_unsealed"); n != 2 {
		t.Errorf("%d rows wait, want 2", n)
	}

	queued, err := audit.Restart(audit.System(t.Context(), "test"), l.pool)
	if err != nil || queued != 3 {
		t.Errorf("%d, %v", queued, err)
	}
	l.well(0, 6, nil)
	l.seal()
	l.well(6, 0, nil)
	var was string
	if err := l.pool.QueryRow(t.Context(), "SELECT before->>'head' FROM audit WHERE operation = 'restartAudit' AND actor_name = 'test'").Scan(&was); err != nil || was != head.String() {
		t.Errorf("the log says the head was %s, it was %s (%v)", was, head, err)
	}
}

func TestFindingsAreBounded(t *testing.T) {
	t.Parallel()
	l := newLog(t, 0)
	l.record(audit.MaxFindings + 5)
	l.seal()
	l.byHand("UPDATE audit SET operation = 'x'")
	var last, total int64
	r, err := audit.Verify(t.Context(), l.pool, l.key, nil, func(done, of int64) { last, total = done, of })
	if err != nil || len(r.Findings) != audit.MaxFindings || r.More != 5 {
		t.Errorf("%d findings and %d more, %v", len(r.Findings), r.More, err)
	}
	if last != total || total != 2*(audit.MaxFindings+5) {
		t.Errorf("progress ends at %d of %d", last, total)
	}
}
