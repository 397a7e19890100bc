import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../../src/base/event.ts';
import { eventIn } from '../../../src/events/outbox.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { expectEvent } from '../../support/expect-event.ts';
import { administrationOf, type IssuedToken, startGateway } from '../../support/gateway.ts';
import { bodies, paths, post } from '../../support/gateway-client.ts';
import { type SharedRedis, sharedRedis } from '../../support/redis-server.ts';
import { type SpawnedGateway, spawnGateway } from '../../support/spawn-gateway.ts';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { waitFor } from '../../support/wait-for.ts';
import { webhookRecord } from '../../support/webhooks.ts';

/* Two gateways on one Redis: one looks and tells, and when it is killed, the other goes on. */

const keys = keysUnder('m:');
/** Ten times a lease, and what a busy machine takes. */
const timeoutMs = 130_000;
let redis: SharedRedis;
let upstream: StandIn;
const gateways: SpawnedGateway[] = [];
const ends: (() => Promise<void>)[] = [];
const adminKey = randomBytes(24).toString('hex');

beforeAll(async () => {
  redis = await sharedRedis();
  upstream = await startStandIn();
}, timeoutMs);
afterAll(async () => {
  for (const end of ends) await end();
  await Promise.all(gateways.map((gateway) => gateway.stop('SIGKILL')));
  await upstream.close();
});

async function start(): Promise<SpawnedGateway> {
  const env = {
    ADMIN_KEY: adminKey,
    REDIS_URL: redis.url,
    REDIS_PREFIX: 'm:',
    INFERENCE_URL: upstream.url,
    INFERENCE_KEY: upstream.key,
  };
  const gateway = await spawnGateway({ env });
  gateways.push(gateway);
  return gateway;
}

/** It takes nothing, so whatever is told waits for it. */
const webhook = webhookRecord({ url: 'https://nowhere.invalid/' });

/** What waits for the webhook, in the order in which it was told. */
async function told(): Promise<StoredEvent[]> {
  const flat = (await redis.command('HGETALL', keys.undelivered(webhook.id))) as string[];
  const waiting = flat.flatMap((id, n): [string, string][] => (n % 2 === 0 ? [[id, flat[n + 1] ?? '']] : []));
  return waiting
    .flatMap(([id, text]) => {
      const [, type = '', team = '', data = ''] = /^\d+ (\S+) (\S+) (.*)$/.exec(text) ?? [];
      return eventIn([id, ['t', type, 'm', team === '-' ? '' : team, 'd', data]]);
    })
    .toSorted((a, b) => (a.timeMs === b.timeMs ? a.id.localeCompare(b.id) : a.timeMs - b.timeMs));
}

const ofTypes = async (...types: string[]): Promise<StoredEvent[]> =>
  (await told()).filter(({ type }) => types.includes(type));

const owner = async (): Promise<string> =>
  ((await redis.command('HGET', keys.lease('events'), 'owner')) as string | null) ?? '';

/** One request that is answered, and so many that its team's limit refuses. */
async function refuse({ url }: SpawnedGateway, count: number): Promise<IssuedToken> {
  const limits = [{ metric: 'requests' as const, window: 'hour' as const, max: 1 }];
  const token = await administrationOf(url, adminKey).issue({ team: { limits } });
  for (let n = 0; n <= count; n += 1) {
    const { status } = await post(`${url}${paths.chat}`, bodies.chat(), { token: token.text });
    expect(status).toBe(n === 0 ? 200 : 429);
  }
  const counted = async (): Promise<boolean> => {
    const { body } = await administrationOf(url, adminKey).admin('GET', `/admin/refusals?team=${token.team}`);
    return (body['data'] as { refused: number }[])[0]?.refused === count;
  };
  await waitFor(counted, { what: 'the refusals to be counted', timeoutMs });
  return token;
}

describe('the monitors of two gateways', () => {
  it('tell each event once, and go on in the other one when theirs is killed', async () => {
    const first = await start();
    await waitFor(async () => (await owner()) !== '', { what: 'the lease to be taken', timeoutMs });
    const firstOwner = await owner();
    const second = await start();
    const { team } = await refuse(second, 3);
    expect(await redis.command('KEYS', `${keys.said('looked')}*`)).toEqual([]); // nobody is to be told
    await redis.command('HSET', keys.webhooks, webhook.id, JSON.stringify(webhook));
    const both = async (): Promise<boolean> =>
      new Set((await ofTypes('audit.head', 'limit.refusing')).map(({ type }) => type)).size === 2;
    await waitFor(both, { what: 'what the first gateway tells', timeoutMs });
    expect(await owner()).toBe(firstOwner);
    const [refusing] = await ofTypes('limit.refusing');
    expect(refusing && expectEvent(refusing)).toMatchObject({
      refused: 3,
      limits: [{ limit: 'team requests/hour', refused: 3 }],
    });
    expect(refusing?.team).toBe(team);
    const [head] = await ofTypes('audit.head');
    if (head) expectEvent(head);

    // It has just looked, and its next look is a minute away: the other gateway tells this one.
    const other = await refuse(second, 2);
    await first.stop('SIGKILL');
    const isTaken = async (): Promise<boolean> => !['', firstOwner].includes(await owner());
    await waitFor(isTaken, { what: 'the second gateway to hold the lease', timeoutMs });
    const secondOwner = await owner();
    const all = async (): Promise<boolean> => (await ofTypes('limit.refusing')).length === 2;
    await waitFor(all, { what: 'what the second gateway tells', timeoutMs });
    const refused = (await ofTypes('limit.refusing')).map((event) => [event.team, event.data['refused']]);
    expect(refused).toEqual([
      [team, 3],
      [other.team, 2],
    ]);
    const days = (await ofTypes('audit.head')).map(({ data }) => data['day']);
    expect(new Set(days).size).toBe(days.length);

    // One that stops in order leaves the lease to the next at once.
    const third = await startGateway({ redis, upstream, adminKey, env: { REDIS_PREFIX: 'm:' } });
    ends.push(() => third.close());
    await second.stop('SIGTERM');
    const isNext = async (): Promise<boolean> => !['', secondOwner].includes(await owner());
    await waitFor(isNext, { what: 'the third gateway to hold the lease', timeoutMs });
    expect(third.log()).not.toContain('a monitor could not look');
  }, 600_000);
});
