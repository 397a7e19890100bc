import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import { type Checkpoints, compareIds, idParts, type StreamName, streamNames } from './checkpoint.ts';
import type { Marks } from './marks.ts';
import type { StreamSeen } from './progress.ts';

const scripts = {
  backlog: loadScript(new URL('./read_backlog.lua', import.meta.url)),
  read: loadScript(new URL('./read_streams.lua', import.meta.url)),
  name: loadScript(new URL('./name_drained.lua', import.meta.url)),
  mark: loadScript(new URL('./mark_drained.lua', import.meta.url)),
};

/** An element of a stream. */
export interface Element {
  readonly id: string;
  /** Names and values, alternating. */
  readonly fields: readonly string[];
}

/** A stream, and what of it comes after the checkpoint. */
export interface StreamRead extends StreamSeen {
  readonly elements: readonly Element[];
  /** Whether the element at the checkpoint is there, or was trimmed. */
  readonly hasDrained: boolean;
}

export interface StoreRead {
  /** The store's name and mark; null if it has none. */
  readonly marks: Marks['store'];
  /** Whether each stream has what was drained last. */
  readonly hasDrained: boolean;
  readonly streams: Readonly<Record<StreamName, StreamRead>>;
}

/** The last audit entry that goes from the store. The chain is checked from there. */
export interface Anchor {
  readonly id: string;
  readonly sequence: number;
  readonly hash: string;
}

/** What a drain tells the store. */
export interface Drained {
  readonly store: string;
  /** The mark that the store must still have, and the one that it gets. */
  readonly from: number;
  readonly mark: number;
  readonly checkpoints: Checkpoints;
  readonly anchor: Anchor | null;
  readonly keepEntries: number;
}

export interface Backlog extends Readonly<Record<StreamName, number>> {
  /** What it takes in the store, about. */
  readonly bytes: number;
  readonly drainedAtMs: number | null;
}

/** The store as the drain sees it. Methods reject with `StoreUnavailable`. */
export class DrainedStore {
  readonly #store: Store;
  readonly #keys: Keys;

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** Reads at most `most` elements of each stream after its checkpoint, in one step. */
  async read(checkpoints: Checkpoints, most: number): Promise<StoreRead> {
    const ids = streamNames.map((name) => checkpoints[name].id);
    const reply = await this.#store.run(scripts.read, this.#allKeys(), [most, ...ids]);
    const [name, mark, ...seen] = reply as [string, string, ...SeenReply[]]; // as the script says
    const read = (stream: StreamName): StreamRead =>
      streamIn(seen[streamNames.indexOf(stream)], checkpoints[stream].id);
    const streams = { entries: read('entries'), refusals: read('refusals'), audit: read('audit') };
    return {
      marks: name === '' ? null : { name, mark: Number(mark) },
      hasDrained: streamNames.every((stream) => streams[stream].hasDrained),
      streams,
    };
  }

  /** Gives the store a name, unless it has one. */
  async name(name: string): Promise<void> {
    await this.#store.run(scripts.name, [this.#keys.records], [name]);
  }

  /** Notes what is drained, and trims. False if the store is not what it was when it was read. */
  async drained({ store, from, mark, checkpoints, anchor, keepEntries }: Drained): Promise<boolean> {
    const reply = await this.#store.run(scripts.mark, this.#allKeys(), [
      store,
      from,
      mark,
      ...streamNames.map((name) => checkpoints[name].id),
      ...streamNames.map((name) => checkpoints[name].added),
      anchor?.id ?? '',
      anchor?.sequence ?? '',
      anchor?.hash ?? '',
      keepEntries,
    ]);
    return reply === 1;
  }

  /** How many elements of each stream are not drained, and when others last were, ms; null if never. */
  async backlog(): Promise<Backlog> {
    const reply = await this.#store.run(scripts.backlog, this.#allKeys(), []);
    const [drainedAt = '', ...undrained] = Array.isArray(reply) ? reply.map(String) : [];
    const [entries = 0, refusals = 0, audit = 0, bytes = 0] = undrained.map(Number);
    return { drainedAtMs: drainedAt === '' ? null : Number(drainedAt), entries, refusals, audit, bytes };
  }

  /** When the oldest element that is not drained was added, ms; null if all are. */
  async oldestUndrainedMs(): Promise<number | null> {
    const { records, entries, refusalLog, audit } = this.#keys;
    const streams = [entries, refusalLog, audit];
    const ids = await this.#store.attempt((client) => client.hmget(records, ...streamNames));
    const found = await this.#store.attempt((client) =>
      Promise.all(streams.map((key, n) => client.xrange(key, `(${ids[n] ?? '0-0'}`, '+', 'COUNT', 1))),
    );
    const times = found.flatMap(([first]) => (first ? [idParts(first[0]).ms] : []));
    return times.length === 0 ? null : Math.min(...times);
  }

  /** The first elements of the audit trail. */
  async oldestAudit(count: number): Promise<Element[]> {
    const found = await this.#store.attempt((client) =>
      client.xrange(this.#keys.audit, '-', '+', 'COUNT', count),
    );
    return found.map(([id, fields]) => ({ id, fields }));
  }

  #allKeys(): string[] {
    const { records, entries, refusalLog, audit } = this.#keys;
    return [records, entries, refusalLog, audit];
  }
}

type SeenReply = [
  added: string,
  length: string,
  firstId: string,
  lastId: string,
  hasDrained: number,
  elements: [string, string[]][],
];

function streamIn(reply: SeenReply | undefined, checkpoint: string): StreamRead {
  const [added, length, first, lastId, isThere, elements] = reply ?? ['0', '0', '', '0-0', 0, []];
  const firstId = first === '' ? null : first;
  const isTrimmed = firstId === null || compareIds(firstId, checkpoint) > 0;
  return {
    added: Number(added),
    length: Number(length),
    firstId,
    lastId,
    elements: elements.map(([id, fields]) => ({ id, fields })),
    hasDrained: isThere === 1 || (isTrimmed && compareIds(lastId, checkpoint) >= 0),
  };
}
