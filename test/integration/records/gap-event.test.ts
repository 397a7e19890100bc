import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StoredEvent } from '../../../src/base/event.ts';
import { Outbox } from '../../../src/events/outbox.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { RedisStore } from '../../../src/store/redis.ts';
import { scriptOf } from '../../../src/store/script.ts';
import { expectEvent } from '../../support/expect-event.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';
import { sharedRedis } from '../../support/redis-server.ts';
import { waitFor } from '../../support/wait-for.ts';

/** Adds elements to a stream and takes them away at once: nobody can have read them. */
const lose = scriptOf(
  'lose',
  "for _ = 1, 3 do redis.call('XDEL', KEYS[1], redis.call('XADD', KEYS[1], '*', 'e', 'gone')) end return 1",
);

const prefix = 'gap-event:';
const keys = keysUnder(prefix);
let store: RedisStore;
let gateway: TestGateway;

beforeAll(async () => {
  const [url, redis] = [await sharedPostgres(), await sharedRedis()];
  store = new RedisStore({ url: redis.url, verifyTls: true, commandTimeoutMs: 10_000 });
  store.connect();
  await store.whenReady(10_000);
  gateway = await startGateway({ redis, env: { REDIS_PREFIX: prefix, DATABASE_URL: url } });
}, 120_000);

afterAll(async () => {
  await gateway.close();
  store.close();
});

it('a gap in the records is told, once an hour for each stream', async () => {
  const gaps = (): number => gateway.log().split('records have a gap').length - 1;
  await waitFor(() => gateway.log().includes('Postgres keeps the records'), { what: 'the drain to begin' });
  for (let n = 1; n <= 2; n += 1) {
    await waitFor(
      async () => {
        if (gaps() < n) await store.run(lose, [keys.refusalLog], []);
        return gaps() >= n;
      },
      { what: 'a gap', timeoutMs: 60_000 },
    );
  }
  const outbox = new Outbox(store, keys);
  let events: StoredEvent[] = [];
  await waitFor(async () => (events = await outbox.after('0-0', 10)).length > 0, { what: 'the event' });
  expect(events).toMatchObject([
    {
      type: 'records.gap',
      team: null,
      data: { stream: 'refusals', reason: 'It left the store before it was drained.' },
    },
  ]);
  for (const event of events) expectEvent(event);
});
