import type { Clock } from '../base/clock.ts';
import { dayMs, dayOf } from '../base/days.ts';
import { clockSlackMs, type EntryQuery, type Page } from '../ledger/ledger.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { idParts, noCheckpoint, type StreamName } from './checkpoint.ts';
import { DrainedStore } from './drained-store.ts';
import { RecordsUnavailable } from './records-unavailable.ts';

/** The field of the hash `records` with the first day whose sums a restore brought back. */
export const sumsFromField = 'sums_from';

const fromTheStart = { entries: noCheckpoint, refusals: noCheckpoint, audit: noCheckpoint };

interface StoreAloneOptions {
  store: Store;
  keys: Keys;
  /** For how many days the store keeps sums. */
  retentionDays: number;
  clock: Pick<Clock, 'now'>;
}

/**
 * What the store can tell by itself if Postgres cannot be read. What only Postgres has is refused, never left out: half a
 * report must not look like a whole one.
 */
export class StoreAlone {
  readonly #options: StoreAloneOptions;
  readonly #drained: DrainedStore;

  constructor(options: StoreAloneOptions) {
    this.#options = options;
    this.#drained = new DrainedStore(options.store, options.keys);
  }

  /** Sums that `read` gives, if the store has every day of the query. `cause` is why Postgres was not read. */
  async sums<Result>(
    { from }: { from: string },
    cause: RecordsUnavailable,
    read: () => Promise<Result>,
  ): Promise<Result> {
    const { store, keys, retentionDays, clock } = this.#options;
    const [name = null, restoredFrom = null] = await store.attempt((client) =>
      client.hmget(keys.records, 'store', sumsFromField),
    );
    const kept = dayOf(clock.now() - retentionDays * dayMs);
    const known = restoredFrom !== null && restoredFrom > kept ? restoredFrom : kept;
    if (name !== null && from < known) {
      throw onlyThere(cause, `Without it there are sums from ${known} on: ask with from=${known}`);
    }
    return read();
  }

  /** A page that `read` gives, if no older entry that Postgres alone has belongs on it. */
  async entries<Row>(
    { admitted, limit }: Pick<EntryQuery, 'admitted' | 'limit'>,
    cause: RecordsUnavailable,
    read: () => Promise<Page<Row>>,
  ): Promise<Page<Row>> {
    const page = await read();
    if (page.next_cursor !== null || limit === 0) return page;
    const firstId = await this.#firstOfTrimmed('entries');
    if (firstId === undefined) return page;
    const knownFromMs = firstId === null ? Infinity : idParts(firstId).ms;
    if (knownFromMs <= (admitted?.fromMs ?? -Infinity) - clockSlackMs) return page;
    return this.#endingAt(firstId, page, cause);
  }

  /** The same of the audit trail. */
  async changes<Row>(
    { fromMs = -Infinity }: { fromMs?: number | undefined },
    cause: RecordsUnavailable,
    read: () => Promise<Page<Row>>,
  ): Promise<Page<Row>> {
    const page = await read();
    if (page.next_cursor !== null) return page;
    const firstId = await this.#firstOfTrimmed('audit');
    if (firstId === undefined || (firstId !== null && idParts(firstId).ms <= fromMs)) return page;
    return this.#endingAt(firstId, page, cause);
  }

  /** What was found, with a cursor at the end of what the store has; from there on, a refusal. */
  #endingAt<Row>(firstId: string | null, page: Page<Row>, cause: RecordsUnavailable): Page<Row> {
    if (page.data.length > 0 && firstId !== null) return { data: page.data, next_cursor: firstId };
    const since = firstId === null ? null : new Date(idParts(firstId).ms).toISOString();
    throw onlyThere(
      cause,
      since === null
        ? 'Without it there is nothing before now'
        : `Without it there is what was closed from ${since} on: ask with from=${since}`,
    );
  }

  /** The first id of a stream that was trimmed; null if nothing is left of it, undefined if it has all it was given. */
  async #firstOfTrimmed(stream: StreamName): Promise<string | null | undefined> {
    const { marks, streams } = await this.#drained.read(fromTheStart, 1);
    const { added, length, firstId } = streams[stream];
    return marks === null || added <= length ? undefined : firstId;
  }
}

function onlyThere(cause: RecordsUnavailable, advice: string): RecordsUnavailable {
  const message = `What is older is in Postgres, which cannot be read now. ${advice}, or try again once Postgres is back.`;
  return new RecordsUnavailable(message, { cause });
}
