import { describe, expect, it } from 'vitest';
import { type BeforeTry, stepAfter } from '../../../src/webhooks/tries.ts';
import { failedBy, type TryOutcome } from '../../../src/webhooks/try-outcome.ts';

const fresh: BeforeTry = { tries: 0, failures: 0, failingSinceMs: null };
const hourMs = 3_600_000;
const after = (before: Partial<BeforeTry>, outcome: TryOutcome, { nowMs = 0, random = 0 } = {}) =>
  stepAfter({ ...fresh, ...before }, outcome, { nowMs, random });
const asking = (retryAfterMs: number): TryOutcome => ({
  kind: 'failed',
  status: 503,
  error: 'status',
  retryAfterMs,
});

describe('what follows a try', () => {
  it('is nothing if the event was taken', () => {
    expect(after({ tries: 7, failures: 9, failingSinceMs: 1 }, { kind: 'taken', status: 204 })).toEqual({
      kind: 'delivered',
    });
  });

  it('is that the webhook is disabled if it answers 410', () => {
    expect(after({}, { kind: 'gone', status: 410 })).toEqual({
      kind: 'disable',
      because: 'It answered 410: gone.',
    });
  });

  it.each([0, 0.5, 1])('is another try, over at least a day, and then none (jitter %d)', (random) => {
    const pausesS: number[] = [];
    for (let tries = 0; ; tries += 1) {
      // Others are taken meanwhile: the webhook is not disabled.
      const step = after({ tries }, failedBy('reset'), { random });
      if (step.kind !== 'retry') {
        expect(step.kind).toBe('given_up');
        break;
      }
      pausesS.push(step.inMs / 1_000);
    }
    expect(pausesS).toHaveLength(10);
    expect(pausesS).toEqual(pausesS.toSorted((a, b) => a - b));
    const hours = pausesS.reduce((sum, each) => sum + each, 0) / 3_600;
    expect(hours).toBeGreaterThanOrEqual(24);
    expect(hours).toBeLessThan(27);
    const base = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 30_600];
    expect(pausesS.map((each, at) => each / (base[at] ?? 1))).toEqual(
      base.map(() => expect.closeTo(1 + random * 0.1, 5)),
    );
  });

  it('is a disabled webhook once it has taken nothing for a day, whichever try of the event it is', () => {
    const sinceMs = 5_000;
    const before = { tries: 0, failures: 40, failingSinceMs: sinceMs };
    expect(after(before, failedBy('timeout'), { nowMs: sinceMs + 24 * hourMs - 1 }).kind).toBe('retry');
    expect(after(before, failedBy('timeout'), { nowMs: sinceMs + 24 * hourMs })).toEqual({
      kind: 'disable',
      because: 'It has taken nothing for a day. The last error: timeout.',
    });
    expect(after(before, failedBy('status', 500), { nowMs: sinceMs + 30 * hourMs })).toMatchObject({
      because: 'It has taken nothing for a day. The last error: status 500.',
    });
  });

  it('is a rest of the webhook, longer with each failure, at most five minutes', () => {
    const rests = Array.from({ length: 12 }, (_, failures) => after({ failures }, failedBy('reset')));
    expect(rests.map((step) => 'restMs' in step && step.restMs / 1_000)).toEqual([
      5,
      30,
      120,
      ...Array(9).fill(300),
    ]);
  });

  it('is a longer wait if the receiver asks for it, up to an hour', () => {
    expect(after({}, asking(90_000))).toEqual({ kind: 'retry', inMs: 90_000, restMs: 90_000 });
    expect(after({}, asking(1_000))).toEqual({ kind: 'retry', inMs: 5_000, restMs: 5_000 });
    expect(after({}, asking(90 * hourMs))).toEqual({ kind: 'retry', inMs: hourMs, restMs: hourMs });
    expect(after({ tries: 8 }, asking(1_000))).toMatchObject({ inMs: 8 * hourMs });
  });
});
