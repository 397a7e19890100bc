import type { Limit, StoredLimit } from '../../base/limit.ts';

/** What holds for the whole gateway, or for what is made in it without saying. */
export interface GatewaySettings {
  /** Over all teams together. */
  limits: StoredLimit[];
  /** The limits of new teams, users and tokens for which none are given. */
  defaults: Record<'team' | 'user' | 'token', Limit[]>;
}

export const noSettings: GatewaySettings = { limits: [], defaults: { team: [], user: [], token: [] } };

/** The settings a text of the store holds; none where there is no text. */
export function parseSettings(text: string | null): GatewaySettings {
  // The text is this program's own, written as this type.
  return text === null || text === '' ? noSettings : (JSON.parse(text) as GatewaySettings);
}

/** Where the counters of the gateway's limits are, in place of a team: no team is called so. */
export const gatewayCounterKey = '@';

/** The name of a limit of the gateway: what stands before the stroke finds its counter. */
export function gatewayLimitId(random: string): string {
  return `${gatewayCounterKey}/${random}`;
}
