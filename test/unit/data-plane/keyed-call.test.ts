import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Refusal } from '../../../src/base/refusal.ts';
import { whileInProgress } from '../../../src/data-plane/keyed-call.ts';
import { inProgress } from '../../../src/limits/keyed-refusals.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A call that waits, with notes of when it asked, and what may happen to it meanwhile. */
class Waits {
  readonly call = { arrivedMs: 0, closed: false };
  isDraining = false;
  /** When the other call ends. */
  answersMs = Infinity;
  readonly askedMs: number[] = [];
  readonly told: Promise<object>;
  readonly #startMs = Date.now();

  constructor(upstreamTimeoutMs = 300_000) {
    const wait = {
      clock: { monotonic: () => this.nowMs },
      upstreamTimeoutMs,
      draining: () => this.isDraining,
    };
    this.told = whileInProgress(this.call, wait, () => {
      this.askedMs.push(this.nowMs);
      return Promise.resolve(this.nowMs < this.answersMs ? inProgress() : { answer: 'kept' });
    });
  }

  get nowMs(): number {
    return Math.round(Date.now() - this.#startMs);
  }
}

describe('a call whose key is in use', () => {
  it('asks often at first, then once a second, until there is an answer', async () => {
    const waits = new Waits();
    waits.answersMs = 4_000;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(await waits.told).toEqual({ answer: 'kept' });
    expect(waits.askedMs.slice(0, 4)).toEqual([0, 100, 250, 475]);
    expect(waits.askedMs).toHaveLength(9);
  });

  it.each([
    ['20 s', 300_000, 20_000],
    ['half of what an answer may take', 8_000, 4_000],
  ])('waits for %s at most', async (_, upstreamTimeoutMs, mostMs) => {
    const waits = new Waits(upstreamTimeoutMs);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await waits.told).toMatchObject({ code: 'in_progress' });
    expect(waits.askedMs.at(-1)).toBeGreaterThanOrEqual(mostMs);
    expect(waits.askedMs.at(-2)).toBeLessThan(mostMs);
    expect(waits.askedMs.length).toBeLessThanOrEqual(26);
  });

  it.each<[string, (waits: Waits) => void]>([
    ['the process ends', (waits) => (waits.isDraining = true)],
    ['its caller leaves', (waits) => (waits.call.closed = true)],
  ])('asks no more once %s', async (_, happens) => {
    const waits = new Waits();
    await vi.advanceTimersByTimeAsync(300);
    const asked = waits.askedMs.length;
    happens(waits);
    waits.answersMs = 0;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await waits.told).toBeInstanceOf(Refusal);
    expect(waits.askedMs).toHaveLength(asked);
  });
});
