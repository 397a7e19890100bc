import { z } from 'zod';

/** The answer of both endpoints. */
export const healthResponse = z
  .object({ status: z.string(), reasons: z.array(z.string()).exactOptional() })
  .meta({ id: 'Health' });

export interface HealthAnswer {
  status: 200 | 503;
  body: { status: string; reasons?: string[] };
}

/** `/healthz`: the process answers. It checks nothing else, so that a store outage restarts nobody. */
export function liveness(): HealthAnswer {
  return { status: 200, body: { status: 'ok' } };
}

/** `/readyz`: whether this process should get requests now; if not, why. */
export function readiness(state: { storeReachable: boolean; draining: boolean }): HealthAnswer {
  const reasons: string[] = [];
  if (!state.storeReachable) reasons.push('store unreachable');
  if (state.draining) reasons.push('draining');
  if (reasons.length === 0) return { status: 200, body: { status: 'ready' } };
  return { status: 503, body: { status: 'unavailable', reasons } };
}
