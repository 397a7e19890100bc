import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DrainedWorld } from '../../support/drained-world.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { launch, type Program } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';

/* Two processes that drain one store: the one that does so is killed, or stopped, whenever it has just drained something. */

const servers: RedisServer[] = [];
const worlds: DrainedWorld[] = [];
const drainers: Program[] = [];

async function newWorld() {
  const [redis, postgresUrl] = await Promise.all([startRedis(), sharedPostgres()]);
  servers.push(redis);
  const world = await DrainedWorld.open(redis.url, postgresUrl);
  worlds.push(world);
  const start = (owner: string): Program => {
    const drainer = launch({ entry: 'test/support/drainer.ts', args: [redis.url, postgresUrl, owner] });
    drainers.push(drainer);
    return drainer;
  };
  return { world, start };
}

beforeAll(() => sharedPostgres().then(() => undefined));
afterAll(async () => {
  for (const drainer of drainers) drainer.kill('SIGKILL');
  await Promise.all(drainers.map(({ exited }) => exited));
  await Promise.all(worlds.map((world) => world.close()));
  await Promise.all(servers.map((server) => server.stop()));
});

/** Waits until this many entries are in Postgres, and checks that all figures agree. */
async function expectRecorded(world: DrainedWorld, count: number): Promise<void> {
  const all = async (): Promise<boolean> => (await world.recorded()).entries.length >= count;
  await waitFor(all, { what: `${count} entries in Postgres`, timeoutMs: 60_000 });
  const recorded = await world.recorded();
  expect(recorded).toMatchObject({ requests: count, tokens: 12 * count, charged: count });
  expect(recorded.entries).toHaveLength(count);
  expect(recorded.refusals.every(({ refused }) => refused === 1)).toBe(true);
  expect(recorded.gaps).toEqual({ entries: 0, refusals: 0 });
}

function stand(world: DrainedWorld): Promise<{ owner: string | null; mark: number }> {
  return world.database
    .query<{ owner: string | null; mark: number }>('SELECT owner, mark FROM drain')
    .then(([row]) => row ?? { owner: null, mark: 0 });
}

describe.concurrent('processes that drain', () => {
  it('are killed whenever they have drained something, and nothing is there twice or missing', async () => {
    const { world, start } = await newWorld();
    const running = new Map(['a-0', 'b-0'].map((owner) => [owner, start(owner)]));
    let settled = 0;
    for (let round = 1; round <= 3; round += 1) {
      const { mark } = await stand(world);
      const killOwner = async (): Promise<void> => {
        const owner = await waitFor(
          async () => {
            const now = await stand(world);
            return now.mark > mark && now.owner !== null && running.has(now.owner) ? now.owner : null;
          },
          { what: 'something to be drained', timeoutMs: 60_000 },
        );
        running.get(owner)?.kill('SIGKILL'); // before or after it has told the store
        running.delete(owner);
        const next = `${owner[0]}-${round}`;
        running.set(next, start(next));
        // As if its lease had passed.
        await world.database.query("UPDATE drain SET leased_until = '-infinity' WHERE owner = $1", [owner]);
      };
      const killed = killOwner();
      for (let n = 0; n < 20; n += 1) {
        settled += (await world.settle(17)).length;
        if (n % 5 === 0) await world.refuse();
      }
      await killed;
    }
    await expectRecorded(world, settled);
  });

  it('take over from one that hangs, and it changes nothing when it goes on', async () => {
    const { world, start } = await newWorld();
    const running = new Map([['a', start('a')]]);
    await world.settle(5);
    await expectRecorded(world, 5);
    running.set('b', start('b'));
    const { owner } = await stand(world);
    const hanging = running.get(owner ?? '');
    hanging?.kill('SIGSTOP');
    await world.settle(5);
    await expectRecorded(world, 10);
    expect((await stand(world)).owner).not.toBe(owner);
    hanging?.kill('SIGCONT');
    await world.settle(5);
    await expectRecorded(world, 15);
  });

  it('drain what is left when they are told to end, and let another one go on at once', async () => {
    const { world, start } = await newWorld();
    const first = start('a');
    await world.settle(5);
    await expectRecorded(world, 5);
    await world.settle(5);
    await first.stop();
    await expectRecorded(world, 10);
    const [lease] = await world.database.query('SELECT leased_until < now() AS is_free FROM drain');
    expect(lease).toEqual({ is_free: true });
  });
});
