import { type CallOptions, type CreateOptions, type RosterClient, segment, send } from './client.js';
import * as generated from './gen/sdk.gen.js';
import type { Key, KeyCreate, KeyCreated, KeyRotate, KeyRotated, ListKeysData } from './gen/types.gen.js';
import { once } from './idempotency.js';
import { type PaginatedResponse, pages, rows } from './pages.js';

/** Whose keys to list, and which page of them. */
export type ListKeysParams = NonNullable<ListKeysData['query']>;

/** Gives a page of keys, the newest first: the caller's own, unless params say otherwise. */
export async function listKeys(client: RosterClient, params: ListKeysParams = {}, options?: CallOptions): Promise<PaginatedResponse<Key>> {
  const { data } = await send(client, (base) => generated.listKeys({ ...base, query: params }), options);
  return data;
}

/** Walks the list of keys page by page, from the page that params name on. */
export function keyPages(client: RosterClient, params: ListKeysParams = {}, options?: CallOptions): AsyncGenerator<PaginatedResponse<Key>, void, undefined> {
  return pages((at: ListKeysParams) => listKeys(client, at, options), params);
}

/** Walks all keys, fetching a page at a time; nothing is fetched before the first step. */
export function keys(client: RosterClient, params: ListKeysParams = {}, options?: CallOptions): AsyncGenerator<Key, void, undefined> {
  return rows((at: ListKeysParams) => listKeys(client, at, options), params);
}

/**
 * Makes a key for a service, and shows its secret this once. If the answer that had the secret was lost, it
 * fails with `secret_not_replayable`: rotate or revoke the key whose id is the error's `resourceId`.
 */
export async function createKey(client: RosterClient, body: KeyCreate, options?: CreateOptions): Promise<KeyCreated> {
  const key = once(options);
  const { data } = await send(client, (base) => generated.createKey({ ...base, body, headers: { ...key, ...base.headers } }), options);
  return data;
}

/** Makes another secret for a key and shows it this once. Those of before work for a day more, or as body says. */
export async function rotateKey(client: RosterClient, id: string, body: KeyRotate = {}, options?: CallOptions): Promise<KeyRotated> {
  const { data } = await send(client, (base) => generated.rotateKey({ ...base, path: { id: segment(id) }, body }), options);
  return data;
}

/** Ends a key and all its secrets, for good. */
export async function revokeKey(client: RosterClient, id: string, options?: CallOptions): Promise<void> {
  await send(client, (base) => generated.revokeKey({ ...base, path: { id: segment(id) } }), options);
}
