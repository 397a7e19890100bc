import type { Log } from '../base/log.ts';
import { entryResponse, hashOf, noHead } from '../audit/chain.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { type Checkpoints, idParts, type StreamName } from './checkpoint.ts';
import type { Database, Queries } from './database.ts';
import type { DrainedStore, Element, StoreRead } from './drained-store.ts';
import { type DrainedStream, fieldOf } from './drained-stream.ts';
import { type Held, type Lease, readPosition } from './lease.ts';

export interface RestParts {
  database: Database;
  lease: Lease;
  drained: DrainedStore;
  streams: readonly DrainedStream[];
  /** Brings identities in Postgres up to what these elements of the audit trail have changed. */
  mirror: (queries: Queries, elements: readonly Element[]) => Promise<void>;
  log: Log;
}

const elementsPerRead = 500;

/**
 * Records what a store that has lost data has and Postgres has not: it was settled before, or since. Rejects with
 * `StoreUnavailable`, `RecordsUnavailable` and `LeaseLost`.
 */
export async function recordRest(parts: RestParts, held: Held): Promise<void> {
  const { database, drained, streams, lease } = parts;
  for (;;) {
    const { checkpoints } = await readPosition(database);
    const read = await drained.read(checkpoints, elementsPerRead);
    const next = await restIn(parts, checkpoints, read);
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
      if (next.audit.length > 0) await mirrorKept(parts, queries, next.audit);
    });
  }
}

/** What an older store has of identities is recorded only if it still has it after it was read. */
async function mirrorKept(
  { mirror, drained }: RestParts,
  queries: Queries,
  elements: readonly Element[],
): Promise<void> {
  await mirror(queries, elements);
  const checkpoints = (await readPosition(queries)).checkpoints;
  const { hasDrained } = await drained.read(checkpoints, 1);
  if (!hasDrained)
    throw new StoreUnavailable('The store has lost data while it was read.', { mayHaveRun: false });
}

/** What was changed, without what people are called. */
function changeIn(element: Element): string {
  const entry = entryResponse(fieldOf(element, 'e') ?? '', fieldOf(element, 'h') ?? '');
  return 'unreadable' in entry ? 'unreadable' : `${entry.operation} ${entry.team ?? ''}/${entry.id ?? ''}`;
}

/** The elements after the checkpoints; of the audit trail only those that go on from what is recorded. */
async function restIn(
  { database, log }: RestParts,
  checkpoints: Checkpoints,
  { streams }: StoreRead,
): Promise<Record<StreamName, readonly Element[]>> {
  const { entries, refusals, audit } = streams;
  const [first] = audit.elements;
  const head = first === undefined ? noHead.hash : await headAt(database, checkpoints.audit.id);
  const text = first && fieldOf(first, 'e');
  const goesOn = first !== undefined && fieldOf(first, 'h') === hashOf(head, text ?? '');
  if (first !== undefined && !goesOn) {
    // Made by a command line, or an earlier version, on the store that had lost its data.
    const changes = audit.elements.map(changeIn).join(', ');
    log.error('changes were made while the store had lost its data: they are undone', { changes });
  }
  return {
    entries: entries.elements,
    refusals: refusals.elements,
    audit: goesOn ? audit.elements : [],
  };
}

async function headAt(database: Database, id: string): Promise<string> {
  const { ms, seq } = idParts(id);
  const [row] = await database.query<{ hash: string }>(
    'SELECT hash FROM audit_entries WHERE stream_ms = $1 AND stream_seq = $2',
    [ms, seq],
  );
  return row?.hash ?? noHead.hash;
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
