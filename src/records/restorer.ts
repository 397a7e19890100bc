import type { Log } from '../base/log.ts';
import type { Clock } from '../base/clock.ts';
import { hashOf, noHead } from '../audit/chain.ts';
import { gatewayCounterKey } from '../identity/records/gateway-settings.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { type Checkpoints, idParts, type StreamName } from './checkpoint.ts';
import type { Database, Queries } from './database.ts';
import type { DrainedStore, Element, StoreRead } from './drained-store.ts';
import { type DrainedStream, fieldOf } from './drained-stream.ts';
import { type Held, type Lease, LeaseLost, readPosition } from './lease.ts';
import { type RecordedState, readRecorded } from './recorded-state.ts';
import { countersOf, entryIdOf, type OpenRead, readOpen } from './restored-counters.ts';
import { RestoredStore } from './restored-store.ts';

export interface RestorerParts {
  database: Database;
  lease: Lease;
  store: Store;
  keys: Keys;
  drained: DrainedStore;
  streams: readonly DrainedStream[];
  /** Brings identities in Postgres up to what these elements of the audit trail have changed. */
  mirror: (queries: Queries, elements: readonly Element[]) => Promise<void>;
  retentionDays: number;
  clock: Pick<Clock, 'monotonic'>;
  log: Log;
}

/** A store that is restored is given something in between by processes that have not noticed: then it begins anew. */
const maxAttempts = 10;
const elementsPerRead = 500;
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
    await this.#recordRest(held);
    const state = await readRecorded(database, await target.nowMs());
    if (state.position.mark !== held.mark) throw new LeaseLost('Another process has drained the store.');
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

  /** Records what the store has and Postgres has not: it was settled before, or since the store has lost its data. */
  async #recordRest(held: Held): Promise<void> {
    const { database, drained, streams, lease } = this.#parts;
    for (;;) {
      const { checkpoints } = await readPosition(database);
      const read = await drained.read(checkpoints, elementsPerRead);
      const next = await this.#restIn(checkpoints, read);
      if (streams.every(({ name }) => next[name].length === 0)) return;
      for (const stream of streams)
        await stream.prepare?.(next[stream.name], (queries) => lease.lock(queries, held));
      await database.transaction(async (queries) => {
        await lease.lock(queries, held);
        for (const stream of streams) {
          const elements = next[stream.name];
          if (elements.length === 0) continue;
          await stream.insert(queries, elements);
          await moveCheckpoint(queries, stream.name, elements);
        }
        if (next.audit.length > 0) await this.#mirror(queries, next.audit);
      });
    }
  }

  /** What an older store has of identities is recorded only if it still has it after it was read. */
  async #mirror(queries: Queries, elements: readonly Element[]): Promise<void> {
    const { mirror, drained } = this.#parts;
    await mirror(queries, elements);
    const checkpoints = (await readPosition(queries)).checkpoints;
    const { hasDrained } = await drained.read(checkpoints, 1);
    if (!hasDrained)
      throw new StoreUnavailable('The store has lost data while it was read.', { mayHaveRun: false });
  }

  /** The elements after the checkpoints; of the audit trail only those that go on from what is recorded. */
  async #restIn(
    checkpoints: Checkpoints,
    { streams }: StoreRead,
  ): Promise<Record<StreamName, readonly Element[]>> {
    const { entries, refusals, audit } = streams;
    const [first] = audit.elements;
    const head = first === undefined ? noHead.hash : await this.#headAt(checkpoints.audit.id);
    const text = first && fieldOf(first, 'e');
    const goesOn = first !== undefined && fieldOf(first, 'h') === hashOf(head, text ?? '');
    if (first !== undefined && !goesOn) {
      // Made by a command line, or an earlier version, on the store that had lost its data.
      const changes = audit.elements.map((element) => fieldOf(element, 'e'));
      this.#parts.log.error('changes were made while the store had lost its data: they are undone', {
        changes,
      });
    }
    return {
      entries: entries.elements,
      refusals: refusals.elements,
      audit: goesOn ? audit.elements : [],
    };
  }

  async #headAt(id: string): Promise<string> {
    const { ms, seq } = idParts(id);
    const [row] = await this.#parts.database.query<{ hash: string }>(
      'SELECT hash FROM audit_entries WHERE stream_ms = $1 AND stream_seq = $2',
      [ms, seq],
    );
    return row?.hash ?? noHead.hash;
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

async function moveCheckpoint(
  queries: Queries,
  name: StreamName,
  elements: readonly Element[],
): Promise<void> {
  const last = elements.at(-1)?.id ?? '0-0';
  const { ms, seq } = idParts(last);
  await queries.query(
    `UPDATE checkpoints SET last_ms = $2, last_seq = $3, added = added + $4
     WHERE stream = $1 AND (last_ms, last_seq) < ($2, $3)`,
    [name, ms, seq, elements.length],
  );
}
