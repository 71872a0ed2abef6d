import type { RosterOptions, User } from '../src/index.js';

/** One answer of a stub: what to give, or a function that throws as fetch does. */
export type Step = Response | ((request: Request) => Response | Promise<Response>);

/** A fetch that gives one answer after the other, the last one for ever, and keeps what was sent. */
export function stub(...steps: Step[]) {
  const requests: Request[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    const step = steps[Math.min(requests.push(request), steps.length) - 1];
    if (step === undefined) {
      throw new Error('the stub has no answers');
    }
    request.signal.throwIfAborted();
    return typeof step === 'function' ? step(request) : step.clone();
  };
  return { requests, options: { baseUrl: 'http://roster.test', fetch } satisfies RosterOptions };
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } });
}

export function problem(status: number, code: string, headers: Record<string, string> = {}, more: object = {}): Response {
  const body = { type: 'about:blank', title: 'A title', status, detail: 'A detail.', code, requestId: 'r1', errors: [], ...more };
  return json(body, status, { 'Content-Type': 'application/problem+json', ...headers });
}

/** Fails as fetch does when nobody answers. */
export function down(): never {
  throw new TypeError('fetch failed');
}

export const ada: User = {
  id: '019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21',
  name: 'Ada Lovelace',
  email: 'ada@example.org',
  role: 'viewer',
  disabled: false,
  createdAt: '2026-03-14T09:26:53.589793Z',
  updatedAt: '2026-03-14T09:26:53.589793Z',
};
