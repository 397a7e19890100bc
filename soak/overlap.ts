import type { Told } from './evidence.ts';

/**
 * How many requests held a place at the same moment, as far as that is certain from outside. A place is held from
 * admission to settlement; what can be seen of that lies wholly within: from when the upstream had the request
 * until the first thing that could have let the gateway settle it: the upstream about to end its answer, the
 * caller leaving, or SIGTERM for what was ended by it. (What a killed process left is held until it is closed as
 * lost: long after the upstream saw its connection go.) So the figure may be too low, never too high.
 */
export function mostAtOnce(told: readonly Told[]): number {
  const moments = told.flatMap((each) => {
    const held = heldSurely(each);
    return held === null
      ? []
      : [
          { atMs: held.fromMs, delta: 1 },
          { atMs: held.untilMs, delta: -1 },
        ];
  });
  // Where one ends in the very moment another begins, they did not overlap.
  moments.sort((a, b) => a.atMs - b.atMs || a.delta - b.delta);
  let open = 0;
  let most = 0;
  for (const { delta } of moments) {
    open += delta;
    most = Math.max(most, open);
  }
  return most;
}

function heldSurely({ entry, call, seen }: Told): { fromMs: number; untilMs: number } | null {
  if (!seen || !call) return null;
  const stoppedMs = entry.error_code === 'shutdown' ? call.instance.stoppedMs : null;
  const untilMs = Math.min(seen.endedMs ?? Infinity, call.leftMs ?? Infinity, stoppedMs ?? Infinity);
  return untilMs > seen.receivedMs ? { fromMs: seen.receivedMs, untilMs } : null;
}
