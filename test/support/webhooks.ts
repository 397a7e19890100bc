import type { Webhook } from '../../src/identity/records/webhook.ts';

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
