import { afterAll, describe, expect, inject, it } from 'vitest';

import { createClient, createRoster, etagOf, getUser, RosterError, type RosterOptions, type User, type UserCreate, withPassword } from '../../src/index.js';

const options: RosterOptions = { baseUrl: inject('baseUrl'), signIn: withPassword(() => inject('admin')) };
const roster = createRoster(options);

// The server may have users of its own: these tests look only at theirs.
const run = Math.random().toString(36).slice(2, 10);
const made = new Set<string>();
let count = 0;

async function create(more: Partial<UserCreate> = {}): Promise<User> {
  const user = await roster.createUser({ name: `Test ${run}`, email: `u${++count}.${run}@example.org`, password: 'correct horse battery', ...more });
  made.add(user.id);
  return user;
}

afterAll(async () => {
  for (const id of made) {
    await roster.deleteUser(id).catch(() => undefined);
  }
});

async function failure(call: Promise<unknown>): Promise<RosterError> {
  const error: unknown = await call.then(
    () => expect.fail('the call succeeded'),
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(RosterError);
  return error as RosterError;
}

const nobody = '019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21';

it('makes, gets, replaces, updates and deletes a user', async () => {
  const created = await create({ name: 'Ådä 😀', email: `A.${run}@EXAMPLE.org` });
  expect(created).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/) as string,
    name: 'Ådä 😀',
    email: `a.${run}@example.org`,
    role: 'viewer',
    disabled: false,
    createdAt: expect.stringMatching(/^20\d\d-.*Z$/) as string,
    updatedAt: created.createdAt,
  });
  expect(await roster.getUser(created.id)).toEqual(created);
  expect(await getUser(createClient(options), created.id)).toEqual(created);

  const replaced = await roster.replaceUser(created.id, { name: 'Ada', email: created.email, role: 'editor' });
  expect(replaced).toEqual({ ...created, name: 'Ada', role: 'editor', updatedAt: replaced.updatedAt });
  const updated = await roster.updateUser(created.id, { disabled: true });
  expect(updated).toEqual({ ...replaced, disabled: true, updatedAt: updated.updatedAt });
  expect(updated.updatedAt > replaced.updatedAt).toBe(true);

  await expect(roster.deleteUser(created.id)).resolves.toBeUndefined();
  expect(await failure(roster.getUser(created.id))).toMatchObject({ kind: 'answer', status: 404, code: 'not_found' });
});

describe('errors', () => {
  it('name the parts that break a rule', async () => {
    const error = await failure(roster.createUser({ name: '', email: 'no address', password: 'short', role: 'viewer' }));
    expect(error).toMatchObject({ kind: 'answer', status: 422, code: 'validation_failed' });
    const pointers = error.kind === 'answer' ? error.errors.map((e) => e.pointer).sort() : [];
    expect(pointers).toEqual(['/email', '/name', '/password']);
  });

  it('have a stable word and a request id', async () => {
    const user = await create();
    const error = await failure(create({ email: user.email.toUpperCase() }));
    expect(error).toMatchObject({ kind: 'answer', status: 409, code: 'email_taken' });
    expect(error.kind === 'answer' && error.requestId).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
    expect(await failure(roster.getUser('no id'))).toMatchObject({ status: 422, code: 'validation_failed', errors: [{ pointer: '/path/id' }] });
    expect(await failure(roster.getUser(nobody))).toMatchObject({ status: 404, code: 'not_found' });
    expect(await failure(roster.deleteUser(nobody))).toMatchObject({ status: 404, code: 'not_found' });
    expect(await failure(roster.listUsers({ limit: 101 }))).toMatchObject({ status: 422, errors: [{ pointer: '/query/limit' }] });
  });

  it('are answers even where no operation is', async () => {
    expect(await failure(createRoster({ baseUrl: `${options.baseUrl}/nowhere` }).listUsers())).toMatchObject({ status: 404, code: 'not_found' });
  });
});

describe('conditions', () => {
  it('write only what has been seen', async () => {
    const first = await create();
    const second = await roster.updateUser(first.id, { name: 'Second' }, { ifMatch: etagOf(first) });
    for (const stale of [
      () => roster.updateUser(first.id, { name: 'Lost' }, { ifMatch: etagOf(first) }),
      () => roster.replaceUser(first.id, { name: 'Lost', email: first.email, role: 'viewer' }, { ifMatch: etagOf(first) }),
      () => roster.deleteUser(first.id, { ifMatch: etagOf(first) }),
    ]) {
      expect(await failure(stale())).toMatchObject({ status: 412, code: 'precondition_failed' });
    }
    expect(await roster.getUser(first.id)).toEqual(second);
    const third = await roster.replaceUser(first.id, { name: 'Third', email: first.email, role: 'viewer' }, { ifMatch: etagOf(second) });
    expect(await roster.updateUser(first.id, {}, { ifMatch: '*' })).toMatchObject({ name: 'Third' });
    expect(await failure(roster.updateUser(first.id, {}, { ifMatch: 'no quotes' }))).toMatchObject({ status: 422, errors: [{ pointer: '/header/If-Match' }] });
    await roster.deleteUser(first.id, { ifMatch: etagOf(await roster.getUser(third.id)) });
  });

  it('read only what has changed', async () => {
    const user = await create();
    expect(await roster.getUser(user.id, { ifNoneMatch: etagOf(user) })).toBeNull();
    const changed = await roster.updateUser(user.id, { name: 'Changed' });
    expect(await roster.getUser(user.id, { ifNoneMatch: etagOf(user) })).toEqual(changed);
    expect(await roster.getUser(user.id, { ifNoneMatch: etagOf(changed) })).toBeNull();
  });
});

describe('lists', () => {
  it('are walked to the end, whatever the page size', async () => {
    const name = `Walk ${run}`;
    const all: string[] = [];
    for (let i = 0; i < 7; i++) {
      all.push((await create({ name, role: i % 2 ? 'editor' : 'viewer' })).id);
    }
    const ids = async (users: AsyncIterable<User>) => {
      const seen: string[] = [];
      for await (const user of users) {
        seen.push(user.id);
      }
      return seen;
    };
    expect(await ids(roster.users({ q: name, sort: 'createdAt' }))).toEqual(all);
    expect(await ids(roster.users({ q: name, sort: '-createdAt', limit: 2 }))).toEqual([...all].reverse());
    expect(await ids(roster.users({ q: name, sort: 'createdAt', limit: 3, page: 2 }))).toEqual(all.slice(3));
    expect(await ids(roster.users({ q: name, role: 'editor' }))).toHaveLength(3);
    expect(await ids(roster.users({ q: `${name} none` }))).toEqual([]);

    const pages = [];
    for await (const page of roster.userPages({ q: name, limit: 3 })) {
      pages.push(page);
    }
    expect(pages.map((p) => [p.data.length, p.pagination.page, p.pagination.total, p.pagination.pages])).toEqual([[3, 1, 7, 3], [3, 2, 7, 3], [1, 3, 7, 3]]);
    expect(pages.map((p) => [p.pagination.prev === null, p.pagination.next === null])).toEqual([[true, false], [false, false], [false, true]]);

    const back = await roster.listUsers({ q: name, limit: 3, cursor: pages[1]?.pagination.prev ?? '' });
    expect(back.data).toEqual(pages[0]?.data);
    const wrong = roster.listUsers({ q: name, limit: 4, cursor: pages[0]?.pagination.next ?? '' });
    expect(await failure(wrong)).toMatchObject({ status: 422, errors: [{ pointer: '/query/cursor', code: 'cursor_mismatch' }] });
  });

  it('take any text', async () => {
    const name = `50% "öß"+&=#? ${run}`;
    const user = await create({ name });
    expect((await roster.listUsers({ q: name })).data).toEqual([user]);
    expect((await roster.listUsers({ email: user.email })).data).toEqual([user]);
  });
});

it('ends a call when its signal aborts', async () => {
  const controller = new AbortController();
  const call = failure(roster.listUsers({}, { signal: controller.signal }));
  controller.abort();
  expect(await call).toMatchObject({ kind: 'aborted', cause: { name: 'AbortError' } });
});
