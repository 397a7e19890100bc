import { type AttemptBound, onlyObserves } from '../base/limit.ts';
import type { Identity, ScopedLimit } from '../identity/records/identity.ts';
import { isHeldByNobody } from '../identity/records/secret.ts';
import { counterKeyOfLimit } from '../identity/records/session.ts';

/** Times the limit on requests. */
const timesLimit = 4;
const leastAMinute = 20;
/** If no limit on requests applies. */
const mostAMinute = 600;
const minutesOf = { minute: 1, hour: 60, day: 1_440, month: 43_200 } as const;

/**
 * The bounds of a token, and of the session if it is one. Limits that a person's sessions share bound the token, too, if it
 * is the person's: more sessions are not more attempts. A site's token has many end users, so that theirs do not bound it.
 */
export function attemptBounds(
  { token, session }: Pick<Identity, 'token' | 'session'>,
  limits: readonly ScopedLimit[],
): readonly AttemptBound[] {
  const ofToken = limits.filter(({ scope, limit }) => {
    if (scope === 'end_user') return isHeldByNobody(token);
    return scope !== 'session' || isShared(limit.id);
  });
  const bounds = [boundOf('token', `!${token.id}`, ofToken)];
  if (session) bounds.push(boundOf('session', `${session.id}/!`, limits));
  return bounds;
}

function isShared(id: string): boolean {
  return counterKeyOfLimit(id) === null;
}

function boundOf(scope: AttemptBound['scope'], field: string, limits: readonly ScopedLimit[]): AttemptBound {
  let max = mostAMinute;
  let own: { id: string; max: number } | null = null;
  for (const { scope: whose, limit, raises = [] } of limits) {
    // One that counts only some tags does not bound the others.
    if (limit.metric !== 'requests' || onlyObserves(limit) || limit.tags !== undefined) continue;
    // A raise counts here as long as the principal is kept: this only bounds requests that nobody pays for.
    const raised = raises.reduce((sum, { by }) => sum + by, limit.max);
    max = Math.min(max, Math.ceil((timesLimit * raised) / minutesOf[limit.window]));
    const isOwn = whose === scope && limit.window === 'minute';
    if (isOwn && limit.max < (own?.max ?? Infinity)) own = limit;
  }
  return { scope, field, max: Math.max(leastAMinute, max), withLimit: own?.id ?? null };
}
