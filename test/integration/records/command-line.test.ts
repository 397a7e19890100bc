import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { linkOf, noHead } from '../../../src/audit/chain.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { RedisStore } from '../../../src/store/redis.ts';
import { entryOf } from '../../contract/admission-store-samples.ts';
import { tollgate } from '../../support/command-line.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';
import { closeInStore, TestRecords } from '../../support/records.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';

/*
 * The command line on a Redis and a Postgres that were drained into: `ledger verify`, and `audit verify` over a trail of which
 * the store has the newest part, behind an anchor.
 */

const keys = keysUnder('t:');
const drained = 1_200;
const all = 1_210;
const startMs = Date.UTC(2026, 0, 1);
const time = new Date(Date.now() - 5_000).toISOString();
const gone = 'postgres://postgres@127.0.0.1:1/none';

let redis: SharedRedis;
let store: RedisStore;
let url: string;
let records: TestRecords;
/** The store's trail after the drain: `[id, fields]`. */
let stored: [id: string, fields: string[]][];
let undo: string[];

beforeAll(async () => {
  [redis, url] = [await sharedRedis(), await sharedPostgres()];
  records = await TestRecords.start(url);
  store = new RedisStore({ url: redis.url, verifyTls: false, commandTimeoutMs: 10_000 });
  store.connect();
  await store.whenReady(10_000);
  await redis.flush();
  const links = chainOf(all);
  await add(links.slice(0, drained));
  for (let n = 0; n < 4; n += 1) await closeInStore(store, keys, entryOf(`p1-${n}`, { time }));
  await records.drain(store, keys);
  await add(links.slice(drained));
  stored = await store.client.xrange(keys.audit, '-', '+');
  expect(stored.length).toBeGreaterThan(all - drained);
  expect(stored.length).toBeLessThan(drained);
});

afterAll(async () => {
  store.close();
  await records.close();
});

beforeEach(async () => {
  for (const sql of undo ?? []) await records.database.query(sql);
  undo = [];
  await replaceTrail(stored);
});

function chainOf(count: number): { hash: string; text: string }[] {
  let head = noHead;
  return Array.from({ length: count }, (_, n) => {
    const change = {
      operation: 'team.change',
      kind: 'team',
      team: 'acme',
      id: 'acme',
      before: null,
      after: { n },
    } as const;
    const context = { actor: 'root', address: null, requestId: null };
    const link = linkOf(head, { change, context, nowMs: startMs + n * 1_000 });
    ({ head } = link);
    return { hash: head.hash, text: link.text };
  });
}

async function add(links: readonly { hash: string; text: string }[]): Promise<void> {
  const batch = store.client.pipeline();
  for (const { hash, text } of links) batch.xadd(keys.audit, '*', 'h', hash, 'e', text);
  await batch.exec();
}

async function replaceTrail(entries: typeof stored): Promise<void> {
  const batch = store.client.pipeline().del(keys.audit);
  for (const [id, fields] of entries) batch.xadd(keys.audit, id, ...fields);
  await batch.exec();
}

async function verify(
  database: string | null = url,
): Promise<{ code: number; verdict: JsonObject; err: string }> {
  const env = {
    REDIS_URL: redis.url,
    REDIS_PREFIX: 't:',
    ...(database === null ? {} : { DATABASE_URL: database }),
  };
  const { code, out, err } = await tollgate('audit verify --json', env);
  return { code, verdict: JSON.parse(out) as JsonObject, err };
}

/** Somebody changes an entry in Postgres. */
async function alter(sequence: number): Promise<void> {
  const [row] = await records.database.query<{ text: string }>(
    'SELECT text FROM audit_entries WHERE sequence = $1',
    [sequence],
  );
  await records.database.query('UPDATE audit_entries SET text = $2 WHERE sequence = $1', [
    sequence,
    row?.text.replace('acme', 'beta') ?? '',
  ]);
  undo.push(`UPDATE audit_entries SET text = replace(text, 'beta', 'acme') WHERE sequence = ${sequence}`);
}

function altered([id, [h = '', hash = '', e = '', text = '']]: [string, string[]]): [string, string[]] {
  return [id, [h, hash, e, text.replace('acme', 'beta')]];
}

describe('audit verify', () => {
  it('reads on into Postgres, and compares what both places have', async () => {
    expect(await verify()).toMatchObject({
      code: 0,
      verdict: { intact: true, entries: all, copies_compared: stored.length - (all - drained) },
    });
  });

  it.each([
    ['without DATABASE_URL', null],
    ['while Postgres is away', gone],
  ])('begins at the anchor and says so, %s', async (_when, database) => {
    const { code, verdict } = await verify(database);
    expect({ code, verdict }).toMatchObject({
      code: 0,
      verdict: { intact: true, entries: stored.length, begins_after: all - stored.length },
    });
    const env = {
      REDIS_URL: redis.url,
      REDIS_PREFIX: 't:',
      ...(database === null ? {} : { DATABASE_URL: database }),
    };
    const { err } = await tollgate('audit verify', env);
    expect(err).toContain(`Entries up to ${all - stored.length} were not checked: they are in Postgres.`);
    // The first entry of the store must follow the anchor.
    await replaceTrail(stored.slice(1));
    expect(await verify(database)).toMatchObject({ code: 1, verdict: { flaw: { kind: 'dropped' } } });
  });

  it.each([1, 50, all - 1_000, drained])('finds entry %d altered in Postgres', async (sequence) => {
    await alter(sequence);
    expect(await verify()).toMatchObject({ code: 1, verdict: { flaw: { sequence, kind: 'altered' } } });
  });

  it('finds an entry altered that only the store has', async () => {
    await replaceTrail([...stored.slice(0, -3), ...stored.slice(-3).map(altered)]);
    const flaw = { sequence: all - 2, kind: 'altered' };
    expect(await verify()).toMatchObject({ code: 1, verdict: { flaw } });
  });

  it('finds an entry altered in the store of which Postgres has the original', async () => {
    const changed = stored.map((entry, n) => (n === 400 ? altered(entry) : entry));
    await replaceTrail(changed);
    const { code, err } = await verify();
    expect([code, err]).toEqual([1, expect.stringContaining(`${stored[400]?.[0]} (altered)`)]);
  });

  it('finds an entry missing in either place, at the seam too', async () => {
    await replaceTrail(stored.slice(1));
    expect((await verify()).err).toContain('(anchor)');
    await replaceTrail(stored.filter((_, n) => n !== 10));
    expect((await verify()).err).toContain(`${stored[10]?.[0]} (missing_in_store)`);
    await replaceTrail(stored);
    const sequence = all - stored.length;
    const [row] = await records.database.query<{ row: string }>(
      'DELETE FROM audit_entries WHERE sequence = $1 RETURNING row_to_json(audit_entries) AS row',
      [sequence],
    );
    expect(await verify()).toMatchObject({ code: 1, verdict: { flaw: { sequence, kind: 'dropped' } } });
    await records.database.query(
      'INSERT INTO audit_entries SELECT * FROM json_populate_record(NULL::audit_entries, $1)',
      [row?.row ?? ''],
    );
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it('finds that the anchor was changed', async () => {
    const anchor = (await store.client.hget(keys.records, 'anchor_hash')) ?? '';
    await store.client.hset(keys.records, 'anchor_hash', 'f'.repeat(64));
    try {
      expect((await verify()).err).toContain('(anchor)');
      expect(await verify(null)).toMatchObject({ code: 1, verdict: { flaw: { kind: 'altered' } } });
    } finally {
      await store.client.hset(keys.records, 'anchor_hash', anchor);
    }
  });
});

describe('ledger', () => {
  const on = (database: string | null): NodeJS.ProcessEnv => ({
    REDIS_URL: redis.url,
    REDIS_PREFIX: 't:',
    ...(database === null ? {} : { DATABASE_URL: database }),
  });
  const day = time.slice(0, 10);

  it('verify prints what differs, and exits with 1', async () => {
    const line = `ledger verify --from ${day} --to ${day}`;
    expect(await tollgate(line, on(url))).toMatchObject({
      code: 0,
      out: `Rows compared, ${day} to ${day}: 1`,
    });
    await records.database.query('UPDATE usage_days SET output_tokens = output_tokens - 1');
    const found = await tollgate(line, on(url));
    await records.database.query('UPDATE usage_days SET output_tokens = output_tokens + 1');
    expect(found).toMatchObject({ code: 1, err: 'The records are not the same everywhere. Differences: 1.' });
    const [, , titles = '', row = ''] = found.out.split('\n');
    expect(titles.split(/ +/)).toEqual(['DAY', 'OF', 'ROW', 'FIGURE', 'STORE', 'SUMS', 'ENTRIES']);
    expect(row).toMatch(/usage +acme ana .* output_tokens +136 +135 +136$/);
    expect(await tollgate(line, on(null))).toMatchObject({ code: 1 });
    expect(await tollgate(line, on(gone))).toMatchObject({ code: 3 });
    expect(await tollgate('ledger verify --from 2026-02-02 --to 2026-01-01', on(url))).toMatchObject({
      code: 2,
    });
  });

  it('status says how the records are', async () => {
    const told = async (database: string | null): Promise<JsonObject> =>
      JSON.parse((await tollgate('--json ledger status', on(database))).out) as JsonObject;
    expect(await told(url)).toMatchObject({
      state: 'on',
      backlog: { entries: 0, refusals: 0 },
      oldest_entry_at: time,
      audit_anchor: { sequence: all - stored.length },
    });
    expect(await told(null)).toMatchObject({ state: 'off', problem: 'DATABASE_URL is not set.' });
    expect(await told(gone)).toMatchObject({ state: 'unreachable' });
  });

  it('reports of what only Postgres has say so while it is away', async () => {
    expect(await tollgate(`usage --from ${day}`, on(gone))).toMatchObject({ code: 0 });
    const { code, err } = await tollgate('usage --from 2020-01-01', on(gone));
    expect([code, err]).toEqual([
      3,
      expect.stringMatching(/^What is older is in Postgres.* ask with from=\d{4}-\d\d-\d\d/),
    ]);
    expect(await tollgate('usage --from 2020-01-01', on(url))).toMatchObject({ code: 0 });
    expect(await tollgate('usage --from 2020-01-01 --by day', on(url))).toMatchObject({ code: 1 });
  });
});
