import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadIdentityFile } from '../../../src/backup/identity-file.ts';
import { readDocument } from '../../../src/backup/read-document.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import { createLog } from '../../../src/observability/log.ts';
import { Database } from '../../../src/records/database.ts';
import { LeaseLost } from '../../../src/records/lease.ts';
import { migrate } from '../../../src/records/migrate.ts';
import { EmbeddedStore } from '../../../src/store/embedded-store.ts';
import { RedisStore } from '../../../src/store/redis.ts';
import type { Store } from '../../../src/store/store.ts';
import { documentOf, teamRow } from '../../support/documents.ts';
import { webhookRecord } from '../../support/webhooks.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';
import { sharedRedis } from '../../support/redis-server.ts';
import { emptied, killed, RestoredWorld } from '../../support/restored-world.ts';

/* What is in a store after it was restored, wherever that was interrupted, and what it was when it forgot. */

let database: Database;
let redis: RedisStore;

beforeAll(async () => {
  redis = new RedisStore({ url: (await sharedRedis()).url, verifyTls: false, commandTimeoutMs: 60_000 });
  redis.connect();
  await redis.whenReady(60_000);
  database = new Database({ url: await sharedPostgres(), tls: null });
  await migrate(database);
}, 120_000);

beforeEach(() => emptied(database));

afterAll(async () => {
  redis.close();
  await database.close();
});

async function emptyRedis(): Promise<Store> {
  await redis.client.flushall();
  return redis;
}

const engines: Record<string, () => Promise<Store>> = {
  embedded: () => Promise.resolve(new EmbeddedStore({ clock: systemClock })),
  Redis: emptyRedis,
};

/** A store with something of everything, all of it recorded. */
async function worldOn(store: Store): Promise<RestoredWorld> {
  const world = new RestoredWorld(store, database);
  await world.begin();
  await world.team('acme');
  await world.team('beta');
  for (const id of ['tok_1', 'tok_2']) await world.token('acme', id);
  await world.token('beta', 'tok_3');
  await world.revoke('acme', 'tok_2');
  await world.identities.replaceSettings(null, '{"limits":[],"defaults":{"team":[],"user":[],"token":[]}}');
  await world.prices.replace('m', null, '{"id":"m","prices":[]}');
  await world.webhooks.create(webhookRecord(), 20);
  await world.webhooks.create(webhookRecord({ id: 'wh_000000000002', team: 'beta' }), 5);
  for (let n = 0; n < 3; n += 1) await world.request();
  await world.refuse(1);
  await world.drain();
  return world;
}

describe.each(Object.keys(engines))('a store that was emptied (%s)', (engine) => {
  const empty = engines[engine] ?? emptyRedis;
  let world: RestoredWorld;

  beforeEach(async () => {
    world = await worldOn(await empty());
  });

  it('has a gap before it is used again, and one only if restoring begins anew', async () => {
    const gaps = () => database.query('SELECT from_at FROM gaps WHERE missing IS NULL');
    world.store = await empty();
    const stop = (script: string): void => {
      if (script === 'finish_restoring') throw killed();
    };
    await expect(world.drain('b', stop)).rejects.toThrow('killed');
    expect(await gaps()).toHaveLength(1);
    await world.drain();
    expect(await gaps()).toHaveLength(1);
  });

  it('has what was charged while no records were kept', async () => {
    world.isKept = false;
    const open = await world.admit();
    await world.request();
    world.isKept = true;
    await world.drain('b', undefined, true);
    expect(await world.recorded()).toEqual({ entries: 4, requests: 4, charged: 380 });
    await world.settle(open);
    await world.drain('c', undefined, true);
    expect(await world.recorded()).toEqual({ entries: 5, requests: 5, charged: 350 });
    world.store = await empty();
    await world.drain();
    expect(await world.counters()).toEqual({ lim: 350, slot: 0 });
  });

  it('has what it had, and goes on from there', async () => {
    const before = await world.contents();
    expect(before.counters).toEqual({ lim: 210, slot: 0 });
    world.store = await empty();
    await world.drain();
    expect(await world.contents()).toEqual(before);

    await world.request();
    await world.token('acme', 'tok_4');
    await world.drain();
    expect(await world.counters()).toEqual({ lim: 280, slot: 0 });
    expect(await world.recorded()).toEqual({ entries: 4, requests: 4, charged: 280 });
    expect(await world.verify()).toMatchObject({ flaw: null, entries: before.trail.length + 1 });
    expect(await database.query('SELECT stream, missing FROM gaps')).toEqual([
      { stream: 'entries', missing: null },
    ]);
  });

  it('gets nothing from IDENTITY_FILE that it had before', async () => {
    const document = await readDocument(
      JSON.stringify(documentOf({ teams: [teamRow('gamma')], users: [], tokens: [] })),
    );
    if (document instanceof Refusal) throw new Error(document.message);
    const log = createLog({ level: 'silent' });
    const load = (): Promise<void> => loadIdentityFile({ document, archive: world.archive, log });
    await load();
    await world.identities.deleteTeam('gamma');
    await world.drain();
    const before = await world.contents();
    expect(before.provenance.seen).not.toBe('');
    world.store = await empty();
    await world.drain();
    await load();
    expect(await world.contents()).toEqual(before);
  });

  it('takes no process, and says of nobody that they are unknown, until all is back', async () => {
    world.store = await empty();
    const forgotten = { message: expect.stringMatching(/^FORGOTTEN/) as string, mayHaveRun: false };
    const isClosed = async (): Promise<void> => {
      await expect(world.admission.beat('p1')).rejects.toMatchObject(forgotten);
      const stranger = { secretHash: 'x'.repeat(43), session: null };
      await expect(world.identities.resolve(stranger)).rejects.toMatchObject(forgotten);
      await expect(world.team('gamma')).rejects.toMatchObject(forgotten);
    };
    let isRestored = false;
    await world.drain('a', async (script) => {
      if (!isRestored) await isClosed();
      isRestored ||= script === 'finish_restoring';
    });
    expect(isRestored).toBe(true);
    await world.admission.beat('p1');
  });

  it('has it all the same if each process that restores it is killed, one step later each', async () => {
    const before = await world.contents();
    // Redis runs the same scripts in the same order.
    for (let step = 1; ; step += engine === 'Redis' ? 7 : 1) {
      world.store = await empty();
      const killedAt = (_script: string, n: number): void => {
        if (n === step) throw killed();
      };
      const done = await world.drain(`a${step}`, killedAt).catch(() => null);
      await world.drain(`b${step}`);
      expect(await world.contents()).toEqual(before);
      if (done !== null) break;
      expect(step).toBeLessThan(60);
    }
    expect(await world.recorded()).toEqual({ entries: 3, requests: 3, charged: 210 });
  });

  it('counts what is settled before it is restored, and after it, once', async () => {
    const [early, late] = [await world.admit(), await world.admit()];
    world.store = await empty();
    expect(await world.settle(early)).toBe(true);
    await world.drain();
    expect(await world.counters()).toEqual({ lim: 280, slot: 0 });
    expect(await world.settle(late)).toBe(true);
    expect([await world.settle(early), await world.settle(late)]).toEqual([false, false]);
    await world.drain();
    expect(await world.counters()).toEqual({ lim: 350, slot: 0 });
    expect(await world.recorded()).toEqual({ entries: 5, requests: 5, charged: 350 });
  });

  it('is not told twice of what was settled before it forgot', async () => {
    const admitted = await world.request();
    await world.drain();
    world.store = await empty();
    await world.drain();
    expect(await world.settle(admitted)).toBe(false);
    await world.refuse(1);
    await world.drain();
    expect(await world.counters()).toEqual({ lim: 280, slot: 0 });
    expect(await world.recorded()).toEqual({ entries: 4, requests: 4, charged: 280 });
  });

  it('counts what is settled while it is restored: then it is restored once more', async () => {
    const admitted = await world.admit();
    world.store = await empty();
    let settled = false;
    await world.drain('a', async (script) => {
      if (script !== 'restore_counters' || settled) return;
      settled = true;
      expect(await world.settle(admitted)).toBe(true);
    });
    expect(settled).toBe(true);
    expect(await world.counters()).toEqual({ lim: 280, slot: 0 });
    expect(await world.recorded()).toEqual({ entries: 4, requests: 4, charged: 280 });
  });

  it('is not touched by a process that stood still while another one restored it', async () => {
    world.store = await empty();
    let stoodStill = false;
    const slow = world.drain('a', async (script) => {
      if (script !== 'restore_counters' || stoodStill) return;
      stoodStill = true;
      await world.drain('b');
      await world.request();
    });
    await expect(slow).rejects.toThrow(LeaseLost);
    expect(stoodStill).toBe(true);
    expect(await world.counters()).toEqual({ lim: 280, slot: 0 });
  });
});

describe('a store that was restored to an earlier state', () => {
  let world: RestoredWorld;

  beforeEach(async () => {
    world = await worldOn(await emptyRedis());
  });

  /** Everything in the store; the function brings it back, as a backup would. */
  async function saved(): Promise<() => Promise<void>> {
    const { client } = redis;
    const kept = await Promise.all(
      (await client.keys('*')).map(async (name) => [name, await client.dumpBuffer(name)] as const),
    );
    return async () => {
      await client.flushall();
      for (const [name, dump] of kept) if (dump) await client.restore(name, 0, dump);
    };
  }

  it('is as before: what was made, revoked and deleted since stays so', async () => {
    const rewind = await saved();
    await world.revoke('acme', 'tok_1');
    await world.token('acme', 'tok_4');
    await world.identities.deleteTeam('beta');
    await world.request();
    await world.refuse(2);
    await world.drain();
    const before = await world.contents();
    await rewind();
    await world.drain();
    expect(await world.contents()).toEqual(before);
    await world.request();
    await world.revoke('acme', 'tok_4');
    await world.drain();
    expect(await world.verify()).toMatchObject({ flaw: null, entries: before.trail.length + 1 });
    expect(await world.recorded()).toEqual({ entries: 5, requests: 5, charged: 350 });
  });

  it('has no entries: they are in the records, where somebody may have been erased', async () => {
    const rewind = await saved();
    await world.request();
    await world.drain();
    await world.request();
    await world.drain();
    await rewind();
    expect(await redis.client.xlen('t:1:entries')).toBe(3);
    await world.drain();
    expect(await redis.client.xlen('t:1:entries')).toBe(0);
    await world.request();
    await world.drain();
    expect(await world.recorded()).toEqual({ entries: 6, requests: 6, charged: 420 });
    expect(await database.query('SELECT FROM gaps WHERE missing IS NOT NULL')).toEqual([]);
  });

  it('has no sessions: one that was ended since must not go on', async () => {
    await redis.client.hset('t:1:session:ses_1', 'secret', 'x');
    for (const whose of ['acme', 'acme/tok_1']) {
      await redis.client.zadd(`t:1:sessions:${whose}`, Date.now() + 60_000, 'ses_1:100');
      await redis.client.hset(`t:1:minting:${whose}`, 'bytes', 100);
    }
    const rewind = await saved();
    await world.request();
    await world.drain();
    await world.request();
    await world.drain();
    await rewind();
    await world.drain();
    expect(await redis.client.keys('t:1:session*')).toEqual([]);
    expect(await redis.client.keys('t:1:minting*')).toEqual([]);
  });

  it('is as before if each process that restores it is killed, one step later each', async () => {
    const rewind = await saved();
    await world.revoke('acme', 'tok_1');
    await world.request();
    await world.drain();
    await world.request();
    await world.drain();
    const before = await world.contents();
    for (let step = 1; ; step += 3) {
      await rewind();
      const killedAt = (_script: string, n: number): void => {
        if (n === step) throw killed();
      };
      const done = await world.drain(`a${step}`, killedAt).catch(() => null);
      await world.drain(`b${step}`);
      expect(await world.contents()).toEqual(before);
      if (done !== null) break;
      expect(step).toBeLessThan(60);
    }
  });

  it('has what open requests hold: of those that were settled since nothing, of the others what they reserved', async () => {
    const [settled, open] = [await world.admit(), await world.admit()];
    const rewind = await saved();
    await world.settle(settled);
    const newer = await world.admit();
    await world.drain();
    await world.revoke('acme', 'tok_1');
    await world.drain();
    await rewind();
    await world.drain();
    // 210 and 70 were charged; `open` holds 100. `newer` holds nothing that this store knows of.
    expect(await world.counters()).toEqual({ lim: 380, slot: 1 });
    expect([await world.settle(settled), await world.settle(open), await world.settle(newer)]).toEqual([
      false,
      true,
      true,
    ]);
    await world.drain();
    expect(await world.counters()).toEqual({ lim: 420, slot: 0 });
    expect(await world.recorded()).toEqual({ entries: 6, requests: 6, charged: 420 });
  });

  it('is restored although it lacks the last drain only, and only once', async () => {
    const rewind = await saved();
    await world.revoke('acme', 'tok_1');
    await world.drain();
    const before = await world.contents();
    await rewind();
    await world.drain();
    expect(await world.contents()).toEqual(before);
    expect(await world.database.query('SELECT FROM gaps')).toHaveLength(1);
  });

  it('keeps what it had that was not recorded yet', async () => {
    // More than a pass moves: the store is rewound to before the first of them, and some are in no record then.
    for (let n = 0; n < 1_100; n += 1)
      await redis.client.xadd('t:1:entries', '*', 'c', 'lim 1 1;', 't', 'beta');
    await world.token('acme', 'tok_4');
    await world.request();
    const rewind = await saved();
    const stop = (script: string, n: number): void => {
      if (script === 'mark_drained' && n > 4) throw killed();
    };
    await expect(world.drain('b', stop)).rejects.toThrow('killed');
    const before = await world.contents();
    await rewind();
    await world.drain();
    expect(await world.contents()).toEqual(before);
    expect(await world.recorded()).toMatchObject({ entries: 4, requests: 4 });
    const [beta] = await database.query("SELECT charged FROM counters WHERE team = 'beta'");
    expect(beta).toEqual({ charged: 1_100 });
  });

  it('is restored although it is full', async () => {
    const rewind = await saved();
    await world.revoke('acme', 'tok_1');
    await world.request();
    await world.drain();
    await world.request();
    await world.drain();
    const before = await world.contents();
    await rewind();
    await redis.client.config('SET', 'maxmemory', 1);
    try {
      await expect(world.team('gamma')).rejects.toMatchObject({ isFull: true });
      await world.drain();
      expect(await world.contents()).toEqual(before);
    } finally {
      await redis.client.config('SET', 'maxmemory', 0);
    }
  });
});

describe('a long audit trail', () => {
  it('is restored in part, and the store says after which entry that begins', async () => {
    const world = await worldOn(await emptyRedis());
    const { length } = (await world.contents()).trail;
    await database.query(
      `INSERT INTO audit_entries (hash, sequence, stream_ms, stream_seq, text)
       SELECT 'h' || n, n, 1, n, '{}' FROM generate_series(1, 1010) AS n`,
    );
    await database.query("UPDATE checkpoints SET added = added + 1010 WHERE stream = 'audit'");
    await emptyRedis();
    await world.drain();
    expect(await redis.client.xlen('t:1:audit')).toBe(1_000);
    expect(await redis.client.hmget('t:1:records', 'anchor_sequence', 'anchor_hash')).toEqual([
      `${10 + length}`,
      `h${10 + length}`,
    ]);
  });
});

describe('records of a store that was used before', () => {
  it('begin with what its limits have come to', async () => {
    const world = new RestoredWorld(await emptyRedis(), database);
    await redis.client.hset('t:1:records', 'unrecorded', '1');
    await world.team('acme');
    const open = await world.admit();
    await world.request();
    await redis.client.hset('t:1:counters:acme', 'old', '24000 9 9');
    await world.drain();
    expect(await world.recorded()).toEqual({ entries: 1, requests: 1, charged: 70 });
    await world.settle(open);
    await world.drain();
    expect(await world.recorded()).toEqual({ entries: 2, requests: 2, charged: 140 });
    expect(await world.counters()).toEqual({ lim: 140, slot: 0 });
  });

  it('begin anew in another database, and restore the store from that', async () => {
    const world = await worldOn(await emptyRedis());
    const before = await world.contents();
    await emptied(database);
    await world.drain();
    expect(await world.recorded()).toEqual({ entries: 3, requests: 3, charged: 210 });
    await emptyRedis();
    await world.drain();
    expect(await world.contents()).toEqual(before);
  });

  it('begin with its identities', async () => {
    const world = new RestoredWorld(await emptyRedis(), database);
    await redis.client.hset('t:1:records', 'unrecorded', '1');
    await world.team('acme');
    await world.token('acme', 'tok_1');
    await redis.client.del('t:1:audit'); // as if it were older than the trail
    await world.drain();
    const before = await world.contents();
    await emptyRedis();
    await world.drain();
    expect(await world.contents()).toEqual(before);
  });
});
