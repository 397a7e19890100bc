import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { type Database, schema } from '../records/database.ts';
import { migrationsApart } from '../records/migrate.ts';
import { RecordsView, type RecordsStatus } from '../records/records-view.ts';
import { Seam } from '../records/seam.ts';

/** What Postgres says of itself. A limit is -1 if there is none. */
export interface ServerFacts {
  readonly version: string;
  readonly version_number: number;
  readonly is_follower: boolean;
  readonly is_read_only: boolean;
  readonly server_limit: number;
  readonly role_limit: number;
  readonly database_limit: number;
  /** Connections of this user, this one included. */
  readonly connections: number;
  /** Null: there is no such table yet. */
  readonly may_write: boolean | null;
}

export interface RecordsFacts {
  readonly server: ServerFacts;
  readonly migrations: { readonly missing: readonly string[]; readonly newer: readonly string[] };
  /** Null if the tables are not there, or the store is not. */
  readonly status: RecordsStatus | null;
}

/** Reads them, and changes nothing. Rejects with `RecordsUnavailable` or `StoreUnavailable`. */
export async function recordsFacts(
  database: Database,
  { store, keys }: { store: Store | null; keys: Keys },
): Promise<RecordsFacts> {
  const [server] = await database.query<ServerFacts>(
    `SELECT current_setting('server_version') AS version,
       current_setting('server_version_num')::int AS version_number,
       pg_is_in_recovery() AS is_follower,
       current_setting('transaction_read_only') = 'on' AS is_read_only,
       current_setting('max_connections')::int AS server_limit,
       (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS role_limit,
       (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database_limit,
       (SELECT count(*)::int FROM pg_stat_activity WHERE usename = current_user) AS connections,
       has_table_privilege(to_regclass($1), 'INSERT') AS may_write`,
    [`${schema}.entries`],
  );
  if (server === undefined) throw new TypeError('A SELECT without FROM has one row.');
  const migrations = await migrationsApart(database);
  const isInStep = migrations.missing.length + migrations.newer.length === 0;
  const seam = store && new Seam({ database, problem: () => null }, store, keys);
  const status = store && isInStep ? await new RecordsView({ store, keys, seam }).status() : null;
  return { server, migrations, status };
}
