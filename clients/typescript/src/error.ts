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
  /** The HTTP status. It is 2xx where a success cannot be read, such as a proxy's page. */
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
  const why = response.ok ? 'The answer cannot be read.' : response.statusText || 'No reason given.';
  const detail = typeof problem['detail'] === 'string' ? problem['detail'] : why;
  return make<RosterAnswerError>(`${[status, code].filter(Boolean).join(' ')}: ${detail}`, {
    kind: 'answer',
    status,
    code,
    detail,
    requestId: typeof problem['requestId'] === 'string' ? problem['requestId'] : (response.headers.get('X-Request-Id') ?? undefined),
    errors: Array.isArray(problem['errors']) ? problem['errors'].filter(isFieldError) : [],
    retryAfter: retryAfter(response.headers),
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isFieldError(value: unknown): value is FieldError {
  return isObject(value) && ['pointer', 'code', 'message'].every((name) => typeof value[name] === 'string');
}
