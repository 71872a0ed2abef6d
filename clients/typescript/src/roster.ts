import { type CallOptions, createClient, type ReadOptions, type RosterOptions, type WriteOptions } from './client.js';
import type { User, UserCreate, UserReplace, UserUpdate } from './gen/types.gen.js';
import type { PaginatedResponse } from './pages.js';
import * as user from './users.js';

/** All operations of one server. A method throws {@link RosterError} when its call fails. */
export interface Roster {
  /** Gives a page of users. */
  listUsers(params?: user.ListUsersParams, options?: CallOptions): Promise<PaginatedResponse<User>>;
  /** Walks the list of users page by page, from the page that params name on. */
  userPages(params?: user.ListUsersParams, options?: CallOptions): AsyncGenerator<PaginatedResponse<User>, void, undefined>;
  /** Walks all users, fetching a page at a time; nothing is fetched before the first step. */
  users(params?: user.ListUsersParams, options?: CallOptions): AsyncGenerator<User, void, undefined>;
  /** Makes a user, by default a viewer. Fails with `email_taken` if another user has the email. */
  createUser(body: UserCreate, options?: CallOptions): Promise<User>;
  /** Gives a user. Fails with `not_found` if there is none. */
  getUser(id: string, options?: CallOptions & { ifNoneMatch?: undefined }): Promise<User>;
  /** Gives a user, or null if the version that the caller has still holds. */
  getUser(id: string, options?: ReadOptions): Promise<User | null>;
  /** Sets name, email and role of a user; all three are needed. */
  replaceUser(id: string, body: UserReplace, options?: WriteOptions): Promise<User>;
  /** Sets the fields that body has and keeps the others. */
  updateUser(id: string, body: UserUpdate, options?: WriteOptions): Promise<User>;
  /** Removes a user for good. */
  deleteUser(id: string, options?: WriteOptions): Promise<void>;
}

/** Makes an object with all operations of one server. It connects to nothing yet. */
export function createRoster(options: RosterOptions): Roster {
  const client = createClient(options);
  return {
    listUsers: (...args) => user.listUsers(client, ...args),
    userPages: (...args) => user.userPages(client, ...args),
    users: (...args) => user.users(client, ...args),
    createUser: (...args) => user.createUser(client, ...args),
    // An arrow has one signature, the interface two.
    getUser: ((...args: [string, ReadOptions?]) => user.getUser(client, ...args)) as Roster['getUser'],
    replaceUser: (...args) => user.replaceUser(client, ...args),
    updateUser: (...args) => user.updateUser(client, ...args),
    deleteUser: (...args) => user.deleteUser(client, ...args),
  };
}
