import { z } from 'zod';
import { limits } from '../../base/fields.ts';
import { type GatewaySettings, gatewayLimitId, parseSettings } from '../records/gateway-settings.ts';
import type { Limit } from '../../base/limit.ts';
import { Refusal } from '../../base/refusal.ts';
import type { IdentityDeps } from './identity-deps.ts';
import { type Precondition, unmet } from './precondition.ts';
import { changedLimits, shown } from './stored-limits.ts';

const maxAttempts = 20;

const defaultsOf = z.strictObject({ limits: limits.nullish() }).nullish();

/** The body of `PATCH /admin/settings`: what is left out stays, null clears. */
export const settingsChange = z.strictObject({
  limits: limits.nullish(),
  defaults: z.strictObject({ team: defaultsOf, user: defaultsOf, token: defaultsOf }).nullish(),
});
export type SettingsChange = z.infer<typeof settingsChange>;

/** The settings as they are. */
export async function getSettings({ identities }: IdentityDeps): Promise<GatewaySettings> {
  return parseSettings(await identities.readSettings());
}

/** Changes the settings; of two changes at once neither is lost. */
export async function changeSettings(
  deps: IdentityDeps,
  change: SettingsChange,
  precondition: Precondition,
): Promise<GatewaySettings | Refusal> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const text = await deps.identities.readSettings();
    const settings = parseSettings(text);
    const refusal = unmet(precondition, settings);
    if (refusal) return refusal;
    const next = changed(settings, change, deps.randomId);
    if ((await deps.identities.replaceSettings(text, JSON.stringify(next))) === 'replaced') return next;
  }
  const message = 'The settings are being changed by others at this moment. Try again.';
  return new Refusal('overloaded', message, { headers: { 'retry-after': '1' } });
}

/** The settings as the admin API shows them. */
export function settingsResponse({ limits: stored, defaults }: GatewaySettings): object {
  const asObject = (list: Limit[]): object => ({ limits: list });
  return {
    ...shown({ limits: stored }),
    defaults: {
      team: asObject(defaults.team),
      user: asObject(defaults.user),
      token: asObject(defaults.token),
    },
  };
}

/** The limits of something new: those given, else the defaults of its kind. */
export async function limitsOfNew(
  deps: IdentityDeps,
  kind: keyof GatewaySettings['defaults'],
  asked: readonly Limit[] | null | undefined,
): Promise<readonly Limit[]> {
  return asked ?? (asked === null ? [] : (await getSettings(deps)).defaults[kind]);
}

function changed(
  before: GatewaySettings,
  { limits: asked, defaults }: SettingsChange,
  randomId: () => string,
): GatewaySettings {
  const kept = (kind: keyof GatewaySettings['defaults']): Limit[] => {
    if (defaults === null) return [];
    const given = defaults?.[kind];
    return given === undefined ? before.defaults[kind] : [...(given?.limits ?? [])];
  };
  return {
    limits: changedLimits(asked, before.limits, () => gatewayLimitId(randomId())),
    defaults: { team: kept('team'), user: kept('user'), token: kept('token') },
  };
}
