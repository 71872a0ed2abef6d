// Who is calling: keys, tokens, cookies, and signing in again.
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';

import {
  createClient,
  createRoster,
  etagOf,
  getSession,
  getUser,
  isForbidden,
  isRateLimited,
  isUnauthenticated,
  type RosterClient,
  type RosterOptions,
  signIn,
  withPassword,
  withSignIn,
} from '../src/index.js';
import { ada, down, json, problem, stub } from './stub.js';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const secret = 'correct horse battery';
const credentials = { email: ada.email, password: secret };
const identity = {
  userId: ada.id,
  name: ada.name,
  email: ada.email,
  role: ada.role,
  credential: 'session',
  credentialId: '019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d22',
  permissions: ['users:read', 'profile'],
  expiresAt: '2026-03-15T09:26:53.589793Z',
};

/** A server with sessions: rss_1, rss_2 and so on, of which only those of `valid` hold. */
function server({ cookie = false } = {}) {
  const valid = new Set<string>();
  let jar: string | undefined; // what a browser keeps
  const seen: string[] = [];
  const signIns: { email: string; password: string; token?: boolean }[] = [];
  const gates: Promise<unknown>[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const authorization = request.headers.get('Authorization') ?? undefined;
    const shown = authorization?.replace('Bearer ', '') ?? jar;
    seen.push(`${request.method} ${pathname} ${authorization ?? '-'}`);
    request.signal.throwIfAborted();
    if (request.method === 'POST' && pathname === '/api/session') {
      const body = (await request.json()) as (typeof signIns)[number];
      signIns.push(body);
      const gate = gates.shift();
      await new Promise((resolve, reject) => {
        request.signal.addEventListener('abort', () => reject(request.signal.reason as Error));
        void Promise.resolve(gate).then(resolve);
      });
      if (body.password !== secret) {
        return problem(401, 'sign_in_failed');
      }
      const token = `rss_${signIns.length}`;
      valid.add(token);
      if (!body.token) {
        jar = token;
      }
      return json({ identity, ...(body.token && { token }) }, 201);
    }
    if (shown === undefined || !valid.has(shown)) {
      return problem(401, 'unauthenticated');
    }
    if (request.method === 'DELETE' && pathname === '/api/session') {
      valid.delete(shown);
      return new Response(null, { status: 204 });
    }
    return json(ada, request.method === 'POST' ? 201 : 200);
  };
  if (cookie) {
    vi.stubGlobal('location', { origin: 'http://roster.test' });
  }
  return { valid, seen, signIns, gates, options: { baseUrl: 'http://roster.test', fetch, retries: 0 } satisfies RosterOptions };
}

/** A promise, and the means to fulfil it. */
function gate() {
  let open: () => void = () => undefined;
  const shut = new Promise<void>((resolve) => (open = resolve));
  return { shut, open };
}

const authorization = (requests: Request[]) => requests.map((r) => r.headers.get('Authorization'));

describe('a key or a token', () => {
  it.each(['key', 'token'])('is shown on every call: %s', async (name) => {
    const { requests, options } = stub(json(ada));
    const roster = createRoster({ ...options, [name]: 'rst_1' });
    await roster.getUser('1');
    await roster.createUser({ ...credentials, name: 'Ada' });
    await getUser(createClient({ ...options, [name]: ' rst_1\n' }), '1');
    expect(authorization(requests)).toEqual(['Bearer rst_1', 'Bearer rst_1', 'Bearer rst_1']);
  });

  it('gives way to an Authorization of the call', async () => {
    const { requests, options } = stub(problem(401, 'unauthenticated'));
    const call = createRoster({ ...options, signIn: withPassword(() => expect.fail('asked')) }).getUser('1', { headers: { authorization: 'Bearer other' } });
    await expect(call).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(authorization(requests)).toEqual(['Bearer other']);
  });

  it('is not shown where anyone may call', async () => {
    const { requests, options } = stub(json({ identity }, 201));
    const roster = createRoster({ ...options, token: 'rss_old' });
    await roster.redeemPasswordReset({ token: 'rsr_1', newPassword: secret });
    await roster.signIn(credentials);
    expect(authorization(requests)).toEqual([null, null]);
  });

  it('that is not valid fails the call, once', async () => {
    const { requests, options } = stub(problem(401, 'unauthenticated'));
    await expect(createRoster({ ...options, key: 'rst_1' }).getUser('1')).rejects.toSatisfy(isUnauthenticated);
    expect(requests).toHaveLength(1);
  });

  it.each(['rst_1\nX-A: a', 'rst_ü', 'two words', '', ' '])('is refused without being told: %j', (key) => {
    expect(() => createClient({ baseUrl: '/', key })).toThrow('The key or token is empty, or has a character that none has');
    expect(() => createClient({ baseUrl: '/', token: key })).toThrow(TypeError);
  });

  it('stands alone', () => {
    expect(() => createClient({ baseUrl: '/', key: 'k', token: 't' })).toThrow('not by both');
    expect(() => createClient({ baseUrl: '/', key: 'k', signIn: withSignIn(() => 't') })).toThrow('not by both');
  });
});

describe('signing in by hand', () => {
  it('outside of a browser asks for a token, and calls by it until signing out', async () => {
    const s = server();
    const roster = createRoster(s.options);
    expect(await roster.signIn(credentials)).toEqual({ identity, token: 'rss_1' });
    expect(await roster.getUser('1')).toEqual(ada);
    await roster.signOut();
    await expect(roster.getUser('1')).rejects.toMatchObject({ status: 401, code: 'unauthenticated' });
    expect(s.signIns).toEqual([{ ...credentials, token: true }]);
    expect(s.seen).toEqual(['POST /api/session -', 'GET /api/users/1 Bearer rss_1', 'DELETE /api/session Bearer rss_1', 'GET /api/users/1 -']);
  });

  it('in a browser asks for no token, and leaves the cookie to the browser', async () => {
    const s = server({ cookie: true });
    const roster = createRoster({ ...s.options, token: 'rss_old' });
    expect(await roster.signIn(credentials)).toEqual({ identity });
    expect(await roster.getUser('1')).toEqual(ada);
    expect(s.signIns).toEqual([credentials]);
    expect(s.seen).toEqual(['POST /api/session -', 'GET /api/users/1 -']);
  });

  it('in a browser that sends no cookies asks for a token; and anywhere, as the caller says', async () => {
    const s = server({ cookie: true });
    await createRoster({ ...s.options, credentials: 'omit' }).signIn(credentials);
    await createRoster(s.options).signIn({ ...credentials, token: true });
    vi.unstubAllGlobals();
    await createRoster(s.options).signIn({ ...credentials, token: false });
    expect(s.signIns.map((body) => body.token)).toEqual([true, true, false]);
  });

  it('that is refused changes nothing', async () => {
    const s = server();
    s.valid.add('rss_old');
    const roster = createRoster({ ...s.options, token: 'rss_old' });
    await expect(roster.signIn({ ...credentials, password: 'wrong' })).rejects.toMatchObject({ status: 401, code: 'sign_in_failed' });
    expect(await roster.getUser('1')).toEqual(ada);
  });

  it('is sent again after a lost answer', async () => {
    vi.useFakeTimers();
    const { requests, options } = stub(down, json({ identity, token: 'rss_1' }, 201));
    const call = createRoster(options).signIn(credentials);
    await vi.runAllTimersAsync();
    expect(await call).toMatchObject({ token: 'rss_1' });
    expect(requests).toHaveLength(2);
  });
});

describe('signing out', () => {
  it('of a session that has ended is no failure', async () => {
    const s = server();
    const roster = createRoster({ ...s.options, token: 'rss_old', signIn: withPassword(() => expect.fail('asked')) });
    await expect(roster.signOut()).resolves.toBeUndefined();
    expect(s.seen).toEqual(['DELETE /api/session Bearer rss_old']);
  });

  it('keeps the session where it fails', async () => {
    const { requests, options } = stub(problem(403, 'forbidden', {}, { permission: 'profile' }), json(ada));
    const roster = createRoster({ ...options, key: 'rst_1' });
    await expect(roster.signOut()).rejects.toSatisfy(isForbidden);
    await roster.getUser('1');
    expect(authorization(requests)).toEqual(['Bearer rst_1', 'Bearer rst_1']);
  });

  it('makes the next call sign in', async () => {
    const s = server();
    const roster = createRoster({ ...s.options, signIn: withPassword(() => credentials) });
    await roster.getUser('1');
    await roster.signOut();
    await roster.getUser('1');
    expect(s.seen.map((line) => line.replace('/api/', ''))).toEqual([
      'POST session -',
      'GET users/1 Bearer rss_1',
      'DELETE session Bearer rss_1',
      'POST session -',
      'GET users/1 Bearer rss_2',
    ]);
  });
});

describe('a client that signs in by itself', () => {
  it('does so before its first call, once for all', async () => {
    const s = server();
    const ask = vi.fn(() => Promise.resolve(credentials));
    const roster = createRoster({ ...s.options, signIn: withPassword(ask) });
    expect(ask).not.toHaveBeenCalled();
    await Promise.all([roster.getUser('1'), roster.getUser('2'), roster.createUser({ ...credentials, name: 'Ada' })]);
    expect(ask).toHaveBeenCalledOnce();
    expect(s.seen).toHaveLength(4);
  });

  it('does so again when the session has ended, once for all, and sends each call again', async () => {
    const s = server();
    const ask = vi.fn(() => credentials);
    const roster = createRoster({ ...s.options, signIn: withPassword(ask) });
    await roster.getUser('1');
    s.valid.clear();
    s.seen.length = 0;
    const ids = Array.from({ length: 20 }, (_, i) => String(i));
    await Promise.all(ids.map((id) => roster.getUser(id)));
    expect(ask).toHaveBeenCalledTimes(2);
    expect(s.seen.sort()).toEqual(
      ['POST /api/session -', ...ids.flatMap((id) => [`GET /api/users/${id} Bearer rss_1`, `GET /api/users/${id} Bearer rss_2`])].sort(),
    );
  });

  it('sends what it was given first', async () => {
    const s = server();
    s.valid.add('rss_given');
    const roster = createRoster({ ...s.options, token: 'rss_given', signIn: withPassword(() => credentials) });
    await roster.getUser('1');
    s.valid.clear();
    await roster.getUser('1');
    expect(s.seen.map((line) => line.split(' ').pop())).toEqual(['rss_given', 'rss_given', '-', 'rss_1']);
  });

  it('sends the same again, with its Idempotency-Key and its conditions', async () => {
    const { requests, options } = stub(problem(401, 'unauthenticated'), json({ identity, token: 'rss_2' }, 201), json(ada, 200, { ETag: '"1"' }));
    const roster = createRoster({ ...options, token: 'rss_1', signIn: withPassword(() => credentials) });
    const made = await roster.createUser({ ...credentials, name: 'Ada' }, { idempotencyKey: 'k1' });
    expect(requests.map((r) => [new URL(r.url).pathname, r.headers.get('Authorization'), r.headers.get('Idempotency-Key')])).toEqual([
      ['/api/users', 'Bearer rss_1', 'k1'],
      ['/api/session', null, null],
      ['/api/users', 'Bearer rss_2', 'k1'],
    ]);
    expect(await requests[2]?.json()).toEqual({ ...credentials, name: 'Ada' });
    expect(etagOf(made)).toBe('"1"');
  });

  it.each([false, true])('does not sign in for a call that a newer session can carry out (in a page: %s)', async (cookie) => {
    const s = server({ cookie });
    const slow = gate();
    let held = true;
    const options = {
      ...s.options,
      fetch: async (request: Request) => {
        const answer = await s.options.fetch(request);
        if (request.url.endsWith('/slow') && held) {
          await slow.shut; // its 401 comes when the others have signed in already
        }
        return answer;
      },
    };
    const roster = createRoster({ ...options, signIn: withPassword(() => credentials) });
    await roster.getUser('1');
    s.valid.clear();
    const late = roster.getUser('slow');
    await roster.getUser('1');
    held = false;
    slow.open();
    expect(await late).toEqual(ada);
    expect(s.signIns).toHaveLength(2);
  });

  it.each([false, true])('sends nothing by the old session while it signs in (in a page: %s)', async (cookie) => {
    const s = server({ cookie });
    const roster = createRoster({ ...s.options, signIn: withPassword(() => credentials) });
    await roster.getUser('1');
    s.valid.clear();
    const wait = gate();
    s.gates.push(wait.shut);
    const first = roster.getUser('1');
    await vi.waitFor(() => expect(s.signIns).toHaveLength(2));
    const sent = s.seen.length;
    const second = roster.getUser('2');
    await new Promise(setImmediate);
    expect(s.seen).toHaveLength(sent);
    wait.open();
    expect(await Promise.all([first, second])).toEqual([ada, ada]);
    expect(s.seen.filter((line) => line.includes('/users/2'))).toHaveLength(1);
  });

  it('never loops: a call is sent again once', async () => {
    const { requests, options } = stub((request) => {
      if (requests.length > 10) {
        throw new Error('it loops');
      }
      return request.method === 'POST' ? json({ identity, token: 'rss_x' }, 201) : problem(401, 'unauthenticated');
    });
    const roster = createRoster({ ...options, retries: 0, token: 'rss_1', signIn: withPassword(() => credentials) });
    await expect(roster.getUser('1')).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(requests.map((r) => r.method)).toEqual(['GET', 'POST', 'GET']);
  });

  it.each([
    [401, 'sign_in_failed'],
    [401, 'proxy_word'],
    [403, 'forbidden'],
  ])('takes %d %s for an answer', async (status, code) => {
    const { requests, options } = stub(problem(status, code));
    await expect(createRoster({ ...options, token: 't', signIn: withPassword(() => expect.fail('asked')) }).getUser('1')).rejects.toMatchObject({ status });
    expect(requests).toHaveLength(1);
  });

  it('that is refused fails all who wait, with the typed error; the next call tries again', async () => {
    const s = server();
    let password = 'wrong';
    const ask = vi.fn(() => ({ ...credentials, password }));
    const roster = createRoster({ ...s.options, signIn: withPassword(ask) });
    const results = await Promise.allSettled(['1', '2', '3'].map((id) => roster.getUser(id)));
    expect(results).toMatchObject(Array(3).fill({ status: 'rejected', reason: { name: 'RosterError', status: 401, code: 'sign_in_failed' } }));
    expect(s.seen).toEqual(['POST /api/session -']);
    password = secret;
    expect(await roster.getUser('1')).toEqual(ada);
    expect(ask).toHaveBeenCalledTimes(2);
  });

  it.each([
    ['at once', () => { throw new Error('cancelled'); }],
    ['later', () => Promise.reject(new Error('cancelled'))],
  ])('fails all who wait with what its callback throws %s', async (_, ask) => {
    const s = server();
    const roster = createRoster({ ...s.options, signIn: withPassword(ask) });
    const own = createRoster({ ...s.options, signIn: withSignIn(ask) });
    for (const r of [roster, roster, own, own]) {
      const results = await Promise.allSettled([r.getUser('1'), r.getUser('2')]);
      expect(results).toMatchObject(Array(2).fill({ status: 'rejected', reason: { message: 'cancelled' } }));
    }
    expect(s.seen).toEqual([]);
  });

  it('frees only the caller whose signal aborts', async () => {
    const s = server();
    const wait = gate();
    s.gates.push(wait.shut);
    const roster = createRoster({ ...s.options, signIn: withPassword(() => credentials) });
    const controller = new AbortController();
    const impatient = roster.getUser('1', { signal: controller.signal });
    const patient = roster.getUser('2', { signal: new AbortController().signal });
    controller.abort(new Error('enough'));
    await expect(impatient).rejects.toMatchObject({ kind: 'aborted', cause: { message: 'enough' } });
    await expect(roster.getUser('3', { signal: controller.signal })).rejects.toMatchObject({ kind: 'aborted' });
    wait.open();
    expect(await patient).toEqual(ada);
    expect(s.seen).toEqual(['POST /api/session -', 'GET /api/users/2 Bearer rss_1']);
  });

  it('goes on for the next caller where all who waited have left, and lets no failure go unheard', async () => {
    const s = server();
    const wait = gate();
    s.gates.push(wait.shut);
    let password = 'wrong';
    const roster = createRoster({ ...s.options, signIn: withPassword(() => ({ ...credentials, password })) });
    await expect(roster.getUser('1', { signal: AbortSignal.timeout(5) })).rejects.toMatchObject({ kind: 'aborted', message: 'The call timed out' });
    const joined = roster.getUser('2');
    wait.open();
    await expect(joined).rejects.toMatchObject({ code: 'sign_in_failed' });
    password = secret;
    expect(await roster.getUser('3')).toEqual(ada);
    expect(s.signIns).toHaveLength(2);
  });

  it('ends with the signal of the client', async () => {
    const s = server();
    s.gates.push(new Promise(() => undefined));
    const all = new AbortController();
    const roster = createRoster({ ...s.options, signal: all.signal, signIn: withPassword(() => credentials) });
    const calls = Promise.allSettled([roster.getUser('1'), roster.getUser('2')]);
    await vi.waitFor(() => expect(s.signIns).toHaveLength(1));
    all.abort();
    expect(await calls).toMatchObject(Array(2).fill({ status: 'rejected', reason: { kind: 'aborted' } }));
  });

  it('asks for nothing once the signal has aborted', async () => {
    const s = server();
    const roster = createRoster({ ...s.options, signIn: withPassword(() => expect.fail('asked')) });
    await expect(roster.getUser('1', { signal: AbortSignal.abort() })).rejects.toMatchObject({ kind: 'aborted' });
  });

  it('waits out a limit on signing in, as on any call', async () => {
    vi.useFakeTimers();
    const start = Date.now();
    const { requests, options } = stub(problem(429, 'rate_limited', { 'Retry-After': '3' }), json({ identity, token: 'rss_1' }, 201), json(ada));
    const call = createRoster({ ...options, signIn: withPassword(() => credentials) }).getUser('1');
    await vi.runAllTimersAsync();
    expect(await call).toEqual(ada);
    expect(Date.now() - start).toBeGreaterThanOrEqual(3000);
    expect(requests.map((r) => r.method)).toEqual(['POST', 'POST', 'GET']);
  });

  it('in a page tries the cookie first, and asks for no token', async () => {
    const s = server({ cookie: true });
    const ask = vi.fn(() => credentials);
    const roster = createRoster({ ...s.options, signIn: withPassword(ask) });
    await Promise.all([roster.getUser('1'), roster.getUser('1')]);
    s.valid.clear();
    await Promise.all([roster.getUser('1'), roster.getUser('1')]);
    expect(ask).toHaveBeenCalledTimes(2);
    expect(s.signIns).toEqual([credentials, credentials]);
    expect(new Set(s.seen)).toEqual(new Set(['GET /api/users/1 -', 'POST /api/session -']));
    expect(s.seen).toHaveLength(2 + 1 + 2 + 2 + 1 + 2);
  });
});

describe('a source of one’s own', () => {
  it('gives a token', async () => {
    const { requests, options } = stub(json(ada));
    await createRoster({ ...options, signIn: withSignIn(() => 'rss_vault\n') }).getUser('1');
    expect(authorization(requests)).toEqual(['Bearer rss_vault']);
  });

  it('may show a form, which signs in through the very client', async () => {
    const s = server({ cookie: true });
    const roster = createRoster({ ...s.options, signIn: withSignIn(async () => { await roster.signIn(credentials); }) });
    expect(await roster.getUser('1')).toEqual(ada);

    const t = server();
    const other = createRoster({ ...t.options, credentials: 'omit', signIn: withSignIn(async () => { await other.signIn(credentials); }) });
    expect(await other.getUser('1')).toEqual(ada);
    expect(t.seen).toEqual(['POST /api/session -', 'GET /api/users/1 Bearer rss_1']);
  });

  it('may call through the client that it is given, which waits for nobody', async () => {
    const s = server();
    const source = vi.fn(async (client: RosterClient) => {
      await expect(getSession(client)).rejects.toSatisfy(isUnauthenticated);
      const { token } = await signIn(client, credentials);
      await getUser(client, 'inside');
      return token;
    });
    expect(await createRoster({ ...s.options, token: 'rss_old', signIn: withSignIn(source) }).getUser('1')).toEqual(ada);
    expect(source).toHaveBeenCalledOnce();
    expect(s.seen).toEqual([
      'GET /api/users/1 Bearer rss_old',
      'GET /api/session -',
      'POST /api/session -',
      'GET /api/users/inside Bearer rss_1',
      'GET /api/users/1 Bearer rss_1',
    ]);
  });

  it('that gives nothing leaves the call without a session', async () => {
    const s = server();
    await expect(createRoster({ ...s.options, signIn: withSignIn(() => undefined) }).getUser('1')).rejects.toSatisfy(isUnauthenticated);
    expect(s.seen).toEqual(['GET /api/users/1 -', 'GET /api/users/1 -']);
  });
});

it('shows no secret', async () => {
  const secrets = ['rst_secret', 'rss_secret', 'pass-secret'];
  const failing = stub(problem(401, 'unauthenticated')).options;
  const broken = stub(() => new Response('{"token": "rss_secret', { status: 201 })).options;
  const source = withPassword(() => ({ email: ada.email, password: 'pass-secret' }));
  const clients = [{ key: 'rst_secret' }, { token: 'rss_secret' }, { token: 'rss_secret', signIn: source }].flatMap((options) => [
    createClient({ ...failing, ...options }),
    createRoster({ ...failing, ...options }),
  ]);
  const errors = await Promise.all(
    [
      createRoster({ ...failing, key: 'rst_secret' }).getUser('1'),
      createRoster({ ...stub(down).options, retries: 0, key: 'rst_secret' }).getUser('1'),
      createRoster({ ...broken, signIn: source }).getUser('1'),
      createRoster({ ...failing, retries: 0 }).signIn({ email: '', password: 'pass-secret' }),
      createRoster({ ...failing, signIn: withSignIn(() => 'rss_secret\nx') }).getUser('1'),
    ].map((call) => call.then(() => expect.fail('the call succeeded'), (error: unknown) => error)),
  );
  for (const thing of [...clients, ...errors]) {
    const said = [String(thing), JSON.stringify(thing), inspect(thing, { depth: Infinity, showHidden: true })].join();
    expect(secrets.filter((word) => said.includes(word))).toEqual([]);
  }
});

describe('typed errors', () => {
  const fail = (answer: Response) => createRoster({ ...stub(answer).options, retries: 0 }).getUser('1').catch((e: unknown) => e);

  it('tell 401, 403 and 429 apart', async () => {
    const [unknown, wrong, forbidden, foreign, limited, proxy] = await Promise.all([
      fail(problem(401, 'unauthenticated')),
      fail(problem(401, 'sign_in_failed')),
      fail(problem(403, 'forbidden', {}, { permission: 'users:delete' })),
      fail(problem(403, 'cross_origin')),
      fail(problem(429, 'rate_limited', { 'Retry-After': '7' })),
      fail(new Response('slow down', { status: 429 })),
    ]);
    const all = [unknown, wrong, forbidden, foreign, limited, proxy, new Error('other'), undefined];
    expect(all.map(isUnauthenticated)).toEqual([true, false, false, false, false, false, false, false]);
    expect(all.map(isForbidden)).toEqual([false, false, true, false, false, false, false, false]);
    expect(all.map(isRateLimited)).toEqual([false, false, false, false, true, true, false, false]);
    expect(isForbidden(forbidden) && forbidden.permission).toBe('users:delete');
    expect(isRateLimited(limited) && limited.retryAfter).toBe(7);
  });

  it('name what was made, where its secret is gone', async () => {
    const { options } = stub(problem(409, 'secret_not_replayable', {}, { resourceId: ada.id }));
    await expect(createRoster(options).createKey({ name: 'n', scopes: ['users:read'] })).rejects.toMatchObject({
      status: 409,
      code: 'secret_not_replayable',
      resourceId: ada.id,
      permission: undefined,
    });
  });
});
