import { ErrorCode, type FieldError } from './gen/types.gen.js';

/** What every {@link RosterError} has. */
interface Failed extends Error {
  readonly name: 'RosterError';
}

/** No answer came, or it broke off: nobody knows whether the request was carried out. */
export interface RosterNetworkError extends Failed {
  readonly kind: 'network';
  /** What `fetch` threw. */
  readonly cause: unknown;
  readonly status?: undefined;
  readonly code?: undefined;
}

/** An AbortSignal ended the call. */
export interface RosterAbortedError extends Failed {
  readonly kind: 'aborted';
  /** The signal's reason: an `AbortError`, a `TimeoutError`, or what the caller gave. */
  readonly cause: unknown;
  readonly status?: undefined;
  readonly code?: undefined;
}

/** An answer came, and it is not a success. */
export interface RosterAnswerError extends Failed {
  readonly kind: 'answer';
  /**
   * The HTTP status. It is 2xx where a success cannot be read, such as a proxy's page; and 3xx, in a browser
   * 0, for a redirect, which is not followed.
   */
  readonly status: number;
  /**
   * What went wrong, in a stable word. Undefined if the answer is not Roster's own, or if its word is
   * newer than this package; the word is in {@link RosterAnswerError.body} then.
   */
  readonly code: ErrorCode | undefined;
  /** What went wrong, in a sentence for people. */
  readonly detail: string;
  /** The id of the request, as in the server's log. */
  readonly requestId: string | undefined;
  /** The parts of the request that break a rule. */
  readonly errors: readonly FieldError[];
  /** Seconds that the server asks to wait (RFC 9110, section 10.2.3). */
  readonly retryAfter: number | undefined;
  /** With `forbidden`: the permission that was missing, where it is one that is missing. */
  readonly permission: string | undefined;
  /** With `secret_not_replayable`: the id of what was made. */
  readonly resourceId: string | undefined;
  /** The body as it came: an `ApiError` from Roster, anything from others, text if it is not JSON. */
  readonly body: unknown;
}

/**
 * What a failed call throws. `kind` tells a network failure from an answer, and narrows the type; so
 * does comparing `code` or `status` with a value.
 */
export type RosterError = RosterNetworkError | RosterAbortedError | RosterAnswerError;

/** For `error instanceof RosterError`, which narrows to the union. Only this package makes them. */
export const RosterError: abstract new (...args: never) => RosterError = /* @__PURE__ */ (() =>
  class RosterError extends Error {
    constructor(message: string, { cause, ...fields }: { cause?: unknown }) {
      super(message, cause === undefined ? undefined : { cause });
      Object.assign(this, fields);
    }
    static {
      // On the prototype, as Error's own name is, so that logs do not show it twice.
      Object.defineProperty(this.prototype, 'name', { value: 'RosterError', configurable: true });
    }
  } as never)();

/** Whether the server does not know the caller: no key or session, or none that is valid any more (401). */
export function isUnauthenticated(error: unknown): error is RosterAnswerError & { readonly code: 'unauthenticated' } {
  return error instanceof RosterError && error.code === 'unauthenticated';
}

/** Whether the caller is known and may not do this (403); see {@link RosterAnswerError.permission}. */
export function isForbidden(error: unknown): error is RosterAnswerError & { readonly code: 'forbidden' } {
  return error instanceof RosterError && error.code === 'forbidden';
}

/** Whether it was too much for now (429), for Roster or a proxy; see {@link RosterAnswerError.retryAfter}. */
export function isRateLimited(error: unknown): error is RosterAnswerError & { readonly status: 429 } {
  return error instanceof RosterError && error.status === 429;
}

type Fields<E> = Omit<E, 'name' | 'message' | 'stack' | 'status' | 'code'> & Partial<Pick<RosterAnswerError, 'status' | 'code'>>;

function make<E extends RosterError>(message: string, fields: Fields<E>): E {
  return new (RosterError as unknown as new (message: string, fields: object) => E)(message, fields);
}

export function networkError(cause: unknown): RosterNetworkError {
  const why = cause instanceof Error && cause.message ? `: ${cause.message}` : '';
  return make<RosterNetworkError>(`No answer from Roster${why}`, { kind: 'network', cause });
}

export function abortedError(cause: unknown): RosterAbortedError {
  const timeout = cause instanceof Error && cause.name === 'TimeoutError';
  return make<RosterAbortedError>(timeout ? 'The call timed out' : 'The call was aborted', { kind: 'aborted', cause });
}

/** An answer that is no success, with its body: JSON if it was, else text. */
export function answerError(response: Response, body: unknown): RosterAnswerError {
  const problem = isObject(body) ? body : {};
  const { status } = response;
  const code = known(problem['code']);
  const redirect = response.type === 'opaqueredirect' || (status >= 300 && status < 400);
  const why = response.ok ? 'The answer cannot be read.' : redirect ? 'A redirect, which is not followed.' : response.statusText || 'No reason given.';
  const detail = text(problem['detail']) ?? why;
  const what = [status, code].filter(Boolean).join(' ');
  return make<RosterAnswerError>([what, detail].filter(Boolean).join(': '), {
    kind: 'answer',
    status,
    code,
    detail,
    requestId: text(problem['requestId']) ?? response.headers.get('X-Request-Id') ?? undefined,
    errors: Array.isArray(problem['errors']) ? problem['errors'].filter(isFieldError) : [],
    retryAfter: retryAfter(response.headers),
    permission: text(problem['permission']),
    resourceId: text(problem['resourceId']),
    body,
  });
}

/** Retry-After in seconds: a number of them or an HTTP-date, which is measured by the server's clock. */
function retryAfter(headers: Headers): number | undefined {
  const value = headers.get('Retry-After')?.trim() ?? '';
  if (/^\d+$/.test(value)) {
    return Number(value);
  }
  // Date.parse alone reads a date into nearly everything; each HTTP-date ends so or is obsolete.
  const until = value.endsWith(' GMT') ? Date.parse(value) : NaN;
  const now = Date.parse(headers.get('Date') ?? '') || Date.now();
  return Number.isNaN(until) ? undefined : Math.max(0, (until - now) / 1000);
}

function known(code: unknown): ErrorCode | undefined {
  return Object.values(ErrorCode).find((word) => word === code);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isFieldError(value: unknown): value is FieldError {
  return isObject(value) && ['pointer', 'code', 'message'].every((name) => typeof value[name] === 'string');
}
