import type { Webhook } from '../../src/identity/records/webhook.ts';
import type { Keys } from '../../src/store/keys.ts';
import { scriptOf } from '../../src/store/script.ts';
import type { Store } from '../../src/store/store.ts';

/** A secret that no test may find anywhere but where it belongs. */
export const canarySecret = `whsec_${'Canary0'.repeat(6)}aa==`;
export const canaryPath = '/services/T0CANARY/B1CANARY';

/** A webhook as it is stored, with the canaries above. */
export function webhookRecord(more: Partial<Webhook> = {}): Webhook {
  return {
    id: 'wh_000000000001',
    team: null,
    name: null,
    url: `https://hooks.example.com${canaryPath}`,
    format: 'standard',
    events: null,
    secrets: [{ text: canarySecret }],
    created_at: '2026-01-31T12:00:00.000Z',
    disabled_at: null,
    disabled_because: null,
    ...more,
  };
}

/** A secret that signs: 32 times the same byte. */
export function signingSecret(byte: number): string {
  return `whsec_${Buffer.alloc(32, byte).toString('base64')}`;
}

const put = scriptOf('put_webhook', "return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])");

/** Puts a webhook into a store, or changes it. */
export async function putWebhook(store: Store, keys: Keys, webhook: Webhook): Promise<void> {
  await store.run(put, [keys.webhooks], [webhook.id, JSON.stringify(webhook)]);
}
