import { z } from 'zod';

/** What both answer. */
export const healthResponse = z
  .object({ status: z.string(), reasons: z.array(z.string()).exactOptional() })
  .meta({ id: 'Health' });

export interface HealthAnswer {
  status: 200 | 503;
  body: { status: string; reasons?: string[] };
}

/** `/healthz`: the process answers. Nothing else is looked at, so that an outage of the store restarts nobody. */
export function liveness(): HealthAnswer {
  return { status: 200, body: { status: 'ok' } };
}

/** `/readyz`: whether this process should be sent requests now, and why not. */
export function readiness(state: { storeReachable: boolean; draining: boolean }): HealthAnswer {
  const reasons: string[] = [];
  if (!state.storeReachable) reasons.push('store unreachable');
  if (state.draining) reasons.push('draining');
  if (reasons.length === 0) return { status: 200, body: { status: 'ready' } };
  return { status: 503, body: { status: 'unavailable', reasons } };
}
