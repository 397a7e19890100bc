import { describe, expect, it } from 'vitest';
import { AuditTrail } from '../../src/audit/audit-trail.ts';
import { systemClock } from '../../src/base/clock.ts';
import { Outbox } from '../../src/events/outbox.ts';
import type { Webhook } from '../../src/identity/records/webhook.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { StoreLease } from '../../src/store/lease.ts';
import type { Store } from '../../src/store/store.ts';
import { Deliveries } from '../../src/webhooks/deliveries.ts';
import { DeliveryQueue, maxWaiting } from '../../src/webhooks/delivery-queue.ts';
import { readWebhooks } from '../../src/webhooks/subscriptions.ts';
import { failedBy } from '../../src/webhooks/try-outcome.ts';
import { putWebhook, webhookRecord } from '../support/webhooks.ts';
import { engines, servers, useEngine, useServer } from './engines.ts';

const startMs = Date.UTC(2027, 0, 4, 12);
const hourMs = 3_600_000;
const keys = keysUnder('t:');
const taken = { kind: 'taken', status: 200 } as const;
const webhook = webhookRecord({ created_at: '2020-01-01T00:00:00.000Z' });

describe.each(engines)('the queues of webhooks ($name)', (engine) => {
  const on = useEngine(engine);

  interface World {
    store: Store;
    queue: DeliveryQueue;
    deliveries: Deliveries;
    fence: string;
    trail: AuditTrail;
    /** Takes the lease for another process. */
    takeOver: () => Promise<string>;
    /** Tells events and hands them out; returns the ids of what then waits for the webhook first. */
    tell: (count?: number, team?: string | null) => Promise<void>;
    due: (id?: string) => Promise<string | null>;
  }

  const world = async (...webhooks: Webhook[]): Promise<World> => {
    const store = await on.empty(startMs);
    const trail = new AuditTrail(store, keys, { log: { info: () => undefined }, clock: systemClock });
    const queue = new DeliveryQueue({ store, keys, changes: trail });
    const deliveries = new Deliveries({
      store,
      keys,
      queue,
      sender: { send: () => Promise.resolve(taken) },
      storeNowMs: () => startMs,
      clock: systemClock,
    });
    for (const each of webhooks) await putWebhook(store, keys, each);
    const lease = (owner: string): StoreLease =>
      new StoreLease(store, keys, { what: 'events', owner, leaseMs: 10_000 });
    const fence = (await lease('one').take()) ?? '';
    const outbox = new Outbox(store, keys);
    let told = 0;
    return {
      store,
      queue,
      deliveries,
      fence,
      trail,
      takeOver: async () => {
        await lease('one').release();
        return (await lease('two').take()) ?? '';
      },
      tell: async (count = 1, team = null) => {
        for (let at = 0; at < count; at += 1) {
          told += 1;
          const data = { webhook: 'wh_000000000000', actor: String(told) };
          await outbox.once({ type: 'webhook.test', team, data }, `told ${told}`, startMs + 48 * hourMs);
        }
      },
      due: async (id = webhook.id) => {
        const { waiting } = await queue.waiting([id]);
        const actor = waiting.get(id)?.due?.event.data['actor'];
        return typeof actor === 'string' ? actor : null;
      },
    };
  };

  const handOut = ({ store, queue, fence }: World) => queue.handOut(fence, () => readWebhooks(store, keys));
  const waits = async ({ queue }: World, id = webhook.id) => (await queue.waiting([id])).waiting.get(id);
  const retry = (one: World, event: string, changes: { inMs?: number; restMs?: number } = {}) =>
    one.queue.tried(one.fence, {
      webhook: webhook.id,
      event,
      step: { kind: 'retry', inMs: 60_000, restMs: 5_000, ...changes },
      outcome: failedBy('timeout'),
      durationMs: 5_000.4,
    });

  it('get events once, and the outbox is empty but for the newest', async () => {
    const one = await world(webhook);
    await one.tell(3);
    expect(await handOut(one)).toEqual({ hasMore: false, dropped: [] });
    expect(await handOut(one)).toEqual({ hasMore: false, dropped: [] });
    expect(await waits(one)).toMatchObject({ count: 3, failures: 0, failingSinceMs: null });
    expect(await one.store.attempt((client) => client.xlen(keys.events))).toBe(1);
  });

  it('get what is theirs: by team, type, and when they were made', async () => {
    const gateway = webhookRecord({ id: 'wh_00000000000a' });
    const acme = webhookRecord({ id: 'wh_00000000000b', team: 'acme' });
    const other = webhookRecord({ id: 'wh_00000000000c', team: 'other' });
    const types = webhookRecord({ id: 'wh_00000000000d', events: ['audit.head'] });
    const later = webhookRecord({ id: 'wh_00000000000e', created_at: new Date(startMs + 1).toISOString() });
    const off = webhookRecord({ id: 'wh_00000000000f', disabled_at: '2026-01-01T00:00:00.000Z' });
    const one = await world(gateway, acme, other, types, later, off);
    await one.tell(1, 'acme');
    await one.tell(1, null);
    await handOut(one);
    const all = [gateway, acme, other, types, later, off];
    const pending = await one.deliveries.pendingOf(all.map(({ id }) => id));
    expect(all.map(({ id }) => pending.get(id)?.count)).toEqual([2, 1, 0, 0, 0, 0]);
  });

  it('get nothing once the lease is lost, and lose nothing', async () => {
    const one = await world(webhook);
    await one.tell();
    const fence = await one.takeOver();
    expect(await handOut(one)).toBeNull();
    expect(await waits(one)).toMatchObject({ count: 0 });
    await handOut({ ...one, fence });
    expect(await waits(one)).toMatchObject({ count: 1 });
  });

  it('get nothing if another process was faster', async () => {
    const one = await world(webhook);
    await one.tell();
    const both = await Promise.all([handOut(one), handOut(one)]);
    expect(both.filter((handed) => handed !== null).length).toBeGreaterThan(0);
    expect(await waits(one)).toMatchObject({ count: 1 });
  });

  it('get what was told after they were made, also if that is while others are handed out', async () => {
    const one = await world();
    await one.tell();
    await one.queue.handOut(one.fence, async () => {
      const before = await readWebhooks(one.store, keys);
      await putWebhook(one.store, keys, webhook);
      await one.tell();
      return before;
    });
    await handOut(one);
    expect(await one.due()).toBe('2');
  });

  it('leave nothing of a webhook that is gone', async () => {
    const one = await world();
    await one.tell();
    await one.queue.handOut(one.fence, () => Promise.resolve([{ webhook, text: '' }]));
    expect(await waits(one)).toMatchObject({ count: 0 });
    expect(await one.store.attempt((client) => client.hkeys(keys.undelivered(webhook.id)))).toEqual([]);
  });

  it('hand out more than a pass takes in several', async () => {
    const one = await world(webhook);
    await one.tell(130);
    expect(await handOut(one)).toMatchObject({ hasMore: true });
    expect(await handOut(one)).toMatchObject({ hasMore: false });
    expect(await waits(one)).toMatchObject({ count: 130 });
  });

  it.each([
    ['the gateway', null, 1_020, 950],
    ['a team', 'acme', 300, 200],
  ])('of %s drop the oldest of what is too much, and say so in the log', async (_of, team, count, left) => {
    const one = await world({ ...webhook, team });
    for (let told = 0; told < count; told += 60) {
      await one.tell(60, team);
      await handOut(one);
    }
    expect(await waits(one)).toMatchObject({ count: left });
    const kept = await one.store.attempt((client) => client.hgetall(keys.undelivered(webhook.id)));
    const actors = Object.values(kept).map((text) => Number(/"actor":"(\d+)"/.exec(text)?.[1]));
    expect(Math.min(...actors)).toBe(count - left + 1);
    const [line] = await one.deliveries.read(webhook.id, 10);
    expect(line).toMatchObject({
      outcome: 'dropped',
      type: 'webhook.test',
      events: count - left,
      status: null,
    });
  });

  it('drop the oldest of what takes too many bytes', async () => {
    const one = await world({ ...webhook, team: 'acme' });
    const outbox = new Outbox(one.store, keys);
    for (let told = 0; told < 100; told += 1) {
      const data = { webhook: 'wh_000000000000', actor: 'a'.repeat(5_000) };
      await outbox.once({ type: 'webhook.test', team: 'acme', data }, `told ${told}`, startMs + 48 * hourMs);
      if (told % 20 === 19) await handOut(one);
    }
    expect((await waits(one))?.count).toBe(Math.floor(maxWaiting.team.bytes / 5_080));
  });

  it('are without an event that was delivered', async () => {
    const one = await world(webhook);
    await one.tell();
    await handOut(one);
    const event = (await waits(one))?.due?.event.id ?? '';
    const tried = {
      webhook: webhook.id,
      event,
      step: { kind: 'delivered' },
      outcome: taken,
      durationMs: 12.4,
    } as const;
    expect(await one.queue.tried(one.fence, tried)).toBe(true);
    expect(await waits(one)).toMatchObject({ count: 0, due: null });
    expect(await one.deliveries.read(webhook.id, 10)).toEqual([
      {
        time: expect.any(String) as string,
        event: `evt_${event}`,
        type: 'webhook.test',
        try: 1,
        outcome: 'delivered',
        next_at: null,
        status: 200,
        error: null,
        duration_ms: 12,
        events: 1,
      },
    ]);
    // Nobody can note it twice.
    expect(await one.queue.tried(one.fence, tried)).toBe(false);
    expect(await one.deliveries.read(webhook.id, 10)).toHaveLength(1);
  });

  it('have an event that failed later, and rest until then with all others', async () => {
    const one = await world(webhook);
    await one.tell(2);
    await handOut(one);
    const event = (await waits(one))?.due?.event.id ?? '';
    expect(await retry(one, event)).toBe(true);
    expect(await waits(one)).toMatchObject({ count: 2, due: null, failures: 1, failingSinceMs: startMs });
    await on.turnTo(startMs + 5_000);
    expect(await one.due()).toBe('2');
    const second = (await waits(one))?.due?.event.id ?? '';
    expect(await retry(one, second)).toBe(true);
    await on.turnTo(startMs + 60_000);
    expect(await one.due()).toBe('1');
    expect(await waits(one)).toMatchObject({ failures: 2, failingSinceMs: startMs, due: { tries: 1 } });
    const [line] = await one.deliveries.read(webhook.id, 1);
    expect(line).toMatchObject({
      outcome: 'retry',
      next_at: new Date(startMs + 65_000).toISOString(),
      try: 1,
      status: null,
      error: 'timeout',
      duration_ms: 5_000,
    });
  });

  it('change nothing for a process that has lost the lease', async () => {
    const one = await world(webhook);
    await one.tell();
    await handOut(one);
    const before = await waits(one);
    await one.takeOver();
    const { waiting } = await one.queue.waiting([webhook.id], one.fence);
    expect(waiting.get(webhook.id)).toMatchObject({ count: 1, due: null });
    expect(await retry(one, before?.due?.event.id ?? '')).toBe(false);
    expect(await waits(one)).toEqual(before);
    expect(await one.deliveries.read(webhook.id, 10)).toEqual([]);
    const [stored] = await readWebhooks(one.store, keys);
    if (!stored) throw new Error('There is a webhook.');
    expect(await one.queue.disable(one.fence, stored, { because: 'It is gone.', nowMs: startMs })).toBe(
      false,
    );
    expect(await readWebhooks(one.store, keys)).toEqual([stored]);
  });

  it('begin anew when somebody asks for it', async () => {
    const one = await world(webhook);
    await one.tell(2);
    await handOut(one);
    const event = (await waits(one))?.due?.event.id ?? '';
    await retry(one, event, { inMs: hourMs, restMs: hourMs });
    expect(await one.deliveries.retryNow(webhook.id)).toBe(2);
    expect(await waits(one)).toMatchObject({
      count: 2,
      failures: 0,
      failingSinceMs: null,
      due: { tries: 0 },
    });
    expect(await one.deliveries.retryNow('wh_00000000000z')).toBe(0);
  });

  it('end with a webhook that is disabled, which is told and audited; what waits stays', async () => {
    const one = await world({ ...webhook, team: 'acme' });
    await one.tell(1, 'acme');
    await handOut(one);
    const [stored] = await readWebhooks(one.store, keys);
    if (!stored) throw new Error('There is a webhook.');
    expect(await one.queue.disable(one.fence, stored, { because: 'It is gone.', nowMs: startMs })).toBe(true);
    const ended = { disabled_at: new Date(startMs).toISOString(), disabled_because: 'It is gone.' };
    expect((await readWebhooks(one.store, keys)).map((each) => each.webhook)).toEqual([
      { ...stored.webhook, ...ended },
    ]);
    expect(await waits(one)).toMatchObject({ count: 1 });
    const told = await new Outbox(one.store, keys).after('0-0', 10);
    expect(told.at(-1)).toMatchObject({
      type: 'webhook.disabled',
      team: 'acme',
      data: { webhook: webhook.id, host: 'hooks.example.com', because: 'It is gone.' },
    });
    const { data } = await one.trail.entries({ limit: 1, cursor: null });
    expect(data[0]).toMatchObject({
      actor: 'delivery',
      operation: 'webhook.disable',
      team: 'acme',
      id: webhook.id,
      after: ended,
    });
    expect(JSON.stringify(data)).not.toContain('CANARY');
    // Its record has changed since it was read.
    expect(await one.queue.disable(one.fence, stored, { because: 'It is gone.', nowMs: startMs })).toBe(
      false,
    );
  });

  it('have a line of a test in the log, and nothing that waits', async () => {
    const one = await world(webhook);
    const line = await one.deliveries.sendTest(webhook, 'root');
    expect(line).toMatchObject({
      type: 'webhook.test',
      outcome: 'test_delivered',
      status: 200,
      error: null,
      try: 1,
    });
    expect(await one.deliveries.read(webhook.id, 5)).toEqual([
      { ...line, time: expect.any(String) as string },
    ]);
    expect((await one.deliveries.pendingOf([webhook.id])).get(webhook.id)).toMatchObject({ count: 0 });
  });
});

describe.each(servers)('the queues of webhooks on a server ($name)', (engine) => {
  const on = useServer(engine);

  it('work in a full store, and nothing stays for ever but the webhook', async () => {
    const store = await on.empty();
    const changes = new AuditTrail(store, keys, { log: { info: () => undefined }, clock: systemClock });
    const queue = new DeliveryQueue({ store, keys, changes });
    const lease = new StoreLease(store, keys, { what: 'events', owner: 'one', leaseMs: 60_000 });
    await putWebhook(store, keys, webhook);
    try {
      await on.redis.client.config('SET', 'maxmemory', '1');
      const fence = (await lease.take()) ?? '';
      const data = { webhook: webhook.id, actor: 'root' };
      for (const mark of ['a', 'b']) {
        await new Outbox(store, keys).once(
          { type: 'webhook.test', team: null, data },
          mark,
          Date.now() + hourMs,
        );
      }
      expect(await queue.handOut(fence, () => readWebhooks(store, keys))).toEqual({
        hasMore: false,
        dropped: [],
      });
      for (const step of [{ kind: 'delivered' }, { kind: 'retry', inMs: 1_000, restMs: 1_000 }] as const) {
        const { waiting } = await queue.waiting([webhook.id], fence);
        const event = waiting.get(webhook.id)?.due?.event.id ?? '';
        expect(
          await queue.tried(fence, { webhook: webhook.id, event, step, outcome: taken, durationMs: 1 }),
        ).toBe(true);
      }
      const [stored] = await readWebhooks(store, keys);
      if (!stored) throw new Error('There is a webhook.');
      expect(await queue.disable(fence, stored, { because: 'It is gone.', nowMs: Date.now() })).toBe(true);
    } finally {
      await on.redis.client.config('SET', 'maxmemory', '0');
    }
    const names = await on.redis.client.keys('*');
    expect(names).toContain(keys.deliveries(webhook.id));
    for (const name of names) {
      const isKept = name === keys.webhooks || name === keys.audit;
      expect((await on.redis.client.pttl(name)) > 0, name).toBe(!isKept);
    }
  });
});
