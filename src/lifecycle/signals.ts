import cluster from 'node:cluster';
import type { EventEmitter } from 'node:events';
import type { Clock } from '../base/clock.ts';
import type { LifecycleLog } from '../base/log.ts';

/** A terminal sends SIGINT to npm and to us, and npm passes it on. This echo comes within this time. */
const echoMs = 1_000;

export interface SignalOptions {
  begin: (signal: string) => unknown;
  exit: (code: number) => void;
  clock: Clock;
  source?: EventEmitter;
}

/**
 * SIGTERM and SIGINT begin the shutdown. More SIGTERMs change nothing, since Heroku may send several. A second Ctrl-C
 * ends the process at once, for a person who does not want to wait.
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
 * In a worker: begins the shutdown when the primary is gone. Node would end the worker at once, with its requests.
 * `exitedAfterDisconnect` marks the disconnect as intended, which gives them time.
 */
export function onPrimaryLost(begin: (reason: string) => unknown): void {
  const { worker } = cluster;
  worker?.on('disconnect', () => {
    worker.exitedAfterDisconnect = true;
    begin('primary process lost');
  });
}

/** How long the reader of the log has for the line that says why. */
const lastLineMs = 2_000;

/**
 * After an uncaught error a process is in an unknown state: it logs the error and exits. Living processes close its open
 * requests as `lost` (invariant 2), and the primary or the dyno starts it again.
 */
export function installCrashGuards(log: Pick<LifecycleLog, 'fatal' | 'delivered'>): void {
  const exit = (): never => process.exit(1);
  const crash = (message: string, reason: unknown): void => {
    setTimeout(exit, lastLineMs);
    log.fatal(message, { error: reason instanceof Error ? reason : new Error(String(reason)) });
    void log.delivered().finally(exit);
  };
  process.on('uncaughtException', (error) => crash('uncaught exception', error));
  process.on('unhandledRejection', (reason) => crash('unhandled rejection', reason));
}
