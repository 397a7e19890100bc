import type { Clock } from '../../src/core/clock.ts';

/** The system's clock, as far ahead as it is told to be. */
export class TurnedClock implements Clock {
  aheadMs = 0;
  now = (): number => Date.now() + this.aheadMs;
  monotonic = (): number => performance.now() + this.aheadMs;
}
