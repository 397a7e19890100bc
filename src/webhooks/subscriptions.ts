import { parsedJson } from '../base/request.ts';
import type { StoredEvent } from '../base/event.ts';
import { type Webhook, webhookFields } from '../identity/records/webhook.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';

/** A webhook, and the text of its record, which a change must still find. */
export interface StoredWebhook {
  readonly webhook: Webhook;
  readonly text: string;
}

/** All webhooks, without those whose record this version cannot read. Rejects with `StoreUnavailable`. */
export async function readWebhooks(store: Store, keys: Pick<Keys, 'webhooks'>): Promise<StoredWebhook[]> {
  const records = await store.attempt((client) => client.hgetall(keys.webhooks));
  return Object.values(records).flatMap((text) => {
    const read = webhookFields.safeParse(parsedJson(text));
    return read.success ? [{ webhook: read.data, text }] : [];
  });
}

/** Whether a webhook gets an event. One of the gateway gets those of all teams; one of a team only its own. Pure. */
export function takes(webhook: Webhook, { type, team, timeMs }: StoredEvent): boolean {
  const { team: own, events, created_at: createdAt, disabled_at: disabledAt } = webhook;
  if (disabledAt !== null || (own !== null && own !== team)) return false;
  if (events !== null && !events.includes(type)) return false;
  return timeMs >= Date.parse(createdAt);
}
