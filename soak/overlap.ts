import type { MatchedEntry } from './evidence.ts';

/**
 * The most requests that were open at the same moment, as far as that is certain from outside. A request is open from
 * admission to settlement. The visible part of that is shorter. It begins when the upstream has the request. It ends
 * with the first event that may let the gateway settle: the upstream is about to end its answer, the caller leaves, or
 * SIGTERM ends the request. (The requests of a killed process stay open until they are closed as lost, long after the
 * upstream saw the connection end.) So the figure may be too low, never too high.
 */
export function mostAtOnce(matched: readonly MatchedEntry[]): number {
  const moments = matched.flatMap((each) => {
    const span = certainlyOpen(each);
    return span === null
      ? []
      : [
          { atMs: span.fromMs, delta: 1 },
          { atMs: span.untilMs, delta: -1 },
        ];
  });
  // If one ends in the moment another begins, they did not overlap.
  moments.sort((a, b) => a.atMs - b.atMs || a.delta - b.delta);
  let open = 0;
  let most = 0;
  for (const { delta } of moments) {
    open += delta;
    most = Math.max(most, open);
  }
  return most;
}

function certainlyOpen({ entry, call, seen }: MatchedEntry): { fromMs: number; untilMs: number } | null {
  if (!seen || !call) return null;
  const stoppedMs = entry.error_code === 'shutdown' ? call.instance.stoppedMs : null;
  const untilMs = Math.min(seen.endedMs ?? Infinity, call.leftMs ?? Infinity, stoppedMs ?? Infinity);
  return untilMs > seen.receivedMs ? { fromMs: seen.receivedMs, untilMs } : null;
}
