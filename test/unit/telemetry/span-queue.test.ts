import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Delivery, Patience } from '../../../src/telemetry/collector.ts';
import type { RequestTrace } from '../../../src/telemetry/request-trace.ts';
import { SpanQueue } from '../../../src/telemetry/span-queue.ts';

/** A queue whose collector answers when it is told to. Each trace is one span. */
class Rig {
  readonly batches: string[][] = [];
  readonly dropped: [string, number][] = [];
  readonly patience: Patience[] = [];
  readonly errors: string[] = [];
  answer: (delivery: Delivery) => void = () => undefined;
  readonly queue: SpanQueue;

  constructor(bounds: Partial<{ maxSpans: number; maxBatchSpans: number; delayMs: number }> = {}) {
    this.queue = new SpanQueue({
      bounds: { maxSpans: 5, maxBatchSpans: 3, delayMs: 1_000, patienceMs: 30_000, ...bounds },
      collector: {
        deliver: (body, patience) => {
          this.batches.push(Buffer.from(body).toString().split(' '));
          this.patience.push(patience);
          return new Promise((resolve) => (this.answer = resolve));
        },
      },
      encode: (traces) => {
        const names = traces.map(({ began }) => began.requestId);
        if (names.includes('unencodable')) throw new RangeError('a mistake');
        return new Uint8Array(Buffer.from(names.join(' ')));
      },
      rejected: (answer) => answer.length,
      dropped: (reason, spans) => void this.dropped.push([reason, spans]),
      log: { error: (message) => void this.errors.push(message) },
    });
  }

  add(...names: string[]): void {
    for (const requestId of names) {
      const trace = { began: { requestId }, attempts: [], admitBeganMs: null, end: null };
      this.queue.add(trace as unknown as RequestTrace); // what a queue looks at
    }
  }

  async taken(answer = new Uint8Array()): Promise<void> {
    this.answer({ kind: 'taken', answer });
    await vi.advanceTimersByTimeAsync(0);
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('SpanQueue', () => {
  it('sends what has waited', async () => {
    const rig = new Rig();
    rig.add('a', 'b');
    await vi.advanceTimersByTimeAsync(999);
    expect(rig.batches).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(rig.batches).toEqual([['a', 'b']]);
  });

  it('sends a full batch at once, and one after the other', async () => {
    const rig = new Rig();
    rig.add('a', 'b', 'c', 'd');
    expect(rig.batches).toEqual([]); // not in the tick of a request
    await vi.advanceTimersByTimeAsync(0);
    expect(rig.batches).toEqual([['a', 'b', 'c']]);
    rig.add('e', 'f');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(rig.batches).toHaveLength(1);
    await rig.taken();
    expect(rig.batches[1]).toEqual(['d', 'e', 'f']);
  });

  it('drops what has no room, and counts it', async () => {
    const rig = new Rig();
    rig.add('a', 'b', 'c');
    await vi.advanceTimersByTimeAsync(0);
    rig.add('d', 'e', 'f', 'g', 'h', 'i', 'j');
    expect(rig.dropped).toEqual([
      ['queue_full', 1],
      ['queue_full', 1],
    ]);
    await rig.taken();
    expect(rig.batches[1]).toEqual(['d', 'e', 'f']);
  });

  it('counts what a collector refuses, whole or in part, and goes on', async () => {
    const rig = new Rig({ maxBatchSpans: 2 });
    rig.add('a', 'b', 'c', 'd');
    await vi.advanceTimersByTimeAsync(0);
    rig.answer({ kind: 'refused' });
    await vi.advanceTimersByTimeAsync(0);
    await rig.taken(new Uint8Array(1));
    rig.add('e', 'f');
    await vi.advanceTimersByTimeAsync(0);
    rig.answer({ kind: 'failed' });
    await vi.advanceTimersByTimeAsync(0);
    expect(rig.batches).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['e', 'f'],
    ]);
    expect(rig.dropped).toEqual([
      ['refused', 2],
      ['refused', 1],
      ['failed', 2],
    ]);
  });

  it('drops a batch that cannot be encoded, says so, and goes on', async () => {
    const rig = new Rig({ maxBatchSpans: 2 });
    rig.add('a', 'unencodable', 'b', 'c');
    await vi.advanceTimersByTimeAsync(0);
    expect({ dropped: rig.dropped, errors: rig.errors }).toEqual({
      dropped: [['failed', 2]],
      errors: ['spans could not be sent'],
    });
    await vi.advanceTimersByTimeAsync(1);
    expect(rig.batches).toEqual([['b', 'c']]);
    await rig.taken();
    rig.add('unencodable');
    await rig.queue.stop(2_000);
    expect(rig.dropped).toEqual([
      ['failed', 2],
      ['failed', 1],
    ]);
  });

  it('sends the rest when it stops, in a hurry, and no longer than it may', async () => {
    const rig = new Rig();
    rig.add('a', 'b', 'c', 'd');
    let isStopped = false;
    void rig.queue.stop(2_000).then(() => (isStopped = true));
    await vi.advanceTimersByTimeAsync(0);
    expect(rig.patience[0]?.hurry.aborted).toBe(true);
    await rig.taken();
    expect(rig.batches).toEqual([['a', 'b', 'c'], ['d']]);
    expect(rig.patience[1]?.cut.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(rig.patience[1]?.cut.aborted).toBe(true);
    expect(isStopped).toBe(false);
    rig.answer({ kind: 'failed' });
    await vi.advanceTimersByTimeAsync(0);
    expect({ isStopped, dropped: rig.dropped }).toEqual({ isStopped: true, dropped: [['failed', 1]] });
  });
});
