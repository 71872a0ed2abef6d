import { type CallOptions, type RosterClient, send } from './client.js';
import * as generated from './gen/sdk.gen.js';
import type { AuditEntry, ListAuditData } from './gen/types.gen.js';
import { type PaginatedResponse, pages, rows } from './pages.js';

/** Which entries of the audit log to list, and which page of them. */
export type ListAuditParams = NonNullable<ListAuditData['query']>;

/** Gives a page of the audit log, the newest entries first. */
export async function listAudit(client: RosterClient, params: ListAuditParams = {}, options?: CallOptions): Promise<PaginatedResponse<AuditEntry>> {
  const { data } = await send(client, (base) => generated.listAudit({ ...base, query: params }), options);
  return data;
}

/** Walks the audit log page by page, from the page that params name on. */
export function auditPages(client: RosterClient, params: ListAuditParams = {}, options?: CallOptions): AsyncGenerator<PaginatedResponse<AuditEntry>, void, undefined> {
  return pages((at: ListAuditParams) => listAudit(client, at, options), params);
}

/** Walks all entries of the audit log, fetching a page at a time; nothing is fetched before the first step. */
export function audit(client: RosterClient, params: ListAuditParams = {}, options?: CallOptions): AsyncGenerator<AuditEntry, void, undefined> {
  return rows((at: ListAuditParams) => listAudit(client, at, options), params);
}
