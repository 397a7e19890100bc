import { endedDays } from '../records/bounds.ts';
import { endOf } from '../records/token-state.ts';
import { changeRecord, type IdentityDeps, parseRecord } from './records.ts';

/** Enough room for many new tokens, in a bounded time. */
const mostAtOnce = 20;

/**
 * Deletes tokens of a team that ended longest ago, so that new ones have room; the audit trail keeps what they were.
 * Returns how many.
 */
export async function forgetEndedTokens(deps: IdentityDeps, team: string): Promise<number> {
  const beforeMs = deps.clock.now() - endedDays * 86_400_000;
  return (await purgeTokens(deps, team, { beforeMs, most: mostAtOnce })).deleted;
}

/**
 * Deletes the tokens of a team that were revoked or expired before a moment: those that ended longest ago, at most so
 * many. Returns how many, and how many are left to delete. Works in a full store.
 */
export async function purgeTokens(
  deps: IdentityDeps,
  team: string,
  { beforeMs, most }: { beforeMs: number; most: number },
): Promise<{ deleted: number; remaining: number }> {
  const ended = (await deps.identities.list('token', team))
    .map((text) => parseRecord('token', text))
    .filter((token) => endOf(token) < beforeMs)
    .sort((a, b) => endOf(a) - endOf(b));
  let deleted = 0;
  for (const { id } of ended.slice(0, most)) {
    // Unless somebody gave it a new end meanwhile.
    const left = await changeRecord(deps, { kind: 'token', team, id }, (token) =>
      endOf(token) < beforeMs ? null : token,
    );
    if (left === null) deleted += 1;
  }
  return { deleted, remaining: Math.max(0, ended.length - most) };
}
