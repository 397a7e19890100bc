import { Webhook as Verifier } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Outbox } from '../../../src/events/outbox.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import type { Store } from '../../../src/store/store.ts';
import { readWebhooks } from '../../../src/webhooks/subscriptions.ts';
import { deliveryLineIn, type DeliveryLine } from '../../../src/webhooks/delivery-log.ts';
import { engines, useEngine } from '../../contract/engines.ts';
import { type Deliverer, delivererOf, tellSomething } from '../../support/delivering.ts';
import { type Received, startReceiver, type WebhookReceiver } from '../../support/webhook-receiver.ts';
import { putWebhook, signingSecret, webhookRecord } from '../../support/webhooks.ts';

const keys = keysUnder('t:');
const hourMs = 3_600_000;

describe.each(engines)('delivering events ($name)', (engine) => {
  const on = useEngine(engine);
  let store: Store;
  let startMs: number;
  let receiver: WebhookReceiver;

  beforeEach(async () => {
    startMs = Date.now(); // the package that verifies compares with the clock
    store = await on.empty(startMs);
    receiver = await startReceiver();
  });
  afterEach(() => receiver.close());

  const webhook = (changes: Partial<Parameters<typeof webhookRecord>[0]> = {}) =>
    webhookRecord({
      url: receiver.url,
      secrets: [{ text: signingSecret(1) }],
      created_at: new Date(startMs - hourMs).toISOString(),
      ...changes,
    });
  const deliverer = (owner = 'one', ...hosts: string[]): Promise<Deliverer> =>
    delivererOf({ store, keys, owner, privateHosts: [receiver.host, ...hosts] });
  const log = async (id = webhook().id): Promise<DeliveryLine[]> => {
    const lines = await store.attempt((client) =>
      client.xrevrange(keys.deliveries(id), '+', '-', 'COUNT', 100),
    );
    return lines.flatMap(deliveryLineIn);
  };
  const verified = (secret: string, { body, headers }: Received): unknown =>
    new Verifier(secret).verify(body, headers as Record<string, string>);
  const idsIn = (received: readonly Received[]): (string | string[] | undefined)[] =>
    received.map(({ headers }) => headers['webhook-id']);

  it('sends what was told, with signatures that verify, once', async () => {
    await putWebhook(store, keys, webhook());
    const one = await deliverer();
    await tellSomething(store, keys, 'acme');
    await one.pass();
    await one.pass();
    expect(receiver.received).toHaveLength(1);
    const [first] = receiver.received;
    if (!first) throw new Error('It has come.');
    expect(verified(signingSecret(1), first)).toMatchObject({
      type: 'webhook.test',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      data: { webhook: 'wh_000000000000', team: 'acme' },
    });
    expect(first.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'Tollgate/1.2.3',
      'webhook-id': expect.stringMatching(/^evt_\d+-\d+$/) as string,
    });
    expect(await log()).toMatchObject([{ outcome: 'delivered', status: 204, try: 1 }]);
  });

  it('signs with both secrets during a rotation', async () => {
    const until = new Date(startMs + hourMs).toISOString();
    const secrets = [{ text: signingSecret(2) }, { text: signingSecret(1), until }];
    await putWebhook(store, keys, webhook({ secrets }));
    const one = await deliverer();
    await tellSomething(store, keys);
    await one.pass();
    const [first] = receiver.received;
    if (!first) throw new Error('It has come.');
    for (const secret of [1, 2]) expect(() => verified(signingSecret(secret), first)).not.toThrow();
    expect(() => verified(signingSecret(3), first)).toThrow();
  });

  it('tries for a day if a receiver is down, always with the same id, then disables it and tells the others', async () => {
    const other = await startReceiver();
    try {
      const down = webhook({ team: 'acme' });
      await putWebhook(store, keys, down);
      await putWebhook(
        store,
        keys,
        webhook({ id: 'wh_000000000002', url: other.url, events: ['webhook.disabled'] }),
      );
      receiver.answer = (response) => response.writeHead(503).end('the receiver says: secret-of-theirs');
      const one = await deliverer('one', other.host);
      await tellSomething(store, keys, 'acme');
      await one.pass();
      let nowMs = startMs;
      for (
        let next = (await log())[0]?.next_at;
        next && receiver.received.length < 20;
        next = (await log())[0]?.next_at
      ) {
        nowMs = Date.parse(next);
        await on.turnTo(nowMs);
        const before = receiver.received.length;
        await one.pass();
        if (receiver.received.length === before) break; // it is disabled
      }
      expect(receiver.received).toHaveLength(11);
      expect(new Set(idsIn(receiver.received)).size).toBe(1);
      expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
      expect(new Set(receiver.received.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(11);
      const [tried] = receiver.received.slice(-1);
      const lastS = Number(tried?.headers['webhook-timestamp']);
      expect(lastS * 1_000 - startMs).toBeGreaterThan(24 * hourMs - 1_000);
      expect(lastS * 1_000 - startMs).toBeLessThan(28 * hourMs);
      const because = 'It has taken nothing for a day. The last error: status 503.';
      const stored = (await readWebhooks(store, keys)).find((each) => each.webhook.id === down.id);
      expect(stored?.webhook).toMatchObject({ disabled_because: because });
      await one.pass();
      expect(other.received.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
        { type: 'webhook.disabled', data: { webhook: down.id, host: receiver.host, because, team: 'acme' } },
      ]);
      // What they answered is nowhere, and neither is the path.
      expect(
        JSON.stringify([await log(), one.said, await new Outbox(store, keys).after('0-0', 99)]),
      ).not.toMatch(/secret-of-theirs|\/in/);
      // Enabled again, and it gets what it has missed.
      receiver.answer = (response) => response.writeHead(200).end();
      await putWebhook(store, keys, down);
      await on.turnTo(nowMs + hourMs);
      await one.pass();
      expect(receiver.received).toHaveLength(12);
      expect(new Set(idsIn(receiver.received)).size).toBe(1);
    } finally {
      await other.close();
    }
  });

  it('disables at once what answers 410', async () => {
    receiver.answer = (response) => response.writeHead(410).end();
    await putWebhook(store, keys, webhook());
    const one = await deliverer();
    await tellSomething(store, keys);
    await tellSomething(store, keys);
    await one.pass();
    await one.pass();
    expect(receiver.received).toHaveLength(1);
    expect(await readWebhooks(store, keys)).toMatchObject([
      { webhook: { disabled_because: 'It answered 410: gone.' } },
    ]);
  });

  it('waits as long as a receiver asks, with all that is for it', async () => {
    receiver.answer = (response) => response.writeHead(429, { 'retry-after': '120' }).end();
    await putWebhook(store, keys, webhook());
    const one = await deliverer();
    for (let told = 0; told < 3; told += 1) await tellSomething(store, keys);
    await one.pass();
    await on.turnTo(startMs + 119_000);
    await one.pass();
    expect(receiver.received).toHaveLength(1);
    receiver.answer = (response) => response.writeHead(200).end();
    await on.turnTo(startMs + 121_000);
    await one.pass();
    expect(receiver.received).toHaveLength(4);
    expect(new Set(idsIn(receiver.received)).size).toBe(3);
  });

  it('lets one that does not answer keep nobody else waiting', async () => {
    const other = await startReceiver();
    try {
      receiver.answer = () => undefined;
      await putWebhook(store, keys, webhook());
      await putWebhook(store, keys, webhook({ id: 'wh_000000000002', url: other.url }));
      const one = await deliverer('one', other.host);
      for (let told = 0; told < 5; told += 1) await tellSomething(store, keys);
      await one.delivery.look(one.held);
      await expect.poll(() => other.received.length, { timeout: 60_000 }).toBe(5);
      expect(receiver.received.length).toBeLessThanOrEqual(1);
      await one.delivery.idle();
      expect((await log()).at(-1)).toMatchObject({ outcome: 'retry', error: 'timeout', status: null });
    } finally {
      await other.close();
    }
  });

  it('delivers once if two processes believe that they have the lease', async () => {
    await putWebhook(store, keys, webhook());
    const one = await deliverer('one');
    await on.turnTo(startMs + 10_001);
    const two = await deliverer('two');
    for (let told = 0; told < 5; told += 1) await tellSomething(store, keys);
    await Promise.all([one.pass(), two.pass(), one.pass(), two.pass()]);
    expect(receiver.received).toHaveLength(5);
    expect(new Set(idsIn(receiver.received)).size).toBe(5);
  });

  it('sends again, with the same id, what the process before has sent and not noted', async () => {
    await putWebhook(store, keys, webhook());
    const one = await deliverer('one');
    await tellSomething(store, keys);
    // While the answer is on its way, the first process stands still for longer than its lease.
    receiver.answer = (response) => void setImmediate(() => response.writeHead(204).end());
    await one.delivery.look(one.held);
    await expect.poll(() => receiver.received.length, { timeout: 60_000 }).toBe(1);
    await on.turnTo(startMs + 10_001);
    const two = await deliverer('two');
    await two.pass();
    await one.delivery.idle();
    expect(new Set(idsIn(receiver.received)).size).toBe(1);
    expect((await log()).filter(({ outcome }) => outcome === 'delivered')).toHaveLength(1);
  });

  it('says that a host is no longer allowed', async () => {
    await putWebhook(store, keys, webhook());
    const one = await delivererOf({ store, keys, owner: 'one' });
    await tellSomething(store, keys);
    await one.pass();
    expect(await log()).toMatchObject([{ outcome: 'retry', error: 'refused_url', status: null }]);
    expect(receiver.received).toEqual([]);
  });

  it('writes a sentence for a chat, without a signature', async () => {
    await putWebhook(store, keys, webhook({ format: 'slack', secrets: [] }));
    const one = await deliverer();
    await tellSomething(store, keys);
    await one.pass();
    const [first] = receiver.received;
    expect(JSON.parse(first?.body ?? '')).toEqual({
      text: expect.stringMatching(/^A test, sent by tester \d+\. Events will look like this\.$/) as string,
    });
    expect(first?.headers).not.toHaveProperty('webhook-signature');
  });
});
