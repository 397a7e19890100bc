import { fileURLToPath } from 'node:url';
import { readdirSync } from 'node:fs';
import { schema, type Database } from './database.ts';

const directory = fileURLToPath(new URL('migrations', import.meta.url));
const table = 'migrations';
/** `server_version_num` of the oldest Postgres that this was tried with. */
export const oldestServer = 140_000;

/** Why Postgres cannot be used, for whoever set `DATABASE_URL`. */
export class Unusable extends Error {
  override readonly name = 'Unusable';
}

/**
 * Brings the tables to this version. Processes that start at once wait for each other. A process of an earlier version
 * may run beside: a migration only adds. Rejects with `Unusable`, and with `RecordsUnavailable`.
 */
export async function migrate(database: Pick<Database, 'query' | 'connection'>): Promise<void> {
  const [server] = await database.query<{ server_version_num: string }>('SHOW server_version_num');
  if (Number(server?.server_version_num) < oldestServer) {
    throw new Unusable('The server is older than Postgres 14: use a newer one.');
  }
  await refuseNewer(database);
  // Loaded when it is needed: whoever keeps no records should not wait for it.
  const { runner } = await import('node-pg-migrate');
  await database.connection((client) =>
    runner({
      dbClient: client,
      dir: directory,
      direction: 'up',
      migrationsTable: table,
      migrationsSchema: schema,
      createMigrationsSchema: true,
      schema,
      createSchema: true,
      checkOrder: true,
      singleTransaction: true,
      advisoryLockMode: 'wait',
      log: () => undefined,
    }),
  );
}

/** How the tables differ from this version: `missing` are made at the gateway's next start. Changes nothing. */
export async function migrationsApart(
  database: Pick<Database, 'query'>,
): Promise<{ missing: string[]; newer: string[] }> {
  const known = readdirSync(directory).map((file) => file.replace(/\.sql$/, ''));
  const [found] = await database.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [
    `${schema}.${table}`,
  ]);
  if (!found?.found) return { missing: known, newer: [] };
  const rows = await database.query<{ name: string }>(`SELECT name FROM ${schema}.${table}`);
  const run = rows.map(({ name }) => name);
  return {
    missing: known.filter((name) => !run.includes(name)),
    newer: run.filter((name) => !known.includes(name)),
  };
}

async function refuseNewer(database: Pick<Database, 'query'>): Promise<void> {
  const { newer } = await migrationsApart(database);
  if (newer.length > 0) {
    throw new Unusable('The tables are of a newer version of Tollgate: deploy that version again.');
  }
}
