import type { Log } from '../base/log.ts';
import { randomBase62 } from '../identity/records/token-text.ts';
import { type Checkpoints, idParts, type StreamName, streamNames } from './checkpoint.ts';
import type { Queries, Transactions } from './database.ts';
import type { DrainedStore, Element, StoreRead } from './drained-store.ts';
import type { DrainedStream } from './drained-stream.ts';
import type { Held, Lease } from './lease.ts';
import { compareMarks } from './marks.ts';
import type { Lock } from './partitions.ts';
import { type Progress, progressOf } from './progress.ts';
import { anchorFor } from './anchor.ts';

/** Of each stream, at a time: as much as the store and this process handle within some milliseconds. */
const elementsPerPass = 500;
const storeNameLength = 12;
/** Whoever changes identities all the time must not keep them from being recorded. */
const maxMoved = 3;

/** What was read no longer holds: it is read again. */
class StoreChanged extends Error {
  override readonly name = 'StoreChanged';
}

/** What other parts of the records do in the drain. */
export interface DrainHooks {
  /** Brings a store that has forgotten back to its records. The marks are compared again afterwards. */
  restore?: (held: Held, how: 'emptied' | 'rewound') => Promise<void>;
  /**
   * Brings the identities in Postgres up to date, in the transaction of a drain, with what these elements of the audit
   * trail have changed.
   */
  mirror?: (queries: Queries, touched: readonly Element[]) => Promise<void>;
  /** Records all identities and counters of the store, which is drained up to these checkpoints. */
  mirrorAll?: (queries: Queries, next: Checkpoints) => Promise<void>;
  /** Records what the store, which is drained up to these checkpoints, has summed up, when Postgres has nothing. */
  recordSums?: (queries: Queries, next: Checkpoints) => Promise<void>;
}

/** Told of elements of a stream that are gone, or cannot be read. `missing`: null if nobody knows how many. */
export type OnGap = (stream: StreamName, missing: number | null, reason: string) => void;

export interface DrainParts extends DrainHooks {
  database: Transactions;
  store: Pick<DrainedStore, keyof DrainedStore>;
  lease: Lease;
  streams: readonly DrainedStream[];
  /** How many entries stay in the store that Postgres has. */
  keepEntries: number;
  log: Log;
  onGap: OnGap;
}

/** What a pass found. */
export type Pass =
  | { readonly kind: 'drained'; readonly hasMoved: boolean; readonly isAll: boolean }
  /** The marks have to be compared again: the store was named, restored, or drained by another process. */
  | { readonly kind: 'again' }
  /** Nothing can be drained into these records. */
  | { readonly kind: 'other_store' };

interface Gap {
  readonly stream: StreamName;
  readonly missing: number | null;
  readonly fromId: string;
  readonly toId: string | null;
  readonly reason: string;
}

/**
 * Moves what is in the store's streams to Postgres. A transaction inserts elements and moves the checkpoints; only then
 * the store is told, and trimmed. So a process may die between any two steps: the next one reads from the checkpoint.
 */
export class Drain {
  readonly #parts: DrainParts;
  /** How often in a row identities changed while they were read. */
  #moved = 0;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  /**
   * Moves one batch. `isDue`: if that is all there is, it records all identities and counters anew. Rejects with
   * `StoreUnavailable`, `RecordsUnavailable` and `LeaseLost`.
   */
  async pass(held: Held, { isDue = false } = {}): Promise<Pass> {
    const { store, restore } = this.#parts;
    const read = await store.read(held.checkpoints, elementsPerPass);
    const found = compareMarks({ records: held, store: read.marks, hasDrained: read.hasDrained });
    switch (found.kind) {
      case 'first':
        await store.name(randomBase62(storeNameLength));
        return { kind: 'again' };
      case 'other_store':
        return { kind: 'other_store' };
      case 'store_forgot':
        await restore?.(held, found.how);
        return { kind: 'again' };
      case 'untold':
        // Before anything else is moved: the store may lag behind by one drain only.
        await this.#tell(marked(read), held.checkpoints, held.mark);
        return { kind: 'drained', hasMoved: true, isAll: false };
      case 'in_step':
      case 'records_forgot':
        return this.#move(held, marked(read), { isForgotten: found.kind === 'records_forgot', isDue }).catch(
          again,
        );
    }
  }

  async #move(
    held: Held,
    read: MarkedRead,
    { isForgotten, isDue }: { isForgotten: boolean; isDue: boolean },
  ): Promise<Pass> {
    const progress = progressIn(held.checkpoints, read);
    const isAll = streamNames.every((name) => read.streams[name].elements.length < elementsPerPass);
    const next = checkpointsOf(progress);
    const mirrorsAll = isForgotten || (isDue && isAll);
    const hasMoved = mirrorsAll || streamNames.some((name) => next[name].id !== held.checkpoints[name].id);
    if (!hasMoved) return { kind: 'drained', hasMoved, isAll };
    const mark = Math.max(held.mark, read.marks.mark) + 1;
    await this.#commit({ held, read, progress, mark, mirrorsAll });
    const isTold = await this.#tell(read, next, mark);
    return isTold ? { kind: 'drained', hasMoved, isAll } : { kind: 'again' };
  }

  async #commit({ held, read, progress, mark, mirrorsAll }: Commit): Promise<void> {
    const { database, lease, streams } = this.#parts;
    const lock: Lock = (queries) => lease.lock(queries, held);
    for (const stream of streams) await stream.prepare?.(read.streams[stream.name].elements, lock);
    const gaps = await database.transaction(async (queries) => {
      await lock(queries);
      const found = gapsIn(held, read, progress);
      for (const stream of streams) {
        const { elements } = read.streams[stream.name];
        if (elements.length === 0) continue;
        const unreadable = await stream.insert(queries, elements);
        if (unreadable > 0) found.push(unreadableIn(stream.name, elements, unreadable));
      }
      if (held.store === null) await this.#parts.recordSums?.(queries, checkpointsOf(progress));
      await this.#mirror(queries, { read, next: checkpointsOf(progress), mirrorsAll });
      await keepGaps(queries, found);
      await keepCheckpoints(queries, checkpointsOf(progress));
      await queries.query('UPDATE drain SET store = $1, mark = $2', [read.marks.name, mark]);
      return found;
    });
    for (const gap of gaps) this.#tellGap(gap);
  }

  /**
   * Identities are read later than the streams: if the store has lost its data since, they must not be recorded; if the
   * trail has gone on, they are newer than what is recorded of it.
   */
  async #mirror(queries: Queries, { read, next, mirrorsAll }: Mirrored): Promise<void> {
    const { store, mirror, mirrorAll } = this.#parts;
    const { elements } = read.streams.audit;
    if (mirrorsAll) await mirrorAll?.(queries, next);
    else if (elements.length > 0) await mirror?.(queries, elements);
    else return;
    const { marks, hasDrained, streams } = await store.read(next, 1);
    const isSame = marks?.name === read.marks.name && marks.mark === read.marks.mark && hasDrained;
    if (!isSame) throw new StoreChanged('The store has lost its data, or was drained by another process.');
    const isAhead = elements.length < elementsPerPass && streams.audit.elements.length > 0;
    if (!isAhead) this.#moved = 0;
    else if (++this.#moved <= maxMoved)
      throw new StoreChanged('Identities have changed while they were read.');
  }

  /** Tells the store what is drained, so that it can be trimmed. */
  async #tell({ marks, streams }: MarkedRead, checkpoints: Checkpoints, mark: number): Promise<boolean> {
    const { store, keepEntries } = this.#parts;
    const anchor = await anchorFor(store, streams.audit, checkpoints.audit);
    return store.drained({ store: marks.name, from: marks.mark, mark, checkpoints, anchor, keepEntries });
  }

  #tellGap({ stream, missing, fromId, toId, reason }: Gap): void {
    const { log, onGap } = this.#parts;
    if (reason === beforeRecords) return;
    onGap(stream, missing, reason);
    log.error('records have a gap', { stream, missing, reason, from: timeOf(fromId), to: timeOf(toId) });
  }
}

function marked(read: StoreRead): MarkedRead {
  const { marks } = read;
  if (marks === null) throw new Error('A store without a mark cannot be drained.');
  return { ...read, marks };
}

/** Of a store that has a mark. */
interface MarkedRead extends StoreRead {
  readonly marks: NonNullable<StoreRead['marks']>;
}

interface Mirrored {
  read: MarkedRead;
  next: Checkpoints;
  mirrorsAll: boolean;
}

interface Commit {
  held: Held;
  read: MarkedRead;
  progress: Readonly<Record<StreamName, Progress>>;
  mark: number;
  mirrorsAll: boolean;
}

/** Why what had left the store before records began is not in Postgres. */
export const beforeRecords = 'It was before records were kept.';
const trimmed = 'It left the store before it was drained.';
const unreadable = 'It cannot be read.';

function progressIn(
  checkpoints: Checkpoints,
  { streams }: StoreRead,
): Readonly<Record<StreamName, Progress>> {
  const of = (name: StreamName): Progress => {
    const { elements } = streams[name];
    return progressOf(checkpoints[name], streams[name], {
      count: elements.length,
      lastId: elements.at(-1)?.id ?? null,
      isAll: elements.length < elementsPerPass,
    });
  };
  return { entries: of('entries'), refusals: of('refusals'), audit: of('audit') };
}

function checkpointsOf(progress: Readonly<Record<StreamName, Progress>>): Checkpoints {
  const { entries, refusals, audit } = progress;
  return { entries: entries.next, refusals: refusals.next, audit: audit.next };
}

function gapsIn(held: Held, { streams }: StoreRead, progress: Readonly<Record<StreamName, Progress>>): Gap[] {
  return streamNames.flatMap((stream) => {
    const { missing } = progress[stream];
    if (missing === 0) return [];
    const { firstId } = streams[stream];
    const reason = held.store === null ? beforeRecords : trimmed;
    return [{ stream, missing, fromId: held.checkpoints[stream].id, toId: firstId, reason }];
  });
}

function unreadableIn(stream: StreamName, elements: readonly Element[], missing: number): Gap {
  const [fromId, toId] = [elements[0]?.id ?? '0-0', elements.at(-1)?.id ?? null];
  return { stream, missing, fromId, toId, reason: unreadable };
}

async function keepGaps(queries: Queries, gaps: readonly Gap[]): Promise<void> {
  for (const { stream, missing, fromId, toId, reason } of gaps) {
    await queries.query(
      'INSERT INTO gaps (stream, from_at, to_at, missing, reason) VALUES ($1, $2, $3, $4, $5)',
      [stream, timeOf(fromId), timeOf(toId), missing, reason],
    );
  }
}

async function keepCheckpoints(queries: Queries, checkpoints: Checkpoints): Promise<void> {
  const ids = streamNames.map((name) => idParts(checkpoints[name].id));
  await queries.query(
    `UPDATE checkpoints SET last_ms = next.ms, last_seq = next.seq, added = next.added
     FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS next (stream, ms, seq, added)
     WHERE checkpoints.stream = next.stream`,
    [
      streamNames,
      ids.map(({ ms }) => ms),
      ids.map(({ seq }) => seq),
      streamNames.map((name) => checkpoints[name].added),
    ],
  );
}

/** When an element was added; null if there is none. */
function timeOf(id: string | null): string | null {
  const { ms } = idParts(id ?? '0-0');
  return ms === 0 ? null : new Date(ms).toISOString();
}

function again(error: unknown): Pass {
  if (error instanceof StoreChanged) return { kind: 'again' };
  throw error;
}
