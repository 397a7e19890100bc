import type { EventEmitter } from 'node:events';
import type { Clock } from '../base/clock.ts';

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
