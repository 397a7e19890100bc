import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LimitState } from '../../../src/limits/grant.ts';
import { limitRefusal } from '../../../src/limits/limit-refusal.ts';
import { remaining, resetsAt } from '../../../src/limits/limit-status.ts';
import { type Counter, countedAt, movedTo } from '../../../src/limits/window.ts';
import type { Limit, Window } from '../../../src/base/limit.ts';
import { windows } from '../../../src/base/limit.ts';
import { noCharge } from '../../../src/base/outcome.ts';
import { oneRequest, stateOf } from './samples.ts';

const nowMs = Date.UTC(2026, 0, 31, 12, 0, 30);

function counterNow(window: Window, used: number): Counter {
  return { at: countedAt(window, nowMs), used, runs: [] };
}

/** A minute's counter whose runs ended so long ago, oldest first. */
function ranAgo(...runs: [agoMs: number, amount: number][]): Counter {
  return movedTo(
    'minute',
    { at: nowMs, used: 0, runs: runs.map(([agoMs, amount]) => ({ endMs: nowMs - agoMs, amount })) },
    nowMs,
  );
}

function full(window: Window): LimitState {
  return stateOf({ metric: 'requests', window, max: 10 }, { counter: counterNow(window, 10) });
}

const busy = stateOf({ metric: 'concurrency', max: 2 }, { counter: { at: 0, used: 2, runs: [] } });

describe('remaining', () => {
  it('is what the limit still holds, never below 0', () => {
    const left = (current: number): number =>
      remaining(
        stateOf({ metric: 'tokens', window: 'day', max: 10 }, { counter: counterNow('day', current) }),
      );
    expect(left(3)).toBe(7);
    expect(left(10)).toBe(0);
    expect(left(12)).toBe(0);
  });
});

describe('resetsAt', () => {
  it('is when the whole limit is free again', () => {
    expect(resetsAt(full('day'))).toBe('2026-02-01T00:00:00.000Z');
    expect(resetsAt(full('month'))).toBe('2026-02-01T00:00:00.000Z');
    expect(resetsAt(full('minute'))).toBe('2026-01-31T12:01:30.000Z');
    expect(resetsAt(busy)).toBeNull();
  });
});

describe('limitRefusal', () => {
  it.each([
    ['minute', 'rate_limit_exceeded'],
    ['hour', 'rate_limit_exceeded'],
    ['day', 'insufficient_quota'],
    ['month', 'insufficient_quota'],
  ] as const)('for a full %s is a 429 %s', (window, code) => {
    const refusal = limitRefusal([full(window)], nowMs);
    expect(refusal.status).toBe(429);
    expect(refusal.code).toBe(code);
    expect(refusal.body(null).error).toMatchObject({ type: 'rate_limit_error', code });
  });

  it('for concurrency is a rate limit, to be tried again in a second', () => {
    const refusal = limitRefusal([busy], nowMs);
    expect(refusal.code).toBe('rate_limit_exceeded');
    expect(refusal.headers).toEqual({ 'retry-after': '1' });
    expect(refusal.details.limit).toEqual({
      scope: 'team',
      metric: 'concurrency',
      window: null,
      max: 2,
      resets_at: null,
    });
    expect(refusal.message).toContain("the team's limit of 2 requests at a time");
  });

  it('tells whose limit it was', () => {
    const limit: Limit = { metric: 'tokens', window: 'day', max: 1_000 };
    const reserved = { ...oneRequest, inputTokens: 100, outputTokens: 200 };
    const state = stateOf(limit, { scope: 'user', reserved, counter: counterNow('day', 900) });
    const refusal = limitRefusal([state], nowMs);
    expect(refusal.details.limit).toEqual({
      scope: 'user',
      metric: 'tokens',
      window: 'day',
      max: 1_000,
      resets_at: '2026-02-01T00:00:00.000Z',
    });
    expect(refusal.message).toContain("the user's limit of 1000 tokens a day: 100 left, 300 needed");
  });

  it('says how long to wait, and not to retry a quota', () => {
    expect(limitRefusal([full('day')], nowMs).headers).toEqual({
      'retry-after': '43170',
      'x-should-retry': 'false',
    });
  });

  const tenAMinute = (counter: Counter, amount = 1): LimitState => {
    const reserved = { ...noCharge, inputTokens: amount };
    return stateOf({ metric: 'tokens', window: 'minute', max: 10 }, { counter, reserved });
  };

  it('waits for as much of a sliding window as the request needs, and no more', () => {
    const counter = ranAgo([59_500, 1], [40_000, 5], [10_000, 4]);
    const waits = (amount: number): string | undefined =>
      limitRefusal([tenAMinute(counter, amount)], nowMs).headers['retry-after'];
    expect([1, 2, 6, 7, 10].map(waits)).toEqual(['1', '20', '20', '50', '50']);
  });

  it('lets SDKs retry waits of up to 60 s, and no longer ones', () => {
    const until = (agoMs: number): Record<string, string> => ({
      ...limitRefusal([tenAMinute(ranAgo([agoMs, 10]))], nowMs).headers,
    });
    expect(until(0)).toEqual({ 'retry-after': '60' });
    // The clock was set back.
    expect(until(-3_000)).toEqual({ 'retry-after': '63', 'x-should-retry': 'false' });
  });

  it('tells people seconds where they are few, and the time where they are many', () => {
    const message = (state: LimitState): string => limitRefusal([state], nowMs).message;
    expect(message(tenAMinute(ranAgo([0, 10])))).toMatch(/Try again in 60 s\.$/);
    expect(message(full('hour'))).toMatch(/Try again at 2026-01-31T13:00:30\.000Z\.$/);
  });

  it('does not let SDKs retry a quota, however short the wait', () => {
    const lateMs = Date.UTC(2026, 0, 31, 23, 59, 59, 500);
    const state = { ...full('day'), counter: { ...counterNow('day', 10) } };
    expect(limitRefusal([state], lateMs).headers).toEqual({ 'retry-after': '1', 'x-should-retry': 'false' });
  });

  it('says what can never fit, without a Retry-After', () => {
    const reserved = { ...oneRequest, inputTokens: 4, outputTokens: 4_096 };
    const state = stateOf({ metric: 'tokens', window: 'minute', max: 1_000 }, { reserved });
    const refusal = limitRefusal([state], nowMs);
    expect(refusal.status).toBe(429);
    expect(refusal.headers).toEqual({ 'x-should-retry': 'false' });
    expect(refusal.message).toMatch(/reserves 4100, limit is 1000\b.*lower max_tokens/);
  });

  it('names the longest wait of several, the first of equals', () => {
    const states = [full('month'), full('day'), full('minute'), busy];
    expect(limitRefusal(states, nowMs).details.limit?.window).toBe('month');
    expect(limitRefusal(states.toReversed(), nowMs).details.limit?.window).toBe('day');
    expect(limitRefusal([full('minute'), busy], nowMs).details.limit?.window).toBe('minute');
  });

  it('does not name a limit that has room', () => {
    const roomy = stateOf({ metric: 'requests', window: 'month', max: 10 });
    expect(limitRefusal([roomy, busy], nowMs).details.limit?.metric).toBe('concurrency');
  });

  it('tells a Retry-After of at least 1 s after which the request really fits', () => {
    const anyRuns = fc.array(fc.record({ agoMs: fc.nat(3_700_000), amount: fc.nat(700) }), { maxLength: 6 });
    const anyState = fc
      .record({
        window: fc.constantFrom(...windows),
        max: fc.integer({ min: 0, max: 1_000 }),
        amount: fc.integer({ min: 1, max: 300 }),
        used: fc.integer({ min: 0, max: 1_500 }),
        runs: anyRuns,
      })
      .map(({ window, max, amount, used, runs }) => {
        const reserved = { ...oneRequest, inputTokens: amount };
        return (atMs: number): LimitState => {
          const found = runs
            .toSorted((a, b) => b.agoMs - a.agoMs)
            .map(({ agoMs, amount: held }) => ({ endMs: atMs - agoMs, amount: held }));
          const counter = { at: found.at(-1)?.endMs ?? 0, used, runs: found };
          const calendar = { at: countedAt(window, atMs), used, runs: [] };
          const slides = window === 'minute' || window === 'hour';
          return {
            ...stateOf({ metric: 'tokens', window, max }, { reserved }),
            counter: movedTo(window, slides ? counter : calendar, atMs),
          };
        };
      });
    const fits = ({ applied: { span, amount, max }, counter }: LimitState, atMs: number): boolean =>
      movedTo(span, counter, atMs).used + amount <= max;
    const anyTimeMs = fc.integer({ min: nowMs, max: nowMs + 400 * 86_400_000 });
    fc.assert(
      fc.property(fc.array(anyState, { minLength: 1, maxLength: 4 }), anyTimeMs, (makers, atMs) => {
        const states = makers.map((make) => make(atMs));
        fc.pre(states.some((state) => !fits(state, atMs)));
        const { headers } = limitRefusal(states, atMs);
        const never = states.some(({ applied: { amount, max } }) => amount > max);
        expect(headers['retry-after'] === undefined).toBe(never);
        if (never) return;
        const afterS = Number(headers['retry-after']);
        expect(afterS).toBeGreaterThanOrEqual(1);
        expect(Number.isInteger(afterS)).toBe(true);
        expect(states.every((state) => fits(state, atMs + afterS * 1_000))).toBe(true);
        if (afterS > 1) {
          expect(states.every((state) => fits(state, atMs + (afterS - 1) * 1_000))).toBe(false);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
