import { Refusal } from '../base/refusal.ts';
import type { StoreUnavailable } from '../store/store-unavailable.ts';
import { attemptRefusal } from './attempt-refusal.ts';
import { type Grant, type LimitState, visibleLimits, withCounter } from './grant.ts';
import { limitHeaders } from './limit-headers.ts';
import { limitRefusal } from './limit-refusal.ts';
import { answerOf, inProgress, keyReused } from './keyed-refusals.ts';
import type { KeptAnswer } from './kept-answer.ts';
import type { Decision } from './store.ts';
import { emptyCounter } from './window.ts';

/**
 * What the store's decision is for the request that it was made for: a grant, a refusal, or to be asked again. Nobody
 * else has the grant yet, so the counters are filled in.
 */
export function answered(
  grant: Grant,
  decision: Decision,
): Grant | Refusal | 'stale' | Promise<KeptAnswer | Refusal> {
  switch (decision.kind) {
    case 'admitted':
      count(grant, decision.counters);
      if (decision.after !== undefined) grant.after = decision.after;
      return grant;
    case 'denied':
      count(grant, decision.counters);
      return denied(grant);
    case 'stale':
      return 'stale';
    case 'expired':
      return grant.request.sessionId === null
        ? new Refusal('expired_token', 'This token has expired; ask your administrator for a new one.')
        : new Refusal('expired_token', 'This session has expired; get a new one.');
    case 'attempts':
      return attemptsUsedUp(grant, decision);
    case 'late':
      return storeUnavailable();
    case 'in_progress':
      return inProgress();
    case 'key_reused':
      return keyReused();
    case 'answered':
      return answerOf(decision, grant.key);
  }
}

function attemptsUsedUp(
  { attempts, admittedAtMs: nowMs, request }: Grant,
  { bound, fitsMs }: Extract<Decision, { kind: 'attempts' }>,
): Refusal {
  const used = attempts[bound];
  if (used === undefined) return storeUnavailable();
  const isHidden = request.sessionId !== null && used.scope !== 'session';
  return attemptRefusal(used, { fitsMs, nowMs, isHidden });
}

function denied(grant: Grant): Refusal {
  const { limits, admittedAtMs: nowMs } = grant;
  const refusal = limitRefusal(limits, nowMs, { toSession: grant.request.sessionId !== null });
  const shown = Object.fromEntries(pairs(limitHeaders(visibleLimits(grant), nowMs)));
  const headers = { ...shown, ...refusal.details.headers };
  return new Refusal(refusal.code, refusal.message, { ...refusal.details, headers });
}

function pairs(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : []));
}

function count(
  { limits, admittedAtMs }: Pick<Grant, 'limits' | 'admittedAtMs'>,
  counters: readonly LimitState['counter'][],
): void {
  for (const [n, limit] of limits.entries()) withCounter(limit, counters[n] ?? emptyCounter, admittedAtMs);
}

/** The refusal of a request if the store did not answer. */
export function storeUnavailable(error?: StoreUnavailable): Refusal {
  const message = error?.isFull
    ? 'The store that holds tokens and limits is full, so nothing new can be made. Tell your administrator.'
    : (error?.told ?? 'The store that holds tokens and limits cannot be used now; try again.');
  return new Refusal('store_unavailable', message, { headers: { 'retry-after': '1' } });
}
