import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Outbox } from '../../../src/events/outbox.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { engines, useEngine } from '../../contract/engines.ts';
import { delivererOf, tellSomething } from '../../support/delivering.ts';
import { startReceiver, type WebhookReceiver } from '../../support/webhook-receiver.ts';
import { putWebhook, webhookRecord } from '../../support/webhooks.ts';

const keys = keysUnder('t:');
const startMs = Date.UTC(2027, 0, 4);
const slowWebhooks = 40;
const slowMs = 4_900;

describe.each(engines)('many receivers that are slow, with much to get ($name)', (engine) => {
  const on = useEngine(engine);
  let slow: WebhookReceiver;
  let quick: WebhookReceiver;
  beforeEach(async () => {
    [slow, quick] = await Promise.all([startReceiver(), startReceiver()]);
  });
  afterEach(() => Promise.all([slow.close(), quick.close()]));

  it('keep nobody else waiting for longer than a turn of each', async () => {
    const store = await on.empty(startMs);
    for (let n = 0; n < slowWebhooks; n += 1)
      await putWebhook(store, keys, webhookRecord({ id: idOf(n), url: slow.url }));
    await putWebhook(
      store,
      keys,
      webhookRecord({ id: idOf(slowWebhooks), url: quick.url, events: ['audit.head'] }),
    );
    const clock = { now: () => startMs, monotonic: () => slow.received.length * slowMs };
    const privateHosts = [slow.host, quick.host];
    const one = await delivererOf({ store, keys, owner: 'one', privateHosts, parts: { clock } });
    for (let told = 0; told < 60; told += 1) await tellSomething(store, keys);
    await one.pass();
    await on.turnTo(startMs + 1_000);
    const data = { day: '2027-01-04', sequence: 1, hash: 'a' };
    const outbox = new Outbox(store, keys);
    await outbox.once({ type: 'audit.head', team: null, data }, 'head', startMs + 60_000);
    const before = slow.received.length;
    while (quick.received.length === 0) await one.pass();
    expect(slow.received.length - before).toBeLessThanOrEqual(2 * slowWebhooks);
  });
});

function idOf(number: number): string {
  return `wh_${String(number).padStart(12, '0')}`;
}
