import { beforeEach, describe, expect, it } from 'vitest';
import type { Webhook } from '../../src/identity/records/webhook.ts';
import { IdentityStore } from '../../src/identity/store/identity-store.ts';
import { WebhookStore } from '../../src/identity/store/webhook-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { scriptOf } from '../../src/store/script.ts';
import type { Store } from '../../src/store/store.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { webhookRecord } from '../support/webhooks.ts';
import { engines, servers, useEngine, useServer } from './engines.ts';

const keys = keysUnder('t:');

function numbered(n: number, team: string | null = null): Webhook {
  return webhookRecord({ id: `wh_${String(n).padStart(12, '0')}`, team });
}

const noteTry = scriptOf('note_try', "#!lua\nreturn redis.call('XADD', KEYS[1], '*', 'i', '1')");
const alter = scriptOf('alter', "#!lua\nreturn redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])");

/** Whether the delivery log of a webhook has anything. */
async function hasLog(store: Store, { id }: Webhook): Promise<boolean> {
  return (
    (await store.attempt((client) => client.xrange(keys.deliveries(id), '-', '+', 'COUNT', 1))).length > 0
  );
}

async function deliver(store: Store, { id }: Webhook): Promise<void> {
  await store.run(noteTry, [keys.deliveries(id)], []);
}

describe.each(engines)('the store of webhooks ($name)', (engine) => {
  const on = useEngine(engine);
  let kept: Store;
  let store: WebhookStore;
  let identities: IdentityStore;

  beforeEach(async () => {
    kept = await on.empty();
    store = new WebhookStore(kept, keys);
    identities = new IdentityStore(kept, keys);
    for (const team of ['acme', 'acme-two']) {
      await identities.create({ kind: 'team', team }, JSON.stringify({ id: team }));
    }
  });

  it('has what was created, by id', async () => {
    expect(await store.all()).toEqual([]);
    expect(await store.create(numbered(2), 20)).toBe('created');
    expect(await store.create(numbered(1, 'acme'), 5)).toBe('created');
    expect(await store.all()).toEqual([numbered(1, 'acme'), numbered(2)]);
    expect(await store.read(numbered(2).id)).toBe(JSON.stringify(numbered(2)));
    expect(await store.read('wh_000000000009')).toBeNull();
  });

  it('takes no id twice, none of a team there is not, and no more than there may be of a team', async () => {
    expect(await store.create(numbered(1), 2)).toBe('created');
    expect(await store.create(numbered(1), 2)).toBe('exists');
    expect(await store.create(numbered(2, 'gone'), 2)).toBe('no_team');
    expect(await store.create(numbered(2, 'acme'), 1)).toBe('created');
    expect(await store.create(numbered(3, 'acme'), 1)).toBe('full');
    // Those of others do not count.
    expect(await store.create(numbered(3, 'acme-two'), 1)).toBe('created');
    expect(await store.create(numbered(4), 2)).toBe('created');
    expect(await store.create(numbered(5), 2)).toBe('full');
  });

  it('counts a webhook for its team whatever its name says', async () => {
    const named = { ...numbered(1), name: '"team":"acme"' };
    expect(await store.create(named, 1)).toBe('created');
    expect(await store.create(numbered(2, 'acme'), 1)).toBe('created');
    expect(await store.create(numbered(3), 1)).toBe('full');
  });

  it('changes and deletes only what is as it was found', async () => {
    const [before, after] = [numbered(1), { ...numbered(1), name: 'new' }];
    const [old, next] = [JSON.stringify(before), JSON.stringify(after)];
    await store.create(before, 20);
    expect(await store.replace(before, { expected: next, next: old })).toBe('conflict');
    expect(await store.replace(before, { expected: next, next: null })).toBe('conflict');
    expect(await store.replace(numbered(2), { expected: old, next })).toBe('conflict');
    expect(await store.all()).toEqual([before]);
    expect(await store.replace(before, { expected: old, next })).toBe('replaced');
    expect(await store.all()).toEqual([after]);
    expect(await store.replace(before, { expected: next, next: null })).toBe('replaced');
    expect(await store.all()).toEqual([]);
  });

  it('leaves out what somebody has altered so that it cannot be read, and goes on', async () => {
    for (const text of ['{', 'null', '{"id":"wh_000000000001"}']) {
      await kept.run(alter, [keys.webhooks], ['x', text]);
      expect(await store.all()).toEqual([]);
      expect(await store.create(numbered(1, 'acme'), 1)).toBe('created');
      expect(await identities.deleteTeam('acme')).toBe(true);
      expect(await store.all()).toEqual([]);
      await identities.create({ kind: 'team', team: 'acme' }, '{"id":"acme"}');
    }
  });

  it('deletes with a webhook what was sent to it', async () => {
    await store.create(numbered(1), 20);
    for (const n of [1, 2]) await deliver(kept, numbered(n));
    await store.replace(numbered(1), { expected: JSON.stringify(numbered(1)), next: null });
    expect(await hasLog(kept, numbered(1))).toBe(false);
    expect(await hasLog(kept, numbered(2))).toBe(true);
  });

  it('deletes with a team its webhooks, and no others', async () => {
    const all = [numbered(1, 'acme'), numbered(2, 'acme-two'), numbered(3, 'acme'), numbered(4)];
    for (const each of all) {
      await store.create(each, 5);
      await deliver(kept, each);
    }
    expect(await identities.deleteTeam('acme')).toBe(true);
    expect((await store.all()).map(({ id }) => id)).toEqual([numbered(2).id, numbered(4).id]);
    expect(await Promise.all(all.map((each) => hasLog(kept, each)))).toEqual([false, true, false, true]);
  });
});

describe.each(servers)('the store of webhooks on a server ($name)', (engine) => {
  const on = useServer(engine);

  it('when full still deletes, but creates and changes none', async () => {
    const store = new WebhookStore(await on.empty(), keys);
    await store.create(numbered(1), 20);
    const expected = JSON.stringify(numbered(1));
    await on.server.command('CONFIG', 'SET', 'maxmemory', '1');
    try {
      await expect(store.create(numbered(2), 20)).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(store.replace(numbered(1), { expected, next: `${expected} ` })).rejects.toBeInstanceOf(
        StoreUnavailable,
      );
      expect(await store.replace(numbered(1), { expected, next: null })).toBe('replaced');
    } finally {
      await on.server.command('CONFIG', 'SET', 'maxmemory', '0');
    }
  });
});
