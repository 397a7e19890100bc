import type { Outbox } from '../events/outbox.ts';
import type { Backlog } from '../records/drained-store.ts';
import type { Monitor, Notice } from './notice.ts';

const mark = 'records.lag';
const everyMs = 60_000;
const tellEveryMs = 3_600_000;
/** Usually what is to be recorded waits for two seconds. */
const longestWaitMs = 600_000;

export interface Lag {
  backlog: Backlog;
  /** When the oldest of it was written, ms; null if there is none. */
  oldestAtMs: number | null;
  /** How many bytes it may take in the store before something is lost. */
  backlogBytes: number;
}

/** Tells once an hour that what is to be recorded waits for long, or takes much. `said` is what the mark says. Pure. */
export function lagNotice(
  { backlog, oldestAtMs, backlogBytes }: Lag,
  said: string,
  nowMs: number,
): Notice | null {
  const { entries, refusals, audit, bytes, drainedAtMs } = backlog;
  // Records that have just begun are brought what the store has had for long.
  const isLate = drainedAtMs !== null && oldestAtMs !== null && nowMs - oldestAtMs > longestWaitMs;
  const isMuch = bytes * 2 >= backlogBytes;
  if (!isLate && !isMuch) return null;
  if (said !== '' && nowMs < Number(said) + tellEveryMs) return null;
  const data = {
    entries,
    refusals,
    audit,
    bytes,
    oldest_at: timeOf(oldestAtMs),
    drained_at: timeOf(drainedAtMs),
  };
  return {
    event: { type: 'records.lag', team: null, data },
    mark,
    untilMs: nowMs + tellEveryMs,
    says: { from: said, to: String(nowMs) },
  };
}

function timeOf(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}

interface LagParts {
  outbox: Pick<Outbox, 'markOf'>;
  /** Null if nothing is recorded. */
  lag: () => Promise<Lag | null>;
}

/** What waits to be recorded in Postgres. The store knows that by itself, so Postgres may be away. */
export function lagMonitor({ outbox, lag }: LagParts): Monitor {
  return {
    name: 'records.lag',
    everyMs,
    async *notices(nowMs) {
      const found = await lag();
      if (found === null) return;
      const notice = lagNotice(found, await outbox.markOf(mark), nowMs);
      if (notice) yield notice;
    },
  };
}
