import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createRoster, type Roster, RosterError, type RosterOptions } from '../src/index.js';
import { ada, down, json, problem, type Step, stub } from './stub.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const body = { name: 'Ada', email: 'ada@example.org', password: 'correct horse', role: 'viewer' } as const;
const calls = {
  GET: (r: Roster) => r.getUser(ada.id),
  LIST: (r: Roster) => r.listUsers(),
  PUT: (r: Roster) => r.replaceUser(ada.id, body),
  DELETE: (r: Roster) => r.deleteUser(ada.id),
  POST: (r: Roster) => r.createUser(body),
  'POST key': (r: Roster) => r.createKey({ name: 'n', scopes: ['users:read'] }),
  'POST without Idempotency-Key': (r: Roster) => r.rotateKey(ada.id),
  'PUT password': (r: Roster) => r.setPassword(ada.id, { currentPassword: 'a', newPassword: 'b' }),
  PATCH: (r: Roster) => r.updateUser(ada.id, {}),
  'PUT If-Match': (r: Roster) => r.replaceUser(ada.id, body, { ifMatch: '"1"' }),
  'DELETE If-Match': (r: Roster) => r.deleteUser(ada.id, { ifMatch: '"1"' }),
};
type Call = keyof typeof calls;

/** Makes the call, runs the clock, and tells how many requests it took, how long, and what came out. */
async function run(call: Call, steps: Step[], options: Partial<RosterOptions> = {}) {
  const s = stub(...steps);
  const start = Date.now();
  const outcome = calls[call](createRoster({ ...s.options, ...options })).then(
    () => ({ ok: true, waited: Date.now() - start }),
    (error: unknown) => ({ ok: false, waited: Date.now() - start, error }),
  );
  await vi.runAllTimersAsync();
  return { ...(await outcome), requests: s.requests.length };
}

const again: Call[] = ['GET', 'LIST', 'PUT', 'DELETE', 'POST', 'POST key'];
const once: Call[] = ['POST without Idempotency-Key', 'PUT password', 'PATCH', 'PUT If-Match', 'DELETE If-Match'];

describe('after a network failure', () => {
  it.each(again)('sends %s again', async (call) => {
    const result = await run(call, [down, down, json({ data: [] })]);
    expect(result).toMatchObject({ ok: true, requests: 3 });
    expect(result.waited).toBeGreaterThanOrEqual(125 + 250);
    expect(result.waited).toBeLessThanOrEqual(250 + 500);
  });
  it.each(once)('sends %s once', async (call) => {
    expect(await run(call, [down, json(ada)])).toMatchObject({ ok: false, requests: 1, error: { kind: 'network' } });
  });
  it('gives up after retries', async () => {
    expect(await run('GET', [down])).toMatchObject({ ok: false, requests: 3 });
    expect(await run('GET', [down], { retries: 0 })).toMatchObject({ ok: false, requests: 1 });
    expect(await run('GET', [down], { retries: 5 })).toMatchObject({ ok: false, requests: 6 });
  });
  it('never waits longer than 4 seconds', async () => {
    const { waited } = await run('GET', [down], { retries: 12 });
    expect(waited).toBeLessThanOrEqual(250 + 500 + 1000 + 2000 + 9 * 4000);
  });
});

describe.each([429, 503])('after %d', (status) => {
  it.each([...again, ...once])('with Retry-After waits that long and sends %s again', async (call) => {
    const result = await run(call, [problem(status, 'unavailable', { 'Retry-After': '3' }), json(ada)]);
    expect(result).toMatchObject({ ok: true, requests: 2 });
    expect(result.waited).toBeGreaterThanOrEqual(3000);
    expect(result.waited).toBeLessThanOrEqual(3250);
  });
  it('waits until a date', async () => {
    vi.setSystemTime('2026-03-14T09:00:00Z');
    const result = await run('POST', [problem(status, 'unavailable', { 'Retry-After': 'Sat, 14 Mar 2026 09:00:09 GMT' }), json(ada)]);
    expect(result).toMatchObject({ ok: true, requests: 2 });
    expect(result.waited).toBeGreaterThanOrEqual(9000);
    expect(result.waited).toBeLessThanOrEqual(9250);
  });
  it.each(again)('without Retry-After sends %s again', async (call) => {
    expect(await run(call, [problem(status, 'unavailable'), json(ada)])).toMatchObject({ ok: true, requests: 2 });
  });
  it.each(once)('without Retry-After sends %s once', async (call) => {
    expect(await run(call, [problem(status, 'unavailable'), json(ada)])).toMatchObject({ ok: false, requests: 1 });
  });
  it('fails at once if the wait is longer than the caller wants, and never comes back early', async () => {
    const long = problem(status, 'unavailable', { 'Retry-After': '31' });
    expect(await run('GET', [long, json(ada)])).toMatchObject({ ok: false, requests: 1, waited: 0, error: { retryAfter: 31 } });
    expect(await run('GET', [long, json(ada)], { maxRetryWait: 31_000 })).toMatchObject({ ok: true, requests: 2 });
    const ages = problem(status, 'unavailable', { 'Retry-After': '99999999' });
    expect(await run('GET', [ages, json(ada)], { maxRetryWait: Infinity })).toMatchObject({ ok: false, requests: 1 });
  });
});

it.each([502, 504])('takes a %d of a proxy for a passing one', async (status) => {
  const page = new Response('<h1>', { status });
  expect(await run('GET', [page, json(ada)])).toMatchObject({ ok: true, requests: 2 });
  expect(await run('POST', [page, json(ada)])).toMatchObject({ ok: true, requests: 2 });
  expect(await run('PATCH', [page, json(ada)])).toMatchObject({ ok: false, requests: 1 });
});

describe('an Idempotency-Key', () => {
  const keys = (requests: Request[]) => requests.map((r) => r.headers.get('Idempotency-Key'));

  it('is the same on every try of a call, and another one for each call', async () => {
    const { requests, options } = stub(down, problem(503, 'unavailable', { 'Retry-After': '1' }), json(ada));
    const roster = createRoster(options);
    const first = roster.createUser(body);
    await vi.runAllTimersAsync();
    await first;
    await roster.createUser(body);
    await roster.createKey({ name: 'n', scopes: ['users:read'] });
    const [a, b, c, d, e] = keys(requests);
    expect(a).toMatch(/^[0-9a-f]{32}$/);
    expect([b, c]).toEqual([a, a]);
    expect(new Set([a, d, e]).size).toBe(3);
  });
  it('is the one that the caller gives', async () => {
    const { requests, options } = stub(json(ada));
    const roster = createRoster(options);
    await roster.createUser(body, { idempotencyKey: 'mine' });
    await roster.createKey({ name: 'n', scopes: ['users:read'] }, { headers: { 'idempotency-key': 'by hand' } });
    expect(keys(requests)).toEqual(['mine', 'by hand']);
    await expect(roster.createUser(body, { idempotencyKey: '' })).rejects.toThrow('The idempotencyKey is empty');
    expect(requests).toHaveLength(2);
  });
  it('is sent by no other call', async () => {
    const { requests, options } = stub(json(ada));
    const roster = createRoster(options);
    await Promise.all([roster.getUser('1'), roster.updateUser('1', {}), roster.rotateKey('1'), roster.signIn({ email: '', password: '' })]);
    expect(keys(requests)).toEqual([null, null, null, null]);
  });
  it('lets a call wait for an earlier try of it that is still being carried out', async () => {
    const busy = problem(409, 'idempotency_in_flight', { 'Retry-After': '1' });
    const result = await run('POST', [down, busy, json(ada)]);
    expect(result).toMatchObject({ ok: true, requests: 3 });
    expect(result.waited).toBeGreaterThanOrEqual(1000);
    expect(await run('POST', [busy])).toMatchObject({ ok: false, requests: 3, error: { code: 'idempotency_in_flight' } });
  });
  it.each(['idempotency_mismatch', 'secret_not_replayable', 'email_taken'])('is not tried again after %s', async (code) => {
    expect(await run('POST key', [problem(409, code, { 'Retry-After': '1' })])).toMatchObject({ ok: false, requests: 1, error: { code } });
  });
});

it.each([400, 401, 403, 404, 405, 408, 409, 412, 413, 415, 421, 422, 500])('takes %d for an answer', async (status) => {
  expect(await run('GET', [problem(status, 'x', { 'Retry-After': '1' }), json(ada)])).toMatchObject({ ok: false, requests: 1 });
});

it('sends the same again, body and headers too', async () => {
  const { requests, options } = stub(problem(503, 'unavailable', { 'Retry-After': '1' }), json(ada));
  const call = createRoster({ ...options, headers: { 'X-A': 'a' } }).updateUser(ada.id, { name: 'Ada' }, { ifMatch: '"1"' });
  await vi.runAllTimersAsync();
  await call;
  const [first, second] = await Promise.all(requests.map(async (r) => [r.method, r.url, [...r.headers], await r.text()]));
  expect(first).toEqual(second);
  expect(first).toEqual(['PATCH', `http://roster.test/api/users/${ada.id}`, [['content-type', 'application/json'], ['if-match', '"1"'], ['x-a', 'a']], '{"name":"Ada"}']);
});

it('stops waiting when the signal aborts, and leaves no timer', async () => {
  const { requests, options } = stub(problem(429, 'x', { 'Retry-After': '20' }));
  const controller = new AbortController();
  const call = createRoster(options).getUser(ada.id, { signal: controller.signal });
  const error = call.catch((e: unknown) => e);
  await vi.advanceTimersByTimeAsync(5000);
  controller.abort();
  expect(await error).toBeInstanceOf(RosterError);
  expect(await error).toMatchObject({ kind: 'aborted', cause: { name: 'AbortError' } });
  expect(requests).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});
