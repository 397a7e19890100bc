import type { GatewayEvent } from '../base/event.ts';
import { dayMs } from '../base/days.ts';
import type { FoundToken } from '../identity/operations/find-tokens.ts';
import { isHeldByNobody, secretsOf } from '../identity/records/secret.ts';
import type { Notice } from './notice.ts';

/** So many tokens are in an event; of the others, how many there are. */
const mostListed = 20;
/** A token that is not used for so many days is told, and again after so many more. */
const unusedDays = 30;
/** How long a day's event is known to be told. */
const markedForMs = 3 * dayMs;

/**
 * The UTC days that a look is for, counted since 1970: those after `after`, up to `today`. So a token is told by the look of
 * one day only, and what is told needs no mark of its own.
 */
export interface Days {
  readonly after: number;
  readonly today: number;
}

/** What a look tells of a token: in how many days it expires, or that it is not used; null: nothing. */
export type Telling = 1 | 7 | 'unused' | null;

/** Pure. A token that nobody holds belongs to a sign-in: it has no text that somebody must replace. */
export function tellingOf({ token, state, lastUsedMs }: FoundToken, days: Days): Telling {
  if (state !== 'working' || isHeldByNobody(token)) return null;
  const createdMs = Date.parse(token.created_at);
  const expires = expiringIn(token.expires_at, createdMs, days);
  if (expires !== null) return expires;
  const rotatedMs = Date.parse(secretsOf(token)[0]?.created_at ?? token.created_at);
  // The day after the last use does not count: it may be a minute later.
  const unusedSince = dayNumber(Math.max(createdMs, rotatedMs, lastUsedMs ?? 0)) + 1;
  const times = (day: number): number => Math.floor((day - unusedSince) / unusedDays);
  return times(days.today) >= 1 && times(days.today) > times(days.after) ? 'unused' : null;
}

/** In the nearer one if both are due. */
function expiringIn(expiresAt: string | null, createdMs: number, { after, today }: Days): 1 | 7 | null {
  if (expiresAt === null) return null;
  const expires = dayNumber(Date.parse(expiresAt));
  const isDue = (days: number): boolean => {
    const day = expires - days;
    // Whoever makes a token for less knows when it ends.
    return after < day && day <= today && dayNumber(createdMs) < day;
  };
  if (isDue(1)) return 1;
  return isDue(7) && today < expires - 1 ? 7 : null;
}

export function dayNumber(atMs: number): number {
  return Math.floor(atMs / dayMs);
}

/** What a look tells of the tokens of one team: an event for each kind. Pure. */
export function tokenNotices(team: string, tokens: readonly FoundToken[], days: Days): Notice[] {
  const byTelling = Map.groupBy(tokens, (found) => tellingOf(found, days));
  return [...byTelling].flatMap(([telling, some]): Notice[] => {
    if (telling === null) return [];
    const mark = `tokens ${telling} ${team} ${days.today}`;
    return [{ event: eventOf(team, telling, some), mark, untilMs: days.today * dayMs + markedForMs }];
  });
}

function eventOf(team: string, telling: Exclude<Telling, null>, tokens: readonly FoundToken[]): GatewayEvent {
  if (telling === 'unused') return { type: 'token.unused', team, data: listed(tokens, unused) };
  const soonest = tokens.toSorted((a, b) => Date.parse(expiryOf(a)) - Date.parse(expiryOf(b)));
  return { type: 'token.expiring', team, data: { days: telling, ...listed(soonest, expiring) } };
}

function unused(found: FoundToken) {
  const { token, lastUsedMs } = found;
  const lastUsedAt = lastUsedMs === null ? null : new Date(lastUsedMs).toISOString();
  return { ...named(found), last_used_at: lastUsedAt, created_at: token.created_at };
}

function expiring(found: FoundToken) {
  return { ...named(found), expires_at: expiryOf(found) };
}

function listed<Shown>(found: readonly FoundToken[], show: (found: FoundToken) => Shown) {
  return { tokens: found.slice(0, mostListed).map(show), more: Math.max(0, found.length - mostListed) };
}

function named({ token: { id, user, name } }: FoundToken) {
  return { token: id, user, name };
}

function expiryOf({ token }: FoundToken): string {
  return token.expires_at ?? token.created_at; // only tokens that expire are told to
}
