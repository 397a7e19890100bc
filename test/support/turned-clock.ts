import type { Clock } from '../../src/base/clock.ts';

/** The system's clock, as far ahead as it is told to be. */
export class TurnedClock implements Clock {
  aheadMs = 0;
  now = (): number => Date.now() + this.aheadMs;
  monotonic = (): number => performance.now() + this.aheadMs;
}

/** For gateways whose clock is turned by minutes: no deadline falls into such a jump, and no heartbeat. */
export const patient = Object.fromEntries(
  [
    'UPSTREAM_TIMEOUT_MS',
    'STREAM_IDLE_TIMEOUT_MS',
    'FIRST_HEARTBEAT_MS',
    'HEARTBEAT_MS',
    'READER_TIMEOUT_MS',
  ].map((name) => [name, '3600000']),
);
