import { type GatewaySettings, gatewayLimitId, parseSettings } from '../records/gateway-settings.ts';
import type { Limit } from '../../base/limit.ts';
import type { Refusal } from '../../base/refusal.ts';
import { newId } from '../records/token-text.ts';
import type { SettingsChange } from '../schemas/requests.ts';
import { type Precondition, unmet } from './precondition.ts';
import { changedLimits, withoutLimitIds } from './limits.ts';
import { tooLarge } from './record-size.ts';
import { type Identities, maxAttempts, tooManyChanges } from './records.ts';

/** The settings of the gateway. */
export async function getSettings({ identities }: Identities): Promise<GatewaySettings> {
  return parseSettings(await identities.readSettings());
}

/** Changes the settings: fields left out stay, null clears. Of two changes at once neither is lost. */
export async function changeSettings(
  { identities }: Identities,
  change: SettingsChange,
  precondition: Precondition,
): Promise<GatewaySettings | Refusal> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const text = await identities.readSettings();
    const settings = parseSettings(text);
    const refusal = unmet(precondition, settings);
    if (refusal) return refusal;
    const next = changed(settings, change);
    const large = tooLarge(next, settings);
    if (large) return large;
    if ((await identities.replaceSettings(text, JSON.stringify(next))) === 'replaced') return next;
  }
  return tooManyChanges('The settings are');
}

/** The settings in the form of the admin API. */
export function toSettingsResponse({ limits: stored, defaults, ...rest }: GatewaySettings): object {
  const { team, user, token } = defaults;
  return {
    ...withoutLimitIds({ limits: stored }),
    ...rest,
    defaults: { team: { limits: team }, user: { limits: user }, token: { limits: token } },
  };
}

function changed(
  before: GatewaySettings,
  { limits: asked, end_user_limits: ofEndUsers = before.end_user_limits, defaults }: SettingsChange,
): GatewaySettings {
  const kept = (kind: keyof GatewaySettings['defaults']): Limit[] => {
    if (defaults === null) return [];
    const given = defaults?.[kind];
    return given === undefined ? before.defaults[kind] : [...(given?.limits ?? [])];
  };
  return {
    limits: changedLimits(asked, before.limits, () => gatewayLimitId(newId())),
    ...(ofEndUsers ? { end_user_limits: ofEndUsers } : {}),
    defaults: { team: kept('team'), user: kept('user'), token: kept('token') },
  };
}
