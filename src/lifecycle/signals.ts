import cluster from 'node:cluster';
import type { EventEmitter } from 'node:events';
import type { Clock } from '../base/clock.ts';
import type { LifecycleLog } from '../base/log.ts';

/** A terminal sends SIGINT to npm and to us, and npm passes it on: the echo comes within this time. */
const echoMs = 1_000;

export interface SignalOptions {
  begin: (signal: string) => unknown;
  exit: (code: number) => void;
  clock: Clock;
  source?: EventEmitter;
}

/**
 * SIGTERM and SIGINT begin the shutdown; more SIGTERMs change nothing, since Heroku may send several. A second
 * Ctrl-C, by a person who does not want to wait, ends the process at once.
 */
export function onStopSignals({ begin, exit, clock, source = process }: SignalOptions): void {
  let firstAt: number | undefined;
  source.on('SIGTERM', () => {
    firstAt ??= clock.monotonic();
    begin('SIGTERM');
  });
  source.on('SIGINT', () => {
    const now = clock.monotonic();
    if (firstAt !== undefined && now - firstAt >= echoMs) {
      exit(130); // 128 + SIGINT, as shells count
      return;
    }
    firstAt ??= now;
    begin('SIGINT');
  });
}

/**
 * In a worker: begins the shutdown when the primary is gone. Node would end the worker on the spot, with its
 * requests; telling it that the parting was meant leaves them time.
 */
export function onPrimaryLost(begin: (reason: string) => unknown): void {
  const { worker } = cluster;
  worker?.on('disconnect', () => {
    worker.exitedAfterDisconnect = true;
    begin('primary process lost');
  });
}

/**
 * A process with an error nobody caught is in an unknown state: it says so and ends. Its open requests are
 * closed as `lost` by the processes that live (invariant 2), and the primary or the dyno starts it again.
 */
export function installCrashGuards(log: Pick<LifecycleLog, 'fatal' | 'flush'>): void {
  const crash = (message: string, reason: unknown): void => {
    try {
      log.fatal(message, { error: reason instanceof Error ? reason : new Error(String(reason)) });
      log.flush();
    } finally {
      process.exit(1);
    }
  };
  process.on('uncaughtException', (error) => crash('uncaught exception', error));
  process.on('unhandledRejection', (reason) => crash('unhandled rejection', reason));
}
