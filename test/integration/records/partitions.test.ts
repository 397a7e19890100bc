import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dayMs } from '../../../src/base/days.ts';
import { Database } from '../../../src/records/database.ts';
import { migrate } from '../../../src/records/migrate.ts';
import { monthOf } from '../../../src/records/months.ts';
import { type Lock, Partitions } from '../../../src/records/partitions.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';

let database: Database;
let url: string;
const nowMs = Date.now();

beforeAll(async () => {
  url = await sharedPostgres();
  database = new Database({ url, tls: null });
  await migrate(database);
  // A server that stands elsewhere, for whoever does not pin their session.
  await database.query(
    `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET timezone TO 'Pacific/Kiritimati'`,
  );
}, 120_000);
afterAll(() => database.close());
beforeEach(async () => {
  for (const table of await tables()) await database.query(`DROP TABLE ${table}`);
});

const held: Lock = async () => undefined;

async function tables(): Promise<string[]> {
  const rows = await database.query<{ name: string }>(
    "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'entries'::regclass ORDER BY 1",
  );
  return rows.map(({ name }) => name);
}

function insert(id: string, atMs: number): Promise<object[]> {
  return database.query(
    `INSERT INTO entries (admitted_at, id, closed_ms, closed_seq, status, model_accepted, stream, duration_ms, request_id,
       team, user_id, token, endpoint, model, outcome, usage)
     VALUES ($1, $2, 0, 0, 200, true, false, 0, '', '', '', '', '', '', 'ok', 'reported')`,
    [new Date(atMs), id],
  );
}

describe('the partitions of the entries', () => {
  it('are there for this month and the two after it, however often they are made', async () => {
    const partitions = new Partitions(database);
    await partitions.keep(400, held);
    await partitions.keep(400, held);
    await new Partitions(database).keep(400, held);
    expect(await tables()).toEqual([0, 1, 2].map((later) => monthOf(nowMs, later).table));
  });

  it('are made for any other day that is needed, with the indexes of all', async () => {
    const partitions = new Partitions(database);
    await partitions.cover(['2019-12-31', '2020-01-01', '2096-02-29'], held);
    expect(await tables()).toEqual(['entries_2019_12', 'entries_2020_01', 'entries_2096_02']);
    await insert('a', Date.UTC(2019, 11, 31, 23, 59, 59, 999));
    await insert('b', Date.UTC(2020, 0, 1));
    const rows = await database.query(
      'SELECT tableoid::regclass::text AS place, id FROM entries ORDER BY id',
    );
    expect(rows).toEqual([
      { place: 'entries_2019_12', id: 'a' },
      { place: 'entries_2020_01', id: 'b' },
    ]);
    const indexes = (table: string) =>
      database.query<{ count: number }>('SELECT count(*) FROM pg_indexes WHERE tablename = $1', [table]);
    expect(await indexes('entries_2019_12')).toEqual(await indexes('entries'));
  });

  it('are dropped whole once their last day is older than the retention, and no day sooner', async () => {
    const partitions = new Partitions(database);
    const retentionDays = 60;
    const oldestMs = nowMs - retentionDays * dayMs;
    const [kept, gone] = [monthOf(oldestMs), monthOf(oldestMs, -1)];
    await partitions.cover([kept.from.slice(0, 10), gone.from.slice(0, 10)], held);
    await insert('kept', oldestMs + 1_000);
    await insert('gone', Date.parse(gone.to) - 1);
    expect(await partitions.keep(retentionDays, held)).toEqual([gone.table]);
    expect(await database.query('SELECT id FROM entries')).toEqual([{ id: 'kept' }]);
    // What was dropped is made again if it is needed.
    await partitions.cover([gone.from.slice(0, 10)], held);
    expect(await tables()).toContain(gone.table);
  });

  it('are dropped later if somebody reads them for long', async () => {
    const partitions = new Partitions(database);
    await partitions.cover(['2019-12-31'], held);
    const reader = new Database({ url, tls: null });
    await reader.transaction(async (queries) => {
      await queries.query('SELECT count(*) FROM entries');
      expect(await partitions.keep(400, held)).toBeNull();
    });
    await reader.close();
    expect(await partitions.keep(400, held)).toEqual(['entries_2019_12']);
  });

  it('are not touched by a process that no longer drains', async () => {
    const lost: Lock = () => Promise.reject(new Error('lost'));
    await expect(new Partitions(database).keep(400, lost)).rejects.toThrow('lost');
    expect(await tables()).toEqual([]);
  });

  it('can be made while somebody reads and writes entries', async () => {
    const partitions = new Partitions(database);
    await partitions.cover(['2019-12-31'], held);
    await database.transaction(async (queries) => {
      await queries.query('SELECT count(*) FROM entries');
      await partitions.cover(['2020-01-01'], held);
    });
    expect(await tables()).toContain('entries_2020_01');
  });
});

describe('what is remembered for a while only', () => {
  it('is the last batch of a process and the counter of a window', async () => {
    await database.query(
      `INSERT INTO refusal_batches (process, sequence, counted_at) VALUES ('old', 5, now() - interval '71 days'), ('new', 5, now())`,
    );
    await database.query(
      `INSERT INTO counters (team, field, window_index, charged, charged_at)
       VALUES ('acme', 'old', 1, 5, now() - interval '71 days'), ('acme', 'new', 1, 5, now())`,
    );
    await new Partitions(database).keep(400, held);
    expect(await database.query('SELECT process FROM refusal_batches')).toEqual([{ process: 'new' }]);
    expect(await database.query('SELECT field FROM counters')).toEqual([{ field: 'new' }]);
  });
});
