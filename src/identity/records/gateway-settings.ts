import { z } from 'zod';
import { endUserLimits, limits } from '../../base/fields.ts';
import type { Stored } from './identity.ts';

export const settingsFields = z.strictObject({
  /** Over all teams together. */
  limits,
  /** What each end user of each team may use. Absent: no such limits. */
  end_user_limits: endUserLimits.exactOptional(),
  /** The limits of new teams, users and tokens for which none are given. */
  defaults: z.strictObject({ team: limits, user: limits, token: limits }),
});
/** Limits of the whole gateway, and the default limits of new records. */
export type GatewaySettings = Stored<z.infer<typeof settingsFields>>;

const noSettings: GatewaySettings = { limits: [], defaults: { team: [], user: [], token: [] } };

/** Settings from their stored text; none if there is no text. */
export function parseSettings(text: string | null): GatewaySettings {
  // The text is this program's own, written as this type.
  return text === null || text === '' ? noSettings : (JSON.parse(text) as GatewaySettings);
}

/** Takes the place of a team in the keys of the gateway's counters. No team can have this id. */
export const gatewayCounterKey = '@';

/** The id of a limit of the gateway. The part before the slash names the key of its counter. */
export function gatewayLimitId(random: string): string {
  return `${gatewayCounterKey}/${random}`;
}
