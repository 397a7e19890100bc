import type { Clock } from '../base/clock.ts';
import type { LifecycleLog } from '../base/log.ts';

/**
 * Heroku sends SIGKILL 30 s after SIGTERM (Dev Center, "Dyno Shutdown Behavior"). Everything is written before that.
 */
const hardDeadlineMs = 27_500;
/** A slow reader of the log has until then. */
const lastLineMs = 28_500;
/** After this, only settlements are waited for. */
const cutAfterMs = 26_000;
/** After the grace period, the time for ended answers to be written out, and for a body still coming in. */
const flushMs = 1_000;

export interface ShutdownOptions {
  server: {
    /** Stops accepting; resolves when the last connection is gone. */
    drain(): Promise<void>;
    /** Cuts the connections that are left. */
    cut(): void;
  };
  /** How long running requests may go on after the first signal. */
  graceMs: number;
  /** Ends the requests that still run then (mostly streams) and issues their settlements. */
  endRemaining: () => Promise<void> | void;
  /** Resolves when no settlement waits for the store. */
  drained: () => Promise<void>;
  log: Pick<LifecycleLog, 'info' | 'warn' | 'error' | 'delivered'>;
  clock: Clock;
  exit: (code: number) => void;
}

/**
 * An orderly shutdown: no new work, then a grace period, then running requests are ended and settled. It takes as long
 * as it must, and no longer than the dyno has.
 */
export function createShutdown(options: ShutdownOptions) {
  let ending: Promise<void> | undefined;
  return {
    /** True from the first signal on; `/readyz` then answers 503. */
    get draining() {
      return ending !== undefined;
    },
    /** Begins on the first call; later calls get the same promise. Ends with the process. */
    begin: (reason: string): Promise<void> => (ending ??= shutDown(options, reason)),
  };
}

async function shutDown(options: ShutdownOptions, reason: string): Promise<void> {
  const { server, graceMs, endRemaining, drained, log, clock, exit } = options;
  const startedAt = clock.monotonic();
  const until = (promise: Promise<void>, afterMs: number): Promise<boolean> =>
    settles(promise, startedAt + afterMs - clock.monotonic());

  const tried = (step: () => Promise<void> | void): Promise<void> =>
    Promise.resolve()
      .then(step)
      .catch((error: unknown) => log.error('a step of the shutdown failed', { error }));

  log.info('shutting down', { reason });
  const closed = tried(() => server.drain());
  if (!(await until(closed, Math.min(graceMs, cutAfterMs)))) {
    log.info('ending the requests that still run');
    const ended = tried(endRemaining).then(() => closed);
    if (!(await until(ended, Math.min(graceMs + flushMs, cutAfterMs))))
      log.warn('cutting the connections that are left');
    server.cut();
  }
  if (!(await until(tried(drained), hardDeadlineMs)))
    log.error('settlements were still waiting at the deadline');
  log.info('shut down', { took_ms: Math.round(clock.monotonic() - startedAt) });
  await until(log.delivered(), lastLineMs);
  exit(0);
}

/** Whether the promise fulfils in time. */
async function settles(promise: Promise<void>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(timeoutMs, 0));
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
