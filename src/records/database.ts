import { createRequire } from 'node:module';
import type * as Pg from 'pg';
import type { RecordsSettings } from '../config/records.ts';
import { RecordsUnavailable } from './records-unavailable.ts';

/** Loaded at its first use: that takes a fifth of a second of CPU, which a gateway without records does not pay. */
const load = createRequire(import.meta.url);
const driver = (): typeof Pg => load('pg') as typeof Pg;

/** Heroku's Essential plans take 20 connections in all (Dev Center, heroku-postgres-plans). */
const maxConnections = 2;
const connectTimeoutMs = 5_000;
/** The server ends a statement after so long; if it hangs, this process gives up a little later. */
const statementTimeoutMs = 20_000;
const answerTimeoutMs = 25_000;
const lockTimeoutMs = 5_000;
/** A process that stopped in a transaction must not keep others from going on. */
const idleInTransactionMs = 5_000;

/** Where all tables are. */
export const schema = 'tollgate';

type Value = string | number | boolean | null | Date | readonly unknown[];

/** Runs statements; rows have the columns that the statement names. */
export interface Queries {
  query<Row extends object>(sql: string, values?: readonly Value[]): Promise<Row[]>;
}

/** Runs statements in a transaction. */
export type Transactions = Queries & Pick<Database, 'transaction'>;

/**
 * The connections to Postgres. Times are UTC; numbers are JavaScript's, days are texts. Methods reject with
 * `RecordsUnavailable`.
 */
export class Database implements Queries {
  readonly #pool: Pg.Pool;

  /** `answerMs`: after so long without an answer, this process gives up. */
  constructor(
    { url, tls }: Pick<NonNullable<RecordsSettings>, 'url' | 'tls'>,
    { answerMs = answerTimeoutMs }: { answerMs?: number } = {},
  ) {
    this.#pool = new (driver().Pool)({
      connectionString: url,
      ssl: tls === null ? false : { rejectUnauthorized: tls.verify },
      max: maxConnections,
      application_name: 'tollgate',
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: statementTimeoutMs,
      query_timeout: answerMs,
      lock_timeout: lockTimeoutMs,
      idle_in_transaction_session_timeout: idleInTransactionMs,
      options: `-c TimeZone=UTC -c search_path=${schema}`,
      keepAlive: true,
      allowExitOnIdle: true,
      types: { getTypeParser },
    });
    // A connection that breaks while idle: the next statement takes another one. In a transaction, its next statement
    // rejects; without a listener the process would end.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => void client.on('error', () => undefined));
  }

  async query<Row extends object>(sql: string, values: readonly Value[] = []): Promise<Row[]> {
    return this.#with((client) => rowsOf(client, sql, values));
  }

  /** Runs `work` in one transaction, at the level that it needs. If it rejects, nothing has changed. */
  transaction<Result>(
    work: (queries: Queries) => Promise<Result>,
    level: 'READ COMMITTED' | 'REPEATABLE READ' = 'READ COMMITTED',
  ): Promise<Result> {
    return this.#with(async (client) => {
      await client.query(`BEGIN ISOLATION LEVEL ${level}`);
      const result = await work({ query: (sql, values = []) => rowsOf(client, sql, values) });
      await client.query('COMMIT');
      return result;
    });
  }

  /** One connection for as long as `work` takes, as the migrations need it. */
  connection<Result>(work: (client: Pg.ClientBase) => Promise<Result>): Promise<Result> {
    return this.#with(work);
  }

  async close(): Promise<void> {
    await this.#pool.end().catch(() => undefined);
  }

  /** A connection that failed is thrown away, and whatever it had begun ends with it. */
  async #with<Result>(work: (client: Pg.PoolClient) => Promise<Result>): Promise<Result> {
    let client: Pg.PoolClient | null = null;
    try {
      client = await this.#pool.connect();
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      client?.release(true);
      throw unavailable(error);
    }
  }
}

async function rowsOf<Row extends object>(
  client: Pg.ClientBase,
  sql: string,
  values: readonly Value[],
): Promise<Row[]> {
  const { rows } = await client.query<Row>(sql, [...values]);
  return rows;
}

/** An error of the driver or the server; any other is thrown as it is. */
function unavailable(error: unknown): unknown {
  if (error instanceof RecordsUnavailable) return error;
  if (error instanceof driver().DatabaseError) {
    return new RecordsUnavailable(`Postgres refused: ${error.message}`, {
      cause: error,
      sqlState: error.code ?? null,
    });
  }
  return error instanceof Error && isOfConnection(error)
    ? new RecordsUnavailable('Postgres cannot be reached, or does not answer.', { cause: error })
    : error;
}

/** What the driver throws has a code, or is one of a few sentences. */
function isOfConnection(error: Error): boolean {
  return 'code' in error || /timeout|terminated|not queryable|SSL|after calling end/i.test(error.message);
}

/** Sums and stream ids are whole numbers below 2^53; a day is its text. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  const { types } = driver();
  const { INT8, NUMERIC, DATE, JSON: json } = types.builtins;
  if ([INT8, NUMERIC].includes(oid)) return Number;
  if ([DATE, json].includes(oid)) return String;
  return types.getTypeParser(oid, format) as (text: string) => unknown; // one of text, or of binary, as asked
}
