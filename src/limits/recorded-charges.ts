import { counterKeyOfLimit } from '../identity/records/session.ts';
import { gatewayCounterKey } from '../identity/records/gateway-settings.ts';
import type { Charge } from '../base/outcome.ts';
import type { Price } from '../base/price.ts';
import { amountOf, type LimitState } from './grant.ts';
import { countedAt, type Span, windowIndex } from './window.ts';

/*
 * What records keep of limits, so that the money of a month stays spent if the store forgets it: what limits of a day or a
 * month are charged. A session's own limits end with it. Two texts: with the amounts charged, `field index amount;` for each
 * limit; with the amounts reserved, `field span amount;`, as the window is known only when the store admits the request.
 */

const spans = { d: 'day', M: 'month' } as const;

function isRecorded(id: string, span: Span): span is 'day' | 'month' {
  const key = counterKeyOfLimit(id);
  return (span === 'day' || span === 'month') && (key === null || key === gatewayCounterKey);
}

/** What a request is charged that was admitted under these limits. */
export function chargesText(
  limits: readonly LimitState[],
  charged: Charge,
  admittedAtMs: number,
  price: Price | null,
): string {
  let text = '';
  for (const { scoped, applied, counter } of limits) {
    const { limit } = scoped;
    if (limit.metric === 'concurrency' || !isRecorded(limit.id, applied.span)) continue;
    const amount = amountOf(limit, charged, price);
    const at = Math.max(counter.at, countedAt(applied.span, admittedAtMs));
    if (amount > 0) text += `${limit.id} ${at} ${amount};`;
  }
  return text;
}

/** What a request reserves under these limits, for its open record; `''` if there are none. */
export function heldText(limits: readonly LimitState[]): string {
  let text = '';
  for (const { applied } of limits) {
    if (!isRecorded(applied.id, applied.span)) continue;
    text += `${applied.id} ${applied.span === 'day' ? 'd' : 'M'} ${applied.amount};`;
  }
  return text;
}

/** The charges of a request that is lost: all that it held. */
export function chargesOfHeld(held: string, admittedAtMs: number): string {
  let text = '';
  for (const [, id = '', letter = 'd', amount = '0'] of held.matchAll(/(\S+) ([dM]) (\d+);/g)) {
    const span = letter === 'M' ? spans.M : spans.d;
    text += `${id} ${windowIndex(span, admittedAtMs)} ${amount};`;
  }
  return text;
}
