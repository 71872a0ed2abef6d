import * as log from './audit.js';
import { type CallOptions, createClient, type CreateOptions, type ReadOptions, type RosterOptions, type WriteOptions } from './client.js';
import type {
  AuditEntry,
  Identity,
  Key,
  KeyCreate,
  KeyCreated,
  KeyRotate,
  KeyRotated,
  PasswordReset,
  PasswordResetRedeem,
  PasswordSet,
  Session,
  SignedIn,
  SignIn,
  Stats,
  User,
  UserCreate,
  UserReplace,
  UserUpdate,
} from './gen/types.gen.js';
import * as key from './keys.js';
import type { PaginatedResponse } from './pages.js';
import * as password from './passwords.js';
import * as session from './session.js';
import * as sessions from './sessions.js';
import * as stats from './stats.js';
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
  createUser(body: UserCreate, options?: CreateOptions): Promise<User>;
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

  /**
   * Starts a session, by which this object calls from then on: in a browser by a cookie that no script sees,
   * elsewhere by the token of the answer. Fails with `sign_in_failed`, whatever of it is wrong.
   */
  signIn(body: SignIn, options?: CallOptions): Promise<SignedIn>;
  /** Tells who is calling, by what, and what they may do. Fails with `unauthenticated` if that is nobody. */
  getSession(options?: CallOptions): Promise<Identity>;
  /** Ends the session, and forgets it. It is no failure if it has ended already. */
  signOut(options?: CallOptions): Promise<void>;

  /** Changes the caller's own password, and ends their other sessions. Fails with `wrong_password`. */
  setPassword(id: string, body: PasswordSet, options?: CallOptions): Promise<void>;
  /** Makes a token by which a user chooses a new password, for a link to them. It holds once, and for an hour. */
  createPasswordReset(id: string, options?: CallOptions): Promise<PasswordReset>;
  /** Sets a password by the token of a reset; anyone may. All sessions of the user end. Fails with `reset_invalid`. */
  redeemPasswordReset(body: PasswordResetRedeem, options?: CallOptions): Promise<void>;

  /** Gives a page of sessions, the newest first: the caller's own, unless params say otherwise. */
  listSessions(params?: sessions.ListSessionsParams, options?: CallOptions): Promise<PaginatedResponse<Session>>;
  /** Walks the list of sessions page by page, from the page that params name on. */
  sessionPages(params?: sessions.ListSessionsParams, options?: CallOptions): AsyncGenerator<PaginatedResponse<Session>, void, undefined>;
  /** Walks all sessions, fetching a page at a time; nothing is fetched before the first step. */
  sessions(params?: sessions.ListSessionsParams, options?: CallOptions): AsyncGenerator<Session, void, undefined>;
  /** Ends a session. Fails with `not_found` if there is none. */
  revokeSession(id: string, options?: CallOptions): Promise<void>;
  /** Ends all sessions of the caller but the one that calls. */
  revokeOtherSessions(options?: CallOptions): Promise<void>;

  /** Gives a page of keys, the newest first: the caller's own, unless params say otherwise. */
  listKeys(params?: key.ListKeysParams, options?: CallOptions): Promise<PaginatedResponse<Key>>;
  /** Walks the list of keys page by page, from the page that params name on. */
  keyPages(params?: key.ListKeysParams, options?: CallOptions): AsyncGenerator<PaginatedResponse<Key>, void, undefined>;
  /** Walks all keys, fetching a page at a time; nothing is fetched before the first step. */
  keys(params?: key.ListKeysParams, options?: CallOptions): AsyncGenerator<Key, void, undefined>;
  /**
   * Makes a key for a service, and shows its secret this once. If the answer that had the secret was lost, it
   * fails with `secret_not_replayable`: rotate or revoke the key whose id is the error's `resourceId`.
   */
  createKey(body: KeyCreate, options?: CreateOptions): Promise<KeyCreated>;
  /** Makes another secret for a key and shows it this once. Those of before work for a day more, or as body says. */
  rotateKey(id: string, body?: KeyRotate, options?: CallOptions): Promise<KeyRotated>;
  /** Ends a key and all its secrets, for good. */
  revokeKey(id: string, options?: CallOptions): Promise<void>;

  /** Gives a page of the audit log, the newest entries first. */
  listAudit(params?: log.ListAuditParams, options?: CallOptions): Promise<PaginatedResponse<AuditEntry>>;
  /** Walks the audit log page by page, from the page that params name on. */
  auditPages(params?: log.ListAuditParams, options?: CallOptions): AsyncGenerator<PaginatedResponse<AuditEntry>, void, undefined>;
  /** Walks all entries of the audit log, fetching a page at a time; nothing is fetched before the first step. */
  audit(params?: log.ListAuditParams, options?: CallOptions): AsyncGenerator<AuditEntry, void, undefined>;

  /**
   * Gives how many users, sessions and keys there are, and what happened on each of the last days, by UTC, the
   * oldest first. The answer may be some minutes old; `generatedAt` says of when it is.
   */
  getStats(params?: stats.GetStatsParams, options?: CallOptions): Promise<Stats>;
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

    signIn: (...args) => session.signIn(client, ...args),
    getSession: (...args) => session.getSession(client, ...args),
    signOut: (...args) => session.signOut(client, ...args),

    setPassword: (...args) => password.setPassword(client, ...args),
    createPasswordReset: (...args) => password.createPasswordReset(client, ...args),
    redeemPasswordReset: (...args) => password.redeemPasswordReset(client, ...args),

    listSessions: (...args) => sessions.listSessions(client, ...args),
    sessionPages: (...args) => sessions.sessionPages(client, ...args),
    sessions: (...args) => sessions.sessions(client, ...args),
    revokeSession: (...args) => sessions.revokeSession(client, ...args),
    revokeOtherSessions: (...args) => sessions.revokeOtherSessions(client, ...args),

    listKeys: (...args) => key.listKeys(client, ...args),
    keyPages: (...args) => key.keyPages(client, ...args),
    keys: (...args) => key.keys(client, ...args),
    createKey: (...args) => key.createKey(client, ...args),
    rotateKey: (...args) => key.rotateKey(client, ...args),
    revokeKey: (...args) => key.revokeKey(client, ...args),

    listAudit: (...args) => log.listAudit(client, ...args),
    auditPages: (...args) => log.auditPages(client, ...args),
    audit: (...args) => log.audit(client, ...args),

    getStats: (...args) => stats.getStats(client, ...args),
  };
}
