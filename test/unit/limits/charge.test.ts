import { describe, expect, it } from 'vitest';
import { adjustments, charge } from '../../../src/limits/charge.ts';
import { noCharge, type Charge, type ForwardOutcome } from '../../../src/base/outcome.ts';
import { stateOf } from './samples.ts';

const reserved: Charge = { ...noCharge, requests: 1, inputTokens: 100, outputTokens: 900, images: 2 };
const reported = { inputTokens: 80, outputTokens: 50 };
const seen = 40;

type Paid = Pick<ForwardOutcome, 'ending' | 'usage'>;

/** "Who pays" of contract 1.4, row by row: with the usage reported, and without. */
const whoPays: Record<string, { ended: Paid; paid: ReturnType<typeof charge> }> = {
  'answered, with its usage': {
    ended: { ending: 'answered', usage: reported },
    paid: { ...noCharge, requests: 1, inputTokens: 80, outputTokens: 50, images: 2, usage: 'reported' },
  },
  'answered, without usage: the estimates': {
    ended: { ending: 'answered', usage: null },
    paid: { ...noCharge, requests: 1, inputTokens: 100, outputTokens: 40, images: 2, usage: 'estimated' },
  },
  'not taken by the upstream: everything back': {
    ended: { ending: 'not_taken', usage: null },
    paid: { ...noCharge, usage: 'estimated' },
  },
  'rejected with another 4xx: the request alone': {
    ended: { ending: 'rejected', usage: null },
    paid: { ...noCharge, requests: 1, usage: 'estimated' },
  },
  'failed after it was sent: the input estimate': {
    ended: { ending: 'failed', usage: null },
    paid: { ...noCharge, requests: 1, inputTokens: 100, usage: 'estimated' },
  },
  'broken off: the input estimate and the output seen': {
    ended: { ending: 'broken', usage: null },
    paid: { ...noCharge, requests: 1, inputTokens: 100, outputTokens: 40, images: 2, usage: 'estimated' },
  },
  'broken off after its usage: that, and the output seen since': {
    ended: { ending: 'broken', usage: reported },
    paid: { ...noCharge, requests: 1, inputTokens: 80, outputTokens: 90, images: 2, usage: 'estimated' },
  },
  'left by the caller of a plain call: the whole reservation': {
    ended: { ending: 'left', usage: null },
    paid: { ...noCharge, requests: 1, inputTokens: 100, outputTokens: 900, images: 2, usage: 'estimated' },
  },
};

describe('charge', () => {
  for (const [row, { ended, paid }] of Object.entries(whoPays)) {
    it(row, () => {
      expect(charge({ ...ended, unreportedTokens: seen }, reserved)).toEqual(paid);
    });
  }

  it('takes the usage of a broken answer as it is where nothing has gone by since', () => {
    const usage = { inputTokens: 80, outputTokens: 3 };
    const paid = charge({ ending: 'broken', usage, unreportedTokens: 0 }, reserved);
    expect(paid).toMatchObject({ ...usage, usage: 'reported' });
  });

  it('takes as many images as came, be they fewer or more; what was not awaited is charged as reserved', () => {
    for (const images of [0, 1, 5]) {
      const usage = { inputTokens: 0, outputTokens: 0, images };
      for (const ending of ['answered', 'broken'] as const) {
        expect(charge({ ending, usage, unreportedTokens: 0 }, reserved)).toMatchObject({ images });
      }
      expect(charge({ ending: 'left', usage, unreportedTokens: 0 }, reserved)).toMatchObject({ images: 2 });
      expect(charge({ ending: 'failed', usage: null, unreportedTokens: 0 }, reserved).images).toBe(0);
    }
  });

  it('takes the usage reported even beyond the reservation', () => {
    const usage = { inputTokens: 5_000, outputTokens: 9_000 };
    expect(charge({ ending: 'answered', usage, unreportedTokens: 0 }, reserved)).toMatchObject(usage);
  });
});

describe('adjustments', () => {
  const admittedAtMs = Date.UTC(2026, 0, 31, 23, 59, 59, 999);
  const limits = [
    stateOf({ metric: 'tokens', window: 'month', max: 10_000 }, { reserved }),
    stateOf({ metric: 'requests', window: 'day', max: 10 }, { reserved }),
    stateOf({ metric: 'images', window: 'hour', max: 10 }, { reserved }),
    stateOf({ metric: 'tokens', window: 'minute', max: 10_000 }, { reserved, scope: 'user' }),
    stateOf({ metric: 'concurrency', max: 3 }, { reserved }),
  ];
  const ids = (charged: Charge): string[] => adjustments(limits, charged, admittedAtMs).map(({ id }) => id);

  it('turn what was reserved into what is charged, in the windows that were reserved', () => {
    const charged = { ...noCharge, inputTokens: 80, outputTokens: 50 };
    expect(adjustments(limits, charged, admittedAtMs)).toEqual([
      { id: 'team-tokens-month', span: 'month', at: 2026 * 12, delta: -870, charged: 130 },
      { id: 'team-requests-day', span: 'day', at: Math.floor(admittedAtMs / 86_400_000), delta: -1 },
      { id: 'team-images-hour', span: 'hour', at: admittedAtMs, delta: -2 },
      { id: 'user-tokens-minute', span: 'minute', at: admittedAtMs, delta: -870 },
      { id: 'team-concurrency', span: 'open', at: 0, delta: -1 },
    ]);
  });

  it('charge what was used beyond the reservation', () => {
    const charged = { ...noCharge, requests: 1, inputTokens: 200, outputTokens: 1_000, images: 2 };
    expect(adjustments(limits, charged, admittedAtMs)).toContainEqual({
      id: 'user-tokens-minute',
      span: 'minute',
      at: admittedAtMs,
      delta: 200,
    });
  });

  it("leave out what needs none, but always settle a month's amount and give the place of concurrency back", () => {
    expect(ids(reserved)).toEqual(['team-tokens-month', 'team-concurrency']);
    const nothing = limits.map((state) =>
      state.applied.span === 'open' ? state : { ...state, applied: { ...state.applied, amount: 0 } },
    );
    expect(adjustments(nothing, noCharge, admittedAtMs).map(({ id }) => id)).toEqual(['team-concurrency']);
  });
});
