// The golden vectors of openapi/vectors: each goes through the client's own path, a response in from a
// server, a request out to one, and must be the same at the other end.
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { createRoster, RosterError, type ApiError } from '../src/index.js';
import { compile } from './compile.js';
import { ada, json, stub } from './stub.js';

interface File {
  type: string;
  direction: 'request' | 'response';
  cases: { name: string; json: never }[];
}

const folder = new URL('../../../openapi/vectors/', import.meta.url);
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as File);

/** What the client makes of an answer. */
const decode: Record<string, (value: never) => Promise<unknown>> = {
  User: (value) => createRoster(stub(json(value)).options).getUser(ada.id),
  PaginatedResponseUser: (value) => createRoster(stub(json(value)).options).listUsers(),
  Pagination: async (value) => (await createRoster(stub(json({ data: [ada], pagination: value })).options).listUsers()).pagination,
  Identity: (value) => createRoster(stub(json(value)).options).getSession(),
  SignedIn: (value) => createRoster(stub(json(value, 201)).options).signIn({ email: '', password: '' }),
  PasswordReset: (value) => createRoster(stub(json(value, 201)).options).createPasswordReset(ada.id),
  Session: async (value) => (await createRoster(stub(json({ data: [value], pagination: {} })).options).listSessions()).data[0],
  PaginatedResponseSession: (value) => createRoster(stub(json(value)).options).listSessions(),
  Key: async (value) => (await createRoster(stub(json({ data: [value], pagination: {} })).options).listKeys()).data[0],
  PaginatedResponseKey: (value) => createRoster(stub(json(value)).options).listKeys(),
  KeyCreated: (value) => createRoster(stub(json(value, 201)).options).createKey({ name: '', scopes: [] }),
  KeyRotated: (value) => createRoster(stub(json(value, 201)).options).rotateKey(ada.id),
  AuditEntry: async (value) => (await createRoster(stub(json({ data: [value], pagination: {} })).options).listAudit()).data[0],
  PaginatedResponseAuditEntry: (value) => createRoster(stub(json(value)).options).listAudit(),
  Stats: (value) => createRoster(stub(json(value)).options).getStats(),
  UserCounts: async (value) => (await createRoster(stub(json({ users: value })).options).getStats()).users,
  RoleCounts: async (value) => (await createRoster(stub(json({ users: { byRole: value } })).options).getStats()).users.byRole,
  DayCounts: async (value) => (await createRoster(stub(json({ days: [value] })).options).getStats()).days[0],
  ApiError: async (value: ApiError) => {
    const error = await fail(value);
    const { status, code, detail, requestId, errors, permission, resourceId } = error;
    expect({ status, code, detail, requestId, errors, permission, resourceId }).toEqual({
      status: value.status,
      code: value.code,
      detail: value.detail,
      requestId: value.requestId,
      errors: value.errors,
      permission: value.permission,
      resourceId: value.resourceId,
    });
    return error.body;
  },
  FieldError: async (value) => (await fail({ status: 422, errors: [value] })).errors[0],
};

/** What the client sends. */
const encode: Record<string, (value: never) => Promise<unknown>> = {
  UserCreate: (value) => sent((roster) => roster.createUser(value)),
  UserReplace: (value) => sent((roster) => roster.replaceUser(ada.id, value)),
  UserUpdate: (value) => sent((roster) => roster.updateUser(ada.id, value)),
  SignIn: (value) => {
    vi.stubGlobal('location', {}); // elsewhere than in a browser the client adds that it wants a token
    return sent((roster) => roster.signIn(value));
  },
  PasswordSet: (value) => sent((roster) => roster.setPassword(ada.id, value)),
  PasswordResetRedeem: (value) => sent((roster) => roster.redeemPasswordReset(value)),
  KeyCreate: (value) => sent((roster) => roster.createKey(value)),
  KeyRotate: (value) => sent((roster) => roster.rotateKey(ada.id, value)),
};

async function fail(body: Partial<ApiError>) {
  const { options } = stub(json(body, body.status, { 'Content-Type': 'application/problem+json' }));
  const error = await createRoster({ ...options, retries: 0 })
    .getUser(ada.id)
    .catch((e: unknown) => e);
  if (error instanceof RosterError && error.kind === 'answer') {
    return error;
  }
  throw error;
}

async function sent(call: (roster: ReturnType<typeof createRoster>) => Promise<unknown>) {
  const { requests, options } = stub(json(ada));
  await call(createRoster(options));
  return JSON.parse((await requests[0]?.text()) ?? '') as unknown;
}

afterEach(() => void vi.unstubAllGlobals());

it('has vectors', () => expect(files.length).toBeGreaterThan(0));

describe.each(files)('$type', ({ type, direction, cases }) => {
  const through = (direction === 'response' ? decode : encode)[type];
  it.each(cases)('$name', async ({ json }) => {
    if (!through) {
      expect.fail(`This test does not know the ${direction} ${type}: add it above.`);
    }
    expect(JSON.parse(JSON.stringify(await through(json)))).toStrictEqual(json);
  });
});

it('are of the types that the package says', () => {
  const lines = files.flatMap(({ type, cases }) => cases.map(({ json }) => `export const ${type}${next()}: api.${type} = ${JSON.stringify(json)};`));
  expect(compile({ 'test/vectors.ts': ["import type * as api from '../src/gen/types.gen.js';", ...lines].join('\n') })).toEqual([]);
});

let count = 0;
function next(): number {
  return count++;
}
