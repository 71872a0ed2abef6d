import { type CallOptions, type CreateOptions, type ReadOptions, type RosterClient, segment, send, type WriteOptions } from './client.js';
import { tagged } from './etag.js';
import * as generated from './gen/sdk.gen.js';
import type { ListUsersData, User, UserCreate, UserReplace, UserUpdate } from './gen/types.gen.js';
import { once } from './idempotency.js';
import { type PaginatedResponse, pages, rows } from './pages.js';

/** Which users to list, in which order, and which page of them. */
export type ListUsersParams = NonNullable<ListUsersData['query']>;

/** Gives a page of users. */
export async function listUsers(client: RosterClient, params: ListUsersParams = {}, options?: CallOptions): Promise<PaginatedResponse<User>> {
  const { data } = await send(client, (base) => generated.listUsers({ ...base, query: params }), options);
  return data;
}

/** Walks the list of users page by page, from the page that params name on. */
export function userPages(client: RosterClient, params: ListUsersParams = {}, options?: CallOptions): AsyncGenerator<PaginatedResponse<User>, void, undefined> {
  return pages((at: ListUsersParams) => listUsers(client, at, options), params);
}

/** Walks all users, fetching a page at a time; nothing is fetched before the first step. */
export function users(client: RosterClient, params: ListUsersParams = {}, options?: CallOptions): AsyncGenerator<User, void, undefined> {
  return rows((at: ListUsersParams) => listUsers(client, at, options), params);
}

/** Makes a user, by default a viewer. Fails with `email_taken` if another user has the email. */
export async function createUser(client: RosterClient, body: UserCreate, options?: CreateOptions): Promise<User> {
  const key = once(options);
  return tagged(await send(client, (base) => generated.createUser({ ...base, body, headers: { ...key, ...base.headers } }), options));
}

/** Gives a user. Fails with `not_found` if there is none. */
export async function getUser(client: RosterClient, id: string, options?: CallOptions & { ifNoneMatch?: undefined }): Promise<User>;
/** Gives a user, or null if the version that the caller has still holds. */
export async function getUser(client: RosterClient, id: string, options?: ReadOptions): Promise<User | null>;
export async function getUser(client: RosterClient, id: string, options: ReadOptions = {}): Promise<User | null> {
  const answer = await send(
    client,
    (base) => generated.getUser({ ...base, path: { id: segment(id) }, headers: { ...base.headers, 'If-None-Match': options.ifNoneMatch } }),
    options,
  );
  return answer.response.status === 304 ? null : tagged(answer);
}

/** Sets name, email and role of a user; all three are needed. */
export async function replaceUser(client: RosterClient, id: string, body: UserReplace, options: WriteOptions = {}): Promise<User> {
  return tagged(
    await send(
      client,
      (base) => generated.replaceUser({ ...base, path: { id: segment(id) }, body, headers: { ...base.headers, 'If-Match': options.ifMatch } }),
      options,
    ),
  );
}

/** Sets the fields that body has and keeps the others. */
export async function updateUser(client: RosterClient, id: string, body: UserUpdate, options: WriteOptions = {}): Promise<User> {
  return tagged(
    await send(
      client,
      (base) => generated.updateUser({ ...base, path: { id: segment(id) }, body, headers: { ...base.headers, 'If-Match': options.ifMatch } }),
      options,
    ),
  );
}

/** Removes a user for good. */
export async function deleteUser(client: RosterClient, id: string, options: WriteOptions = {}): Promise<void> {
  await send(
    client,
    (base) => generated.deleteUser({ ...base, path: { id: segment(id) }, headers: { ...base.headers, 'If-Match': options.ifMatch } }),
    options,
  );
}
