import type { Clock } from '../base/clock.ts';
import type { LifecycleLog } from '../base/log.ts';

/**
 * Heroku sends SIGKILL 30 s after SIGTERM (Dev Center, "Dyno Shutdown Behavior"): by then all is written.
 */
const hardDeadlineMs = 27_500;
/** From then on only settlements are waited for. */
const cutAfterMs = 26_000;
/** What answers that were ended after the grace get to be written out; a body still coming in gets it too. */
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
  /** Ends the requests that still run then, streams above all, and issues their settlements. */
  endRemaining: () => Promise<void> | void;
  /** Resolves when no settlement waits for the store any more. */
  drained: () => Promise<void>;
  log: Pick<LifecycleLog, 'info' | 'warn' | 'error' | 'flush'>;
  clock: Clock;
  exit: (code: number) => void;
}

export interface Shutdown {
  /** From the first signal on: `/readyz` says 503. */
  readonly draining: boolean;
  /** Begins, the first time; every later call gets the same promise. Ends with the process. */
  begin(reason: string): Promise<void>;
}

/**
 * The orderly end: no new work, then a time of grace, then what still runs is ended and settled. It takes as
 * long as it must and no longer than the dyno is given.
 */
export function createShutdown(options: ShutdownOptions): Shutdown {
  let ending: Promise<void> | undefined;
  return {
    get draining() {
      return ending !== undefined;
    },
    begin: (reason) => (ending ??= shutDown(options, reason)),
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
      .catch((error: unknown) => log.error('a step of shutting down failed', { error }));

  log.info('shutting down', { reason });
  const closed = tried(() => server.drain());
  if (!(await until(closed, Math.min(graceMs, cutAfterMs)))) {
    log.info('ending what still runs');
    const ended = tried(endRemaining).then(() => closed);
    if (!(await until(ended, Math.min(graceMs + flushMs, cutAfterMs))))
      log.warn('cutting connections that are left');
    server.cut();
  }
  if (!(await until(tried(drained), hardDeadlineMs))) log.error('settlements left behind by the deadline');
  log.info('shut down', { took_ms: Math.round(clock.monotonic() - startedAt) });
  log.flush();
  exit(0);
}

/** Whether the promise fulfils within the time. */
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
