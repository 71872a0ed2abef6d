import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';

import { createRoster, RosterError } from '../src/index.js';
import { ada, down, json, problem, type Step, stub } from './stub.js';

async function failure(call: Promise<unknown>): Promise<RosterError> {
  const error: unknown = await call.then(
    () => expect.fail('the call succeeded'),
    (e: unknown) => e,
  );
  if (!(error instanceof RosterError)) {
    throw error;
  }
  expect(error).toBeInstanceOf(Error);
  expect(error.name).toBe('RosterError');
  return error;
}

const get = (step: Step) => failure(createRoster({ ...stub(step).options, retries: 0 }).getUser(ada.id));

it('tells what the server answered', async () => {
  const errors = [{ pointer: '/email', code: 'invalid_format', message: 'must be an email address' }];
  const error = await get(problem(422, 'validation_failed', {}, { errors }));
  expect(error).toMatchObject({
    kind: 'answer',
    status: 422,
    code: 'validation_failed',
    detail: 'A detail.',
    requestId: 'r1',
    errors,
    retryAfter: undefined,
    message: '422 validation_failed: A detail.',
    body: { title: 'A title', code: 'validation_failed' },
  });
});

it('keeps a word that is newer than the package in the body', async () => {
  const error = await get(problem(409, 'new_word'));
  expect(error).toMatchObject({ kind: 'answer', status: 409, code: undefined, body: { code: 'new_word' } });
});

it.each<[string, Response, object]>([
  ['a page of a proxy', new Response('<h1>Bad Gateway</h1>', { status: 502, statusText: 'Bad Gateway' }), { status: 502, detail: 'Bad Gateway', body: '<h1>Bad Gateway</h1>' }],
  ['no body', new Response(null, { status: 504, headers: { 'X-Request-Id': 'h1' } }), { status: 504, detail: 'No reason given.', requestId: 'h1' }],
  ['null', json(null, 500), { status: 500 }],
  ['a number', json(7, 500), { status: 500, body: 7 }],
  ['fields of other types', json({ code: 7, detail: [], requestId: {}, errors: 'x' }, 500), { status: 500, errors: [], requestId: undefined }],
  ['errors of other types', json({ errors: [null, 1, { pointer: '/a' }] }, 422), { status: 422, errors: [] }],
])('is an answer without a code: %s', async (_, response, expected) => {
  expect(await get(response)).toMatchObject({ kind: 'answer', code: undefined, ...expected });
});

it.each([
  ['a page', new Response('<h1>Sign in</h1>', { headers: { 'Content-Type': 'text/html' } })],
  ['nothing', new Response('', { headers: { 'Content-Type': 'application/json' } })],
  ['nothing, with a length', new Response('', { headers: { 'Content-Length': '0' } })],
  ['null', json(null)],
  ['half a body', new Response('{"id": "01', { headers: { 'Content-Type': 'application/json' } })],
])('takes no 200 for a success whose body is %s', async (_, response) => {
  expect(await get(response)).toMatchObject({ kind: 'answer', status: 200, code: undefined, detail: 'The answer cannot be read.' });
});

it('follows no redirect, since what was sent is for nobody else', async () => {
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/api')) {
      response.writeHead(307, { Location: '/elsewhere' }).end();
    } else {
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(ada));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const roster = createRoster({ baseUrl: `http://localhost:${port}` });
  for (const call of [() => roster.getUser(ada.id), () => roster.signIn({ email: ada.email, password: 'correct horse' })]) {
    expect(await failure(call())).toMatchObject({ kind: 'answer', status: 307, message: '307: A redirect, which is not followed.' });
  }
  // As a browser has it.
  const opaque = Object.defineProperties(Response.error(), { type: { value: 'opaqueredirect' } });
  expect(await failure(createRoster(stub(() => opaque).options).getUser(ada.id))).toMatchObject({ status: 0, message: 'A redirect, which is not followed.' });
});

it.each([
  ['7', 7],
  ['0', 0],
  ['Sat, 14 Mar 2026 09:26:53 GMT', 13],
  ['Sat, 14 Mar 2026 09:26:33 GMT', 0],
  ['-1', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['', undefined],
])('reads Retry-After: %s', async (value, seconds) => {
  const error = await get(problem(429, 'x', { 'Retry-After': value, Date: 'Sat, 14 Mar 2026 09:26:40 GMT' }));
  expect(error).toMatchObject({ kind: 'answer', retryAfter: seconds });
});

it('measures a date by its own clock if the server shows none', async () => {
  const error = await get(problem(503, 'unavailable', { 'Retry-After': new Date(Date.now() + 60_000).toUTCString() }));
  expect(error.kind === 'answer' && error.retryAfter).toSatisfy((s: number) => s > 55 && s <= 60);
});

it('tells that there was no answer', async () => {
  const error = await get(down);
  expect(error).toMatchObject({ kind: 'network', message: 'No answer from Roster: fetch failed', cause: { message: 'fetch failed' } });
  expect(error.status).toBeUndefined();
  expect(error.code).toBeUndefined();
});

it('tells that nobody listens, and that a connection broke in the middle of an answer', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' });
    response.write('{"id":');
    setTimeout(() => response.destroy(), 20);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const roster = createRoster({ baseUrl: `http://localhost:${port}`, retries: 0 });
  expect(await failure(roster.getUser(ada.id))).toMatchObject({ kind: 'network' });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(await failure(roster.getUser(ada.id))).toMatchObject({ kind: 'network' });
});

it('tells that the caller gave up, by either signal', async () => {
  const reason = new Error('changed my mind');
  const never = stub((request) => new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(request.signal.reason as Error))));

  const own = new AbortController();
  const call = failure(createRoster(never.options).getUser(ada.id, { signal: own.signal }));
  own.abort(reason);
  expect(await call).toMatchObject({ kind: 'aborted', cause: reason, message: 'The call was aborted' });

  const all = new AbortController();
  const roster = createRoster({ ...never.options, signal: all.signal });
  const calls = [failure(roster.getUser(ada.id)), failure(roster.getUser(ada.id, { signal: new AbortController().signal }))];
  all.abort(reason);
  expect(await Promise.all(calls)).toMatchObject([{ kind: 'aborted', cause: reason }, { kind: 'aborted', cause: reason }]);

  const late = await failure(createRoster(never.options).getUser(ada.id, { signal: AbortSignal.timeout(5) }));
  expect(late).toMatchObject({ kind: 'aborted', cause: { name: 'TimeoutError' }, message: 'The call timed out' });
});

it('sends nothing once the signal has aborted', async () => {
  const { options } = stub(json(ada));
  expect(await failure(createRoster(options).getUser(ada.id, { signal: AbortSignal.abort() }))).toMatchObject({ kind: 'aborted' });
});

it('throws a mistake in the call as what it is', async () => {
  const { options, requests } = stub(json(ada));
  await expect(createRoster({ ...options, baseUrl: 'http://:0:0' }).getUser(ada.id)).rejects.toBeInstanceOf(TypeError);
  for (const id of ['', '.', '..']) {
    await expect(createRoster(options).deleteUser(id)).rejects.toThrow(`Not an id: "${id}"`);
  }
  expect(requests).toHaveLength(0);
});
