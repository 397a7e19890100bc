import type { Limit } from '../base/limit.ts';
import type { TrustedIssuer } from '../config/issuer.ts';
import type { IdentityStore } from '../identity/store/identity-store.ts';
import { parseSettings } from '../identity/records/gateway-settings.ts';

/** Limits on money, and whose they are. */
export interface Spender {
  readonly who: string;
  /** What it may use; null: every model. */
  readonly models: readonly string[] | null;
  readonly limits: readonly Limit[];
}

/** What counts here of a record, whatever its kind. */
interface Limited {
  readonly id: string;
  readonly limits?: readonly Limit[];
  readonly end_user_limits?: readonly Limit[] | undefined;
  readonly models?: readonly string[] | null;
}

/** Everybody whose limits hold money. Rejects with `StoreUnavailable`. */
export async function spendersIn(
  identities: Pick<IdentityStore, 'list'>,
  settings: () => Promise<string | null>,
): Promise<Spender[]> {
  const gateway = parseSettings(await settings());
  const spenders = [spender('the gateway', { id: '', ...gateway }, null)];
  for (const text of await identities.list('team')) {
    const team = recordIn(text);
    spenders.push(spender(`team ${team.id}`, team, null));
    const [users, tokens] = await Promise.all([
      identities.list('user', team.id),
      identities.list('token', team.id),
    ]);
    for (const record of [...users, ...tokens].map(recordIn)) {
      spenders.push(spender(`${record.id} of ${team.id}`, record, team.models ?? null));
    }
  }
  return spenders.filter(({ limits }) => limits.length > 0);
}

/** The people of issuers whose limits hold money. */
export function spendersOf(issuers: readonly TrustedIssuer[]): Spender[] {
  return issuers
    .map(({ issuer, session, person }) => {
      // As the schema of session policies has them, which checked the file.
      const policy = session as object as Limited;
      const own = person as Pick<Limited, 'limits'> | undefined;
      return spender(`people of ${issuer}`, { ...policy, end_user_limits: own?.limits ?? [] }, null);
    })
    .filter(({ limits }) => limits.length > 0);
}

/** The text is this program's own, of a record that has these fields. */
function recordIn(text: string): Limited {
  return JSON.parse(text) as Limited;
}

function spender(who: string, record: Limited, models: Spender['models']): Spender {
  const all = [...(record.limits ?? []), ...(record.end_user_limits ?? [])];
  return {
    who,
    models: record.models ?? models,
    limits: all.filter(({ metric }) => metric === 'cost_usd'),
  };
}
