import { type Access, createAccess, nothing, type Renewal } from './access.js';
import { abortedError, answerError, networkError, type RosterError } from './error.js';
import { createClient as createGenerated, createConfig, type Client as Generated } from './gen/client/index.js';
import { isRepeatable, retryWait, sleep } from './retry.js';

/** How a client signs in by itself. {@link withPassword} and {@link withSignIn} make one. */
export type SignInSource = (access: Access, nobody: () => RosterClient) => Renewal;

/** Where the server is, and how to talk to it. */
export interface RosterOptions {
  /** The server's address, such as `https://roster.example.org`; in a browser `/` is the page's own. */
  baseUrl: string;
  /** Instead of the global `fetch`. */
  fetch?: ((request: Request) => Promise<Response>) | undefined;
  /** Headers of every request. */
  headers?: RequestInit['headers'] | undefined;
  /** A service's key (`rst_...`). Without a key, a token and signIn, a browser's cookie says who calls. */
  key?: string | undefined;
  /** A session's token (`rss_...`), as signIn gave it. */
  token?: string | undefined;
  /**
   * How to sign in: before the first call where no cookie can be there already, and when the server says
   * `unauthenticated`. Calls that wait for it are sent, or sent again, once; if it fails they fail with its error.
   */
  signIn?: SignInSource | undefined;
  /**
   * Whether a browser sends and keeps cookies: by default to and from the page's own origin; `include` for
   * a server of another origin, `omit` for none, and then signing in gives a token.
   */
  credentials?: RequestInit['credentials'] | undefined;
  /** How many times a request is sent again at most; 2 by default, 0 for never. The README has the rules. */
  retries?: number | undefined;
  /** The longest wait that Retry-After may ask for, in milliseconds; beyond it the call fails. 30,000 by default. */
  maxRetryWait?: number | undefined;
  /** Ends every call once it aborts. Beside a call's own it needs `AbortSignal.any`: Node 20.3, browsers of 2024. */
  signal?: AbortSignal | undefined;
}

/** What every call takes last. */
export interface CallOptions {
  /** Ends the call, its waiting between tries too. `AbortSignal.timeout(ms)` bounds the whole call. */
  signal?: AbortSignal | undefined;
  /** More headers. */
  headers?: RequestInit['headers'] | undefined;
}

/** What a conditional read takes. */
export interface ReadOptions extends CallOptions {
  /** The ETag of the version that the caller has; if it still holds, the call gives null. */
  ifNoneMatch?: string | undefined;
}

/** What a conditional write takes. */
export interface WriteOptions extends CallOptions {
  /**
   * The ETag of the version that the caller has seen. If it no longer holds, nothing is written and the
   * call fails with `precondition_failed`. Without it the last write wins.
   */
  ifMatch?: string | undefined;
}

/** What a call takes that makes something. */
export interface CreateOptions extends CallOptions {
  /**
   * One's own Idempotency-Key, 1 to 255 visible ASCII characters, instead of a random one: for 24 hours the
   * server carries out one call of a caller with it, however often it is sent, also after the caller's restart.
   */
  idempotencyKey?: string | undefined;
}

/** A way to one server, for the operations that stand alone, such as `getUser(client, id)`. */
export interface RosterClient {
  /** The server's address, without a slash at the end. */
  readonly baseUrl: string;
}

interface Connection extends RosterClient {
  readonly generated: Generated;
  readonly retries: number;
  readonly maxRetryWait: number;
  readonly signal: AbortSignal | undefined;
  readonly access: Access;
  readonly renew: Renewal | undefined;
}

/** Makes a way to one server. It connects to nothing yet. */
export function createClient(options: RosterOptions): RosterClient {
  const { fetch, headers, key, token, signIn, credentials, retries = 2, maxRetryWait = 30_000, signal } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, '');
  if (key !== undefined && (token ?? signIn) !== undefined) {
    throw new TypeError('A client calls by a key, or by a session: not by both');
  }
  // What has an origin is a browser, where no script needs to see a token.
  const cookies = credentials !== 'omit' && typeof location === 'object';
  const access = createAccess(key ?? token, cookies);
  const connection: Connection = {
    baseUrl,
    // The generated client calls fetch with a Request, and looks for the global one at each call.
    generated: createGenerated(
      createConfig({
        baseUrl,
        headers: new Headers(headers),
        // Else an answer that is not JSON would pass for a success.
        parseAs: 'json',
        // Roster never redirects, and what is sent is for nobody else.
        redirect: 'manual',
        ...(fetch && { fetch: fetch as typeof globalThis.fetch }),
        ...(credentials && { credentials }),
      }),
    ),
    retries,
    maxRetryWait,
    signal,
    access,
    renew: signIn?.(access, () => ({ ...connection, access: createAccess(undefined, cookies), renew: undefined }) as RosterClient),
  };
  return connection;
}

/** Gives what calls of this client show to be known. */
export function accessOf(client: RosterClient): Access {
  return (client as Connection).access;
}

/** What the generated functions take from here. Their own headers are a plain object. */
interface Base {
  client: Generated;
  headers: Record<string, string>;
  signal?: AbortSignal;
}

/** What the generated functions give: it never throws, and without an answer response is missing. */
interface Result {
  data?: unknown;
  error?: unknown;
  request?: Request;
  response?: Response;
}

/** What is special about an operation. */
interface Manner {
  /** It is sent by nobody: it shows no credential, and needs none. */
  open?: boolean;
  /** It is sent by the session that there is, or not at all: for it nobody signs in. */
  renews?: boolean;
  /** Whether sending it twice does what sending it once does, where the method does not tell. */
  repeatable?: boolean;
}

/** Calls a generated function until it succeeds, may not be repeated or has been often enough. */
export async function send<R extends Result>(
  client: RosterClient,
  call: (base: Base) => Promise<R>,
  options: CallOptions = {},
  manner: Manner = {},
): Promise<{ data: Exclude<R['data'], undefined>; response: Response }> {
  const { generated, retries, maxRetryWait, signal: always, access, renew } = client as Connection;
  const signal = options.signal && always ? AbortSignal.any([options.signal, always]) : (options.signal ?? always);
  const headers = Object.fromEntries(new Headers(options.headers));
  const known = !manner.open && !('authorization' in headers);
  let renewal = known && manner.renews !== false ? renew : undefined;
  // A cookie may be there already: that is worth a try.
  let pass = !known ? nothing : renewal ? await renewal(access.cookies ? undefined : nothing, signal) : access.now();
  for (let attempt = 0; ; ) {
    const base: Base = { client: generated, headers: { ...pass.headers, ...headers }, ...(signal && { signal }) };
    const result: Result = await call(base);
    if (result.request === undefined) {
      throw result.error; // not a failure but a mistake in the call: no request could be made of it
    }
    const { response, failure } = judge(result, signal);
    if (failure === undefined) {
      return { data: result.data as Exclude<R['data'], undefined>, response };
    }
    if (renewal && failure.code === 'unauthenticated') {
      pass = await renewal(pass, signal);
      renewal = undefined; // once is help, twice is a loop
      continue;
    }
    const repeatable = manner.repeatable ?? isRepeatable(result.request);
    const wait = attempt < retries ? retryWait(failure, repeatable, attempt, maxRetryWait) : undefined;
    if (wait === undefined) {
      throw failure;
    }
    await sleep(wait, signal).catch((reason: unknown) => {
      throw abortedError(reason);
    });
    attempt++;
  }
}

/** Refuses an id that would make another path of the URL. */
export function segment(id: string): string {
  if (id === '' || id === '.' || id === '..') {
    throw new TypeError(`Not an id: ${JSON.stringify(id)}`);
  }
  return id;
}

type Verdict = { response: Response; failure?: undefined } | { response?: undefined; failure: RosterError };

function judge({ data, error, response }: Result, signal: AbortSignal | undefined): Verdict {
  // Parsed JSON is never an Error: this one was thrown, by fetch or while the body came in.
  const unreadable = error instanceof SyntaxError;
  if (response === undefined || (error instanceof Error && !unreadable)) {
    return { failure: signal?.aborted ? abortedError(signal.reason) : networkError(error) };
  }
  if (response.status === 304 || response.status === 204) {
    return { response };
  }
  // The generated client makes {} of an empty body.
  const empty = error === undefined && (typeof data !== 'object' || data === null || Object.keys(data).length === 0);
  if (unreadable || empty) {
    return { failure: answerError(response, undefined) };
  }
  return error === undefined ? { response } : { failure: answerError(response, error) };
}
