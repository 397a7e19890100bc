import { describe, expect, it } from 'vitest';
import { noCharge } from '../../../src/base/outcome.ts';
import { applied, type LimitState } from '../../../src/limits/grant.ts';
import { encodeOpen } from '../../../src/limits/open-record.ts';
import { chargesOfHeld, chargesText, heldText } from '../../../src/limits/recorded-charges.ts';
import { cancellation, lostSettlement, settlementOf } from '../../../src/limits/settlement.ts';
import { supplementSettlement } from '../../../src/limits/supplement.ts';
import { emptyCounter, windowIndex } from '../../../src/limits/window.ts';
import type { Limit } from '../../../src/base/limit.ts';
import { grantOf, openRequest, outcomeOf } from './samples.ts';

const admittedAtMs = Date.UTC(2026, 0, 31, 12);
const day = windowIndex('day', admittedAtMs);
const month = windowIndex('month', admittedAtMs);
const reserved = { ...noCharge, requests: 1, inputTokens: 10, outputTokens: 90 };

function under(id: string, limit: Limit): LimitState {
  const scoped = { scope: 'team' as const, limit: { ...limit, id } };
  return { scoped, applied: applied(scoped, reserved), counter: emptyCounter };
}

const tokensADay = under('lim_t', { metric: 'tokens', window: 'day', max: 1_000 });
const requestsAMonth = under('@/lim_r', { metric: 'requests', window: 'month', max: 1_000 });
const limits = [
  tokensADay,
  requestsAMonth,
  under('lim_m', { metric: 'tokens', window: 'minute', max: 1_000 }),
  under('lim_c', { metric: 'concurrency', max: 5 }),
  under('ses_1/0', { metric: 'requests', window: 'day', max: 5 }),
];

describe('what records keep of limits', () => {
  it('is what those of a day or month are charged, a request without correction too', () => {
    const charged = { ...reserved, outputTokens: 34 };
    const text = chargesText(limits, charged, admittedAtMs, null);
    expect(text).toBe(`lim_t ${day} 44;@/lim_r ${month} 1;`);
  });

  it('leaves out what is not charged', () => {
    expect(chargesText(limits, noCharge, admittedAtMs, null)).toBe('');
  });

  it('is of the window that the store counted in, if its clock was set back', () => {
    const ahead = { ...tokensADay, counter: { at: day + 1, used: 100, runs: [] } };
    expect(chargesText([ahead], reserved, admittedAtMs, null)).toBe(`lim_t ${day + 1} 100;`);
  });

  it('of a lost request is all that it held, in the window of its admission', () => {
    const held = heldText(limits);
    expect(held).toBe('lim_t d 100;@/lim_r M 1;');
    expect(chargesOfHeld(held, admittedAtMs)).toBe(`lim_t ${day} 100;@/lim_r ${month} 1;`);
  });
});

describe('a settlement', () => {
  const request = openRequest({ held: heldText(limits) });
  const grant = grantOf({ limits, request, admittedAtMs });

  it('has the charges if its request was admitted with records', () => {
    expect(settlementOf(grant, outcomeOf()).settlement.charges).toBe(`lim_t ${day} 46;@/lim_r ${month} 1;`);
    expect(settlementOf(grantOf({ limits }), outcomeOf()).settlement.charges).toBe('');
  });

  it('of a lost request has them', () => {
    const record = { grant: 'p1-0', admittedAtMs, record: encodeOpen(request) };
    expect(lostSettlement(record, 'i').charges).toBe(`lim_t ${day} 100;@/lim_r ${month} 1;`);
    expect(lostSettlement({ ...record, grant: 'p1-0+' }, 'i')).toMatchObject({
      closing: null,
      charges: `lim_t ${day} 100;@/lim_r ${month} 1;`,
    });
  });

  it('of a supplement has what only the supplement holds', () => {
    const own = under('lim_o', { metric: 'tokens', window: 'day', max: 1_000 });
    const supplement = { ...grant, id: 'p1-0+', limits: [own, tokensADay] };
    const { charges } = supplementSettlement(supplement, grant, reserved, null);
    expect(charges).toBe(`lim_o ${day} 100;`);
  });

  it('of a cancelled admission has none', () => {
    expect(cancellation(grant).charges).toBeUndefined();
  });
});
