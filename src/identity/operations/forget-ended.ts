import { Refusal } from '../../base/refusal.ts';
import { endedDays } from '../records/bounds.ts';
import type { Token } from '../records/identity.ts';
import { deleteRecord, type IdentityDeps, parseRecord } from './records.ts';

/** Enough room for many new tokens, in a bounded time. */
const mostAtOnce = 20;

/**
 * Deletes the tokens of a team that ended longest ago, so that new ones have room; the audit trail keeps what they
 * were. Returns how many.
 */
export async function forgetEndedTokens(deps: IdentityDeps, team: string): Promise<number> {
  const beforeMs = deps.clock.now() - endedDays * 86_400_000;
  const ended = (await deps.identities.list('token', team))
    .map((text) => parseRecord('token', text))
    .filter((token) => endOf(token) < beforeMs)
    .sort((a, b) => endOf(a) - endOf(b))
    .slice(0, mostAtOnce);
  let forgotten = 0;
  for (const { id } of ended) {
    const refusal = await deleteRecord(deps, { kind: 'token', team, id });
    if (!(refusal instanceof Refusal)) forgotten += 1;
  }
  return forgotten;
}

function endOf({ revoked_at: revoked, expires_at: expires }: Token): number {
  const ends = [revoked, expires].map((at) => (at === null ? Infinity : Date.parse(at)));
  return Math.min(...ends);
}
