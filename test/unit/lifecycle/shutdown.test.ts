import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createShutdown, type ShutdownOptions } from '../../../src/lifecycle/shutdown.ts';

/** Notes what happens and when, in ms after the first signal, to 10 ms: a timer takes 1 ms at least. */
function setUp(options: Partial<ShutdownOptions> = {}) {
  const events: string[] = [];
  const note = (event: string): void =>
    void events.push(`${Math.round(performance.now() / 10) * 10} ${event}`);
  let close: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => (close = resolve));
  const shutdown = createShutdown({
    server: {
      drain: () => {
        note('drain');
        return closed;
      },
      cut: () => note('cut'),
    },
    graceMs: 20_000,
    endRemaining: () => note('end remaining'),
    drained: async () => note('settled'),
    log: {
      info: () => undefined,
      warn: () => undefined,
      error: (text) => note(text),
      delivered: async () => note('delivered'),
    },
    clock: { now: () => 0, monotonic: () => performance.now() },
    exit: (code) => note(`exit ${code}`),
    ...options,
  });
  return { shutdown, events, close };
}

beforeEach(() => {
  vi.useFakeTimers({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('shutting down', () => {
  it('is not draining before the first signal, and is after it', () => {
    const { shutdown } = setUp();
    expect(shutdown.draining).toBe(false);
    void shutdown.begin('SIGTERM');
    expect(shutdown.draining).toBe(true);
  });

  it('ends at once when nothing runs', async () => {
    const { shutdown, events, close } = setUp();
    close();
    await shutdown.begin('SIGTERM');
    expect(events).toEqual(['0 drain', '0 settled', '0 delivered', '0 exit 0']);
  });

  it('waits for running requests and then ends, nothing cut short', async () => {
    const { shutdown, events, close } = setUp();
    setTimeout(close, 7_000);
    void shutdown.begin('SIGTERM');
    await vi.advanceTimersByTimeAsync(30_000);
    expect(events).toEqual(['0 drain', '7000 settled', '7000 delivered', '7000 exit 0']);
  });

  it('ends what still runs after the grace, and settles it', async () => {
    const { shutdown, events, close } = setUp({
      endRemaining: () => {
        events.push('end remaining');
        setTimeout(close, 100);
      },
    });
    void shutdown.begin('SIGTERM');
    await vi.advanceTimersByTimeAsync(30_000);
    expect(events).toEqual([
      '0 drain',
      'end remaining',
      '20100 cut',
      '20100 settled',
      '20100 delivered',
      '20100 exit 0',
    ]);
  });

  it('cuts connections that do not end, and still settles', async () => {
    const { shutdown, events } = setUp();
    void shutdown.begin('SIGTERM');
    await vi.advanceTimersByTimeAsync(30_000);
    expect(events).toEqual([
      '0 drain',
      '20000 end remaining',
      '21000 cut',
      '21000 settled',
      '21000 delivered',
      '21000 exit 0',
    ]);
  });

  it('exits 2.5 s before the 30 s are over whatever happens', async () => {
    const { shutdown, events } = setUp({
      graceMs: 60_000,
      endRemaining: () => new Promise(() => undefined),
      drained: () => new Promise(() => undefined),
    });
    void shutdown.begin('SIGTERM');
    await vi.advanceTimersByTimeAsync(30_000);
    expect(events).toEqual([
      '0 drain',
      '26000 cut',
      '27500 settlements were still waiting at the deadline',
      '27500 delivered',
      '27500 exit 0',
    ]);
  });

  it('a step that fails does not keep the next from being taken', async () => {
    const fail = (): Promise<void> => Promise.reject(new Error('no'));
    const { shutdown, events } = setUp({ endRemaining: fail, graceMs: 0 });
    void shutdown.begin('SIGTERM');
    await vi.advanceTimersByTimeAsync(30_000);
    expect(events).toContain('1000 settled');
    expect(events.at(-1)).toBe('1000 exit 0');
  });

  it('begins once, however many signals come', async () => {
    const { shutdown, events, close } = setUp();
    const first = shutdown.begin('SIGTERM');
    expect(shutdown.begin('SIGTERM')).toBe(first);
    expect(shutdown.begin('SIGINT')).toBe(first);
    close();
    await first;
    expect(events.filter((event) => event.endsWith('exit 0'))).toHaveLength(1);
  });
});
