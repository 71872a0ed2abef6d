// A caller of the installed package; check.mjs compiles and runs it in an empty project.
import { type ApiError, createClient, createRoster, etagOf, getUser, isForbidden, type PaginatedResponse, Role, RosterError, type User, withPassword, withSignIn } from '@roster/client';

const ada: User = { id: '1', name: 'Ada', email: 'ada@example.org', role: Role.admin, disabled: false, createdAt: '', updatedAt: '' };
const page: PaginatedResponse<User> = { data: [ada], pagination: { page: 1, limit: 20, total: 1, pages: 1, next: null, prev: null } };
const gone: ApiError = { type: 'about:blank', title: 'Not Found', status: 404, detail: 'There is no such user.', code: 'not_found', requestId: 'r', errors: [] };

const answer = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ETag: '"1"' } });
const options = {
  baseUrl: 'http://roster.test',
  fetch: async (request: Request) => (new URL(request.url).pathname.endsWith('/users') ? answer(page) : request.url.endsWith('/1') ? answer(ada) : answer(gone, 404)),
  // As callers have it that pass their own optional setting on.
  signal: undefined as AbortSignal | undefined,
};

const roster = createRoster(options);
const names: string[] = [];
for await (const user of roster.users({ role: 'admin' })) {
  names.push(user.name);
}
const user = await roster.getUser('1', { signal: AbortSignal.timeout(1000) });
const same: User = await getUser(createClient(options), '1');
const error: unknown = await roster.getUser('2').catch((e: unknown) => e);
createRoster({ baseUrl: 'http://roster.test', key: 'rst_1' });
createRoster({ baseUrl: 'http://roster.test', token: undefined as string | undefined, signIn: withPassword(async () => ({ email: '', password: '' })) });
createClient({ baseUrl: 'http://roster.test', signIn: withSignIn(async () => {}) });
createRoster({ baseUrl: '/', fetch: globalThis.fetch, headers: { 'X-A': 'a' }, credentials: 'include' });

const ok = names.join() === 'Ada' && etagOf(user) === '"1"' && same.role === 'admin' && error instanceof RosterError && error.code === 'not_found' && !isForbidden(error);
console.log(ok ? 'ok' : 'not ok');
