import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChainCheck } from '../../../src/audit/chain-check.ts';
import { endUserHash } from '../../../src/base/end-user.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import { Database } from '../../../src/records/database.ts';
import { untilDrained } from '../../support/drained.ts';
import { bodies, paths, post } from '../../support/gateway-client.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';
import { type SharedRedis, sharedRedis } from '../../support/redis-server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { mintSession } from '../../support/sessions.ts';

let redis: SharedRedis;
let gateway: TestGateway;
let database: Database;

beforeAll(async () => {
  redis = await sharedRedis();
  const url = await sharedPostgres();
  gateway = await startGateway({ redis, env: { DATABASE_URL: url } });
  database = new Database({ url, tls: null });
}, 120_000);

afterAll(async () => {
  await database.close();
  await gateway.close();
});

/** Every text that Redis has, in all of its keys. */
async function allInRedis(): Promise<string> {
  const keys = (await redis.command('KEYS', '*')) as string[];
  const dumped = await Promise.all(
    keys.map(async (key) => {
      const type = String(await redis.command('TYPE', key));
      switch (type) {
        case 'hash':
          return redis.command('HGETALL', key);
        case 'stream':
          return redis.command('XRANGE', key, '-', '+');
        case 'zset':
          return redis.command('ZRANGE', key, 0, -1);
        default:
          return redis.command('GET', key);
      }
    }),
  );
  return keys.join('\n') + JSON.stringify(dumped);
}

/** Every text that Postgres has, in all of its tables. */
async function allInPostgres(): Promise<string> {
  const tables = await database.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relnamespace = 'tollgate'::regnamespace AND relkind = 'r'",
  );
  const rows = await Promise.all(tables.map(({ name }) => database.query(`SELECT * FROM "${name}"`)));
  return JSON.stringify(rows);
}

async function wholeTrail(): Promise<JsonObject[]> {
  const { body } = await gateway.admin('GET', '/admin/audit?limit=1000');
  return body['data'] as JsonObject[];
}

const personal = /wilhelmina|Wilhelmina|secret-phone/;

describe('erasing a user', () => {
  it('takes the name from everywhere, keeps the figures, and the trail still verifies', async () => {
    const { team } = await gateway.issue({});
    const aDay = { metric: 'requests', window: 'day', max: 100 };
    await gateway.admin('PATCH', `/admin/teams/${team}`, { end_user_limits: [aDay] });
    const user = 'wilhelmina';
    await gateway.admin('POST', `/admin/teams/${team}/users`, {
      id: user,
      name: 'Wilhelmina Example',
      email: 'wilhelmina@example.com',
      subject: { issuer: 'https://id.example.com', sub: 'sub-of-wilhelmina' },
    });
    const issued = await gateway.admin('POST', `/admin/teams/${team}/tokens`, { user, name: 'secret-phone' });
    const token = String(issued.body['token']);
    expect((await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token })).status).toBe(200);
    const endUsers = ['guest of wilhelmina', 'wilhelmina@example.com'];
    for (const endUser of endUsers) {
      const { token: own } = await mintSession(gateway.url, token, { end_user: endUser });
      expect((await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: own })).status).toBe(200);
    }
    // Nobody answers there, so that what is told of her waits.
    const webhook = { url: 'https://nobody.invalid/', events: ['token.revoked', 'token.rotated'] };
    expect((await gateway.admin('POST', '/admin/webhooks', webhook)).status).toBe(201);
    const theirs = `/admin/teams/${team}/tokens/${String(issued.body['id'])}/rotate`;
    expect((await gateway.admin('POST', theirs)).status).toBe(200);
    await waitFor(async () => (await allInRedis()).includes('undelivered:'), {
      what: 'the event in the queue',
    });
    const [ofGuest = '', ofHer = ''] = endUsers.map((endUser) => endUserHash(team, endUser));
    expect(await allInRedis()).toContain(ofHer);
    const suspended = await gateway.admin('POST', `/admin/teams/${team}/end-users/${user}/suspend`);
    expect(suspended.status).toBe(200);
    expect((await post(`${gateway.url}${paths.chat}`, '{', { token })).status).toBe(400);
    await gateway.settled(team, 3);
    await untilDrained(redis);
    // From before there were records.
    const totals =
      ((await redis.command('KEYS', '*totals:*')) as string[]).find((key) => key.includes('totals:')) ?? '';
    const row = `${team}\t${user}\ttok_1\tnova-pro\t/v1/chat/completions\t\tguest of wilhelmina`;
    await redis.command('HSET', `${totals.replace('totals:', 'breakdown:')}/${team}`, row, '1 2', '#', 1);
    const usage = `/admin/usage?team=${team}&group_by=team`;
    const before = (await gateway.admin('GET', usage)).body['data'];
    expect(await allInPostgres()).toMatch(personal);

    const erased = await gateway.admin('DELETE', `/admin/teams/${team}/users/${user}?erase=true`);
    expect(erased).toMatchObject({ status: 204 });

    expect(await allInPostgres()).not.toMatch(personal);
    const left = await allInRedis();
    expect(left).not.toMatch(personal);
    expect([ofGuest, ofHer].map((endUser) => left.includes(endUser))).toEqual([true, false]);
    expect((await gateway.admin('GET', usage)).body['data']).toEqual(before);
    const byUser = (await gateway.admin('GET', `/admin/usage?team=${team}&group_by=user`)).body['data'];
    expect(JSON.stringify(byUser)).toMatch(/"erased-[0-9a-f]{12}"/);
    const trail = await wholeTrail();
    const check = new ChainCheck();
    for (const entry of trail) check.older(entry);
    expect(check.end()).toMatchObject({ flaw: null, entries: trail.length });
    expect(trail.some((entry) => entry['operation'] === 'user.erase')).toBe(true);
    expect((await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token })).status).toBe(401);
  });

  it('of whom nothing is known is a 404, and is refused to whoever administers one team', async () => {
    const { team } = await gateway.issue({});
    const path = `/admin/teams/${team}/users/nobody?erase=true`;
    expect((await gateway.admin('DELETE', path)).status).toBe(404);
    const made = await gateway.admin('POST', '/admin/admins', { role: 'team-admin', teams: [team] });
    const answer = await fetch(`${gateway.url}${path}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${String(made.body['token'])}` },
    });
    expect(answer.status).toBe(403);
  });
});
