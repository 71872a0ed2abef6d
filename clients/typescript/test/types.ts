// The contract, by hand. `npm run check` compiles this file; each line fails to compile if a type of the
// package is not exactly what stands here. A test sees to it that every schema of the document does.
import {
  Actor,
  type ApiError,
  type AuditEntry,
  type CallOptions,
  type CreateOptions,
  createRoster,
  Credential,
  type DayCounts,
  ErrorCode,
  type FieldError,
  type GetStatsParams,
  type Identity,
  isForbidden,
  isRateLimited,
  isUnauthenticated,
  type Key,
  type KeyCreate,
  type KeyCreated,
  type KeyRotate,
  type KeyRotated,
  type ListAuditParams,
  type ListKeysParams,
  type ListSessionsParams,
  type ListUsersParams,
  type PaginatedResponse,
  type Pagination,
  type PasswordReset,
  type PasswordResetRedeem,
  type PasswordSet,
  Permission,
  type ReadOptions,
  Role,
  type RoleCounts,
  type RosterClient,
  RosterError,
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
  withPassword,
  withSignIn,
  type WriteOptions,
} from '../src/index.js';
import type {
  PaginatedResponseAuditEntry,
  PaginatedResponseKey,
  PaginatedResponseSession,
  PaginatedResponseUser,
} from '../src/gen/types.gen.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only if A and B are one type: no wider, no narrower, with the same optional parts. */
declare function same<A, B>(...proof: Equal<A, B> extends true ? [] : ['not the same']): void;
/** Compiles only if A and B differ: shows that same can fail. */
declare function differ<A, B>(...proof: Equal<A, B> extends false ? [] : ['the same']): void;

declare const error: unknown;
const roster = createRoster({ baseUrl: '/' });

export function contract(): void {
  differ<Role, string>();
  differ<Role, 'admin' | 'editor'>();
  differ<User, Omit<User, 'role'> & { role: string }>();
  differ<UserUpdate, Required<UserUpdate>>();
  differ<PaginatedResponse<User>, PaginatedResponse<unknown>>();

  same<Role, 'admin' | 'editor' | 'viewer'>();
  same<UserSort, 'createdAt' | '-createdAt' | 'name' | '-name' | 'email' | '-email'>();
  same<
    ErrorCode,
    | 'malformed'
    | 'unauthenticated'
    | 'sign_in_failed'
    | 'forbidden'
    | 'wrong_password'
    | 'cross_origin'
    | 'not_found'
    | 'method_not_allowed'
    | 'request_timeout'
    | 'email_taken'
    | 'last_admin'
    | 'idempotency_in_flight'
    | 'secret_not_replayable'
    | 'precondition_failed'
    | 'too_large'
    | 'unsupported_media_type'
    | 'misdirected'
    | 'validation_failed'
    | 'reset_invalid'
    | 'idempotency_mismatch'
    | 'rate_limited'
    | 'internal'
    | 'unavailable'
  >();
  same<Credential, 'session' | 'key'>();
  same<Actor, 'user' | 'key' | 'system' | 'anonymous'>();
  same<
    Scope,
    'users:read' | 'users:write' | 'users:admin' | 'users:delete' | 'passwords:reset' | 'stats:read' | 'audit:read' | 'sessions:admin'
  >();
  same<Permission, Scope | 'profile' | 'keys:own' | 'keys:admin'>();
  same<typeof Credential, { readonly session: 'session'; readonly key: 'key' }>();
  same<(typeof Permission)['users:read'], 'users:read'>();
  same<(typeof Scope)['audit:read'], 'audit:read'>();
  same<typeof Actor.system, 'system'>();
  same<typeof Role, { readonly admin: 'admin'; readonly editor: 'editor'; readonly viewer: 'viewer' }>();
  same<(typeof UserSort)['-name'], '-name'>();
  same<typeof ErrorCode.email_taken, 'email_taken'>();

  same<
    User,
    {
      id: string;
      name: string;
      email: string;
      role: 'admin' | 'editor' | 'viewer';
      disabled: boolean;
      createdAt: string;
      updatedAt: string;
    }
  >();
  same<UserCreate, { name: string; email: string; password: string; role?: Role }>();
  same<UserReplace, { name: string; email: string; role: Role }>();
  same<UserUpdate, { name?: string; email?: string; role?: Role; disabled?: boolean }>();

  same<SignIn, { email: string; password: string; token?: boolean }>();
  same<SignedIn, { identity: Identity; token?: string }>();
  same<
    Identity,
    {
      userId: string;
      name: string;
      email: string;
      role: Role;
      credential: Credential;
      credentialId: string;
      permissions: Permission[];
      expiresAt: string | null;
    }
  >();
  same<PasswordSet, { currentPassword: string; newPassword: string }>();
  same<PasswordReset, { token: string; expiresAt: string }>();
  same<PasswordResetRedeem, { token: string; newPassword: string }>();
  same<
    Session,
    { id: string; userId: string; address: string; userAgent: string; createdAt: string; lastUsedAt: string; expiresAt: string }
  >();
  same<
    Key,
    {
      id: string;
      userId: string;
      name: string;
      scopes: Scope[];
      createdAt: string;
      lastUsedAt: string | null;
      expiresAt: string | null;
    }
  >();
  same<KeyCreate, { name: string; scopes: Scope[]; expiresAt?: string; userId?: string }>();
  same<KeyCreated, { key: Key; secret: string }>();
  same<KeyRotate, { overlapSeconds?: number }>();
  same<KeyRotated, { key: Key; secret: string; previousExpiresAt?: string }>();
  same<
    AuditEntry,
    {
      id: string;
      createdAt: string;
      actor: Actor;
      actorId: string | null;
      actorName: string;
      operation: string;
      target: string;
      targetId: string | null;
      before: Record<string, unknown>;
      after: Record<string, unknown>;
      address: string;
      requestId: string;
    }
  >();

  same<Stats, { generatedAt: string; users: UserCounts; sessions: number; keys: number; days: DayCounts[] }>();
  same<UserCounts, { total: number; byRole: RoleCounts; disabled: number }>();
  same<RoleCounts, { admin: number; editor: number; viewer: number }>();
  same<DayCounts, { day: string; signUps: number; signIns: number; signInFailures: number }>();

  same<Pagination, { page: number; limit: number; total: number; pages: number; next: string | null; prev: string | null }>();
  same<PaginatedResponse<User>, { data: User[]; pagination: Pagination }>();
  same<PaginatedResponseUser, PaginatedResponse<User>>();
  same<PaginatedResponseSession, PaginatedResponse<Session>>();
  same<PaginatedResponseKey, PaginatedResponse<Key>>();
  same<PaginatedResponseAuditEntry, PaginatedResponse<AuditEntry>>();
  same<PaginatedResponse<string>, { data: string[]; pagination: Pagination }>();

  same<FieldError, { pointer: string; code: string; message: string }>();
  same<
    ApiError,
    {
      type: string;
      title: string;
      status: number;
      detail: string;
      code: ErrorCode;
      requestId: string;
      errors: FieldError[];
      permission?: string;
      resourceId?: string;
    }
  >();

  same<ListUsersParams, { page?: number; limit?: number; cursor?: string; sort?: UserSort; role?: Role; email?: string; q?: string }>();
  same<ListSessionsParams, { page?: number; limit?: number; cursor?: string; userId?: string; all?: boolean }>();
  same<ListKeysParams, { page?: number; limit?: number; cursor?: string; userId?: string; all?: boolean }>();
  same<
    ListAuditParams,
    {
      page?: number;
      limit?: number;
      cursor?: string;
      actorId?: string;
      operation?: string;
      target?: string;
      targetId?: string;
      from?: string;
      to?: string;
    }
  >();
  same<GetStatsParams, { days?: 30 | 90 | 365 }>();
}

export async function operations(read: ReadOptions): Promise<void> {
  same<Parameters<typeof roster.listUsers>, [params?: ListUsersParams, options?: CallOptions]>();
  same<Parameters<typeof roster.createUser>, [body: UserCreate, options?: CreateOptions]>();
  same<Parameters<typeof roster.replaceUser>, [id: string, body: UserReplace, options?: WriteOptions]>();
  same<Parameters<typeof roster.updateUser>, [id: string, body: UserUpdate, options?: WriteOptions]>();
  same<Parameters<typeof roster.deleteUser>, [id: string, options?: WriteOptions]>();

  const list = await roster.listUsers();
  same<typeof list, PaginatedResponse<User>>();
  const created = await roster.createUser({ name: '', email: '', password: '' });
  same<typeof created, User>();
  const user = await roster.getUser('');
  same<typeof user, User>();
  const signalled = await roster.getUser('', { signal: new AbortController().signal });
  same<typeof signalled, User>();
  const fresh = await roster.getUser('', { ifNoneMatch: '' });
  same<typeof fresh, User | null>();
  const perhaps = await roster.getUser('', read);
  same<typeof perhaps, User | null>();
  const replaced = await roster.replaceUser('', { name: '', email: '', role: 'admin' });
  same<typeof replaced, User>();
  const updated = await roster.updateUser('', {});
  same<typeof updated, User>();
  const deleted = await roster.deleteUser('');
  same<typeof deleted, void>();
  for await (const row of roster.users()) {
    same<typeof row, User>();
  }
  for await (const page of roster.userPages()) {
    same<typeof page, PaginatedResponse<User>>();
  }

  same<Parameters<typeof roster.signIn>, [body: SignIn, options?: CallOptions]>();
  same<Parameters<typeof roster.getSession>, [options?: CallOptions]>();
  same<Parameters<typeof roster.signOut>, [options?: CallOptions]>();
  same<Parameters<typeof roster.setPassword>, [id: string, body: PasswordSet, options?: CallOptions]>();
  same<Parameters<typeof roster.createPasswordReset>, [id: string, options?: CallOptions]>();
  same<Parameters<typeof roster.redeemPasswordReset>, [body: PasswordResetRedeem, options?: CallOptions]>();
  same<Parameters<typeof roster.listSessions>, [params?: ListSessionsParams, options?: CallOptions]>();
  same<Parameters<typeof roster.revokeSession>, [id: string, options?: CallOptions]>();
  same<Parameters<typeof roster.revokeOtherSessions>, [options?: CallOptions]>();
  same<Parameters<typeof roster.listKeys>, [params?: ListKeysParams, options?: CallOptions]>();
  same<Parameters<typeof roster.createKey>, [body: KeyCreate, options?: CreateOptions]>();
  same<Parameters<typeof roster.rotateKey>, [id: string, body?: KeyRotate, options?: CallOptions]>();
  same<Parameters<typeof roster.revokeKey>, [id: string, options?: CallOptions]>();
  same<Parameters<typeof roster.listAudit>, [params?: ListAuditParams, options?: CallOptions]>();
  same<Parameters<typeof roster.getStats>, [params?: GetStatsParams, options?: CallOptions]>();

  const signedIn = await roster.signIn({ email: '', password: '' });
  same<typeof signedIn, SignedIn>();
  const identity = await roster.getSession();
  same<typeof identity, Identity>();
  const reset = await roster.createPasswordReset('');
  same<typeof reset, PasswordReset>();
  const made = await roster.createKey({ name: '', scopes: ['users:read'] }, { idempotencyKey: '' });
  same<typeof made, KeyCreated>();
  const stats = await roster.getStats();
  same<typeof stats, Stats>();
  const rotated = await roster.rotateKey('');
  same<typeof rotated, KeyRotated>();
  const nothing = [
    await roster.signOut(),
    await roster.setPassword('', { currentPassword: '', newPassword: '' }),
    await roster.redeemPasswordReset({ token: '', newPassword: '' }),
    await roster.revokeSession(''),
    await roster.revokeOtherSessions(),
    await roster.revokeKey(''),
  ];
  same<typeof nothing, void[]>();
  for await (const row of roster.sessions({ all: true })) {
    same<typeof row, Session>();
  }
  for await (const page of roster.sessionPages()) {
    same<typeof page, PaginatedResponse<Session>>();
  }
  for await (const row of roster.keys({ userId: '' })) {
    same<typeof row, Key>();
  }
  for await (const page of roster.keyPages()) {
    same<typeof page, PaginatedResponse<Key>>();
  }
  for await (const row of roster.audit({ operation: 'signIn' })) {
    same<typeof row, AuditEntry>();
  }
  for await (const page of roster.auditPages()) {
    same<typeof page, PaginatedResponse<AuditEntry>>();
  }

  // @ts-expect-error -- not a scope: keys make no keys
  await roster.createKey({ name: '', scopes: ['keys:own'] });
  // @ts-expect-error -- an update is not made safe by a key
  await roster.updateUser('', {}, { idempotencyKey: '' });
  // @ts-expect-error -- not a role
  await roster.listUsers({ role: 'owner' });
  // @ts-expect-error -- not an order
  await roster.listUsers({ sort: 'role' });
  // @ts-expect-error -- no such parameter
  await roster.listUsers({ roles: 'admin' });
  // @ts-expect-error -- the password is missing
  await roster.createUser({ name: '', email: '' });
  // @ts-expect-error -- nobody sets an id
  await roster.updateUser('', { id: '' });
  // @ts-expect-error -- null is refused
  await roster.updateUser('', { name: null });
  // @ts-expect-error -- all three are needed
  await roster.replaceUser('', { name: '' });
  // @ts-expect-error -- a deletion has no such condition
  await roster.deleteUser('', { ifNoneMatch: '' });
}

export function options(): void {
  const baseUrl = '/';
  createRoster({ baseUrl, key: '' });
  createRoster({ baseUrl, token: undefined, credentials: 'include' });
  createRoster({ baseUrl, token: '', signIn: withPassword(() => ({ email: '', password: '' })) });
  createRoster({ baseUrl, signIn: withPassword(async () => Promise.resolve({ email: '', password: '' })) });
  createRoster({ baseUrl, signIn: withSignIn(() => '') });
  createRoster({ baseUrl, signIn: withSignIn(async () => Promise.resolve()) });
  withSignIn((client) => {
    same<typeof client, RosterClient>();
    return '';
  });
  // @ts-expect-error -- not the callback itself
  createRoster({ baseUrl, signIn: () => ({ email: '', password: '' }) });
  // @ts-expect-error -- the password is missing
  withPassword(() => ({ email: '' }));
  // @ts-expect-error -- not credentials but a token
  withSignIn(() => ({ email: '', password: '' }));
}

export function errors(): void {
  if (isUnauthenticated(error)) {
    same<typeof error.code, 'unauthenticated'>();
  }
  if (isForbidden(error)) {
    same<typeof error.code, 'forbidden'>();
    same<typeof error.permission, string | undefined>();
  }
  if (isRateLimited(error)) {
    same<typeof error.status, 429>();
    same<typeof error.retryAfter, number | undefined>();
  }
  if (!(error instanceof RosterError)) {
    return;
  }
  same<typeof error, RosterError>();
  same<typeof error.kind, 'network' | 'aborted' | 'answer'>();
  same<typeof error.code, ErrorCode | undefined>();
  if (error.kind === 'answer') {
    same<typeof error.status, number>();
    same<typeof error.errors, readonly FieldError[]>();
    same<typeof error.retryAfter, number | undefined>();
    same<typeof error.permission, string | undefined>();
    same<typeof error.resourceId, string | undefined>();
  } else {
    same<typeof error.status, undefined>();
    same<typeof error.cause, unknown>();
    // @ts-expect-error -- there was no answer
    void error.detail;
  }
  if (error.code === 'email_taken') {
    same<typeof error.kind, 'answer'>();
    same<typeof error.detail, string>();
  }
  // @ts-expect-error -- no such word
  void (error.code === 'email_takn');
  // @ts-expect-error -- only the package makes them
  void new RosterError();
}
