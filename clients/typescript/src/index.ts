/**
 * The client of Roster: users and access, as a typed API.
 *
 * {@link createRoster} has everything in one object. Each operation is also a function of its own, which
 * takes a {@link createClient | client} first, so that a bundle holds only what it uses.
 *
 * @packageDocumentation
 */
export { createRoster, type Roster } from './roster.js';
export {
  type CallOptions,
  createClient,
  type ReadOptions,
  type RosterClient,
  type RosterOptions,
  type WriteOptions,
} from './client.js';
export { type RosterAbortedError, type RosterAnswerError, RosterError, type RosterNetworkError } from './error.js';
export { etagOf } from './etag.js';
export type { PaginatedResponse } from './pages.js';
export {
  createUser,
  deleteUser,
  getUser,
  listUsers,
  type ListUsersParams,
  replaceUser,
  updateUser,
  userPages,
  users,
} from './users.js';
export {
  type ApiError,
  ErrorCode,
  type FieldError,
  type Pagination,
  Role,
  type User,
  type UserCreate,
  type UserReplace,
  UserSort,
  type UserUpdate,
} from './gen/types.gen.js';
