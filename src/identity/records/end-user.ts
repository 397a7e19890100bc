import { hash } from 'node:crypto';
import { endUserDigest, endUserHash } from '../../base/end-user.ts';
import { limitIdentity } from '../../base/fields.ts';
import { type Limit, onlyObserves, type StoredLimit, type Window } from '../../base/limit.ts';
import type { Identity, ScopedLimit, Team } from './identity.ts';
import { isHeldByNobody } from './secret.ts';

/* End users: the people whom a team's sessions are made for. The gateway keeps no record of them. */

/**
 * The counters of a team's end users are in so many hashes for each window: each is small, so that Redis keeps it packed,
 * and that it is looked through at once.
 */
export const endUserBuckets = 1_024;

const personPrefix = 'oidc-';

/** Whether a name could be taken for that of a person who signed in. */
export function looksLikePerson(name: string): boolean {
  return name.startsWith(personPrefix);
}

/**
 * The id of a person, as a user and as an end user: `oidc-` and 128 bits of SHA-256 over issuer and subject, 37 characters
 * in all. Those two alone identify someone for good (OIDC Core 5.7); an e-mail address can pass to another person. Pure.
 */
export function userIdFor(issuer: string, subject: string): string {
  // As JSON: no two pairs have the same text.
  return `${personPrefix}${hash('sha256', JSON.stringify([issuer, subject]), 'hex').slice(0, 32)}`;
}

/**
 * The end user whom a session is for: whoever signed in, else whom it was made for. Null for a user's token, and for a
 * session that names nobody. Never what a page says.
 */
export function endUserOf({
  user,
  token,
  session,
}: Pick<Identity, 'user' | 'token' | 'session'>): string | null {
  if (session === null) return null;
  if (!isHeldByNobody(token)) return session.end_user;
  return user.subject ? userIdFor(user.subject.issuer, user.subject.sub) : user.id;
}

/** Whether an end user of a team is suspended. */
export function isSuspendedIn({ suspended_end_users: list }: Team, endUser: string | null): boolean {
  return endUser !== null && (list?.some(({ end_user }) => end_user === endUser) ?? false);
}

/**
 * The limits of the end user of a session: those that gateway, team, token and its issuer's entry set for each one. Two
 * that count the same, such as the team's and the token's, are told apart by `nth`.
 */
export function endUserLimits(
  { team, token, session, gatewayEndUsers }: Identity,
  endUser: string | null,
): ScopedLimit[] {
  if (endUser === null) return [];
  return limitsOfEndUser({ team: team.id, endUser }, [
    ['@', gatewayEndUsers],
    ['', team.end_user_limits],
    [token.id, token.end_user_limits],
    ['person', session?.end_user_limits],
  ]);
}

/** The limits of an end user, from the lists that hold for each one, with what stands for whose list it is. */
export function limitsOfEndUser(
  { team, endUser }: { team: string; endUser: string },
  lists: readonly (readonly [owner: string, limits: readonly Limit[] | null | undefined])[],
): ScopedLimit[] {
  const byId = new Map<string, StoredLimit>();
  for (const [owner, list] of lists) {
    for (const limit of list ?? []) {
      const id = counterId(team, endUser, { owner, limit });
      // Two of one list may count the same once their aliases are replaced.
      const other = byId.get(id);
      if (other === undefined || isStricter(limit, other)) byId.set(id, { ...limit, id });
    }
  }
  return numbered([...byId.values()]);
}

function isStricter(limit: Limit, other: Limit): boolean {
  if (onlyObserves(limit) !== onlyObserves(other)) return onlyObserves(other);
  return limit.max < other.max;
}

function numbered(limits: readonly StoredLimit[]): ScopedLimit[] {
  const seen = new Map<string, number>();
  return limits.map((limit) => {
    const identity = limitIdentity(limit);
    const nth = (seen.get(identity) ?? 0) + 1;
    seen.set(identity, nth);
    return { scope: 'end_user', limit, ...(nth > 1 ? { nth } : {}) };
  });
}

/** How the hashes of each window's counters are called; what is open is with the days'. */
const windowLetters: Readonly<Record<Window, string>> = { minute: 'm', hour: 'h', day: 'd', month: 'M' };

/**
 * The id of an end user's limit, `=d713.hash/limit`: what is before the point names the hash of its counter. It stays while
 * the limit counts the same; `max` and `enforce` may change.
 */
function counterId(team: string, endUser: string, { owner, limit }: { owner: string; limit: Limit }): string {
  const letter = windowLetters[limit.metric === 'concurrency' ? 'day' : limit.window];
  const own = hash('sha256', JSON.stringify([owner, limitIdentity(limit)]), 'base64url').slice(0, 8);
  return placeOf(letter, team, endUser).prefix + own;
}

/** Where an end user's counters of a window are: what follows the team's name in the key, and how their fields begin. */
function placeOf(letter: string, team: string, endUser: string): { key: string; prefix: string } {
  const key = `=${letter}${endUserDigest(team, endUser).readUInt16BE(12) % endUserBuckets}`;
  return { key, prefix: `${key}.${endUserHash(team, endUser)}/` };
}

/** What follows the team's name in the key of the hash that a counter is in; null if it is no end user's. */
export function endUserCounterKey(limitId: string): string | null {
  return limitId.startsWith('=') ? limitId.slice(0, limitId.indexOf('.')) : null;
}

/** Where the counters of an end user may be, of each window. */
export function endUserCounters(team: string, endUser: string): { key: string; prefix: string }[] {
  return Object.values(windowLetters).map((letter) => placeOf(letter, team, endUser));
}
