import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AdmissionStore } from '../../src/limits/admission-store.ts';
import type { AppliedLimit, Decision } from '../../src/limits/store.ts';
import { type Counter, fitsAtMs } from '../../src/limits/window.ts';
import { engines, useEngine } from './engines.ts';
import {
  asks,
  closed,
  decided,
  emptyAdmission,
  process,
  settles,
  type StoreUnderTest,
} from './admission-store-samples.ts';

/*
 * Limits a minute or an hour, against an exact account of what was used when. Both sides: no window of that length ever
 * holds more than the limit, and hardly anything that would fit is refused.
 */

const lengthsMs = { minute: 60_000, hour: 3_600_000 } as const;
type Span = keyof typeof lengthsMs;

/** Long after any lease, so that steps of time never need a heartbeat: the clock is turned for the limit alone. */
const startMs = Date.UTC(2095, 5, 15, 12);

interface Use {
  grant: string;
  atMs: number;
  amount: number;
  open: boolean;
}

/** A limit in a store of its own, with the exact account beside it. */
class Tried {
  readonly used: Use[] = [];
  nowMs = startMs;
  longestText = 0;
  /** When the request that was asked for last fits, as the store says. */
  #fitsMs = 0;
  readonly #under: StoreUnderTest;
  readonly #incarnation: string;
  readonly #limit: Omit<AppliedLimit, 'amount' | 'span'> & { span: Span };

  constructor(under: StoreUnderTest, incarnation: string, limit: { span: Span; max: number }) {
    this.#under = under;
    this.#incarnation = incarnation;
    this.#limit = { id: 'a', ...limit };
  }

  get store(): AdmissionStore {
    return this.#under.store;
  }

  /** What was used within the window that ends now. */
  get held(): number {
    const fromMs = this.nowMs - lengthsMs[this.#limit.span];
    return this.used.reduce((sum, { atMs, amount }) => (atMs > fromMs ? sum + amount : sum), 0);
  }

  async turnTo(nowMs: number): Promise<void> {
    this.nowMs = nowMs;
    await this.#under.turnTo(nowMs);
    await this.store.beat(process);
  }

  /** Asks for an amount. Checks the decision and the figures against the account. */
  async ask(amount: number): Promise<Decision['kind']> {
    const { span, max } = this.#limit;
    const request = asks([{ ...this.#limit, amount }]);
    const [decision] = decided(await this.store.admit(process, [request]));
    if (decision?.kind !== 'admitted' && decision?.kind !== 'denied') throw new Error(decision?.kind);
    const before = this.held;
    if (decision.kind === 'admitted') {
      expect(before + amount).toBeLessThanOrEqual(max);
      this.used.push({ grant: request.grant, atMs: this.nowMs, amount, open: true });
    } else {
      expect(before + amount).toBeGreaterThan(max - max / 20);
    }
    const [counter] = decision.counters as [Counter];
    expect(counter.used).toBeGreaterThanOrEqual(this.held);
    expect(counter.used).toBeLessThanOrEqual(this.held + max / 20);
    const texts = await this.#under.counterTexts('acme');
    this.longestText = Math.max(this.longestText, ...Object.values(texts).map((text) => text.length));
    if (decision.kind === 'denied' && amount <= max)
      this.#fitsMs = fitsAtMs(span, counter, { amount, max, nowMs: this.nowMs });
    return decision.kind;
  }

  /** Waits until the request just denied fits: not a millisecond less. */
  async waitFor(amount: number): Promise<void> {
    const fitsMs = this.#fitsMs;
    expect(fitsMs).toBeGreaterThan(this.nowMs);
    await this.turnTo(fitsMs - 1);
    expect(await this.ask(amount)).toBe('denied');
    await this.turnTo(fitsMs);
    expect(await this.ask(amount)).toBe('admitted');
  }

  /** Settles an open request, if there is one, at a share of what it reserved. */
  async settleOne(which: number, share: number): Promise<void> {
    const open = this.used.filter((use) => use.open);
    const use = open[which % open.length];
    if (!use) return;
    const amount = Math.round(use.amount * share);
    const { id, span } = this.#limit;
    const adjustments = [{ id, span, at: use.atMs, delta: amount - use.amount }];
    const settlement = settles(use.grant, { incarnation: this.#incarnation, adjustments });
    expect(closed(await this.store.settle(process, [settlement]))).toEqual([true]);
    use.amount = amount;
    use.open = false;
  }
}

const share = (max: number): fc.Arbitrary<number> => fc.double({ min: 0, max, noNaN: true });
const spans = fc.constantFrom<Span>('minute', 'hour');

/** Time passes; a request asks for a share of the limit; an open one is settled at a share of what it reserved. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), share: share(1) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      share: fc.oneof(share(0.005), share(0.02), share(0.3)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('settle' as const), share: share(1.5), which: fc.nat(50) }),
  },
);

describe.each(engines)('a limit on a minute or an hour ($name)', (engine) => {
  const on = useEngine(engine);
  const isEmbedded = engine.name === 'embedded';

  async function tried(limit: { span: Span; max: number }): Promise<Tried> {
    const under = await emptyAdmission(on);
    await under.setEpoch('acme', 'e1');
    await under.turnTo(startMs);
    const { incarnation } = await under.store.beat(process);
    return new Tried(under, incarnation, limit);
  }

  it('never holds more than its max, gives 5 % of tokens away at most, and says when a request fits', async () => {
    const plan = fc.record({
      span: spans,
      max: fc.integer({ min: 1, max: 1_000_000 }),
      /** The longest time between two requests, as a share of the window. */
      pace: fc.constantFrom(0.1, 0.01, 0.001),
      steps: fc.array(step, { minLength: 30, maxLength: isEmbedded ? 400 : 100 }),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ span, max, pace, steps }) => {
        const limit = await tried({ span, max });
        for (const each of steps) {
          if (each.kind === 'pass') {
            await limit.turnTo(limit.nowMs + Math.round(each.share * pace * lengthsMs[span]));
          } else if (each.kind === 'ask') {
            const amount = Math.max(1, Math.round(each.share * max));
            if ((await limit.ask(amount)) === 'denied') await limit.waitFor(amount);
          } else {
            await limit.settleOne(each.which, each.share);
          }
        }
        expect(limit.longestText).toBeLessThan(2_300);
      }),
      { numRuns: isEmbedded ? 150 : 10 },
    );
  }, 300_000);

  it('stays short under many requests of many sizes, whatever they are settled at', async () => {
    const limit = await tried({ span: 'hour', max: 3_000_000_000_000_000 });
    for (let n = 0; n < 1_000; n += 1) {
      await limit.turnTo(limit.nowMs + 2_000 + 617 * (n % 7));
      await limit.ask(1_000_000_000_000 * (1 + (n % 5) ** 2));
      if (n > 50) await limit.settleOne(n % 40, [0, 0.3, 1.2][n % 3] ?? 1);
    }
    expect(limit.longestText).toBeGreaterThan(1_000);
    expect(limit.longestText).toBeLessThan(2_300);
  });

  it('never refuses a caller whose requests are window / max + 1 s apart, up to a max of 1,000', async () => {
    const spaced = async (span: Span, max: number): Promise<void> => {
      const limit = await tried({ span, max });
      const apartMs = Math.ceil(lengthsMs[span] / max) + 1_000;
      const windows = Math.ceil((1.5 * lengthsMs[span]) / apartMs);
      for (let n = 0; n < Math.max(5, windows); n += 1) {
        expect(await limit.ask(1), `${max} a ${span}, request ${n}`).toBe('admitted');
        await limit.turnTo(limit.nowMs + apartMs);
      }
    };
    const edges = isEmbedded ? [1, 2, 3, 39, 40, 41, 79, 80, 81, 85, 86, 119, 120, 121, 999, 1_000] : [1, 3];
    for (const max of edges) {
      await spaced('minute', max);
      await spaced('hour', max);
    }
    // A few: what is special has been tried above, and a run with a large max takes a thousand requests.
    await fc.assert(fc.asyncProperty(spans, fc.integer({ min: 1, max: 1_000 }), spaced), {
      numRuns: isEmbedded ? 8 : 2,
    });
  }, 300_000);

  it.each([
    [1, 61_000, 5],
    [3, 20_500, 15],
  ])('of %i a minute serves a request every %i ms, all %i', async (max, apartMs, count) => {
    const limit = await tried({ span: 'minute', max });
    for (let n = 0; n < count; n += 1) {
      expect(await limit.ask(1)).toBe('admitted');
      await limit.turnTo(limit.nowMs + apartMs);
    }
  });
});
