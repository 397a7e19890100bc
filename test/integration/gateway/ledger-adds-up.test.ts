import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  hang,
  resetAfter,
  resetBeforeAnswer,
  respond,
  streamFrames,
  wafPage,
} from '../../support/upstream-scripts.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import { type Script, startStandIn, type StandIn } from '../../support/stand-in.ts';
import type { LedgerEntry } from '../../../src/ledger/entry.ts';
import type { Limit } from '../../../src/base/limit.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, get, paths } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { waitFor } from '../../support/wait-for.ts';

/*
 * Whatever happens to requests, at once and on two gateways: entries, the day's totals and the limits' counters are
 * three accounts of the same, and the upstream has seen no request that has no entry. It may see one twice: what a kept
 * connection's reset left unanswered is sent again.
 */

const json = { 'content-type': 'application/json' };
const word = messageFrame({ choices: [{ delta: { content: 'x'.repeat(40) } }] });
const usage = { prompt_tokens: 7, completion_tokens: 11 };
const withUsage = messageFrame({ choices: [{ delta: {}, finish_reason: 'stop' }], usage });

/** Those that end by themselves. */
const ending: Script[] = [
  () => false,
  () => false,
  respond(200, json, JSON.stringify({ usage: { prompt_tokens: 900, completion_tokens: 800 } })),
  respond(400, json, '{"error":{"code":400,"message":"no"}}'),
  respond(401, json, '{}'),
  respond(429, json, '{}'),
  respond(500, json, '{}'),
  wafPage(),
  resetBeforeAnswer(),
  resetAfter('{"choices":', json),
  resetAfter(word + word),
  resetAfter(word + withUsage),
  streamFrames([word, withUsage, doneFrame]),
  streamFrames([word, word, word, doneFrame], { delayMs: 3 }),
  streamFrames([word]),
];
const scripts: Script[] = [...ending, hang(), streamFrames([word, withUsage, doneFrame], { end: false })];
const refunded = new Set([
  'upstream_unreachable',
  'upstream_auth_failed',
  'upstream_blocked',
  'upstream_rate_limited',
]);

let redis: SharedRedis;
let upstream: StandIn;
let gateways: TestGateway[];
/** Requests of the data plane that came in. */
let received = 0;

beforeAll(async () => {
  redis = await sharedRedis();
  upstream = await startStandIn({ wordDelayMs: 1 });
  const env = { UPSTREAM_TIMEOUT_MS: '200', STREAM_IDLE_TIMEOUT_MS: '200' };
  const first = await startGateway({ redis, upstream, env });
  gateways = [first, await startGateway({ redis, upstream, env, adminKey: first.adminKey })];
  for (const { server } of gateways) {
    server.on('request', ({ url }) => {
      if (url === paths.chat || url === paths.images) received += 1;
    });
  }
});
afterAll(async () => {
  for (const gateway of gateways) await gateway.close();
  await upstream.close();
});

describe('after all kinds of endings at once', () => {
  it.each([1, 2, 3])('entries, totals and counters agree (run %i)', async (run) => {
    const [gateway = fail()] = gateways;
    const limits: Limit[] = [
      { metric: 'tokens', window: 'month', max: 60_000 },
      { metric: 'requests', window: 'day', max: 150 },
      { metric: 'images', window: 'day', max: 20 },
      { metric: 'concurrency', max: 40 },
    ];
    const token = await gateway.issue({ team: { limits } });
    const seed = run * 7_919;
    const random = randomFrom(seed);
    upstream.script((req, res, body) =>
      pick(req.url === paths.images ? ending : scripts, random)(req, res, body),
    );
    const before = upstream.requests.length;

    const one = async (n: number): Promise<void> => {
      const at = pick(gateways, random).url;
      const kind = random() < 0.15 ? 'images' : 'chat';
      const body = bodies[kind](kind === 'images' ? { n: 2 } : { stream: random() < 0.5 });
      const signal = random() < 0.25 ? AbortSignal.timeout(Math.floor(random() * 30) + 1) : null;
      await sleep(n / 2);
      const answer = fetch(`${at}${paths[kind]}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token.text}` },
        body: JSON.stringify(body),
        signal,
      });
      await answer.then((reply) => reply.arrayBuffer()).catch(() => undefined); // cut, or left
    };
    await Promise.all(Array.from({ length: 200 }, (_, n) => one(n)));
    // Some callers left before their requests had got anywhere: each leaves its line in the log in the end.
    await waitFor(() => logged() === received, { what: 'every request to be over' });
    await waitFor(async () => (await counters())['concurrency'] === 0, { what: 'every place to be free' });
    await upstream.waitFor(({ open }) => open === 0);

    const entries = await gateway.entries(token.team);
    const sum = (of: (entry: LedgerEntry) => number): number =>
      entries.reduce((total, entry) => total + of(entry), 0);
    const count = (outcome: string): number => sum((entry) => (entry.outcome === outcome ? 1 : 0));
    const told = { seed, entries: entries.length };
    expect(entries.length).toBeGreaterThan(20);
    expect({ ...told, ...(await gateway.usage(token.team)) }).toEqual({
      ...told,
      requests: entries.length,
      input_tokens: sum((entry) => entry.input_tokens),
      output_tokens: sum((entry) => entry.output_tokens),
      images: sum((entry) => entry.images),
      search_units: 0,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
      errors: count('error'),
      aborted: count('aborted'),
      lost: 0,
      cost_usd: 0,
    });
    const free = entries.filter(isFree).length;
    const stood = await counters();
    // Of an image that came too late the entry does not tell whether it had been sent.
    const doubtful = entries.filter(isDoubtful).length;
    expect({ ...told, requests: stood['requests'] ?? 0 }).toSatisfy(
      ({ requests }: { requests: number }) =>
        requests <= entries.length - free && requests >= entries.length - free - doubtful,
      `${entries.length - free - doubtful} to ${entries.length - free} requests`,
    );
    expect({ ...told, ...stood }).toEqual({
      ...told,
      requests: stood['requests'],
      tokens: sum((entry) => entry.input_tokens + entry.output_tokens),
      images: sum((entry) => entry.images),
      concurrency: 0,
    });
    // A caller may leave, or the time be up, between admission and sending; otherwise each went up.
    const sent = new Set(upstream.requests.slice(before).map(({ headers }) => headers['x-request-id'])).size;
    const tooLate = entries.filter(isTooLate).length;
    expect(sent).toBeLessThanOrEqual(entries.length);
    expect(sent).toBeGreaterThanOrEqual(entries.length - count('aborted') - tooLate);

    async function counters(): Promise<Record<string, number>> {
      const me = await get(`${gateway.url}/v1/me`, { token: token.text });
      const limitsNow = me.json['limits'] as { metric: string; used: number }[];
      return Object.fromEntries(limitsNow.map(({ metric, used }) => [metric, used]));
    }
  });
});

/** Not taken by the upstream, or left, or too late, before it was sent. */
function isFree(entry: LedgerEntry): boolean {
  if (refunded.has(entry.error_code ?? '')) return true;
  const nothing = entry.input_tokens === 0 && entry.images === 0;
  return nothing && (entry.outcome === 'aborted' || (isTooLate(entry) && entry.endpoint === paths.chat));
}

function isDoubtful(entry: LedgerEntry): boolean {
  return isTooLate(entry) && entry.endpoint === paths.images;
}

function isTooLate(entry: LedgerEntry): boolean {
  return entry.error_code === 'upstream_timeout';
}

function logged(): number {
  const lines = gateways.flatMap((gateway) => gateway.log().split('\n'));
  return lines.filter((line) => /"method":"POST","path":"\/v1\//.test(line)).length;
}

function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)] ?? fail();
}

function fail(): never {
  throw new Error('There is nothing to take.');
}

/** Small and repeatable (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
