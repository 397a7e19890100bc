import { setTimeout as sleep } from 'node:timers/promises';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { compareIds, type StreamName } from './checkpoint.ts';
import type { Database, Queries } from './database.ts';
import { type Position, readPosition } from './lease.ts';
import { RecordsUnavailable } from './records-unavailable.ts';
import { StreamTail } from './stream-tail.ts';

/** Two connections are all that a process has, and one drains. A router gives up on an answer after 30 s. */
const readTimeoutMs = 20_000;
/** Draining may overtake a reader; while a backlog is drained it does so again and again. */
const pausesMs = [50, 100, 200, 400, 800, 1_600];

/** Where records are, and why they must not be read; null: they may be. */
export interface RecordsSource {
  readonly database: Pick<Database, 'transaction'>;
  problem(): string | null;
  /** How long a reading may take, its turn included. */
  readonly timeoutMs?: number;
}

interface Reading<Recorded, Result> {
  /** Reads rows in one snapshot with the checkpoint. */
  recorded: (queries: Queries) => Promise<Recorded>;
  /** Adds what the stream has after the checkpoint. It may be called again with a later snapshot. */
  join: (recorded: Recorded, tail: { elements: StreamTail; after: string }) => Promise<Result>;
}

/**
 * Reads Postgres and the store as one: what is drained from Postgres, what is not from the store, no element twice and
 * none left out. Readings of a process take turns. Methods reject with `RecordsUnavailable` if Postgres does not answer in
 * time, and with `StoreUnavailable`.
 */
export class Seam {
  readonly #source: RecordsSource;
  readonly #store: Store;
  readonly #records: string;
  readonly #tails: Readonly<Record<StreamName, StreamTail>>;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: RecordsSource, store: Store, keys: Keys) {
    this.#source = source;
    this.#store = store;
    this.#records = keys.records;
    this.#tails = {
      entries: new StreamTail(store, keys.entries),
      refusals: new StreamTail(store, keys.refusalLog),
      audit: new StreamTail(store, keys.audit),
    };
  }

  /** Why Postgres must not be read, whatever it answers; null if it may be. */
  get problem(): string | null {
    return this.#source.problem();
  }

  read<Recorded, Result>(stream: StreamName, reading: Reading<Recorded, Result>): Promise<Result> {
    return this.inTurn(() => this.#joined(stream, reading));
  }

  /** Runs `work` when no other reading of this process is under way. Rejects if it takes too long. */
  async inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const { problem } = this;
    if (problem !== null) throw new RecordsUnavailable(problem);
    let isLate = false;
    const mine = this.#turn.then(() => (isLate ? Promise.reject(tooLate()) : work()));
    this.#turn = mine.catch(() => undefined);
    const timer = new AbortController();
    const { timeoutMs = readTimeoutMs } = this.#source;
    const late = sleep(timeoutMs, undefined, { signal: timer.signal, ref: false }).then(() => {
      isLate = true;
      throw tooLate();
    });
    try {
      return await Promise.race([mine, late]);
    } finally {
      timer.abort();
    }
  }

  /** Reads rows in one snapshot with how far each stream was drained. */
  async snapshot<Recorded>(
    recorded: (queries: Queries) => Promise<Recorded>,
  ): Promise<{ position: Position; recorded: Recorded }> {
    const read = await this.#source.database.transaction(
      async (queries) => ({ position: await readPosition(queries), recorded: await recorded(queries) }),
      'REPEATABLE READ',
    );
    const name = await this.#store.attempt((client) => client.hget(this.#records, 'store'));
    const { store } = read.position;
    if (name !== null && store !== null && name !== store) {
      throw new RecordsUnavailable('DATABASE_URL has the records of another store.');
    }
    return read;
  }

  /** Whether the store still has every element after this one, unless it was trimmed before it was drained. */
  async isWhole(stream: StreamName, after: string): Promise<boolean> {
    const drained = await this.#store.attempt((client) => client.hget(this.#records, stream));
    if (drained === null || compareIds(drained, after) <= 0) return true;
    // Drained further meanwhile, and what is drained may be trimmed, from the oldest on.
    const oldest = await this.#tails[stream].oldest();
    return oldest !== null && compareIds(oldest, after) <= 0;
  }

  tail(stream: StreamName): StreamTail {
    return this.#tails[stream];
  }

  async #joined<Recorded, Result>(
    stream: StreamName,
    { recorded: read, join }: Reading<Recorded, Result>,
  ): Promise<Result> {
    for (let attempt = 0; ; attempt += 1) {
      const { position, recorded } = await this.snapshot(read);
      const { id: after } = position.checkpoints[stream];
      const result = await join(recorded, { elements: this.#tails[stream], after });
      if (await this.isWhole(stream, after)) return result;
      const pauseMs = pausesMs[attempt];
      if (pauseMs === undefined) throw new RecordsUnavailable('Postgres is being brought up to date.');
      await sleep(pauseMs);
    }
  }
}

function tooLate(): RecordsUnavailable {
  return new RecordsUnavailable('Postgres does not answer in time.');
}
