import { z } from 'zod';

/** The answer of both endpoints. */
export const healthResponse = z
  .object({ status: z.string(), reasons: z.array(z.string()).exactOptional() })
  .meta({ id: 'Health' });

/** `/healthz`: the process answers. Nothing else is checked, so that an outage of the store restarts nobody. */
export const liveness = { status: 'ok' };

/** `/readyz`: whether this process should get requests now, and why not. */
export function readiness(state: { storeReachable: boolean; draining: boolean }): {
  status: 200 | 503;
  body: z.infer<typeof healthResponse>;
} {
  const reasons: string[] = [];
  if (!state.storeReachable) reasons.push('store unreachable');
  if (state.draining) reasons.push('draining');
  if (reasons.length === 0) return { status: 200, body: { status: 'ready' } };
  return { status: 503, body: { status: 'unavailable', reasons } };
}
