import { noRetry, Refusal, retryAfter } from '../base/refusal.ts';
import type { Grant } from './grant.ts';
import { idempotencyKeyHeader } from './idempotency-key.ts';
import type { KeptAnswer } from './kept-answer.ts';
import { attemptsTold, lastRequestId } from './keyed-attempts.ts';
import type { Decision } from './store.ts';

/* What a call gets whose Idempotency-Key is in use. */

const param = idempotencyKeyHeader;

export function inProgress(): Refusal {
  const message = 'A call with this Idempotency-Key is running; ask again for its answer.';
  return new Refusal('in_progress', message, { param, headers: retryAfter(1) });
}

export function keyReused(): Refusal {
  const message =
    'This Idempotency-Key was used for another call: use a new one for each call, and the same one only to send the same body to the same path again.';
  return new Refusal('idempotency_key_reused', message, { param });
}

/** The kept answer of a call that was answered, or why there is none. */
export async function answerOf(
  { attempts, answer }: Extract<Decision, { kind: 'answered' }>,
  { key, request }: Pick<Grant, 'key' | 'request'>,
): Promise<KeptAnswer | Refusal> {
  const kept = answer === null || key === null ? null : await key.unseal(answer);
  const told = attemptsTold(attempts, { toSession: request.sessionId !== null });
  return kept?.with(told) ?? replayUnavailable(lastRequestId(attempts), told);
}

function replayUnavailable(requestId: string, [name = '', value = '']: readonly string[]): Refusal {
  const message = `This call was answered, as request ${requestId} of the ledger, and its answer is not kept: it was too large, or had to make room. Nothing more is charged. Use a new Idempotency-Key to make the call again.`;
  return new Refusal('replay_unavailable', message, { param, headers: { ...noRetry, [name]: value } });
}
