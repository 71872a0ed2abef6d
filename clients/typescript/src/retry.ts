import type { RosterError } from './error.js';

const firstWait = 250;
const longestBackoff = 4_000;
const longestTimer = 2 ** 31 - 1;

/**
 * How long to wait before the same request may be sent again, in milliseconds; undefined: it may not.
 * attempt counts from 0.
 */
export function retryWait(failure: RosterError, repeatable: boolean, attempt: number, maxWait: number): number | undefined {
  switch (failure.kind) {
    case 'aborted':
      return undefined;
    case 'network':
      return repeatable ? backoff(attempt) : undefined;
    case 'answer': {
      // In flight: an earlier try of this very call is still being carried out.
      const refused = failure.status === 429 || failure.status === 503 || failure.code === 'idempotency_in_flight';
      if (refused && failure.retryAfter !== undefined) {
        // Never earlier than asked; longer than the caller's patience: not at all.
        const wait = failure.retryAfter * 1000;
        return wait <= Math.min(maxWait, longestTimer) ? wait + Math.random() * firstWait : undefined;
      }
      const passing = refused || failure.status === 502 || failure.status === 504;
      return passing && repeatable ? backoff(attempt) : undefined;
    }
  }
}

/**
 * Whether sending a request twice does what sending it once does (RFC 9110, section 9.2.2). Not so with
 * If-Match: if the first one was carried out after all, the second fails for a change of one's own.
 * A call with an Idempotency-Key is carried out once.
 */
export function isRepeatable({ method, headers }: Request): boolean {
  return method === 'GET' || ((method === 'PUT' || method === 'DELETE') && !headers.has('If-Match')) || headers.has('Idempotency-Key');
}

/** Doubles from try to try; the upper half is random, so that clients do not come back in step. */
function backoff(attempt: number): number {
  return Math.min(firstWait * 2 ** attempt, longestBackoff) * (0.5 + Math.random() / 2);
}

/** Waits, or rejects with the signal's reason as soon as it aborts. */
export function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller's own reason
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) {
      stop();
    }
  });
}
