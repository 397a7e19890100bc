import { daysBetween } from '../base/days.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { type Checkpoints, idParts, type StreamName } from './checkpoint.ts';
import { DayCheck } from './day-check.ts';
import type { Queries } from './database.ts';
import type { Difference } from './differences.ts';
import { DrainedStore } from './drained-store.ts';
import { beforeRecords } from './drain.ts';
import { monthOf } from './months.ts';
import { tablesIn } from './partitions.ts';
import { RecordsUnavailable } from './records-unavailable.ts';
import type { Seam } from './seam.ts';
import { anchorIn, type CheckedTrail, type TrailAnchor, TrailCheck } from './trail-check.ts';

/** More would not be read by anybody; how many there are is told. */
const maxListed = 1_000;
const gapsListed = 100;
const noRecords = 'DATABASE_URL is not set.';

/** Elements of the store that Postgres does not have, or never will. */
export interface Gap {
  stream: StreamName;
  found_at: string;
  /** When the last element before it, and the first one after it, were written; null: not known. */
  from: string | null;
  to: string | null;
  /** Null: not known. */
  missing: number | null;
  reason: string;
}

export interface RecordsStatus {
  /** `off`: no DATABASE_URL, or one that cannot be used. */
  state: 'on' | 'off' | 'unreachable';
  problem: string | null;
  /** How many elements of each stream are not in Postgres, and about how many bytes of the store they take. */
  backlog: Readonly<Record<StreamName | 'bytes', number>> | null;
  /** When something was last moved to Postgres. */
  last_drain_at: string | null;
  /** When what is in Postgres was closed last. */
  drained_to: Readonly<Record<StreamName, string | null>> | null;
  oldest_entry_at: string | null;
  size_bytes: number | null;
  gaps: Gap[];
  /** The newest audit entry that is no longer in the store. */
  audit_anchor: TrailAnchor | null;
}

/** What is known of the records without asking Postgres. */
export type RecordsBrief = Pick<RecordsStatus, 'state' | 'problem' | 'backlog' | 'last_drain_at'>;

/** Without `DATABASE_URL`. */
export const withoutRecords: RecordsBrief = {
  state: 'off',
  problem: noRecords,
  backlog: null,
  last_drain_at: null,
};

export interface Verification {
  /** How many rows of sums were compared. */
  rows: number;
  differences: Difference[];
  /** How many differences are not listed. */
  left_out: number;
  /** Those that touch the days that were compared. */
  gaps: Gap[];
}

export interface TrailVerification extends CheckedTrail {
  /** Null: nothing was trimmed from the store. */
  anchor: TrailAnchor | null;
  /** Why Postgres was not read; null if it was. */
  problem: string | null;
}

interface RecordsViewOptions {
  store: Store;
  keys: Keys;
  /** Null without `DATABASE_URL`. */
  seam: Seam | null;
}

/** What is known of the records, and whether both places say the same. */
export class RecordsView {
  readonly #options: RecordsViewOptions;
  readonly #drained: DrainedStore;

  constructor(options: RecordsViewOptions) {
    this.#options = options;
    this.#drained = new DrainedStore(options.store, options.keys);
  }

  /** Rejects with `StoreUnavailable` if the store cannot be reached; Postgres may be away. */
  async status(): Promise<RecordsStatus> {
    const { store, keys, seam } = this.#options;
    const audit_anchor = await anchorIn(store, keys);
    const unknown = { drained_to: null, oldest_entry_at: null, size_bytes: null, gaps: [] };
    if (seam === null) return { ...withoutRecords, ...unknown, audit_anchor };
    const { drainedAtMs, ...backlog } = await this.#drained.backlog();
    const last_drain_at = drainedAtMs === null ? null : new Date(drainedAtMs).toISOString();
    const known = { backlog, last_drain_at, audit_anchor };
    try {
      const { position, recorded } = await seam.inTurn(() => seam.snapshot(stateOf));
      return { state: 'on', problem: null, ...known, drained_to: timesOf(position.checkpoints), ...recorded };
    } catch (error) {
      if (!(error instanceof RecordsUnavailable)) throw error;
      const state = seam.problem === null ? 'unreachable' : 'off';
      return { state, problem: error.message, ...known, ...unknown };
    }
  }

  /** Compares days (UTC, both included); null if there are no records. Rejects with `StoreUnavailable`. */
  async verify({ from, to }: { from: string; to: string }): Promise<Verification | null> {
    const { store, keys, seam } = this.#options;
    if (seam === null) return null;
    const check = new DayCheck(store, keys, seam);
    const { recorded } = await seam.inTurn(() =>
      seam.snapshot(async (queries) => ({
        gaps: await gapsIn(queries, { from, to }),
        months: new Set(await tablesIn(queries)),
        since: await recordedSince(queries),
      })),
    );
    const result: Verification = { rows: 0, differences: [], left_out: 0, gaps: recorded.gaps };
    for (const day of daysBetween(from, to)) {
      const hasEntries =
        recorded.months.has(monthOf(Date.parse(day)).table) &&
        (recorded.since === null || day > recorded.since);
      const { rows, differences } = await check.check(day, hasEntries);
      const listed = differences.slice(0, maxListed - result.differences.length);
      result.rows += rows;
      result.differences.push(...listed);
      result.left_out += differences.length - listed.length;
    }
    return result;
  }

  /** Compares the audit entries that both places have. Rejects with `StoreUnavailable`; Postgres may be away. */
  async verifyTrail(): Promise<TrailVerification> {
    const { store, keys, seam } = this.#options;
    const anchor = await anchorIn(store, keys);
    if (seam === null) return { compared: 0, differences: [], anchor, problem: noRecords };
    try {
      const checked = await new TrailCheck(store, keys, seam).check();
      return { ...checked, anchor, problem: null };
    } catch (error) {
      if (!(error instanceof RecordsUnavailable)) throw error;
      return { compared: 0, differences: [], anchor, problem: error.message };
    }
  }
}

async function stateOf(
  queries: Queries,
): Promise<Pick<RecordsStatus, 'oldest_entry_at' | 'size_bytes' | 'gaps'>> {
  const [row] = await queries.query<{ oldest: Date | null; size: number }>(
    'SELECT (SELECT MIN(admitted_at) FROM entries) AS oldest, pg_database_size(current_database()) AS size',
  );
  return {
    oldest_entry_at: row?.oldest?.toISOString() ?? null,
    size_bytes: row?.size ?? null,
    gaps: await gapsIn(queries, null),
  };
}

interface GapRow extends Pick<Gap, 'stream' | 'missing' | 'reason'> {
  found_at: Date;
  from_at: Date | null;
  to_at: Date | null;
}

/** The newest gaps: all, or those that touch a range of days. */
async function gapsIn(queries: Queries, days: { from: string; to: string } | null): Promise<Gap[]> {
  const touching =
    "WHERE COALESCE(to_at, found_at) >= $1::date AND COALESCE(from_at, '-infinity') < $2::date + 1";
  const rows = await queries.query<GapRow>(
    `SELECT stream, found_at, from_at, to_at, missing, reason FROM gaps ${days === null ? '' : touching}
     ORDER BY id DESC LIMIT ${gapsListed}`,
    days === null ? [] : [days.from, days.to],
  );
  return rows.map(({ stream, found_at, from_at, to_at, missing, reason }) => ({
    stream,
    found_at: found_at.toISOString(),
    from: from_at?.toISOString() ?? null,
    to: to_at?.toISOString() ?? null,
    missing,
    reason,
  }));
}

function timesOf(checkpoints: Checkpoints): Record<StreamName, string | null> {
  const of = (name: StreamName): string | null => {
    const { ms } = idParts(checkpoints[name].id);
    return ms === 0 ? null : new Date(ms).toISOString();
  };
  return { entries: of('entries'), refusals: of('refusals'), audit: of('audit') };
}

/** The last day of which Postgres does not have every entry, since records began on it or later; null: there is none. */
async function recordedSince(queries: Queries): Promise<string | null> {
  const [row] = await queries.query<{ day: string | null }>(
    "SELECT MAX(COALESCE(to_at, found_at))::date AS day FROM gaps WHERE stream = 'entries' AND reason = $1",
    [beforeRecords],
  );
  return row?.day ?? null;
}
