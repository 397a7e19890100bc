import type { Clock } from '../base/clock.ts';
import { Refusal } from '../base/refusal.ts';
import type { Call } from '../edge/call.ts';
import type { Identity, Principal } from '../identity/records/identity.ts';
import { idempotencyKeyHeader, idempotencyKeyOf } from '../limits/idempotency-key.ts';

const longestWaitMs = 20_000;

/** Reads the call's Idempotency-Key, if it has one. Returns why it cannot be taken; else null. */
export function readKey(call: Call, { identity }: Principal, body: Buffer): Refusal | null {
  const header = call.incoming.headers[idempotencyKeyHeader];
  if (typeof header !== 'string') return null;
  const key = idempotencyKeyOf(header, { principal: ownerOf(identity), path: call.path, body });
  if (key instanceof Refusal) return key;
  call.key = key;
  return null;
}

/** Whose an answer is that is kept: the token's, or the session's. */
export function ownerOf({ team, token, session }: Identity): string {
  return `${team.id}/${session?.id ?? token.id}`;
}

export interface AnswerWait {
  clock: Pick<Clock, 'monotonic'>;
  upstreamTimeoutMs: number;
  /** Whether the process is shutting down. */
  draining: () => boolean;
}

/**
 * Asks until no other call with this Idempotency-Key is running, at most for 20 s from when the body was in, or half of what
 * an answer may take. Then, or when the process ends or the caller leaves, it is what was told last: 409 `in_progress`.
 */
export async function whileInProgress<T extends object>(
  call: Pick<Call, 'arrivedMs' | 'closed'>,
  { clock, upstreamTimeoutMs, draining }: AnswerWait,
  ask: () => Promise<T | Refusal>,
): Promise<T | Refusal> {
  const endsMs = call.arrivedMs + Math.min(longestWaitMs, upstreamTimeoutMs / 2);
  for (let asked = 0; ; asked += 1) {
    const told = await ask();
    if (!isInProgress(told) || clock.monotonic() >= endsMs) return told;
    await sleep(pauseMs(asked));
    if (call.closed || draining()) return told;
  }
}

function isInProgress(told: object): boolean {
  return told instanceof Refusal && told.code === 'in_progress';
}

/** Before it asks again: often at first, since most answers are short. */
function pauseMs(asked: number): number {
  return Math.min(100 * 1.5 ** asked, 1_000);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref());
}
