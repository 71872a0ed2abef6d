import { type CallOptions, type RosterClient, segment, send } from './client.js';
import * as generated from './gen/sdk.gen.js';
import type { ListSessionsData, Session } from './gen/types.gen.js';
import { type PaginatedResponse, pages, rows } from './pages.js';

/** Whose sessions to list, and which page of them. */
export type ListSessionsParams = NonNullable<ListSessionsData['query']>;

/** Gives a page of sessions, the newest first: the caller's own, unless params say otherwise. */
export async function listSessions(client: RosterClient, params: ListSessionsParams = {}, options?: CallOptions): Promise<PaginatedResponse<Session>> {
  const { data } = await send(client, (base) => generated.listSessions({ ...base, query: params }), options);
  return data;
}

/** Walks the list of sessions page by page, from the page that params name on. */
export function sessionPages(client: RosterClient, params: ListSessionsParams = {}, options?: CallOptions): AsyncGenerator<PaginatedResponse<Session>, void, undefined> {
  return pages((at: ListSessionsParams) => listSessions(client, at, options), params);
}

/** Walks all sessions, fetching a page at a time; nothing is fetched before the first step. */
export function sessions(client: RosterClient, params: ListSessionsParams = {}, options?: CallOptions): AsyncGenerator<Session, void, undefined> {
  return rows((at: ListSessionsParams) => listSessions(client, at, options), params);
}

/** Ends a session. Fails with `not_found` if there is none. */
export async function revokeSession(client: RosterClient, id: string, options?: CallOptions): Promise<void> {
  await send(client, (base) => generated.revokeSession({ ...base, path: { id: segment(id) } }), options);
}

/** Ends all sessions of the caller but the one that calls. */
export async function revokeOtherSessions(client: RosterClient, options?: CallOptions): Promise<void> {
  await send(client, (base) => generated.revokeOtherSessions(base), options);
}
