import { type Arbitrary, assert, asyncProperty, constantFrom, array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AuditTrail } from '../../src/audit/audit-trail.ts';
import { systemClock } from '../../src/base/clock.ts';
import { Outbox } from '../../src/events/outbox.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { DeliveryQueue } from '../../src/webhooks/delivery-queue.ts';
import { messageId } from '../../src/webhooks/sender.ts';
import { failedBy, type TryOutcome } from '../../src/webhooks/try-outcome.ts';
import { delivererOf, tellSomething } from '../support/delivering.ts';
import { embeddedStore, testKeys as keys } from '../support/embedded-store.ts';
import { putWebhook, webhookRecord } from '../support/webhooks.ts';

/*
 * Whatever order processes die in, and wherever: each event reaches each of its webhooks at least once, always with the
 * same id.
 */
const steps = constantFrom(
  'tell' as const,
  'look' as const,
  'receiver fails' as const,
  'receiver works' as const,
  'time passes' as const,
  // Where the process that delivers dies; another one goes on.
  'dies before handing out' as const,
  'dies after handing out' as const,
  'dies before sending' as const,
  'dies before noting' as const,
  'dies after noting' as const,
);
type Step = typeof steps extends Arbitrary<infer Value> ? Value : never;

const ids = ['wh_00000000000a', 'wh_00000000000b'];
const minuteMs = 60_000;

/** Does the steps, then lets all end well. Returns what was told, and what reached each webhook. */
async function run(plan: readonly Step[]): Promise<{ told: string[]; reached: Map<string, string[]> }> {
  const startMs = Date.UTC(2027, 0, 4);
  let nowMs = startMs;
  let isDown = false;
  let dies: Step | null = null;
  const died = (): never => {
    throw new StoreUnavailable('The process is dead.');
  };
  const store = embeddedStore(() => nowMs);
  const changes = new AuditTrail(store, keys, { log: { info: () => undefined }, clock: systemClock });
  const reached = new Map(ids.map((id) => [id, [] as string[]]));
  const told: string[] = [];
  for (const id of ids) await putWebhook(store, keys, webhookRecord({ id }));
  const queue = new DeliveryQueue({ store, keys, changes });
  const mortal: Pick<DeliveryQueue, keyof DeliveryQueue> = {
    handOut: async (fence, webhooks) => {
      if (dies === 'dies before handing out') died();
      const handed = await queue.handOut(fence, webhooks);
      return dies === 'dies after handing out' ? died() : handed;
    },
    waiting: (some, fence) => queue.waiting(some, fence),
    tried: async (fence, tried) => {
      if (dies === 'dies before noting') died();
      const isNoted = await queue.tried(fence, tried);
      return dies === 'dies after noting' ? died() : isNoted;
    },
    disable: (fence, webhook, why) => queue.disable(fence, webhook, why),
  };
  const send = (webhook: { id: string }, event: { id: string }): Promise<TryOutcome> => {
    if (dies === 'dies before sending') died();
    if (isDown) return Promise.resolve(failedBy('unreachable'));
    reached.get(webhook.id)?.push(messageId(event.id));
    return Promise.resolve({ kind: 'taken', status: 200 });
  };
  let processes = 0;
  const born = () => {
    processes += 1;
    nowMs += 10_001; // the lease of the one before has ended
    return delivererOf({
      store,
      keys,
      owner: `process ${processes}`,
      parts: { queue: mortal, sender: { send } },
    });
  };
  let alive = await born();
  const look = (): Promise<void> => alive.pass().catch(() => undefined);
  const outbox = new Outbox(store, keys);
  for (const step of plan) {
    switch (step) {
      case 'tell':
        await tellSomething(store, keys);
        told.push(messageId((await outbox.after('0-0', 1_000)).at(-1)?.id ?? ''));
        break;
      case 'look':
        await look();
        break;
      case 'receiver fails':
      case 'receiver works':
        isDown = step === 'receiver fails';
        break;
      case 'time passes':
        nowMs += minuteMs;
        break;
      default:
        dies = step;
        await look();
        dies = null;
        alive = await born();
    }
  }
  isDown = false;
  for (let turns = 0; turns < 30; turns += 1) {
    await look();
    nowMs += 60 * minuteMs;
  }
  return { told, reached };
}

describe('delivering, whoever dies', () => {
  it('brings each event to each webhook at least once, with the same id', async () => {
    await assert(
      asyncProperty(array(steps, { maxLength: 25 }), async (plan) => {
        const { told, reached } = await run(plan);
        for (const id of ids) expect(new Set(reached.get(id))).toEqual(new Set(told));
      }),
      { numRuns: 60 },
    );
  });

  it('brings an event twice if a process dies between sending and noting', async () => {
    const { told, reached } = await run(['tell', 'dies before noting']);
    for (const id of ids) expect(reached.get(id)).toEqual([told[0], told[0]]);
  });

  it('brings an event once if all goes well', async () => {
    const { told, reached } = await run(['tell', 'look', 'tell', 'look', 'look']);
    for (const id of ids) expect(reached.get(id)).toEqual(told);
  });
});
