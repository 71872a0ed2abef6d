import { afterAll, afterEach, describe, expect, inject, it, vi } from 'vitest';

import {
  type AuditEntry,
  createRoster,
  isForbidden,
  isUnauthenticated,
  type Key,
  type Role,
  RosterError,
  type Session,
  type User,
  withPassword,
  withSignIn,
} from '../../src/index.js';
import { page } from './page.js';

const baseUrl = inject('baseUrl');
const admin = createRoster({ baseUrl, signIn: withPassword(() => inject('admin')) });

const run = Math.random().toString(36).slice(2, 10);
const password = 'correct horse battery';
const made = new Set<string>();
let count = 0;

async function person(role: Role = 'viewer'): Promise<User> {
  const user = await admin.createUser({ name: `Test ${run}`, email: `a${++count}.${run}@example.org`, password, role });
  made.add(user.id);
  return user;
}

/** A client that somebody has signed in to, by hand. */
async function signedIn(user: User, by = password) {
  const roster = createRoster({ baseUrl });
  const { identity, token } = await roster.signIn({ email: user.email, password: by });
  return { roster, identity, token };
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const row of rows) {
    seen.push(row);
  }
  return seen;
}

afterEach(() => void vi.unstubAllGlobals());
afterAll(async () => {
  for (const id of made) {
    await admin.deleteUser(id).catch(() => undefined);
  }
});

describe('a session', () => {
  it('starts, tells who is calling, and ends', async () => {
    const user = await person();
    const { roster, identity, token } = await signedIn(user);
    expect(token).toMatch(/^rss_\w{49}$/);
    expect(identity).toMatchObject({ userId: user.id, name: user.name, email: user.email, role: 'viewer', credential: 'session' });
    expect(await roster.getSession()).toEqual(identity);
    expect(await createRoster({ baseUrl, token }).getSession()).toEqual(identity);
    await roster.signOut();
    await expect(roster.getSession()).rejects.toSatisfy(isUnauthenticated);
    await expect(createRoster({ baseUrl, token }).getSession()).rejects.toSatisfy(isUnauthenticated);
    await expect(createRoster({ baseUrl, token }).signOut()).resolves.toBeUndefined();
  });

  it('does not start for a wrong password', async () => {
    const { email } = await person();
    const refused = { kind: 'answer', status: 401, code: 'sign_in_failed' };
    await expect(createRoster({ baseUrl }).signIn({ email, password: 'wrong' })).rejects.toMatchObject(refused);
    const roster = createRoster({ baseUrl, signIn: withPassword(() => ({ email, password: 'wrong' })) });
    expect(await Promise.allSettled([roster.getSession(), roster.listUsers()])).toMatchObject(Array(2).fill({ status: 'rejected', reason: refused }));
  });

  it('is a cookie in a page, which no script sees', async () => {
    const user = await person();
    const browser = page(baseUrl);
    const roster = createRoster({ baseUrl: '/' });
    await expect(roster.getSession()).rejects.toSatisfy(isUnauthenticated);
    const answer = await roster.signIn({ email: user.email, password });
    expect(Object.keys(answer)).toEqual(['identity']);
    expect(browser.set).toEqual([expect.stringMatching(/^__Host-roster=rss_\w{49}; Path=\/; Max-Age=\d+; HttpOnly; Secure; SameSite=Lax$/)]);
    expect(await roster.getSession()).toEqual(answer.identity);
    await roster.updateUser(user.id, { name: 'By cookie' });
    await roster.signOut();
    expect(browser.cookie).toBeUndefined();
    await expect(roster.getSession()).rejects.toSatisfy(isUnauthenticated);
  });

  it('that has ended is followed by another one, once for all who wait: of a token', async () => {
    const { email } = await person();
    const ask = vi.fn(() => ({ email, password }));
    const roster = createRoster({ baseUrl, signIn: withPassword(ask) });
    const first = await roster.getSession();
    await admin.revokeSession(first.credentialId);
    const seen = await Promise.all(Array.from({ length: 20 }, () => roster.getSession()));
    expect(ask).toHaveBeenCalledTimes(2);
    expect(new Set(seen.map((who) => who.credentialId)).size).toBe(1);
    expect(seen[0]?.credentialId).not.toBe(first.credentialId);
  });

  it('that has ended is followed by another one, once for all who wait: of a cookie', async () => {
    const { email } = await person();
    const browser = page(baseUrl);
    const roster = createRoster({ baseUrl: '/', signIn: withSignIn(async () => { await roster.signIn({ email, password }); }) });
    const first = await roster.getSession();
    vi.unstubAllGlobals();
    await admin.revokeSession(first.credentialId);
    const { cookie } = browser;
    const again = page(baseUrl);
    again.cookie = cookie;
    await Promise.all(Array.from({ length: 10 }, () => roster.getSession()));
    expect(again.set).toHaveLength(1);
  });

  it('is listed, and revoked', async () => {
    const user = await person();
    const [one, two, three] = [await signedIn(user), await signedIn(user), await signedIn(user)];
    const ids = (sessions: Session[]) => sessions.map((session) => session.id);
    const newest = [three, two, one].map((s) => s.identity.credentialId);
    expect(ids(await all(one.roster.sessions()))).toEqual(newest);
    expect(ids(await all(admin.sessions({ userId: user.id, limit: 2 })))).toEqual(newest);
    const pages = await all(admin.sessionPages({ userId: user.id, limit: 2 }));
    expect(pages.map((p) => [p.data.length, p.pagination.total])).toEqual([[2, 3], [1, 3]]);
    expect((await one.roster.listSessions({ limit: 1 })).data).toMatchObject([{ userId: user.id, userAgent: expect.any(String) as string }]);

    await one.roster.revokeSession(two.identity.credentialId);
    await expect(two.roster.getSession()).rejects.toSatisfy(isUnauthenticated);
    await one.roster.revokeOtherSessions();
    await expect(three.roster.getSession()).rejects.toSatisfy(isUnauthenticated);
    expect(ids(await all(one.roster.sessions()))).toEqual([one.identity.credentialId]);

    const other = await signedIn(await person());
    await expect(other.roster.revokeSession(one.identity.credentialId)).rejects.toMatchObject({ status: 404, code: 'not_found' });
    await expect(other.roster.listSessions({ all: true })).rejects.toMatchObject({ status: 403, code: 'forbidden', permission: 'sessions:admin' });
  });
});

describe('a password', () => {
  it('is changed by its owner, who gives the current one', async () => {
    const user = await person();
    const [mine, other] = [await signedIn(user), await signedIn(user)];
    const wrong = mine.roster.setPassword(user.id, { currentPassword: 'wrong', newPassword: 'another horse battery' });
    await expect(wrong).rejects.toMatchObject({ status: 403, code: 'wrong_password' });
    await mine.roster.setPassword(user.id, { currentPassword: password, newPassword: 'another horse battery' });
    expect(await mine.roster.getSession()).toMatchObject({ userId: user.id });
    await expect(other.roster.getSession()).rejects.toSatisfy(isUnauthenticated);
    await signedIn(user, 'another horse battery');
  });

  it('is chosen anew by a token that an admin makes', async () => {
    const user = await person();
    const { token } = await admin.createPasswordReset(user.id);
    const anyone = createRoster({ baseUrl });
    await expect(anyone.redeemPasswordReset({ token: `${token}x`, newPassword: 'another horse battery' })).rejects.toMatchObject({ status: 422, code: 'reset_invalid' });
    await anyone.redeemPasswordReset({ token, newPassword: 'another horse battery' });
    await expect(anyone.redeemPasswordReset({ token, newPassword: 'a third horse battery' })).rejects.toMatchObject({ code: 'reset_invalid' });
    await signedIn(user, 'another horse battery');
  });
});

describe('a key', () => {
  it('calls for its owner, within its scopes', async () => {
    const user = await person('editor');
    const { roster } = await signedIn(user);
    const { key, secret } = await roster.createKey({ name: 'Nightly export', scopes: ['users:read'] });
    expect(key).toMatchObject({ userId: user.id, name: 'Nightly export', scopes: ['users:read'], lastUsedAt: null, expiresAt: null });
    const service = createRoster({ baseUrl, key: secret });
    expect(await service.getSession()).toMatchObject({ credential: 'key', credentialId: key.id, userId: user.id, permissions: ['users:read'] });
    expect(await service.getUser(user.id)).toEqual(user);
    const refused: unknown = await service.deleteUser(user.id).catch((e: unknown) => e);
    expect(isForbidden(refused) && refused.permission).toBe('users:delete');
    await expect(service.createKey({ name: 'n', scopes: ['users:read'] })).rejects.toSatisfy(isForbidden);
  });

  it('is listed, rotated and revoked', async () => {
    const user = await person();
    const { roster } = await signedIn(user);
    const first = await roster.createKey({ name: 'first', scopes: ['users:read'] });
    await roster.createKey({ name: 'second', scopes: ['users:read', 'stats:read'], expiresAt: '2030-01-01T00:00:00Z' });
    const names = (keys: Key[]) => keys.map((key) => key.name);
    expect(names(await all(roster.keys()))).toEqual(['second', 'first']);
    expect(names(await all(admin.keys({ userId: user.id, limit: 1 })))).toEqual(['second', 'first']);
    expect((await all(roster.keyPages({ limit: 1 }))).map((p) => names(p.data))).toEqual([['second'], ['first']]);
    expect((await roster.listKeys()).data[0]).toMatchObject({ expiresAt: '2030-01-01T00:00:00Z' });

    const lasting = await roster.rotateKey(first.key.id);
    expect(lasting.previousExpiresAt).toMatch(/Z$/);
    const overlapping = [first, lasting].map(({ secret }) => createRoster({ baseUrl, key: secret }));
    expect(await Promise.all(overlapping.map((r) => r.getSession()))).toHaveLength(2);

    const last = await roster.rotateKey(first.key.id, { overlapSeconds: 0 });
    expect(last.previousExpiresAt).toBeUndefined();
    for (const old of overlapping) {
      await expect(old.getSession()).rejects.toSatisfy(isUnauthenticated);
    }
    await roster.revokeKey(first.key.id);
    await expect(createRoster({ baseUrl, key: last.secret }).getSession()).rejects.toSatisfy(isUnauthenticated);
    await expect(roster.revokeKey(first.key.id)).rejects.toMatchObject({ status: 404, code: 'not_found' });
    expect(names(await all(roster.keys()))).toEqual(['second']);
  });
});

describe('a call whose answer is lost', () => {
  /** Loses the first answer. */
  const losing = () => {
    let lost = false;
    return async (request: Request) => {
      const answer = await fetch(request);
      if (request.method === 'POST' && !request.url.endsWith('/session') && !lost) {
        lost = true;
        throw new TypeError('fetch failed');
      }
      return answer;
    };
  };
  const losingAdmin = () => createRoster({ baseUrl, fetch: losing(), signIn: withPassword(() => inject('admin')) });

  it('makes one user', async () => {
    const body = { name: `Test ${run}`, email: `once.${run}@example.org`, password };
    const user = await losingAdmin().createUser(body);
    made.add(user.id);
    expect(await admin.getUser(user.id)).toEqual(user);
    expect((await admin.listUsers({ email: body.email })).pagination.total).toBe(1);
  });

  it('makes one key, whose secret is gone, and says which', async () => {
    const error: unknown = await losingAdmin()
      .createKey({ name: `once ${run}`, scopes: ['users:read'] })
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ status: 409, code: 'secret_not_replayable' });
    const resourceId = error instanceof RosterError && error.kind === 'answer' ? (error.resourceId ?? '') : '';
    const keys = (await all(admin.keys())).filter(({ name }) => name === `once ${run}`);
    expect(keys.map((key) => key.id)).toEqual([resourceId]);
    await admin.revokeKey(resourceId);
  });

  it('is one call for a key of one’s own', async () => {
    const body = { name: `Test ${run}`, email: `own.${run}@example.org`, password };
    const user = await admin.createUser(body, { idempotencyKey: `own-${run}` });
    made.add(user.id);
    expect(await admin.createUser(body, { idempotencyKey: `own-${run}` })).toEqual(user);
    const other = admin.createUser({ ...body, name: 'Other' }, { idempotencyKey: `own-${run}` });
    await expect(other).rejects.toMatchObject({ status: 422, code: 'idempotency_mismatch' });
  });
});

it('the audit log says who did what', async () => {
  const user = await person();
  await admin.updateUser(user.id, { name: 'Changed' });
  const entries: AuditEntry[] = await all(admin.audit({ targetId: user.id }));
  expect(entries.map((entry) => [entry.operation, entry.actor, entry.actorName])).toEqual([
    ['updateUser', 'user', inject('admin').email],
    ['createUser', 'user', inject('admin').email],
  ]);
  expect(entries[0]).toMatchObject({ target: 'user', after: { name: 'Changed' } });
  expect((await all(admin.auditPages({ targetId: user.id, limit: 1 }))).map((p) => p.data[0]?.id)).toEqual(entries.map((entry) => entry.id));
  expect((await admin.listAudit({ targetId: user.id, operation: 'createUser' })).data).toHaveLength(1);
  const { roster } = await signedIn(user);
  await expect(roster.listAudit()).rejects.toMatchObject({ code: 'forbidden', permission: 'audit:read' });
});

it('statistics count those who are there', async () => {
  const user = await person();
  const { roster } = await signedIn(user);
  const stats = await roster.getStats({ days: 90 });
  expect(stats.days).toHaveLength(90);
  expect(stats.days.at(-1)?.day).toBe(stats.generatedAt.slice(0, 10));
  expect(stats.users.total).toBe(stats.users.byRole.admin + stats.users.byRole.editor + stats.users.byRole.viewer);
  expect((await admin.getStats()).days).toHaveLength(30);
  await expect(admin.getStats({ days: 31 as never })).rejects.toMatchObject({ code: 'validation_failed' });
});
