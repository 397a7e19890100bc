import { AuditTrail } from '../../src/audit/audit-trail.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { Held } from '../../src/events/duties.ts';
import { Outbox } from '../../src/events/outbox.ts';
import type { Keys } from '../../src/store/keys.ts';
import { StoreLease } from '../../src/store/lease.ts';
import type { Store } from '../../src/store/store.ts';
import { Delivery, type DeliveryParts } from '../../src/webhooks/delivery.ts';
import { DeliveryQueue } from '../../src/webhooks/delivery-queue.ts';
import { Sender } from '../../src/webhooks/sender.ts';

/** What delivers in one process, which looks when it is told to. */
export interface Deliverer {
  readonly delivery: Delivery;
  readonly held: Held;
  /** What the log said, warnings and infos. */
  readonly said: string[];
  /** Looks once, and waits until all that was due is sent. */
  pass(): Promise<void>;
}

interface DelivererOptions {
  store: Store;
  keys: Keys;
  /** The process. */
  owner: string;
  privateHosts?: readonly string[];
  /** In place of the real ones. */
  parts?: Partial<Pick<DeliveryParts, 'queue' | 'sender' | 'clock'>>;
}

/** Takes the lease for a process, from whoever has it, and gives what delivers in it. */
export async function delivererOf({
  store,
  keys,
  owner,
  privateHosts = [],
  parts,
}: DelivererOptions): Promise<Deliverer> {
  const lease = new StoreLease(store, keys, { what: 'events', owner, leaseMs: 10_000 });
  const fence = await lease.take();
  if (fence === null) throw new Error('Another process has the lease.');
  const said: string[] = [];
  const say = (message: string, fields?: object): void =>
    void said.push(JSON.stringify({ message, ...fields }));
  const changes = new AuditTrail(store, keys, { log: { info: () => undefined }, clock: systemClock });
  const delivery = new Delivery({
    store,
    keys,
    queue: new DeliveryQueue({ store, keys, changes }),
    sender: new Sender({ privateHosts: new Set(privateHosts), version: '1.2.3' }),
    clock: systemClock,
    log: { info: say, warn: say, error: say },
    onOutcome: () => undefined,
    ...parts,
  });
  const held: Held = { fence, signal: new AbortController().signal };
  return {
    delivery,
    held,
    said,
    pass: async () => {
      await delivery.look(held);
      await delivery.idle();
    },
  };
}

let told = 0;

/** Tells an event that concerns nobody. */
export async function tellSomething(store: Store, keys: Keys, team: string | null = null): Promise<void> {
  told += 1;
  const data = { webhook: 'wh_000000000000', actor: `tester ${told}` };
  await new Outbox(store, keys).once(
    { type: 'webhook.test', team, data },
    `told ${told}`,
    Date.now() + 60_000,
  );
}
