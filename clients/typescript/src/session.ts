import { accessOf, type CallOptions, type RosterClient, send } from './client.js';
import { isUnauthenticated } from './error.js';
import * as generated from './gen/sdk.gen.js';
import type { Identity, SignedIn, SignIn } from './gen/types.gen.js';

/**
 * Starts a session, by which the client calls from then on. A browser keeps it in a cookie that no script
 * sees; elsewhere, and where `credentials` is `omit`, the client asks for the session's token and keeps it.
 * `body.token` asks for one or for the other. Fails with `sign_in_failed`, whatever of it is wrong.
 */
export async function signIn(client: RosterClient, body: SignIn, options?: CallOptions): Promise<SignedIn> {
  const access = accessOf(client);
  const asks = body.token === undefined && !access.cookies ? { ...body, token: true } : body;
  // Of two sessions, one of which nobody knows, that one ends by itself.
  const { data } = await send(client, (base) => generated.signIn({ ...base, body: asks }), options, { open: true, repeatable: true });
  access.set(data.token);
  return data;
}

/** Tells who is calling, by what, and what they may do. Fails with `unauthenticated` if that is nobody. */
export async function getSession(client: RosterClient, options?: CallOptions): Promise<Identity> {
  const { data } = await send(client, (base) => generated.getSession(base), options);
  return data;
}

/** Ends the session, and the client forgets it. It is no failure if it has ended already. */
export async function signOut(client: RosterClient, options?: CallOptions): Promise<void> {
  try {
    await send(client, (base) => generated.signOut(base), options, { renews: false });
  } catch (error) {
    if (!isUnauthenticated(error)) {
      throw error;
    }
  }
  accessOf(client).clear();
}
