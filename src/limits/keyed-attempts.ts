import { nanoUsdPerUsd } from '../base/price.ts';
import type { EntryRecord } from '../ledger/entry.ts';

/*
 * The attempts with one Idempotency-Key that were charged. The store has each as `request id:outcome:input tokens:output
 * tokens:cost in nano-dollars`, oldest first, with a comma between them. No request id has a colon or a comma.
 */

/** Tells of attempts before an answer: a list of Structured Fields (RFC 9651). */
export const attemptsHeader = 'idempotency-attempts';

export function attemptText(entry: EntryRecord): string {
  const { request_id, outcome, inputTokens, outputTokens, costNanoUsd } = entry;
  return `${request_id}:${outcome}:${inputTokens}:${outputTokens}:${costNanoUsd ?? ''}`;
}

/**
 * The header for attempts as the store has them, a flat list: each request's id, how it ended and what it was charged. A
 * page's visitor is not told the money: it would say what the site pays.
 */
export function attemptsTold(attempts: string, { toSession }: { toSession: boolean }): string[] {
  const told = attempts.split(',').map((attempt) => {
    const [id, outcome, input, output, cost = ''] = attempt.split(':');
    const tokens = `"${id}";outcome=${outcome};input_tokens=${input};output_tokens=${output}`;
    return cost === '' || toSession ? tokens : `${tokens};cost_usd="${dollars(Number(cost))}"`;
  });
  return [attemptsHeader, told.join(', ')];
}

/** The request id of the last one. */
export function lastRequestId(attempts: string): string {
  return attempts.slice(attempts.lastIndexOf(',') + 1).split(':')[0] ?? '';
}

/** A text, since a decimal of Structured Fields has three digits after the point at most. */
function dollars(nanoUsd: number): string {
  return (nanoUsd / nanoUsdPerUsd).toFixed(9).replace(/\.?0+$/, '');
}
