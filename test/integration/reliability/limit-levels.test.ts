import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Outbox } from '../../../src/events/outbox.ts';
import { RedisStore } from '../../../src/store/redis.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { expectEvent } from '../../support/expect-event.ts';
import { bodies, get, paths, post } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startSite, type Site } from './site.ts';

/* A burst that crosses a limit on several processes: each level is one event, one line of the log, one count. */

const burst = 200;
const tokensOfCall = 20;

let redis: SharedRedis;
let site: Site;

beforeAll(async () => {
  redis = await sharedRedis();
  site = await startSite({ redis, leaseMs: 5_000, env: { STORE_TIMEOUT_MS: '10000' } });
});
afterAll(() => site.close());

describe('a burst over three processes', () => {
  it('that crosses limits tells each level once', async () => {
    site.upstream.script((_request, response) => {
      const message = { role: 'assistant', content: 'Hello.' };
      const usage = { prompt_tokens: 12, completion_tokens: 8, total_tokens: tokensOfCall };
      const choices = [{ index: 0, message, finish_reason: 'stop' }];
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ id: 'c', object: 'chat.completion', choices, usage }));
      return Promise.resolve(true);
    });
    const token = await site.witness.issue({
      team: {
        limits: [
          { metric: 'tokens', window: 'day', max: (burst * 3 * tokensOfCall) / 4, enforce: false },
          { metric: 'requests', window: 'month', max: burst },
        ],
      },
    });
    const spawned = await Promise.all([site.spawn(), site.spawn()]);
    const gateways = [
      ...spawned.map((each) => ({ url: each.url, log: () => each.stdout() })),
      { url: site.witness.url, log: () => site.witness.log() },
    ];
    const calls = await Promise.all(
      Array.from({ length: burst }, (_, n) =>
        post(`${gateways[n % gateways.length]?.url}${paths.chat}`, bodies.chat({ max_tokens: 50 }), {
          token: token.text,
        }),
      ),
    );
    expect(calls.map(({ status }) => status)).toEqual(calls.map(() => 200));
    await site.witness.settled(token.team, burst);

    const store = new RedisStore({ url: redis.url, verifyTls: true, commandTimeoutMs: 10_000 });
    await store.connected();
    const events = await new Outbox(store, keysUnder(site.prefix)).after('0-0', 1_000);
    store.close();
    const told = events.map((event) => expectEvent(event, 'limit.reached'));
    const of = (metric: string) => told.filter((data) => data['metric'] === metric);
    expect(events.map(({ team }) => team)).toEqual(events.map(() => token.team));
    expect(of('tokens').map(({ level, used }) => [level, used])).toEqual([
      [80, 2_400],
      [95, 2_860],
      [100, 3_000],
    ]);
    // Requests settle in any order: the last one may be the first, and then only the highest level is told.
    const levels = of('requests').map(({ level }) => Number(level));
    expect(levels.at(-1)).toBe(100);
    expect(levels).toEqual([...new Set(levels)].sort((a, b) => a - b));

    const lines = (): number =>
      gateways.flatMap(({ log }) => log().match(/a limit is used by/g) ?? []).length;
    await waitFor(() => lines() >= events.length, { what: 'the log to say so' });
    expect(lines()).toBe(events.length);
    let counted = 0;
    for (const { url } of gateways) {
      const { text } = await get(`${url}/metrics`, { token: site.witness.adminKey });
      for (const [, count] of text.matchAll(/^tollgate_limits_reached_total\{.*\} (\d+)$/gm))
        counted += Number(count);
    }
    expect(counted).toBe(events.length);
  });
});
