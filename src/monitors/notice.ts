import type { GatewayEvent } from '../base/event.ts';

/** An event to tell, unless it was told. */
export interface Notice {
  readonly event: GatewayEvent;
  /** What tells that it was told: see `Outbox.once`. */
  readonly mark: string;
  /** Until when the mark counts, by the store's clock, ms. */
  readonly untilMs: number;
  /** What the mark says before and then; absent: nothing, and that it was told. */
  readonly says?: { readonly from: string; readonly to: string };
}

/** Something that one process looks at regularly. */
export interface Monitor {
  readonly name: string;
  /** From one look to the next, ms. */
  readonly everyMs: number;
  /**
   * The name of the day or the week that it looks at once; null: there is nothing to look at now. Absent: it looks each time.
   * Others in the same period look only if the look of this one failed.
   */
  readonly period?: (nowMs: number) => string | null;
  /** What there is to tell. It may be left in the middle: then it looks again soon. */
  notices(nowMs: number): AsyncIterable<Notice>;
}
