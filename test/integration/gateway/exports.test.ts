import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dayMs, dayOf } from '../../../src/base/days.ts';
import { noFigures } from '../../../src/base/figures.ts';
import { encodeEntry } from '../../../src/ledger/entry-text.ts';
import { encodeTotalsRow } from '../../../src/ledger/totals.ts';
import type { EntryRecord, LedgerEntry } from '../../../src/ledger/entry.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { connectRaw } from '../../support/http.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { waitFor } from '../../support/wait-for.ts';

/* Reports of any size over real connections, from a ledger far larger than what is kept of it in memory. */

const keys = keysUnder('tollgate:');
const count = 60_000;
const perRead = 500;
const chat = '/v1/chat/completions';

let redis: RedisServer;
let client: Redis;
let gateway: TestGateway;

beforeAll(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
  client.on('error', () => {}); // the store goes away in one test
  // Commands are counted, so the gateway has no duties: another process seems to have the lease.
  await client.hset(keys.lease('events'), { owner: 'other', until: Date.now() + 3_600_000, fence: 1 });
  gateway = await startGateway({ redis, env: { LEDGER_MAX_ENTRIES: '1000000' } });
  await fill();
});
afterAll(async () => {
  client.disconnect();
  await gateway.close();
  await redis.stop();
});

function entryText(n: number, more: Partial<EntryRecord> = {}): string {
  return encodeEntry({
    id: `export-${n}`,
    request_id: '5b3c0b3e-6f5c-4d56-9f0e-2c1d7b8a9e10',
    admittedAtMs: Date.now() - 1_000,
    team: 'acme',
    user: n % 20_000 === 0 ? 'bob' : 'ana',
    token_id: 'tok_000000000000',
    session_id: null,
    end_user: null,
    tags: '',
    endpoint: chat,
    model: 'claude-4-5-haiku',
    model_requested: null,
    model_accepted: true,
    status: 200,
    outcome: 'ok',
    error_code: null,
    ...noFigures,
    inputTokens: 14,
    outputTokens: 51,
    costNanoUsd: null,
    usage: 'reported',
    stream: false,
    duration_ms: 812,
    ttfb_ms: 799,
    ...more,
  });
}

async function fill(): Promise<void> {
  for (let from = 0; from < count; from += 10_000) {
    const batch = client.pipeline();
    for (let n = from; n < from + 10_000; n += 1) batch.xadd(keys.entries, '*', 'e', entryText(n));
    await batch.exec();
  }
}

function ask(path: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(`${gateway.url}${path}`, {
    headers: { authorization: `Bearer ${gateway.adminKey}`, ...headers },
    ...(signal ? { signal } : {}),
  });
}

/** How often a command has run in the store. */
async function ran(command: string): Promise<number> {
  const stats = await client.info('commandstats');
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0);
}

const idsIn = (ndjson: string): string[] =>
  ndjson
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as LedgerEntry).id);

const newestFirst = Array.from({ length: count }, (_, n) => `export-${count - 1 - n}`);

describe('a report of every request', () => {
  it('as NDJSON is each of them once, the newest first, read page by page', async () => {
    const before = await ran('xrevrange');
    const answer = await ask('/admin/requests?format=ndjson');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    expect(idsIn(await answer.text())).toEqual(newestFirst);
    expect((await ran('xrevrange')) - before).toBeLessThanOrEqual((count / 1_000) * 3);
  });

  it('as CSV is a table with a header row and a file name', async () => {
    const answer = await ask('/admin/requests', { accept: 'text/csv' });
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="tollgate-requests.csv"');
    const [head = '', ...lines] = (await answer.text()).split('\r\n');
    expect(lines.pop()).toBe('');
    const columns = head.split(',');
    // Some read it by position: columns keep theirs, and a new one comes last.
    const first9 = 'id,request_id,time,team,user,token_id,session_id,end_user,endpoint';
    expect(columns.slice(0, 9).join(',')).toBe(first9);
    expect(columns.slice(-2)).toEqual(['ttfb_ms', 'tags']);
    expect(lines.map((line) => line.slice(0, line.indexOf(',')))).toEqual(newestFirst);
    const [first = ''] = lines;
    expect(first.split(',')).toHaveLength(columns.length);
    expect(first.split(',')[columns.indexOf('input_tokens')]).toBe('14');
  });

  it('narrowed to a few finds them among many', async () => {
    const answer = await ask('/admin/requests?format=ndjson&user=bob');
    expect(idsIn(await answer.text())).toEqual(['export-40000', 'export-20000', 'export-0']);
    const none = await ask(`/admin/requests?format=ndjson&from=${dayOf(Date.now() + 2 * dayMs)}`);
    expect(await none.text()).toBe('');
  });

  it('with a limit is a page, and a header says where the next one begins', async () => {
    const first = await ask('/admin/requests?format=ndjson&limit=2');
    expect(idsIn(await first.text())).toEqual(newestFirst.slice(0, 2));
    const cursor = first.headers.get('x-next-cursor') ?? '';
    const rest = await ask(`/admin/requests?format=ndjson&limit=3&cursor=${cursor}`);
    expect(idsIn(await rest.text())).toEqual(newestFirst.slice(2, 5));
  });

  it('in JSON stays in pages of at most 1,000', async () => {
    const answer = await ask('/admin/requests?limit=1000', { accept: 'application/json' });
    const { data, next_cursor: cursor } = (await answer.json()) as {
      data: LedgerEntry[];
      next_cursor: string;
    };
    expect(data).toHaveLength(1_000);
    expect(cursor).toMatch(/^\d+-\d+$/);
    expect((await ask('/admin/requests?limit=1001&format=csv')).status).toBe(400);
    expect((await ask('/admin/requests', { accept: 'text/html' })).status).toBe(406);
  });

  it('waits for a reader that is slow, and ends when it leaves', async () => {
    const before = await ran('xrevrange');
    const connection = await connectRaw(gateway.port);
    connection.socket.pause();
    connection.send(
      `GET /admin/requests?format=ndjson HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${gateway.adminKey}\r\n\r\n`,
    );
    const steady = await untilSteady(() => ran('xrevrange'));
    expect(steady - before).toBeGreaterThan(0);
    // What it has not taken is in the sockets' buffers, and no more is read.
    expect(steady - before).toBeLessThan(count / perRead / 2);
    connection.destroy();
    expect((await untilSteady(() => ran('xrevrange'))) - steady).toBeLessThanOrEqual(4);
  });

  it('ends when its reader leaves while nothing is found', async () => {
    const before = await ran('xrevrange');
    const leaving = new AbortController();
    const answer = ask('/admin/requests?format=csv&user=nobody', {}, leaving.signal);
    await answer;
    leaving.abort();
    const steady = await untilSteady(() => ran('xrevrange'));
    expect(steady - before).toBeLessThan(count / perRead);
  });

  it('has no entry twice and leaves out none, whatever is added and trimmed on the way', async () => {
    const answer = await ask('/admin/requests?format=ndjson');
    const reader = answer.body?.getReader();
    if (!reader) throw new Error('The answer has no body.');
    const chunks: Uint8Array[] = [];
    const first = await reader.read();
    if (first.value) chunks.push(first.value);
    await client.xadd(keys.entries, '*', 'e', entryText(count));
    await client.xtrim(keys.entries, 'MAXLEN', 10_000);
    for (let step = await reader.read(); !step.done; step = await reader.read()) chunks.push(step.value);
    const ids = idsIn(Buffer.concat(chunks).toString());
    // What was trimmed is not there; all else is, in order.
    expect(ids).toEqual(newestFirst.slice(0, ids.length));
    expect(ids.length).toBeGreaterThanOrEqual(9_999);
    expect(ids.length).toBeLessThan(count);
  });
});

describe('what callers have said', () => {
  it('runs nowhere: not in a spreadsheet, not in a filter', async () => {
    const said = ['=1+1', '+1', '-1', '@SUM(A1)', '=HYPERLINK("http://x.example","a,b")', '*', '%'];
    for (const [n, name] of said.entries())
      await client.xadd(keys.entries, '*', 'e', entryText(n, { team: 'said', end_user: name }));
    const answer = await ask('/admin/requests?team=said&format=csv');
    const text = await answer.text();
    for (const cell of [
      "'=1+1",
      "'+1",
      "'-1",
      "'@SUM(A1)",
      `"'=HYPERLINK(""http://x.example"",""a,b"")"`,
      '*',
      '%',
    ])
      expect(text).toContain(`,${cell},${chat},`);
    for (const name of said) {
      const found = await ask(`/admin/requests?format=ndjson&end_user=${encodeURIComponent(name)}`);
      const entries = (await found.text()).trim().split('\n');
      expect(entries.map((line) => (JSON.parse(line) as LedgerEntry).end_user)).toEqual([name]);
    }
    const logged = encodeURIComponent('x\n{"level":"error","msg":"forged"}');
    expect((await ask(`/admin/requests?end_user=${logged}`)).status).toBe(400);
    expect(gateway.log()).not.toContain('forged');
    expect(await client.exists(keys.entries)).toBe(1);
  });
});

describe('usage over a month of 50 users and 10 models', () => {
  it('is read in one pass over the totals: a command a day, and no entry', async () => {
    const days = Array.from({ length: 30 }, (_, n) => dayOf(Date.now() - (30 - n) * dayMs));
    for (const day of days) {
      const rows = Array.from({ length: 500 }, (_, n) => [
        encodeTotalsRow({
          team: 'month',
          user: `user-${n % 50}`,
          token: `tok_${n % 50}`,
          model: `model-${Math.floor(n / 50)}`,
          endpoint: chat,
        }),
        '12 3456 7890 0 1 2 0',
      ]);
      await client.hset(keys.totals(day), Object.fromEntries(rows) as Record<string, string>);
    }
    const commands = ['hscan', 'hgetall', 'xrevrange', 'xrange', 'scan'];
    for (const groups of ['user,model', 'day,user,model']) {
      const before = await Promise.all(commands.map(ran));
      const answer = await ask(
        `/admin/usage?team=month&from=${days[0]}&to=${days.at(-1)}&group_by=${groups}`,
      );
      const { data } = (await answer.json()) as { data: { requests: number; output_tokens: number }[] };
      const after = await Promise.all(commands.map(ran));
      const [hscan = 0, hgetall = 0, ...others] = after.map((calls, n) => calls - (before[n] ?? 0));
      expect(hscan + hgetall).toBeLessThanOrEqual(days.length);
      expect(others).toEqual([0, 0, 0]);
      expect(data).toHaveLength(groups === 'user,model' ? 500 : 15_000);
      expect(data.reduce((sum, { requests }) => sum + requests, 0)).toBe(30 * 500 * 12);
    }
  });

  it('is right where a day has more rows than one command reads', async () => {
    const day = dayOf(Date.now() - 40 * dayMs);
    const rows = Array.from({ length: 7_000 }, (_, n) => [
      encodeTotalsRow({ team: 'many', user: `u-${n}`, token: `tok_${n}`, model: 'm', endpoint: chat }),
      '1 2 3 4 0 0 0',
    ]);
    await client.hset(keys.totals(day), Object.fromEntries(rows) as Record<string, string>);
    const answer = await ask(`/admin/usage?from=${day}&to=${day}`);
    expect(await answer.json()).toMatchObject({
      data: [{ requests: 7_000, input_tokens: 14_000, images: 28_000 }],
    });
  });
});

describe('a store that goes away', () => {
  it('cuts a report off, so that nobody takes it for whole; and the next is refused', async () => {
    await fill();
    const printed = vi.spyOn(console, 'error');
    const answer = await ask('/admin/requests?format=ndjson');
    const reader = answer.body?.getReader();
    if (!reader) throw new Error('The answer has no body.');
    const { value } = await reader.read();
    expect(value?.length).toBeGreaterThan(0);
    await redis.kill();
    const chunks: Uint8Array[] = [];
    const reading = (async () => {
      for (let step = await reader.read(); !step.done; step = await reader.read()) chunks.push(step.value);
    })();
    await expect(reading).rejects.toThrow();
    expect(Buffer.concat(chunks).toString()).not.toContain('Error:');
    expect(gateway.log()).toContain('an admin request failed');
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();

    const next = await ask('/admin/requests?format=csv');
    expect([next.status, next.headers.get('content-type')]).toEqual([503, 'application/json']);
    expect(await next.json()).toMatchObject({ error: { code: 'store_unavailable' } });
    await redis.restart();
    await waitFor(async () => (await ask('/admin/usage')).ok, { what: 'the store to be back' });
  });
});

/** A figure once it has stopped growing for a while. */
async function untilSteady(figure: () => Promise<number>): Promise<number> {
  let last = -1;
  for (;;) {
    const now = await figure();
    if (now === last) return now;
    last = now;
    await sleep(250);
  }
}
