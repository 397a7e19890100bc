import { Deliveries } from './deliveries.ts';
import { Delivery, type DeliveryParts } from './delivery.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import { Sender, type SenderOptions } from './sender.ts';
import type { AuditedScripts } from '../audit/audit.ts';

type WebhooksParts = Omit<DeliveryParts, 'queue' | 'sender'> &
  SenderOptions & { changes: AuditedScripts; storeNowMs: () => number };

/** What delivers events, as a duty, and what administrators see of it. */
export function webhooksOf(parts: WebhooksParts): { delivery: Delivery; deliveries: Deliveries } {
  const sender = new Sender(parts);
  const queue = new DeliveryQueue(parts);
  return {
    delivery: new Delivery({ ...parts, queue, sender }),
    deliveries: new Deliveries({ ...parts, queue, sender }),
  };
}

type DeliveriesParts = Pick<WebhooksParts, 'store' | 'keys' | 'changes' | 'clock' | 'storeNowMs'> &
  SenderOptions;

/** What administrators see of it, in a process that does not deliver. */
export function deliveriesOf(parts: DeliveriesParts): Deliveries {
  return new Deliveries({ ...parts, queue: new DeliveryQueue(parts), sender: new Sender(parts) });
}
