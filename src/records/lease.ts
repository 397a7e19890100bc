import { type Checkpoint, type Checkpoints, noCheckpoint, type StreamName } from './checkpoint.ts';
import type { Queries } from './database.ts';

/** A process that says nothing for so long no longer drains. By the clock of Postgres. */
const leaseS = 8;

/** Where the drain stands in Postgres. */
export interface Position {
  /** The name of the store; null until the first drain. */
  readonly store: string | null;
  readonly mark: number;
  readonly checkpoints: Checkpoints;
}

/** The right to drain. It is lost if another process takes it. */
export interface Held extends Position {
  readonly fence: number;
}

/** Another process drains now, or Postgres was restored: what was begun must not go on. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** The row that says which process drains. Methods reject with `RecordsUnavailable`. */
export class Lease {
  readonly #database: Queries;
  readonly #owner: string;

  /** `owner` is unique among all processes, past ones included. */
  constructor(database: Queries, owner: string) {
    this.#database = database;
    this.#owner = owner;
  }

  /** Takes the lease, or renews it. Null if another process has it. */
  async take(): Promise<Held | null> {
    const [row] = await this.#database.query<{ fence: number; store: string | null; mark: number }>(
      `UPDATE drain
       SET owner = $1, leased_until = clock_timestamp() + make_interval(secs => $2),
           fence = fence + CASE WHEN owner = $1 THEN 0 ELSE 1 END
       WHERE owner = $1 OR leased_until < clock_timestamp()
       RETURNING fence, store, mark`,
      [this.#owner, leaseS],
    );
    // Read after the row is ours: nobody else moves checkpoints now.
    return row === undefined ? null : { ...row, checkpoints: await readCheckpoints(this.#database) };
  }

  /**
   * Locks the lease until the transaction ends, and renews it. Rejects with `LeaseLost` if it is not the one that was
   * taken, or if Postgres does not stand where it stood.
   */
  async lock(queries: Queries, { fence, mark }: Pick<Held, 'fence' | 'mark'>): Promise<void> {
    const rows = await queries.query(
      `UPDATE drain SET leased_until = clock_timestamp() + make_interval(secs => $2)
       WHERE owner = $1 AND fence = $3 AND mark = $4 RETURNING 1`,
      [this.#owner, leaseS, fence, mark],
    );
    if (rows.length === 0) throw new LeaseLost('Another process drains the store now.');
  }

  /** Lets another process take it at once. */
  async release(): Promise<void> {
    await this.#database.query("UPDATE drain SET leased_until = '-infinity' WHERE owner = $1", [this.#owner]);
  }
}

/** Where the drain stands, for whoever does not drain. */
export async function readPosition(queries: Queries): Promise<Position> {
  const [row] = await queries.query<{ store: string | null; mark: number }>('SELECT store, mark FROM drain');
  if (row === undefined) throw new Error('The table drain has no row.');
  return { ...row, checkpoints: await readCheckpoints(queries) };
}

async function readCheckpoints(queries: Queries): Promise<Checkpoints> {
  const rows = await queries.query<{ stream: StreamName; ms: number; seq: number; added: number }>(
    'SELECT stream, last_ms AS ms, last_seq AS seq, added FROM checkpoints',
  );
  const found = new Map(rows.map(({ stream, ms, seq, added }) => [stream, { id: `${ms}-${seq}`, added }]));
  const of = (name: StreamName): Checkpoint => found.get(name) ?? noCheckpoint;
  return { entries: of('entries'), refusals: of('refusals'), audit: of('audit') };
}
