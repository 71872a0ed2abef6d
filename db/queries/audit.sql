-- name: InsertAudit :exec
INSERT INTO audit (id, actor, actor_id, actor_name, operation, target, target_id, before, after, address, request_id)
VALUES (sqlc.arg(id), sqlc.arg(actor), sqlc.narg(actor_id), sqlc.arg(actor_name), sqlc.arg(operation),
        sqlc.arg(target), sqlc.narg(target_id), sqlc.arg(before), sqlc.arg(after), sqlc.arg(address), sqlc.arg(request_id));

-- ExportAudit goes from the oldest to the newest, from a moment (and an id of that
-- moment) on, to a moment that is not in it any more.
-- name: ExportAudit :many
SELECT * FROM audit
WHERE (created_at, id) > (sqlc.arg(after_time)::timestamptz, sqlc.arg(after_id)::uuid)
  AND created_at < sqlc.arg(until)::timestamptz
ORDER BY created_at, id
LIMIT sqlc.arg(row_limit);

-- name: AuditWaits :one
SELECT EXISTS (SELECT FROM audit_unsealed);

-- name: CountUnsealedAudit :one
SELECT count(*) FROM audit_unsealed;

-- name: GetAuditSeal :one
SELECT * FROM audit_seal;

-- LockAuditSeal finds no row while another holds it.
-- name: LockAuditSeal :one
SELECT * FROM audit_seal FOR UPDATE SKIP LOCKED;

-- WaitForAuditSeal waits while another holds it.
-- name: WaitForAuditSeal :one
SELECT * FROM audit_seal FOR UPDATE;

-- name: SetAuditSeal :exec
UPDATE audit_seal
SET key = sqlc.arg(key), dropped_seq = sqlc.arg(dropped_seq), dropped_mac = sqlc.arg(dropped_mac),
    sealed_seq = sqlc.arg(sealed_seq), sealed_mac = sqlc.arg(sealed_mac), proof = sqlc.arg(proof);

-- name: QueuedAudit :many
SELECT id FROM audit_unsealed WHERE id > sqlc.arg(after) ORDER BY id LIMIT sqlc.arg(row_limit);

-- SealableAudit passes over what is queued and not there, or sealed before: it was
-- not put there by us, and stays for who looks into it.
-- name: SealableAudit :many
SELECT * FROM audit a
WHERE a.id = ANY (sqlc.arg(ids)::uuid[]) AND isfinite(a.created_at)
  AND NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = a.id)
ORDER BY a.created_at, a.id;

-- name: AppendAuditChain :exec
INSERT INTO audit_chain (seq, audit_id, mac)
SELECT unnest(sqlc.arg(seqs)::bigint[]), unnest(sqlc.arg(ids)::uuid[]), unnest(sqlc.arg(macs)::bytea[]);

-- name: DequeueAudit :exec
DELETE FROM audit_unsealed WHERE id = ANY (sqlc.arg(ids)::uuid[]);

-- name: AuditChainFrom :many
SELECT * FROM audit_chain WHERE seq >= sqlc.arg(seq) ORDER BY seq LIMIT sqlc.arg(row_limit);

-- An infinite time is in no row of ours, and in no time of Go.
-- name: AuditByIDs :many
SELECT * FROM audit WHERE id = ANY (sqlc.arg(ids)::uuid[]) AND isfinite(created_at);

-- name: DropAudit :exec
DELETE FROM audit WHERE id = ANY (sqlc.arg(ids)::uuid[]);

-- name: DropAuditChain :exec
DELETE FROM audit_chain WHERE audit_id = ANY (sqlc.arg(ids)::uuid[]);

-- AuditPlaces says of each row where in the chain it is, and whether it waits. Each
-- table is read from there on, and not from its beginning.
-- name: AuditPlaces :many
SELECT a.id, c.seq, (u.id IS NOT NULL)::boolean AS waits
FROM audit a
LEFT JOIN audit_chain c ON c.audit_id = a.id AND c.audit_id > sqlc.arg(after)
LEFT JOIN audit_unsealed u ON u.id = a.id AND u.id > sqlc.arg(after)
WHERE a.id > sqlc.arg(after)
ORDER BY a.id
LIMIT sqlc.arg(row_limit);

-- name: QueuedWithoutAudit :many
SELECT u.id FROM audit_unsealed u
WHERE NOT EXISTS (SELECT FROM audit a WHERE a.id = u.id)
ORDER BY u.id
LIMIT sqlc.arg(row_limit);

-- RequeueAudit and ClearAuditChain begin a new chain.
-- name: RequeueAudit :execrows
INSERT INTO audit_unsealed SELECT id FROM audit ON CONFLICT DO NOTHING;

-- name: ClearAuditChain :exec
TRUNCATE audit_chain;
