import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Held, LeaseLost } from '../../../src/records/lease.ts';
import { DrainedWorld, keys, moments } from '../../support/drained-world.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';
import { sharedRedis } from '../../support/redis-server.ts';

/* Every place where a drain may end, each place that may forget something, and what is in Postgres afterwards. */

let world: DrainedWorld;

beforeAll(async () => {
  world = await DrainedWorld.open((await sharedRedis()).url, await sharedPostgres());
}, 120_000);
beforeEach(() => world.empty());
afterAll(() => world.close());

/** Once each, with sums and counters that agree. */
async function expectExactly(entries: number, refusals = 0): Promise<void> {
  const recorded = await world.recorded();
  expect(recorded.entries).toHaveLength(entries);
  expect(recorded).toMatchObject({ requests: entries, tokens: 12 * entries, charged: entries });
  expect(recorded.refusals).toHaveLength(refusals);
  expect(recorded.refusals.every(({ refused }) => refused === 1)).toBe(true);
}

async function someOfEach(): Promise<void> {
  await world.settle(30);
  await world.refuse();
  await world.refuse();
  await world.change();
}

describe('a drain that ends', () => {
  it.each(moments)('%s is taken up by another process', async (at) => {
    await someOfEach();
    await world.drain('a', { at });
    await someOfEach();
    await world.drain('b');
    await expectExactly(60, 4);
    expect((await world.recorded()).gaps).toEqual({ entries: 0, refusals: 0 });
  });

  it.each(moments)('%s for long goes on and changes nothing, once another process drains', async (at) => {
    await someOfEach();
    await world.drain('a');
    await someOfEach();
    const { pass } = world.drainer('a', {
      at,
      meanwhile: async () => {
        // Inside a transaction the row is locked: nobody can take over until that has ended.
        if (at === 'commit') return;
        await world.drain('b');
        await world.settle(5);
        await world.drain('b');
      },
    });
    const outcome = await pass(await world.take('a')).catch((error: unknown) => error);
    if (at === 'before commit') expect(outcome).toBeInstanceOf(LeaseLost);
    await world.drain('b');
    await expectExactly(at === 'commit' ? 60 : 65, 4);
    expect(await world.database.query('SELECT FROM gaps')).toEqual([]);
  });
});

it('drains that end before they have told the store, one after the other, do not look like a store that has forgotten', async () => {
  const found: string[] = [];
  const restore = async (_held: Held, how: string): Promise<void> => void found.push(how);
  await world.settle(3);
  await world.drain('a');
  for (const owner of ['a', 'b', 'c', 'd']) {
    await someOfEach();
    await world.drain(owner, { at: 'after commit', restore });
  }
  await world.drain('a', { restore });
  expect(found).toEqual([]);
  await expectExactly(123, 8);
});

describe('what the store trimmed before it was drained', () => {
  it('is a gap of exactly so many', async () => {
    await world.settle(10);
    await world.drain('a');
    await world.settle(25);
    await world.redis.client.xtrim(keys.entries, 'MAXLEN', 8);
    await world.drain('a');
    await expectExactly(18);
    expect((await world.recorded()).gaps).toEqual({ entries: 17, refusals: 0 });
    expect(world.gaps).toEqual([{ stream: 'entries', missing: 17 }]);
  });

  it('is none if it was before records were kept', async () => {
    await world.settle(30);
    await world.redis.client.xtrim(keys.entries, 'MAXLEN', 10);
    await world.drain('a');
    await expectExactly(10);
    expect(world.gaps).toEqual([]);
    const [gap] = await world.database.query('SELECT stream, missing, reason FROM gaps');
    expect(gap).toEqual({ stream: 'entries', missing: 20, reason: 'It was before records were kept.' });
  });

  it('is not told for what cannot be read, which is a gap of its own', async () => {
    await world.settle(2);
    await world.redis.client.xadd(keys.entries, '*', 'e', 'rubbish');
    await world.redis.client.xadd(keys.refusalLog, '*', 'rubbish', '1');
    await world.settle(2);
    await world.drain('a');
    await expectExactly(4);
    expect(world.gaps).toEqual([
      { stream: 'entries', missing: 1 },
      { stream: 'refusals', missing: 1 },
    ]);
  });
});

it('an element that somebody else wrote, whatever is in it, does not keep others from being drained', async () => {
  const odd = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '',
      '0',
      '-1',
      '1.5',
      '1e400',
      'NaN',
      '9'.repeat(30),
      '\0',
      '{"sequence":1,"time":"+275760-09-13"}',
      '{"sequence":1.5,"time":7,"actor":"\\ud800\\u0000","team":{}}',
      '{"sequence":1,"time":"","kind":"user","team":"acme"}',
      '{"sequence":1,"time":"","kind":"import","after":{"records":[5,{"team":"x"}]}}',
      'x'.repeat(9_000),
    ),
    fc.constantFrom('2026-11-30', '2026-02-30', '0000-00-00', 'lim 1 1;', 'lim 99999999999999 9;'),
    fc.integer().map(String),
  );
  const line = (end: string) => fc.array(odd, { maxLength: 30 }).map((texts) => texts.join(end));
  const names = fc.constantFrom('e', 'c', 't', 'p', 's', 'h', 'x');
  const text = fc.oneof(odd, line('\t'), line('\n'));
  const element = fc.tuple(
    fc.constantFrom(keys.entries, keys.refusalLog, keys.audit),
    fc.array(fc.tuple(names, text), { minLength: 1, maxLength: 4 }),
  );
  await world.settle(1);
  await world.redis.client.hset(keys.teams, { broken: '{', nameless: '{}', acme: '{"id":"acme"}' });
  await world.redis.client.hset(keys.users('acme'), { ana: '{"id":"ana"}', bob: 'no JSON' });
  const [zero, long] = ['{"id":"\\u0000"}', JSON.stringify({ id: 'x'.repeat(9_000) })];
  await world.redis.client.hset(keys.users('acme'), { zero, long, twin: '{"id":"ana"}' });
  for (const [stream, fields] of fc.sample(element, { numRuns: 1_000, seed: 7 })) {
    await world.redis.client.xadd(stream, '*', ...fields.flat());
  }
  await world.settle(2);
  await world.drain('a');
  const { entries } = await world.recorded();
  expect(entries.filter((id) => id.startsWith('g-'))).toHaveLength(3);
  expect(await world.store.backlog()).toMatchObject({ entries: 0, refusals: 0, audit: 0 });
  const identities = await world.database.query('SELECT kind, team, id FROM identities ORDER BY kind');
  expect(identities).toEqual([
    { kind: 'team', team: 'acme', id: 'acme' },
    { kind: 'user', team: 'acme', id: 'ana' },
  ]);
});

describe('a store', () => {
  it('that is emptied goes on where it was', async () => {
    await someOfEach();
    await world.drain('a');
    await world.settle(5);
    await world.redis.client.flushall();
    await world.settle(3); // by somebody who does not wait for its restoration
    await world.drain('a');
    await world.settle(4);
    await world.drain('a');
    await expectExactly(37, 2);
    expect((await world.recorded()).gaps).toEqual({ entries: 0, refusals: 0 });
  });

  it('that is restored to an older state has no entry twice', async () => {
    await someOfEach();
    const rewind = await world.saveStore();
    await world.drain('a');
    await someOfEach();
    await world.drain('a');
    await rewind();
    await world.settle(3);
    await world.drain('b');
    await expectExactly(63, 4);
  });

  it('that lost what was drained last is restored, though it is only one drain behind', async () => {
    await world.settle(3);
    await world.drain('a');
    const rewind = await world.saveStore();
    await world.settle(3);
    await world.drain('a');
    await rewind();
    const found: string[] = [];
    const restore = async (held: Held, how: string): Promise<void> => {
      found.push(how);
      await world.restore(held);
    };
    await world.drain('a', { restore });
    expect(found).toEqual(['rewound']);
    await expectExactly(6);
  });

  it('that has forgotten that a request was settled, and is told again, has it twice, and Postgres once', async () => {
    const ids = await world.settle(3);
    await world.drain('a');
    await world.redis.client.flushall();
    await world.drain('a');
    await world.resettle(ids);
    await world.resettle(ids);
    expect((await world.inStore()).entries).toEqual(ids);
    await world.drain('a');
    await expectExactly(3);
  });

  it('that lost only what the last drain told it is told again', async () => {
    await someOfEach();
    await world.drain('a');
    await someOfEach();
    const rewind = await world.saveStore();
    await world.drain('a');
    await rewind();
    await world.drain('a');
    await expectExactly(60, 4);
    expect(await world.database.query('SELECT FROM gaps')).toEqual([]);
  });

  it('of another name is refused', async () => {
    await world.settle(3);
    await world.drain('a');
    await world.redis.client.hset(keys.records, 'store', 'another');
    await world.settle(3);
    const { pass } = world.drainer('a');
    expect(await pass(await world.take('a'))).toEqual({ kind: 'other_store' });
    await expectExactly(3);
  });
});

describe('Postgres restored to an older state', () => {
  it('gets again what the store still has, and what it has not is a gap of exactly so many', async () => {
    await world.settle(10);
    await world.drain('a');
    const rewind = await world.saveRecords();
    for (let n = 0; n < 4; n += 1) {
      await world.settle(60);
      await world.refuse();
      await world.drain('a');
    }
    await rewind();
    const { length } = (await world.inStore()).entries;
    await world.settle(5);
    await world.drain('b');
    await expectExactly(10 + length + 5);
    expect((await world.recorded()).gaps).toEqual({ entries: 240 - length, refusals: 4 });
  });

  it('and emptied is filled again, as if records began', async () => {
    await world.settle(10);
    await world.drain('a');
    const { redis } = world;
    const kept = await world.saveStore();
    await world.empty();
    await kept();
    expect(await redis.client.exists(keys.records)).toBe(1);
    await world.drain('a');
    await expectExactly(10);
  });
});

describe('what a supplement was charged', () => {
  it('is in the counters once, and in no entry', async () => {
    await world.settle(2);
    await world.settle(1, { closing: null });
    await world.drain('a', { at: 'after commit' });
    await world.drain('b');
    expect(await world.recorded()).toMatchObject({ charged: 3, requests: 2 });
  });
});

describe('whatever happens in whatever order', () => {
  const count = fc.integer({ min: 1, max: 30 });
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ does: fc.constant('settle' as const), count }) },
    { weight: 2, arbitrary: fc.record({ does: fc.constant('refuse' as const) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        does: fc.constant('drain' as const),
        owner: fc.constantFrom('a', 'b'),
        at: fc.option(fc.constantFrom(...moments), { nil: undefined }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ does: fc.constant('settle again' as const) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('trim' as const), count }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('empty the store' as const) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('save the store' as const) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('rewind the store' as const) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('save Postgres' as const) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('rewind Postgres' as const) }) },
  );

  it('has every entry once that the store still had, and sums that agree', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await world.empty();
        let rewindStore: (() => Promise<void>) | null = null;
        let rewindRecords: (() => Promise<void>) | null = null;
        let [made, isWhole] = [0, true];
        let last: string[] = [];
        for (const each of steps) {
          switch (each.does) {
            case 'settle':
              last = await world.settle(each.count);
              made += last.length;
              break;
            case 'settle again': // by processes that had no answer
              await world.resettle(last);
              break;
            case 'refuse':
              await world.refuse();
              break;
            case 'drain':
              await world.drain(each.owner, each.at ? { at: each.at } : {});
              break;
            case 'trim':
              await world.redis.client.xtrim(keys.entries, 'MAXLEN', each.count);
              break;
            case 'empty the store':
              await world.redis.client.flushall();
              isWhole = false;
              break;
            case 'save the store':
              rewindStore = await world.saveStore();
              break;
            case 'rewind the store':
              if (rewindStore === null) break;
              await rewindStore();
              isWhole = false;
              break;
            case 'save Postgres':
              rewindRecords = await world.saveRecords();
              break;
            case 'rewind Postgres':
              if (rewindRecords === null) break;
              await rewindRecords();
              // An older store than this Postgres has seen, too: nobody could tell what both have forgotten.
              rewindStore = null;
          }
        }
        const there = await world.inStore();
        await world.drain('c');
        const recorded = await world.recorded();
        const recordedIds = new Set(recorded.entries);
        expect(recordedIds.size).toBe(recorded.entries.length);
        expect(there.entries.filter((id) => !recordedIds.has(id))).toEqual([]);
        expect(recorded).toMatchObject({
          requests: recordedIds.size,
          tokens: 12 * recordedIds.size,
          charged: recordedIds.size,
        });
        const tokens = new Set(recorded.refusals.map(({ token }) => token));
        expect(there.refusals.filter((token) => !tokens.has(token))).toEqual([]);
        expect(recorded.refusals.filter(({ refused }) => refused !== 1)).toEqual([]);
        // Nothing was lost without a trace, as long as the store could count.
        if (isWhole) expect(recordedIds.size + recorded.gaps.entries).toBe(made);
      }),
      { numRuns: 12 },
    );
  }, 120_000);
});
