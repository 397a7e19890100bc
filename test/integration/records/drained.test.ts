import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { windowIndex } from '../../../src/limits/window.ts';
import { Database } from '../../../src/records/database.ts';
import { type IssuedToken, models, startGateway, type TestGateway } from '../../support/gateway.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';
import { sharedRedis } from '../../support/redis-server.ts';
import { waitFor } from '../../support/wait-for.ts';

/* A gateway with a real Postgres: what is settled, refused and changed is there soon. */

let gateway: TestGateway;
let database: Database;
let token: IssuedToken;

beforeAll(async () => {
  const [url, redis] = [await sharedPostgres(), await sharedRedis()];
  database = new Database({ url, tls: null });
  gateway = await startGateway({ redis, env: { DATABASE_URL: url } });
  const limits = [
    { metric: 'requests', window: 'month', max: 3 },
    { metric: 'tokens', window: 'day', max: 1_000_000 },
  ] as const;
  token = await gateway.issue({ limits: [...limits] });
  const statuses = await Promise.all([chat(), chat(), chat(), chat()]);
  expect(statuses.toSorted()).toEqual([200, 200, 200, 429]);
}, 120_000);

afterAll(async () => {
  await gateway.close();
  await database.close();
});

async function chat(): Promise<number> {
  const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token.text}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: models.chat, messages: [{ role: 'user', content: 'Hi' }] }),
  });
  await reply.text();
  return reply.status;
}

/** Rows, once there are so many. */
function rows<Row extends object>(sql: string, count: number): Promise<Row[]> {
  const look = async (): Promise<Row[] | null> => {
    const found = await database.query<Row>(sql).catch(() => []);
    return found.length >= count ? found : null;
  };
  return waitFor(look, { what: `${count} rows of: ${sql}`, timeoutMs: 30_000 });
}

describe('what Postgres has', () => {
  it('is each entry as the store has it', async () => {
    const stored = await gateway.settled(token.team, 3);
    const entries = await rows<Record<string, unknown>>('SELECT * FROM entries', 3);
    const byId = new Map(entries.map((entry) => [entry['id'], entry]));
    expect(byId.size).toBe(3);
    for (const { id, time, input_tokens, output_tokens, ...entry } of stored) {
      expect(byId.get(id)).toMatchObject({
        admitted_at: new Date(time),
        input_tokens,
        output_tokens,
        team: entry.team,
        user_id: entry.user,
        token: entry.token_id,
        model: entry.model,
        outcome: entry.outcome,
        status: entry.status,
        request_id: entry.request_id,
        usage: entry.usage,
        model_accepted: true,
      });
    }
  });

  it('is the sums of its entries by day', async () => {
    await rows('SELECT * FROM entries', 3);
    const [sums] = await rows<Record<string, unknown>>('SELECT * FROM usage_days', 1);
    const used = await gateway.usage(token.team);
    expect(sums).toMatchObject({
      team: token.team,
      token: token.id,
      model: models.chat,
      requests: 3,
      input_tokens: used.input_tokens,
      output_tokens: used.output_tokens,
    });
  });

  it('is the refused requests', async () => {
    const [refused] = await rows<Record<string, unknown>>('SELECT * FROM refusal_days', 1);
    expect(refused).toMatchObject({
      team: token.team,
      token: token.id,
      code: 'insufficient_quota',
      limit_name: 'token requests/month',
      refused: 1,
    });
  });

  it('is in an overview as in the reports', async () => {
    await rows('SELECT * FROM refusal_days', 1);
    const read = async (path: string): Promise<Record<string, unknown>> =>
      (await gateway.admin('GET', `/admin/${path}`)).body;
    const data = async (path: string): Promise<unknown> => (await read(path))['data'];
    const overview = await read('overview?period=30d');
    const { from } = overview['period'] as { from: string };
    const [used] = (await data(`usage?from=${from}`)) as object[];
    expect(overview['figures']).toEqual({ ...used, refused: 1 });
    expect(overview['top_users']).toEqual(await data(`usage?from=${from}&group_by=user`));
    expect(overview['top_models']).toEqual(await data(`usage?from=${from}&group_by=model`));
    expect(overview['refusals']).toEqual([{ code: 'insufficient_quota', refused: 1 }]);
    expect((overview['series'] as object[]).at(-1)).toMatchObject({ ...used, refused: 1 });
    expect(overview['records']).toMatchObject({ state: 'on', problem: null });
  });

  it('is what limits of a day and a month were charged', async () => {
    const counters = await rows<{ team: string; window_index: number; charged: number }>(
      'SELECT team, window_index, charged FROM counters ORDER BY window_index',
      2,
    );
    const { input_tokens, output_tokens } = await gateway.usage(token.team);
    expect(counters).toEqual([
      {
        team: token.team,
        window_index: windowIndex('day', Date.now()),
        charged: input_tokens + output_tokens,
      },
      { team: token.team, window_index: windowIndex('month', Date.now()), charged: 3 },
    ]);
  });

  it('is the audit trail', async () => {
    const trail = await rows<{ operation: string; sequence: number }>(
      'SELECT operation, sequence FROM audit_entries ORDER BY sequence',
      3,
    );
    expect(trail).toEqual([
      { operation: 'team.create', sequence: 1 },
      { operation: 'user.create', sequence: 2 },
      { operation: 'token.issue', sequence: 3 },
    ]);
  });

  it('is told by metrics', async () => {
    const metrics = async (): Promise<string | null> => {
      const reply = await fetch(`${gateway.url}/metrics`, {
        headers: { authorization: `Bearer ${gateway.adminKey}` },
      });
      const text = await reply.text();
      return /tollgate_records_backlog\{stream="entries",.*\} 0\n/.test(text) ? text : null;
    };
    const text = await waitFor(metrics, { what: 'nothing to be left', timeoutMs: 30_000 });
    expect(text).toMatch(/tollgate_records_on\{.*\} 1\n/);
    expect(text).toMatch(/tollgate_records_gap_total\{stream="entries",.*\} 0\n/);
    expect(text).toMatch(/tollgate_records_last_drain_timestamp_seconds\{.*\} 1\d{9}/);
  });
});

it('can be asked what the docs say, by somebody who can only read', async () => {
  await rows('SELECT * FROM entries', 3);
  const docs = readFileSync(new URL('../../../docs/records.md', import.meta.url), 'utf8');
  const blocks = [...docs.matchAll(/^```sql\n([^`]*)^```$/gm)].map(([, sql = '']) => statementsIn(sql));
  const [grants = [], queries = []] = blocks;
  expect([blocks.length, queries.length]).toEqual([2, 5]);
  await database.transaction(async (transaction) => {
    for (const grant of grants) await transaction.query(grant);
    await transaction.query('SET LOCAL ROLE auditor');
    const answers: object[][] = [];
    for (const query of queries) answers.push(await transaction.query(query));
    expect(answers[0]).toMatchObject([{ team: token.team, requests: 3 }]);
    await transaction.query('RESET ROLE');
    await transaction.query('DROP OWNED BY auditor');
    await transaction.query('DROP ROLE auditor');
  });
});

function statementsIn(sql: string): string[] {
  return sql.split(';').filter((text) => text.trim() !== '');
}

it('also comes from the embedded store', async () => {
  const url = await sharedPostgres();
  const embedded = await startGateway({ env: { DATABASE_URL: url } });
  const other = new Database({ url, tls: null });
  try {
    const { text, team } = await embedded.issue();
    const reply = await fetch(`${embedded.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${text}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: models.chat, messages: [{ role: 'user', content: 'Hi' }] }),
    });
    expect(reply.status).toBe(200);
    await reply.text();
    await embedded.settled(team, 1);
    await embedded.close(); // which drains what is left
    expect(await other.query('SELECT team FROM entries')).toEqual([{ team }]);
    expect(await other.query('SELECT team, requests FROM usage_days')).toEqual([{ team, requests: 1 }]);
  } finally {
    await other.close();
  }
});
