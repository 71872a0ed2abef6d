import { type CallOptions, type RosterClient, segment, send } from './client.js';
import * as generated from './gen/sdk.gen.js';
import type { PasswordReset, PasswordResetRedeem, PasswordSet } from './gen/types.gen.js';

/** Changes the caller's own password, and ends their other sessions. Fails with `wrong_password`. */
export async function setPassword(client: RosterClient, id: string, body: PasswordSet, options?: CallOptions): Promise<void> {
  // After a first one that was carried out, a second one would fail for the old password.
  await send(client, (base) => generated.setPassword({ ...base, path: { id: segment(id) }, body }), options, { repeatable: false });
}

/** Makes a token by which a user chooses a new password, for a link to them. It holds once, and for an hour. */
export async function createPasswordReset(client: RosterClient, id: string, options?: CallOptions): Promise<PasswordReset> {
  const { data } = await send(client, (base) => generated.createPasswordReset({ ...base, path: { id: segment(id) } }), options);
  return data;
}

/** Sets a password by the token of a reset; anyone may. All sessions of the user end. Fails with `reset_invalid`. */
export async function redeemPasswordReset(client: RosterClient, body: PasswordResetRedeem, options?: CallOptions): Promise<void> {
  await send(client, (base) => generated.redeemPasswordReset({ ...base, body }), options, { open: true });
}
