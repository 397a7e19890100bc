import { isResting } from './circuit-breaker.ts';
import type { Upstream } from './upstreams.ts';

/** A model, who serves it, and the request as it is written for it. */
export interface Target {
  readonly model: string;
  /** In the order of their turns, less those that were tried in vain. */
  candidates: readonly Upstream[];
  readonly body: Buffer;
}

/** Of those that work and have room the one with the most, as far as it is known; else the first in turn. Pure. */
export function choose(candidates: readonly Upstream[], nowMs: number, tokens: number): Upstream | null {
  let best: Upstream | null = null;
  let most = 0;
  for (const upstream of candidates) {
    if (isResting(upstream.rest, nowMs)) continue;
    const left = upstream.room.left(nowMs, tokens);
    if (left === 0) continue;
    const hasMore = left > most && left !== Infinity && most !== Infinity;
    if (best !== null && !hasMore) continue;
    best = upstream;
    most = left;
  }
  return best;
}

/** Of those that have room, all of them at rest, the one that has rested longest. Pure. */
export function chooseResting(
  candidates: readonly Upstream[],
  nowMs: number,
  tokens: number,
): Upstream | null {
  let best: Upstream | null = null;
  for (const upstream of candidates) {
    if (upstream.room.left(nowMs, tokens) === 0) continue;
    if (best === null || upstream.rest.untilMs < best.rest.untilMs) best = upstream;
  }
  return best;
}

/** The one that is expected to have room first. Pure. */
export function chooseFull(candidates: readonly Upstream[], nowMs: number, tokens: number): Upstream | null {
  let best: Upstream | null = null;
  let soonestMs = Infinity;
  for (const upstream of candidates) {
    const opensAtMs = upstream.room.opensAtMs(nowMs, tokens);
    if (opensAtMs >= soonestMs) continue;
    best = upstream;
    soonestMs = opensAtMs;
  }
  return best;
}
