package audit

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db/dbsqlc"
)

// Head is an entry of the chain: its number and its MAC, which stands for all the
// rows up to it. Kept elsewhere, it shows later that nothing was cut off since.
type Head struct {
	Seq int64
	MAC []byte
}

// String is SEQ:MAC, the MAC in hexadecimal digits.
func (h Head) String() string {
	return strconv.FormatInt(h.Seq, 10) + ":" + hex.EncodeToString(h.MAC)
}

// ParseHead reads what [Head.String] wrote.
func ParseHead(text string) (Head, error) {
	number, digits, _ := strings.Cut(strings.TrimSpace(text), ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	mac, wrong := hex.DecodeString(digits)
	if err != nil || wrong != nil || seq < 0 || len(mac) != sha256.Size {
		return Head{}, fmt.Errorf("%q is no head; write SEQ:MAC, as roster audit verify printed it", text)
	}
	return Head{seq, mac}, nil
}

func (h Head) is(other Head) bool { return h.Seq == other.Seq && hmac.Equal(h.MAC, other.MAC) }

// entryMAC makes the MACs of entries, one after another.
type entryMAC struct {
	mac hash.Hash
	buf []byte
}

func (k *Key) entryMAC() *entryMAC {
	return &entryMAC{mac: hmac.New(sha256.New, k.entries)}
}

// of is the MAC of the entry with this number: of the number, of the MAC before it
// and of the row.
func (m *entryMAC) of(seq int64, before []byte, row *dbsqlc.Audit) []byte {
	b := binary.BigEndian.AppendUint64(m.buf[:0], uint64(seq))
	b = appendField(b, before)
	b = appendRow(b, row)
	m.buf = b
	m.mac.Reset()
	m.mac.Write(b)
	return m.mac.Sum(nil)
}

// appendRow writes a row so that no other row is written the same: each field with
// its length before it. PostgreSQL keeps jsonb in one normal form and writes it as
// one text, in every version and after a dump.
func appendRow(b []byte, r *dbsqlc.Audit) []byte {
	b = appendField(b, r.ID[:])
	b = binary.BigEndian.AppendUint64(b, uint64(r.CreatedAt.UnixMicro()))
	b = appendField(b, r.Actor)
	b = appendID(b, r.ActorID)
	b = appendField(b, r.ActorName)
	b = appendField(b, r.Operation)
	b = appendField(b, r.Target)
	b = appendID(b, r.TargetID)
	b = appendField(b, r.Before)
	b = appendField(b, r.After)
	b = appendField(b, r.Address)
	return appendField(b, r.RequestID)
}

func appendField[T ~string | ~[]byte](b []byte, field T) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(field))), field...)
}

// appendID writes null as an id of no octets.
func appendID(b []byte, id *uuid.UUID) []byte {
	if id == nil {
		return appendField(b, "")
	}
	return appendField(b, id[:])
}

// state is where the chain begins and where it ends.
type state struct {
	dropped Head // the last entry that retention dropped; 0 and random octets at first
	sealed  Head // the last entry
}

// errNoSeal: the migration made this row, and nothing of ours takes it away.
var errNoSeal = errors.New("the table audit_seal has no row: somebody deleted it")

// OtherKeyError says that the chain was made with another key.
type OtherKeyError struct {
	Chain, Ours string // the keys' ids
}

func (e *OtherKeyError) Error() string {
	return fmt.Sprintf("the audit log was sealed with another key (%s; this one is %s): give this Roster the same ROSTER_AUDIT_KEY, "+
		"or put that key's file, %s, into its data folder; if that key is lost, roster audit restart seals everything anew", e.Chain, e.Ours, KeyFile)
}

// ForgedError says that the database's own word on where the chain begins and ends
// was not written with the key.
type ForgedError struct{}

func (ForgedError) Error() string {
	return "the table audit_seal, which says where the chain begins and ends, was changed by somebody without the key"
}

// read checks what the database says of the chain. fresh: nothing was sealed yet, and
// the state is that of a new chain.
func (k *Key) read(row dbsqlc.AuditSeal) (_ state, fresh bool, err error) {
	if len(row.Key) == 0 {
		// Random octets, so that no entry of another chain with this key fits.
		begin := make([]byte, sha256.Size)
		_, _ = rand.Read(begin) // never fails
		return state{dropped: Head{0, begin}, sealed: Head{0, begin}}, true, nil
	}
	s := state{dropped: Head{row.DroppedSeq, row.DroppedMac}, sealed: Head{row.SealedSeq, row.SealedMac}}
	if !k.same(row.Key) {
		return s, false, &OtherKeyError{Chain: hex.EncodeToString(row.Key), Ours: k.ID()}
	}
	if !hmac.Equal(row.Proof, k.proof(s)) {
		return s, false, ForgedError{}
	}
	return s, false, nil
}

// write keeps the state, and proves that we did.
func (k *Key) write(ctx context.Context, q *dbsqlc.Queries, s state) error {
	return q.SetAuditSeal(ctx, dbsqlc.SetAuditSealParams{
		Key:        k.id,
		DroppedSeq: s.dropped.Seq, DroppedMac: s.dropped.MAC,
		SealedSeq: s.sealed.Seq, SealedMac: s.sealed.MAC,
		Proof: k.proof(s),
	})
}

func (k *Key) proof(s state) []byte {
	mac := hmac.New(sha256.New, k.state)
	var b []byte
	for _, h := range []Head{s.dropped, s.sealed} {
		b = binary.BigEndian.AppendUint64(b, uint64(h.Seq))
		b = appendField(b, h.MAC)
	}
	mac.Write(b)
	return mac.Sum(nil)
}

// planAnew makes the statements of a transaction be planned for the tables as they
// now are. Elsewhere a plan is kept as long as its connection; here a queue fills and
// empties and a chain grows from nothing, and a plan for nothing reads all of it.
func planAnew(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SET LOCAL plan_cache_mode = force_custom_plan")
	return err
}

// link is an entry of the chain beside its row; nil: the row is not there.
type link struct {
	dbsqlc.AuditChain
	row *dbsqlc.Audit
}

func (l link) head() Head { return Head{l.Seq, l.Mac} }

// links reads entries, in their order, from a number on.
func links(ctx context.Context, q *dbsqlc.Queries, from int64, limit int) ([]link, error) {
	entries, err := q.AuditChainFrom(ctx, dbsqlc.AuditChainFromParams{Seq: from, RowLimit: int32(limit)})
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	ids := make([]uuid.UUID, len(entries))
	for i, e := range entries {
		ids[i] = e.AuditID
	}
	rows, err := q.AuditByIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]*dbsqlc.Audit, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	all := make([]link, len(entries))
	for i, e := range entries {
		all[i] = link{e, byID[e.AuditID]}
	}
	return all, nil
}
