// The contract, by hand. `npm run check` compiles this file; each line fails to compile if a type of the
// package is not exactly what stands here. A test sees to it that every schema of the document does.
import {
  type ApiError,
  type CallOptions,
  createRoster,
  ErrorCode,
  type FieldError,
  type ListUsersParams,
  type PaginatedResponse,
  type Pagination,
  type ReadOptions,
  Role,
  RosterError,
  type User,
  type UserCreate,
  type UserReplace,
  UserSort,
  type UserUpdate,
  type WriteOptions,
} from '../src/index.js';
import type { PaginatedResponseUser } from '../src/gen/types.gen.js';

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
    | 'not_found'
    | 'method_not_allowed'
    | 'request_timeout'
    | 'email_taken'
    | 'last_admin'
    | 'precondition_failed'
    | 'too_large'
    | 'unsupported_media_type'
    | 'misdirected'
    | 'validation_failed'
    | 'internal'
    | 'unavailable'
  >();
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

  same<Pagination, { page: number; limit: number; total: number; pages: number; next: string | null; prev: string | null }>();
  same<PaginatedResponse<User>, { data: User[]; pagination: Pagination }>();
  same<PaginatedResponseUser, PaginatedResponse<User>>();
  same<PaginatedResponse<string>, { data: string[]; pagination: Pagination }>();

  same<FieldError, { pointer: string; code: string; message: string }>();
  same<
    ApiError,
    { type: string; title: string; status: number; detail: string; code: ErrorCode; requestId: string; errors: FieldError[] }
  >();

  same<ListUsersParams, { page?: number; limit?: number; cursor?: string; sort?: UserSort; role?: Role; email?: string; q?: string }>();
}

export async function operations(read: ReadOptions): Promise<void> {
  same<Parameters<typeof roster.listUsers>, [params?: ListUsersParams, options?: CallOptions]>();
  same<Parameters<typeof roster.createUser>, [body: UserCreate, options?: CallOptions]>();
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

export function errors(): void {
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
