import type { RosterClient, SignInSource } from './client.js';
import { abortedError } from './error.js';
import type { SignIn } from './gen/types.gen.js';
import { signIn } from './session.js';

/**
 * For a client's `signIn`: signs in with an email and a password, which `ask` gives when they are needed
 * and nobody keeps. If `ask` throws, or the server refuses, the calls that wait fail with that error.
 */
export function withPassword(ask: () => Omit<SignIn, 'token'> | Promise<Omit<SignIn, 'token'>>): SignInSource {
  return withSignIn(async (client) => {
    const { email, password } = await ask();
    return (await signIn(client, { email, password })).token;
  });
}

/**
 * For a client's `signIn`: signs in one's own way, such as with a form, or with a token from elsewhere.
 * `source` gives the token, or nothing where a cookie holds the session, or where it has called signIn of the
 * very client. Other calls it makes through the client that it is given, which is signed in as nobody:
 * through its own they would wait for what they are part of.
 */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a form gives nothing
export function withSignIn(source: (client: RosterClient) => string | undefined | Promise<string | undefined | void>): SignInSource {
  return (access, nobody) => {
    let pending: Promise<void> | undefined;

    const renew = async () => {
      const before = access.now();
      const token = (await source(nobody())) ?? undefined;
      // Without a token a cookie holds the session, unless somebody has signed in by hand meanwhile.
      if (token !== undefined || access.now() === before) {
        access.set(token);
      }
    };

    return async (refused, signal) => {
      if (pending || access.now() === refused) {
        if (signal?.aborted) {
          throw abortedError(signal.reason);
        }
        pending ??= renew().finally(() => (pending = undefined));
        await unlessAborted(pending, signal);
      }
      return access.now();
    };
  };
}

/** Waits for what others wait for too: the signal frees this one only. */
function unlessAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(abortedError(signal?.reason));
    signal?.addEventListener('abort', stop, { once: true });
    void work.then(resolve, reject).finally(() => signal?.removeEventListener('abort', stop));
  });
}
