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
  type CreateOptions,
  type ReadOptions,
  type RosterClient,
  type RosterOptions,
  type SignInSource,
  type WriteOptions,
} from './client.js';
export { audit, auditPages, listAudit, type ListAuditParams } from './audit.js';
export {
  isForbidden,
  isRateLimited,
  isUnauthenticated,
  type RosterAbortedError,
  type RosterAnswerError,
  RosterError,
  type RosterNetworkError,
} from './error.js';
export { etagOf } from './etag.js';
export { createKey, keyPages, keys, listKeys, type ListKeysParams, revokeKey, rotateKey } from './keys.js';
export type { PaginatedResponse } from './pages.js';
export { createPasswordReset, redeemPasswordReset, setPassword } from './passwords.js';
export { withPassword, withSignIn } from './renew.js';
export { getSession, signIn, signOut } from './session.js';
export { listSessions, type ListSessionsParams, revokeOtherSessions, revokeSession, sessionPages, sessions } from './sessions.js';
export { getStats, type GetStatsParams } from './stats.js';
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
  Actor,
  type ApiError,
  type AuditEntry,
  Credential,
  type DayCounts,
  ErrorCode,
  type FieldError,
  type Identity,
  type Key,
  type KeyCreate,
  type KeyCreated,
  type KeyRotate,
  type KeyRotated,
  type Pagination,
  type PasswordReset,
  type PasswordResetRedeem,
  type PasswordSet,
  Permission,
  Role,
  type RoleCounts,
  Scope,
  type Session,
  type SignedIn,
  type SignIn,
  type Stats,
  type User,
  type UserCounts,
  type UserCreate,
  type UserReplace,
  UserSort,
  type UserUpdate,
} from './gen/types.gen.js';
