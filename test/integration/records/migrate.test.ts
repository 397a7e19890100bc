import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { figures } from '../../../src/base/figures.ts';
import { Database } from '../../../src/records/database.ts';
import { migrate, Unusable } from '../../../src/records/migrate.ts';
import { usageColumns } from '../../../src/records/sum-tables.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';

let url: string;
const opened: Database[] = [];

beforeAll(async () => {
  url = await sharedPostgres();
}, 120_000);

afterEach(async () => {
  await Promise.all(opened.splice(0).map((database) => database.close()));
});

function open(): Database {
  const database = new Database({ url, tls: null });
  opened.push(database);
  return database;
}

describe('the tables of records', () => {
  it('are made once by processes that start at once', async () => {
    await Promise.all([migrate(open()), migrate(open()), migrate(open())]);
    const tables = await open().query<{ name: string }>(
      "SELECT relname AS name FROM pg_class WHERE relnamespace = 'tollgate'::regnamespace AND relkind IN ('r', 'p')",
    );
    expect(tables.map(({ name }) => name)).toContain('entries');
    expect(await open().query('SELECT * FROM drain')).toHaveLength(1);
  });

  it('have a column for every figure', async () => {
    await migrate(open());
    const columns = await open().query<{ name: string; of: string }>(
      "SELECT column_name::text AS name, table_name::text AS of FROM information_schema.columns WHERE table_schema = 'tollgate'",
    );
    const known = new Set(columns.map(({ name, of }) => `${of}.${name}`));
    const needed = [
      ...figures.map(({ name }) => `entries.${name}`),
      ...usageColumns.map((name) => `usage_days.${name}`),
    ];
    expect(
      needed.filter((column) => !known.has(column)),
      'columns that a migration in src/records/migrations must add',
    ).toEqual([]);
  });

  it('answer the queries that docs/records.md shows an auditor', async () => {
    await migrate(open());
    const page = await readFile(new URL('../../../docs/records.md', import.meta.url), 'utf8');
    const blocks = [...page.matchAll(/```sql\n([^`]+)```/g)].map(([, sql = '']) => sql);
    const statements = blocks.flatMap((sql) => sql.replaceAll(/^--.*$/gm, '').split(';'));
    const role = `auditor_${randomBytes(4).toString('hex')}`;
    const asked = statements.map((sql) => sql.trim().replaceAll('auditor', role)).filter((sql) => sql !== '');
    expect(asked.filter((sql) => sql.startsWith('SELECT')).length).toBeGreaterThan(3);
    try {
      for (const sql of asked) await open().query(sql);
      await expect(
        open().transaction(async (queries) => {
          await queries.query(`SET LOCAL ROLE ${role}`);
          await queries.query('SELECT team FROM tollgate.usage_days');
          await queries.query('DELETE FROM tollgate.usage_days');
        }),
      ).rejects.toThrow(/permission denied/);
    } finally {
      await open().query(`DROP OWNED BY ${role}`);
      await open().query(`DROP ROLE ${role}`);
    }
  });

  it('of a newer version are left alone', async () => {
    await migrate(open());
    await open().query("INSERT INTO migrations (name, run_on) VALUES ('9999_later', now())");
    await expect(migrate(open())).rejects.toThrow(Unusable);
    await open().query("DELETE FROM migrations WHERE name = '9999_later'");
    await expect(migrate(open())).resolves.toBeUndefined();
  });
});
