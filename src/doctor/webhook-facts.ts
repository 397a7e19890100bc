import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditedScripts } from '../audit/audit.ts';
import { isPublicAddress } from '../base/public-address.ts';
import type { Webhook } from '../identity/records/webhook.ts';
import { WebhookStore } from '../identity/store/webhook-store.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { DeliveryQueue } from '../webhooks/delivery-queue.ts';
import { destinationIn, type PrivateHosts } from '../webhooks/destination-url.ts';
import { type Resolve, resolveAt, systemResolve } from '../webhooks/resolve.ts';

/** Whether the gateway would connect to a webhook, by its address as it is now. */
export type Reach =
  | 'allowed'
  /** By its text, such as plain HTTP to a host that the operator has taken back. */
  | 'refused'
  /** Its name stands for an address that is not public. */
  | 'private'
  /** Its name stands for nothing, or nobody says in time what it stands for. */
  | 'unresolved';

/** A webhook, and how sending to it goes. */
export interface WebhookFacts {
  readonly webhook: Pick<Webhook, 'id' | 'team' | 'url' | 'disabled_at' | 'disabled_because'>;
  /** How many events wait for it. */
  readonly waiting: number;
  /** Since when it has taken nothing; null: it has not failed. */
  readonly failingSinceMs: number | null;
  readonly reach: Reach;
}

interface ReachOptions {
  readonly privateHosts: PrivateHosts;
  /** Of each name. */
  readonly timeoutMs: number;
  /** In place of name servers, for names that must be public. */
  readonly resolve?: Resolve;
}

interface WebhookSource extends ReachOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly changes: AuditedScripts;
}

/** Looks at all webhooks, and sends nothing. Rejects with `StoreUnavailable`. */
export async function webhookFacts({
  store,
  keys,
  changes,
  ...options
}: WebhookSource): Promise<WebhookFacts[]> {
  const webhooks = await new WebhookStore(store, keys, changes).all();
  if (webhooks.length === 0) return [];
  const queue = new DeliveryQueue({ store, keys, changes });
  const { waiting } = await queue.waiting(webhooks.map(({ id }) => id));
  return Promise.all(
    webhooks.map(async (webhook) => {
      const { count = 0, failingSinceMs = null } = waiting.get(webhook.id) ?? {};
      return { webhook, waiting: count, failingSinceMs, reach: await reachOf(webhook.url, options) };
    }),
  );
}

/** Looks at an address as the gateway does before it connects. Never rejects. */
export async function reachOf(
  url: string,
  { privateHosts, timeoutMs, resolve = resolveAt(null) }: ReachOptions,
): Promise<Reach> {
  const read = destinationIn(url, privateHosts);
  if (!read.ok) return 'refused';
  const { host, mayBePrivate } = read.destination;
  if (isIP(host) !== 0) return 'allowed';
  const signal = AbortSignal.timeout(timeoutMs);
  const late = sleep(timeoutMs, [], { ref: false });
  const asked = (mayBePrivate ? systemResolve : resolve)(host, signal).catch(() => []);
  const found = await Promise.race([asked, late]);
  if (found.length === 0) return 'unresolved';
  return mayBePrivate || found.every(isPublicAddress) ? 'allowed' : 'private';
}
