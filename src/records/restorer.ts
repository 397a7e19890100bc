import type { Clock } from '../base/clock.ts';
import { gatewayCounterKey } from '../identity/records/gateway-settings.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { idParts } from './checkpoint.ts';
import { type Held, LeaseLost } from './lease.ts';
import { recordRest, type RestParts } from './unrecorded.ts';
import { type RecordedState, readRecorded } from './recorded-state.ts';
import { countersOf, entryIdOf, type OpenRead, readOpen } from './restored-counters.ts';
import { RestoredStore } from './restored-store.ts';

export interface RestorerParts extends RestParts {
  store: Store;
  keys: Keys;
  retentionDays: number;
  clock: Pick<Clock, 'monotonic'>;
}

/** A store that is restored is given something in between by processes that have not noticed: then it begins anew. */
const maxAttempts = 10;
/** Half of a lease goes by before it is renewed. */
const renewedAfterMs = 3_000;
const teamsAtOnce = 50;

/**
 * Brings a store that has lost data, all of it or the newest, back to its records: first it records what the store has
 * and Postgres has not, then it writes what Postgres has. The store has no `records` key meanwhile, so no process serves
 * requests from it; that key is written last. A process may die anywhere: the next one begins anew.
 */
export class Restorer {
  readonly #parts: RestorerParts;
  #renewedAtMs = -Infinity;
  /** Why it failed last, which is told once; null if it did not. */
  #failure: string | null = null;

  constructor(parts: RestorerParts) {
    this.#parts = parts;
  }

  /** Rejects with `StoreUnavailable`, `RecordsUnavailable` and `LeaseLost`. */
  async restore(held: Held, how: 'emptied' | 'rewound'): Promise<void> {
    const { log } = this.#parts;
    if (this.#failure === null) log.warn('the store has lost data and is restored from its records', { how });
    try {
      await this.#restore(held, how);
      this.#failure = null;
    } catch (error) {
      const failure = error instanceof Error ? error.message : 'Restoring failed.';
      if (failure !== this.#failure) log.error('the store is not restored yet', { error });
      this.#failure = failure;
      throw error;
    }
  }

  async #restore(held: Held, how: 'emptied' | 'rewound'): Promise<void> {
    const { log, clock } = this.#parts;
    const startedMs = clock.monotonic();
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const restored = await this.#restoreOnce(held);
      if (restored === null) continue;
      const { records, audit } = restored;
      const tookMs = Math.round(clock.monotonic() - startedMs);
      log.warn('the store is restored', {
        how,
        identities: records.length,
        audit: audit.length,
        took_ms: tookMs,
      });
      return;
    }
    throw new StoreUnavailable('The store changes while it is restored.', { mayHaveRun: false });
  }

  /** Null if the store was given something meanwhile. */
  async #restoreOnce(held: Held): Promise<RecordedState | null> {
    const { database, drained, store, keys, retentionDays } = this.#parts;
    const target = new RestoredStore(store, keys, { retentionDays });
    const restoredBy = await target.restoredBy();
    const { marks } = await drained.read(held.checkpoints, 1);
    await recordRest(this.#parts, held);
    const state = await readRecorded(database, await target.nowMs());
    if (state.position.mark !== held.mark) throw new LeaseLost('Another process has drained the store.');
    await this.#renew(held, true);
    if (marks !== null && marks.mark >= held.mark)
      throw new LeaseLost('Another process has restored the store.');
    await target.begin({ mark: marks?.mark ?? null, restoredBy });
    await this.#write(held, target, state);
    await this.#noteGap(held);
    const done = await target.finish({ ...state.position, store: held.store }, state);
    return done ? state : null;
  }

  async #write(held: Held, target: RestoredStore, state: RecordedState): Promise<void> {
    // Whoever took the lease before this one had begun has other records by now.
    await this.#renew(held, true);
    await target.putIdentities(state);
    await this.#renew(held);
    await target.putAudit(state.audit);
    await this.#putCounters(held, target, state);
    await target.putDays(state);
    await this.#renew(held);
    await target.putMarks(state);
    await this.#renew(held);
  }

  /** Requests that are open in an older store, and closed in the records, are closed; the others stay, with what they hold. */
  async #putCounters(held: Held, target: RestoredStore, state: RecordedState): Promise<void> {
    const open = (await target.open()).map(readOpen);
    const recorded = await this.#recordedOf(open);
    const isRecorded = (each: OpenRead): boolean => recorded.has(entryIdOf(each));
    await target.close(open.filter(isRecorded));
    const counters = countersOf(
      state.counters,
      open.filter((each) => !isRecorded(each)),
    );
    const known = state.records.flatMap(({ kind, id }) => (kind === 'team' ? [id] : []));
    const teams = [...new Set([gatewayCounterKey, ...known, ...counters.keys()])];
    for (let at = 0; at < teams.length; at += teamsAtOnce) {
      const some = teams.slice(at, at + teamsAtOnce);
      await Promise.all(some.map((team) => target.putCounters(team, counters.get(team) ?? [])));
      await this.#renew(held);
    }
  }

  /** The ids of entries that Postgres has, among those of open requests. */
  async #recordedOf(open: readonly OpenRead[]): Promise<ReadonlySet<string>> {
    if (open.length === 0) return new Set();
    const rows = await this.#parts.database.query<{ id: string }>(
      `SELECT id FROM entries WHERE (admitted_at, id) IN
         (SELECT to_timestamp(ms / 1000.0), id FROM unnest($1::bigint[], $2::text[]) AS open (ms, id))`,
      [open.map(({ admittedAtMs }) => admittedAtMs), open.map(entryIdOf)],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /**
   * What was in the store since the last drain is not known. Noted before the store is used again: nobody would do it for
   * a process that is killed then. One that begins at the same entry, as when restoring begins anew, lasts until now.
   */
  async #noteGap({ checkpoints }: Held): Promise<void> {
    const { ms } = idParts(checkpoints.entries.id);
    await this.#parts.database.query(
      `WITH lost AS (SELECT to_timestamp(nullif($1::bigint, 0) / 1000.0) AS since),
         known AS (UPDATE gaps SET to_at = now() FROM lost
                   WHERE from_at IS NOT DISTINCT FROM since AND reason = $2 RETURNING 1)
       INSERT INTO gaps (stream, from_at, to_at, missing, reason)
       SELECT 'entries', since, now(), NULL, $2 FROM lost WHERE NOT EXISTS (SELECT FROM known)`,
      [ms, 'The store lost its data: what was closed since the last drain may be missing.'],
    );
  }

  async #renew({ fence, mark }: Held, now = false): Promise<void> {
    const { lease, clock } = this.#parts;
    const nowMs = clock.monotonic();
    if (!now && nowMs - this.#renewedAtMs < renewedAfterMs) return;
    const held = await lease.take();
    if (held?.fence !== fence || held.mark !== mark)
      throw new LeaseLost('Another process drains the store now.');
    this.#renewedAtMs = nowMs;
  }
}
