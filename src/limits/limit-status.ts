import { nanoUsdPerUsd } from '../base/price.ts';
import { type LimitState, maxOf } from './grant.ts';
import { resetsAtMs } from './window.ts';

/** What is left of a limit; at least 0, even if a request used more than it reserved. */
export function remaining(state: LimitState): number {
  return Math.max(0, maxOf(state) - state.counter.used);
}

/** When the whole limit is free again, RFC 3339; null for concurrency. */
export function resetsAt({ applied, counter }: LimitState): string | null {
  const atMs = resetsAtMs(applied.span, counter);
  return atMs === null ? null : new Date(atMs).toISOString();
}

/** What is used and left of a limit, as answers tell it: money in dollars. */
export interface ToldUse {
  used: number;
  remaining: number;
  resets_at: string | null;
  /** What raises add to `max` now; absent: nothing. */
  raised_by?: number;
  /** When the first of these raises ends. */
  raised_until?: string;
}

export function useOf(state: LimitState): ToldUse {
  const perUnit = unitOf(state);
  return {
    used: state.counter.used / perUnit,
    remaining: remaining(state) / perUnit,
    resets_at: resetsAt(state),
    ...raisedAs(state),
  };
}

/** What raises a limit, as answers tell it; empty if nothing does. */
export function raisedAs(state: LimitState): Pick<ToldUse, 'raised_by' | 'raised_until'> {
  if (state.raised === undefined) return {};
  const { by, untilMs } = state.raised;
  return { raised_by: by / unitOf(state), raised_until: new Date(untilMs).toISOString() };
}

/** What one unit of a limit is in the store. */
export function unitOf({ scoped: { limit } }: Pick<LimitState, 'scoped'>): number {
  return limit.metric === 'cost_usd' ? nanoUsdPerUsd : 1;
}
