import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadlines } from '../../../src/store/deadlines.ts';

const timeoutMs = 1_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const expired: string[] = [];
  const deadlines = new Deadlines({
    timeoutMs,
    silenceMs: 5_000,
    onSilence: () => void expired.push(`silent at ${Date.now() - startedMs}`),
    clock: { monotonic: () => Date.now() },
  });
  const begin = (name: string): { isSettled: boolean; expire: () => void } => {
    const pending = {
      isSettled: false,
      expire: () => void expired.push(`${name} at ${Date.now() - startedMs}`),
    };
    deadlines.add(pending);
    return pending;
  };
  const startedMs = Date.now();
  return { expired, begin, deadlines };
}

describe('what may take a second', () => {
  it('expires when its second is over, not when the first one of others is', () => {
    const { expired, begin } = setUp();
    begin('a');
    vi.advanceTimersByTime(400);
    begin('b');
    vi.advanceTimersByTime(5_000);
    expect(expired).toEqual(['a at 1000', 'b at 1400']);
  });

  it('does not expire if it was settled in time', () => {
    const { expired, begin } = setUp();
    const first = begin('a');
    begin('b');
    first.isSettled = true;
    vi.advanceTimersByTime(300);
    begin('c').isSettled = true;
    vi.advanceTimersByTime(5_000);
    expect(expired).toEqual(['b at 1000']);
  });

  it('needs one timer, however many there are', () => {
    const { begin } = setUp();
    for (let n = 0; n < 100; n += 1) begin(String(n)).isSettled = true;
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(timeoutMs);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('tells when nothing was heard for five seconds, again only after five more', () => {
    const { expired, begin } = setUp();
    for (let n = 0; n < 11; n += 1) {
      begin(String(n));
      vi.advanceTimersByTime(1_000);
    }
    expect(expired.filter((told) => told.startsWith('silent'))).toEqual([
      'silent at 5000',
      'silent at 10000',
    ]);
  });

  it('hears a late answer, too', () => {
    const { expired, begin, deadlines } = setUp();
    for (let n = 0; n < 11; n += 1) {
      begin(String(n));
      vi.advanceTimersByTime(1_000);
      if (n === 3 || n === 7) deadlines.heard();
    }
    expect(expired.filter((told) => told.startsWith('silent'))).toEqual([]);
  });
});
