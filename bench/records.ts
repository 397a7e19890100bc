import { Client } from 'pg';
import { systemClock } from '../src/base/clock.ts';
import { unacceptedModel } from '../src/ledger/entry.ts';
import type { EntryQuery } from '../src/ledger/ledger.ts';
import { LedgerReader } from '../src/ledger/ledger-reader.ts';
import { Database, schema } from '../src/records/database.ts';
import { migrate } from '../src/records/migrate.ts';
import { RecordedLedger } from '../src/records/recorded-ledger.ts';
import { Seam } from '../src/records/seam.ts';
import { StoreAlone } from '../src/records/store-alone.ts';
import { EmbeddedStore } from '../src/store/embedded-store.ts';
import { keysUnder } from '../src/store/keys.ts';
import { startPostgres } from '../test/support/postgres-server.ts';
import { addInBatches, dayAt, fillMonths, markDrained, sumUp } from './records-data.ts';
import { median } from './report.ts';

/*
 * What reports over a full Postgres cost, and what an entry takes there: `npm run bench:records`. It fills a Postgres of its
 * own, 10,000,000 entries by default, and throws it away.
 */

const spread = { entries: Number(process.env['ENTRIES'] ?? 10_000_000), days: 400 };
const runs = 15;

const server = await startPostgres({ args: ['-c', 'max_wal_size=4GB', '-c', 'maintenance_work_mem=256MB'] });
const url = await server.database();
const client = new Client({ connectionString: url, options: `-c TimeZone=UTC -c search_path=${schema}` });
const database = new Database({ url, tls: null });
try {
  await migrate(database);
  await client.connect();
  await timed(`fill ${spread.entries} entries`, () => fillMonths(client, spread));
  await timed('sum them up', () => sumUp(client));
  await timed('vacuum and analyze', () => client.query('VACUUM ANALYZE'));
  await reportSizes();
  await reportTimes();
} finally {
  await client.end();
  await database.close();
  await server.stop();
}

async function reportTimes(): Promise<void> {
  await markDrained(client);
  const keys = keysUnder('');
  const store = new EmbeddedStore({ clock: systemClock });
  const seam = new Seam({ database, problem: () => null }, store, keys);
  const alone = new StoreAlone({ store, keys, retentionDays: 92, clock: systemClock });
  const ledger = new RecordedLedger({ seam, ledger: new LedgerReader(store, keys), alone });
  const month = { from: dayAt(334), to: dayAt(364) };
  await measured('a month by user and model', () =>
    ledger.usage({ ...month, filters: {}, groupBy: ['team', 'user', 'model'] }),
  );
  await measured('400 days by team', () =>
    ledger.usage({ from: dayAt(0), to: dayAt(399), filters: {}, groupBy: ['team'] }),
  );
  const { rows: some } = await client.query<Record<'session' | 'end_user' | 'token', string>>(
    'SELECT session, end_user, token FROM entries WHERE session IS NOT NULL AND closed_ms > $1 LIMIT 1',
    [Date.parse(dayAt(200))],
  );
  const { session, end_user: endUser, token } = some[0] ?? { session: '', end_user: '', token: '' };
  const noon = Date.parse(`${dayAt(100)}T12:00:00Z`);
  const pages: Record<string, Partial<EntryQuery>> = {
    'no filter': {},
    'team, common': { filters: { team: 'team-1' } },
    'team, rare': { filters: { team: 'rare' } },
    'user, common': { filters: { user: 'user-7' } },
    'user, rare': { filters: { user: 'rare' } },
    'user, left long ago': { filters: { user: 'left' } },
    'user, nobody': { filters: { user: 'nobody' } },
    'token, common': { filters: { token } },
    'token, rare': { filters: { token: 'tok_rare00000000' } },
    session: { filters: { session } },
    'end user': { filters: { end_user: endUser } },
    'model, common': { filters: { model: 'claude-4-5-sonnet-3' } },
    'model, rare': { filters: { model: 'rare-model' } },
    'model, not accepted': { filters: { model: unacceptedModel } },
    'endpoint, common': { filters: { endpoint: '/v1/embeddings' } },
    'endpoint, rare': { filters: { endpoint: '/v1/rerank' } },
    'outcome, error': { filters: { outcome: 'error' } },
    'outcome, lost': { filters: { outcome: 'lost' } },
    'user and error': { filters: { user: 'user-7', outcome: 'error' } },
    'user and lost': { filters: { user: 'user-7', outcome: 'lost' } },
    'user, left, and lost': { filters: { user: 'left', outcome: 'lost' } },
    'an hour long ago': { admitted: { fromMs: noon, beforeMs: noon + 3_600_000 } },
    'user, an hour long ago': {
      filters: { user: 'user-7' },
      admitted: { fromMs: noon, beforeMs: noon + 3_600_000 },
    },
    'from a page long ago on': { cursor: `${noon}-0` },
    'user, from a page long ago on': { filters: { user: 'user-7' }, cursor: `${noon}-0` },
    'of two visible teams': { teams: ['team-1', 'rare'] },
    'of one rare visible team': { teams: ['rare'] },
  };
  for (const [name, query] of Object.entries(pages)) {
    const full = { filters: {}, limit: 50, cursor: null, ...query };
    await measured(`a page: ${name}`, () => ledger.entries(full).then(({ data }) => data));
  }
}

async function reportSizes(): Promise<void> {
  const added = await addInBatches(client, spread);
  await client.query('VACUUM ANALYZE');
  const { rows: tables } = await client.query<{ name: string; rows: string; bytes: string; indexes: string }>(
    `SELECT inhrelid::regclass AS name, reltuples AS rows, pg_relation_size(inhrelid) AS bytes,
       pg_indexes_size(inhrelid) AS indexes
     FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'entries'::regclass ORDER BY 1`,
  );
  const last = tables.at(-1);
  const { rows: indexes } = await client.query<{ name: string; bytes: string }>(
    `SELECT indexrelid::regclass AS name, pg_relation_size(indexrelid) AS bytes
     FROM pg_index WHERE indrelid = $1::regclass ORDER BY 2 DESC`,
    [last?.name],
  );
  const perEntry = (bytes: string | undefined): string => (Number(bytes) / added).toFixed(0);
  console.log(
    `\nbytes an entry, added in batches: ${perEntry(last?.bytes)} and ${perEntry(last?.indexes)} of indexes`,
  );
  for (const { name, bytes } of indexes) console.log(`  ${name.padEnd(44)} ${perEntry(bytes).padStart(5)}`);
  const built = tables.slice(0, -2);
  const sum = (of: 'rows' | 'bytes' | 'indexes'): number =>
    built.reduce((all, row) => all + Number(row[of]), 0);
  console.log(
    `with indexes built afterwards: ${(sum('bytes') / sum('rows')).toFixed(0)} and ${(sum('indexes') / sum('rows')).toFixed(0)}`,
  );
  const { rows: days } = await client.query<{ rows: string; bytes: string }>(
    "SELECT COUNT(*) AS rows, pg_total_relation_size('usage_days') AS bytes FROM usage_days",
  );
  console.log(
    `usage_days: ${days[0]?.rows} rows, ${(Number(days[0]?.bytes) / Number(days[0]?.rows)).toFixed(0)} bytes each`,
  );
  const each = (Number(last?.bytes) + Number(last?.indexes)) / added;
  for (const perSecond of [1, 10]) {
    console.log(`1 GB at ${perSecond} a second: ${(1e9 / each / perSecond / 86_400).toFixed(1)} days\n`);
  }
}

async function measured(name: string, work: () => Promise<readonly unknown[]>): Promise<void> {
  const times: number[] = [];
  let rows = 0;
  for (let run = 0; run < runs; run += 1) {
    const startedMs = performance.now();
    rows = (await work()).length;
    times.push(performance.now() - startedMs);
  }
  const [first = 0] = times;
  const figures = [median(times), Math.max(...times.slice(1)), first].map((ms) => ms.toFixed(1).padStart(9));
  console.log(`${name.padEnd(44)} ${figures.join('')}  ms: median, worst, first; ${rows} rows`);
}

async function timed(name: string, work: () => Promise<unknown>): Promise<void> {
  const startedMs = performance.now();
  await work();
  console.log(`${name}: ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
}
