import { expect, it } from 'vitest';

import { createClient, createRoster, etagOf, getUser, type Roster } from '../src/index.js';
import { ada, json, problem, stub } from './stub.js';

const empty = { data: [], pagination: { page: 1, limit: 20, total: 0, pages: 0, next: null, prev: null } };

it('sends what was asked, and nothing that was not', async () => {
  const { requests, options } = stub(json(empty));
  const roster = createRoster(options);
  await roster.listUsers();
  await roster.listUsers({ page: 2, limit: 5, sort: '-name', role: 'admin', email: 'a+b@x.io', q: 'a&b=ü %' });
  await roster.listUsers({ cursor: undefined, sort: 'email' });
  expect(requests.map((r) => r.url)).toEqual([
    'http://roster.test/api/users',
    'http://roster.test/api/users?page=2&limit=5&sort=-name&role=admin&email=a%2Bb%40x.io&q=a%26b%3D%C3%BC%20%25',
    'http://roster.test/api/users?sort=email',
  ]);
});

it('makes one segment of any id', async () => {
  const { requests, options } = stub(json(ada));
  await createRoster(options).getUser('../a b/c?d#e$&');
  expect(requests[0]?.url).toBe('http://roster.test/api/users/..%2Fa%20b%2Fc%3Fd%23e%24%26');
});

it.each(['http://x.test', 'http://x.test/', 'http://x.test//'])('takes a slash at the end of %s', async (baseUrl) => {
  const { requests, options } = stub(json(ada));
  await createRoster({ ...options, baseUrl }).getUser('1');
  expect(requests[0]?.url).toBe('http://x.test/api/users/1');
});

it('takes an address with a path', async () => {
  const { requests, options } = stub(json(ada));
  await createRoster({ ...options, baseUrl: 'http://x.test/roster/' }).getUser('1');
  expect(requests[0]?.url).toBe('http://x.test/roster/api/users/1');
});

it.each([
  ['an object', { 'X-A': 'a', 'X-B': 'b' }],
  ['pairs', [['X-A', 'a'], ['X-B', 'b']] as [string, string][]],
  ['Headers', new Headers({ 'X-A': 'a', 'X-B': 'b' })],
])('takes headers as %s; those of the call win', async (_, headers) => {
  const { requests, options } = stub(json(ada));
  await createRoster({ ...options, headers: { 'X-A': 'other' } }).getUser('1', { headers });
  await createRoster({ ...options, headers }).getUser('1');
  for (const request of requests) {
    expect([request.headers.get('X-A'), request.headers.get('X-B')]).toEqual(['a', 'b']);
  }
});

const password = { currentPassword: 'a', newPassword: 'b' };
it.each<[string, unknown, (roster: Roster) => Promise<unknown>]>([
  ['POST /api/session', { email: 'a', password: 'b', token: true }, (r) => r.signIn({ email: 'a', password: 'b' })],
  ['GET /api/session', undefined, (r) => r.getSession()],
  ['DELETE /api/session', undefined, (r) => r.signOut()],
  ['PUT /api/users/a%2Fb/password', password, (r) => r.setPassword('a/b', password)],
  ['POST /api/users/a%2Fb/password-reset', undefined, (r) => r.createPasswordReset('a/b')],
  ['POST /api/password-resets', { token: 't', newPassword: 'b' }, (r) => r.redeemPasswordReset({ token: 't', newPassword: 'b' })],
  ['GET /api/sessions?userId=1&limit=2', undefined, (r) => r.listSessions({ userId: '1', limit: 2 })],
  ['DELETE /api/sessions/a%2Fb', undefined, (r) => r.revokeSession('a/b')],
  ['DELETE /api/sessions', undefined, (r) => r.revokeOtherSessions()],
  ['GET /api/keys?all=true', undefined, (r) => r.listKeys({ all: true })],
  ['POST /api/keys', { name: 'n', scopes: ['users:read'] }, (r) => r.createKey({ name: 'n', scopes: ['users:read'] })],
  ['POST /api/keys/a%2Fb/rotate', {}, (r) => r.rotateKey('a/b')],
  ['POST /api/keys/a%2Fb/rotate', { overlapSeconds: 0 }, (r) => r.rotateKey('a/b', { overlapSeconds: 0 })],
  ['DELETE /api/keys/a%2Fb', undefined, (r) => r.revokeKey('a/b')],
  ['GET /api/audit?from=2026-03-14T00%3A00%3A00Z', undefined, (r) => r.listAudit({ from: '2026-03-14T00:00:00Z' })],
  ['GET /api/stats', undefined, (r) => r.getStats()],
  ['GET /api/stats?days=90', undefined, (r) => r.getStats({ days: 90 })],
])('sends %s', async (line, body, call) => {
  const { requests, options } = stub(json(ada));
  await call(createRoster({ ...options, headers: { 'X-A': 'a' } }));
  const [request] = requests;
  const { pathname, search } = new URL(request?.url ?? '');
  expect(`${request?.method} ${pathname}${search}`).toBe(line);
  expect(request?.headers.get('X-A')).toBe('a');
  const text = await request?.text();
  expect(text === '' ? undefined : JSON.parse(text ?? '')).toEqual(body);
});

it.each<[string, (roster: Roster) => Promise<unknown>]>([
  ['revokeSession', (r) => r.revokeSession('')],
  ['revokeKey', (r) => r.revokeKey('.')],
  ['rotateKey', (r) => r.rotateKey('..')],
  ['setPassword', (r) => r.setPassword('', password)],
  ['createPasswordReset', (r) => r.createPasswordReset('')],
])('makes no other path of an id: %s', async (_, call) => {
  const { requests, options } = stub(json(ada));
  await expect(call(createRoster(options))).rejects.toThrow('Not an id');
  expect(requests).toHaveLength(0);
});

it('passes credentials on', async () => {
  const { requests, options } = stub(json(ada));
  await createRoster({ ...options, credentials: 'include' }).getUser('1');
  await createRoster(options).getUser('1');
  expect(requests.map((r) => r.credentials)).toEqual(['include', 'same-origin']);
});

it('says JSON only where there is a body', async () => {
  const { requests, options } = stub(json(ada));
  const roster = createRoster(options);
  await roster.getUser('1');
  await roster.updateUser('1', {});
  expect(requests.map((r) => r.headers.get('Content-Type'))).toEqual([null, 'application/json']);
  expect(await requests[1]?.text()).toBe('{}');
});

it('gives nothing for a deletion', async () => {
  const { options } = stub(new Response(null, { status: 204 }));
  await expect(createRoster(options).deleteUser('1')).resolves.toBeUndefined();
});

it('has each operation as a function of its own', async () => {
  const { requests, options } = stub(json(ada));
  const client = createClient(options);
  expect(client.baseUrl).toBe('http://roster.test');
  expect(await getUser(client, '1')).toEqual(ada);
  expect(requests).toHaveLength(1);
});

it('works through a proxy, such as those of reactive state', async () => {
  const { requests, options } = stub(json(ada));
  await getUser(new Proxy(createClient({ ...options, key: 'rst_1' }), {}), '1');
  await new Proxy(createRoster({ ...options, key: 'rst_1' }), {}).getUser('1');
  expect(requests.map((r) => r.headers.get('Authorization'))).toEqual(['Bearer rst_1', 'Bearer rst_1']);
});

it('remembers the ETag of a single resource, out of sight', async () => {
  const { requests, options } = stub(json(ada, 200, { ETag: '"t1"' }));
  const roster = createRoster(options);
  const user = await roster.getUser('1');
  expect(etagOf(user)).toBe('"t1"');
  expect(user).toStrictEqual(ada);
  expect(JSON.stringify(user)).toBe(JSON.stringify(ada));
  expect(Reflect.ownKeys({ ...user })).toEqual(Object.keys(ada));

  const body = { name: 'Ada', email: 'ada@example.org', role: 'viewer' } as const;
  expect(etagOf(await roster.updateUser('1', {}, { ifMatch: etagOf(user) }))).toBe('"t1"');
  expect(etagOf(await roster.replaceUser('1', body, { ifMatch: '*' }))).toBe('"t1"');
  expect(etagOf(await roster.createUser({ ...body, password: 'correct horse' }))).toBe('"t1"');
  await roster.deleteUser('1', { ifMatch: '"t2"' });
  expect(requests.map((r) => r.headers.get('If-Match'))).toEqual([null, '"t1"', '*', null, '"t2"']);
});

it('still finds the ETag through a proxy, such as those of reactive state', async () => {
  const user = await createRoster(stub(json(ada, 200, { ETag: '"t1"' })).options).getUser('1');
  expect(etagOf(new Proxy(user, {}))).toBe('"t1"');
});

it('throws rather than give no ETag', async () => {
  const roster = createRoster(stub(json(ada, 200, { ETag: '"t1"' })).options);
  expect(() => etagOf(ada)).toThrow(TypeError);
  const user = await roster.getUser('1');
  expect(() => etagOf({ ...user })).toThrow('No ETag');
  const hidden = await createRoster(stub(json(ada)).options).getUser('1');
  expect(() => etagOf(hidden)).toThrow('No ETag');
});

it('gives null while the version of the caller holds', async () => {
  const { requests, options } = stub(new Response(null, { status: 304, headers: { ETag: '"t1"' } }), json(ada, 200, { ETag: '"t2"' }));
  const roster = createRoster(options);
  expect(await roster.getUser('1', { ifNoneMatch: '"t1"' })).toBeNull();
  expect(await roster.getUser('1', { ifNoneMatch: '"t1"' })).toEqual(ada);
  expect(requests.map((r) => r.headers.get('If-None-Match'))).toEqual(['"t1"', '"t1"']);
});

it('walks pages by their cursors, with the same filters', async () => {
  const page = (n: number, next: string | null) => json({ data: [{ ...ada, id: String(n) }], pagination: { ...empty.pagination, page: n, next } });
  const walk = () => stub(page(1, 'c2'), page(2, 'c3'), page(3, null));

  let s = walk();
  const ids: string[] = [];
  for await (const user of createRoster(s.options).users({ role: 'admin' })) {
    ids.push(user.id);
  }
  expect(ids).toEqual(['1', '2', '3']);
  expect(s.requests.map((r) => new URL(r.url).search)).toEqual(['?limit=100&role=admin', '?limit=100&role=admin&cursor=c2', '?limit=100&role=admin&cursor=c3']);

  s = walk();
  for await (const user of createRoster(s.options).users({ page: 4 })) {
    expect(user.id).toBe('1');
    break;
  }
  expect(s.requests.map((r) => new URL(r.url).search)).toEqual(['?page=4']);

  s = walk();
  const numbers: number[] = [];
  for await (const { pagination } of createRoster(s.options).userPages({ page: 7, limit: 2 })) {
    numbers.push(pagination.page);
  }
  expect(numbers).toEqual([1, 2, 3]);
  expect(s.requests.map((r) => new URL(r.url).search)).toEqual(['?page=7&limit=2', '?limit=2&cursor=c2', '?limit=2&cursor=c3']);

  s = walk();
  await createRoster(s.options).users({ cursor: 'c9' }).next();
  expect(s.requests.map((r) => new URL(r.url).search)).toEqual(['?cursor=c9']);
});

it.each(['sessions', 'keys', 'audit'] as const)('walks %s, row by row and page by page', async (list) => {
  const page = (n: number, next: string | null) => json({ data: [{ id: String(n) }], pagination: { ...empty.pagination, page: n, next } });
  const walk = () => stub(page(1, 'c2'), page(2, null));
  const collect = async <T>(rows: AsyncIterable<T>) => {
    const seen: T[] = [];
    for await (const row of rows) {
      seen.push(row);
    }
    return seen;
  };
  let s = walk();
  expect((await collect<{ id: string }>(createRoster(s.options)[list]())).map((row) => row.id)).toEqual(['1', '2']);
  expect(s.requests.map((r) => r.url.replace('http://roster.test', ''))).toEqual([`/api/${list}?limit=100`, `/api/${list}?limit=100&cursor=c2`]);

  s = walk();
  const pages = { sessions: 'sessionPages', keys: 'keyPages', audit: 'auditPages' } as const;
  const walked = await collect<{ pagination: { page: number } }>(createRoster(s.options)[pages[list]]({ limit: 1 }));
  expect(walked.map(({ pagination }) => pagination.page)).toEqual([1, 2]);
  expect(s.requests.map((r) => new URL(r.url).search)).toEqual(['?limit=1', '?limit=1&cursor=c2']);
});

it('fetches nothing before the first step, and fails where a page fails', async () => {
  const s = stub(json({ data: [ada], pagination: { ...empty.pagination, next: 'c2' } }), problem(422, 'validation_failed'));
  const users = createRoster(s.options).users();
  expect(s.requests).toHaveLength(0);
  expect(await users.next()).toEqual({ done: false, value: ada });
  await expect(users.next()).rejects.toMatchObject({ kind: 'answer', code: 'validation_failed' });
  expect(await users.next()).toEqual({ done: true, value: undefined });
});

it('ends a walk by the signal', async () => {
  const s = stub(json({ data: [ada], pagination: { ...empty.pagination, next: 'c2' } }));
  const controller = new AbortController();
  const users = createRoster(s.options).users({}, { signal: controller.signal });
  await users.next();
  controller.abort();
  await expect(users.next()).rejects.toMatchObject({ kind: 'aborted' });
});
