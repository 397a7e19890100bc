import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bodies, errorOf, get, paths, post } from '../../support/gateway-client.ts';
import { type Administration, administrationOf, type IssuedToken } from '../../support/gateway.ts';
import { untilDrained } from '../../support/drained.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres-server.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { type SpawnedGateway, spawnGateway } from '../../support/spawn-gateway.ts';
import { startStandIn } from '../../support/stand-in.ts';
import { waitFor } from '../../support/wait-for.ts';

/*
 * Two gateways on a Redis that forgets, with a Postgres that keeps its records. Requests come all along. Whatever happens to
 * the store, a token never gets an answer that it would not have got before: only a 503 in place of it.
 */

const adminKey = randomBytes(20).toString('hex');
const endings: (() => Promise<unknown>)[] = [];
let redis: RedisServer;
let postgres: PostgresServer;
let gateways: SpawnedGateway[];
let admin: Administration;
let traffic: Traffic;

beforeAll(async () => {
  redis = await startRedis();
  postgres = await startPostgres();
  const upstream = await startStandIn({ listsModels: false });
  endings.push(
    () => redis.stop(),
    () => postgres.stop(),
    () => upstream.close(),
  );
  const env = {
    NODE_ENV: 'production',
    ADMIN_KEY: adminKey,
    REDIS_URL: redis.url,
    DATABASE_URL: await postgres.database(),
    INFERENCE_URL: upstream.url,
    INFERENCE_KEY: upstream.key,
    REFUSED_CREDENTIALS_PER_MINUTE: '1000000',
  };
  gateways = await Promise.all([spawnGateway({ env }), spawnGateway({ env })]);
  for (const gateway of gateways) endings.push(() => gateway.stop('SIGKILL'));
  admin = administrationOf(gateways[0]?.url ?? '', adminKey);
}, 180_000);

afterAll(async () => {
  await traffic?.stop();
  for (const end of endings.splice(0).toReversed()) await end();
});

/** What a call comes to: `ok`, or the error's code. */
async function call({ url }: SpawnedGateway, { text }: IssuedToken): Promise<string> {
  const reply = await post(`${url}${paths.chat}`, bodies.chat(), { token: text });
  return reply.status === 200 ? 'ok' : (errorOf(reply).code ?? `${reply.status}`);
}

/** Calls with tokens on both gateways, one after the other, until it is stopped. */
class Traffic {
  readonly #calling: Promise<void>[] = [];
  #isStopped = false;

  /** What calls with a token come to from now on. */
  begin(token: IssuedToken): Set<string> {
    const codes = new Set<string>();
    for (const gateway of gateways) this.#calling.push(this.#call(gateway, token, codes));
    return codes;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#calling);
  }

  async #call(gateway: SpawnedGateway, token: IssuedToken, codes: Set<string>): Promise<void> {
    while (!this.#isStopped) {
      codes.add(await call(gateway, token));
      await sleep(10);
    }
  }
}

/** Waits until both gateways answer a token so. */
async function untilAll(token: IssuedToken, code: string): Promise<void> {
  for (const gateway of gateways) {
    await waitFor(async () => (await call(gateway, token)) === code, { what: `${code} at ${gateway.url}` });
  }
}

/** But for the 503s. */
function answersOf(codes: ReadonlySet<string>): string[] {
  return [...codes].filter((code) => code !== 'store_unavailable');
}

const usedUpAfter = (max: number) => ({ limits: [{ metric: 'requests', window: 'month', max } as const] });

it('answers each token as before, or 503, whatever the store forgets', { timeout: 240_000 }, async () => {
  const live = await admin.issue();
  const revoked = await admin.issue({ team: { id: live.team } });
  await admin.admin('DELETE', `/admin/teams/${live.team}/tokens/${revoked.id}`);
  const usedUp = await admin.issue(usedUpAfter(2));
  for (const gateway of gateways) expect(await call(gateway, usedUp)).toBe('ok');
  await admin.settled(usedUp.team, 2);
  await untilDrained(redis);

  traffic = new Traffic();
  const seen = { live: traffic.begin(live), revoked: traffic.begin(revoked), usedUp: traffic.begin(usedUp) };
  const asBefore = async (): Promise<void> => {
    await untilAll(live, 'ok');
    await untilAll(revoked, 'revoked_token');
    await untilAll(usedUp, 'insufficient_quota');
  };
  const expectAnswers = (): void => {
    expect(answersOf(seen.live)).toEqual(['ok']);
    expect(answersOf(seen.revoked)).toEqual(['revoked_token']);
    expect(answersOf(seen.usedUp)).toEqual(['insufficient_quota']);
  };
  await asBefore();

  // Emptied, with all connections as they were.
  await redis.flush();
  await asBefore();
  expectAnswers();

  // Killed, and started with nothing.
  await redis.restart();
  await asBefore();
  expectAnswers();

  // Killed, and started with what it had some time ago: later changes and charges are not in it.
  const [later, deleted, spent] = [
    await admin.issue({ team: { id: live.team } }),
    await admin.issue(),
    await admin.issue(usedUpAfter(2)),
  ];
  await untilDrained(redis);
  await redis.command('SAVE');
  await admin.admin('DELETE', `/admin/teams/${live.team}/tokens/${later.id}`);
  await admin.admin('DELETE', `/admin/teams/${deleted.team}`);
  const newest = await admin.issue({ team: { id: live.team } });
  for (const gateway of gateways) expect(await call(gateway, spent)).toBe('ok');
  await admin.settled(spent.team, 2);
  await untilDrained(redis);
  const [gone, ended, full] = [traffic.begin(later), traffic.begin(deleted), traffic.begin(spent)];
  await redis.restart();
  await asBefore();
  await untilAll(newest, 'ok');
  await untilAll(later, 'revoked_token');
  await untilAll(deleted, 'invalid_token');
  await untilAll(spent, 'insufficient_quota');
  expectAnswers();

  // Emptied while Postgres hangs: nobody knows what was in it until Postgres answers.
  await untilDrained(redis);
  postgres.pause();
  await redis.flush();
  await untilAll(live, 'store_unavailable');
  const ready = await get(`${gateways[0]?.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(ready.text).toContain('lost its data');
  postgres.resume();
  await asBefore();
  expectAnswers();

  await traffic.stop();
  expect(answersOf(gone)).toEqual(['revoked_token']);
  expect(answersOf(ended)).toEqual(['invalid_token']);
  expect(answersOf(full)).toEqual(['insufficient_quota']);
});
