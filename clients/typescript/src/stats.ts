import { type CallOptions, type RosterClient, send } from './client.js';
import * as generated from './gen/sdk.gen.js';
import type { GetStatsData, Stats } from './gen/types.gen.js';

/** For how many days, up to today. */
export type GetStatsParams = NonNullable<GetStatsData['query']>;

/**
 * Gives how many users, sessions and keys there are, and what happened on each of the last days, by UTC, the
 * oldest first. The answer may be some minutes old; `generatedAt` says of when it is.
 */
export async function getStats(client: RosterClient, params: GetStatsParams = {}, options?: CallOptions): Promise<Stats> {
  const { data } = await send(client, (base) => generated.getStats({ ...base, query: params }), options);
  return data;
}
