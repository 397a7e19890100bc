import type { HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { permit, type Need } from './admin/permission.ts';
import type { ActorCheck } from './auth/actor-check.ts';
import { errorBody } from './core/error-body.ts';
import { type ErrorCode, Refusal } from './core/refusal.ts';
import { liveness, readiness } from './lifecycle/health.ts';
import type { MetricsText } from './observability/metrics.ts';
import { requestIdOf } from './proxy/request-id.ts';
import { welcomePage, welcomeText } from './welcome.ts';

export interface Env {
  Bindings: HttpBindings;
  /** The code of the refusal that a handler answered with, for the log. */
  Variables: { errorCode?: ErrorCode };
}

export interface Operations {
  /** Asks the store; false when it does not answer. */
  storeReachable: () => Promise<boolean>;
  draining: () => boolean;
  metrics: () => Promise<MetricsText>;
  authorize: ActorCheck;
}

/** The one page there is styles itself. */
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/** Series tell of all teams at once. */
export const metricsNeed: Need = 'read-gateway';

export const operationPaths = ['/', '/healthz', '/readyz', '/metrics'] as const;

/** `/`, `/healthz`, `/readyz` and `/metrics`: contract 1.7. */
export function mountOperations(app: Hono<Env>, operations: Operations): void {
  app.get('/', (c) => {
    const wantsPage = c.req.header('accept')?.includes('text/html') ?? false;
    if (!wantsPage) return c.json(welcomeText);
    return c.html(welcomePage, 200, { 'content-security-policy': pagePolicy });
  });

  app.get('/healthz', (c) => {
    const { status, body } = liveness();
    return c.json(body, status);
  });

  app.get('/readyz', async (c) => {
    const storeReachable = await operations.storeReachable();
    const { status, body } = readiness({ storeReachable, draining: operations.draining() });
    return c.json(body, status);
  });

  app.get('/metrics', async (c) => {
    const actor = await operations.authorize(c.env.incoming.headers);
    const refusal = actor instanceof Refusal ? actor : permit(actor, metricsNeed, []);
    if (refusal) return refusalResponse(refusal, requestIdOf(c.req.header('x-request-id')));
    const { contentType, body } = await operations.metrics();
    return c.body(body, 200, { 'content-type': contentType, 'cache-control': 'no-store' });
  });

  for (const path of operationPaths)
    app.all(path, (c) => refusalResponse(getOnly(path), requestIdOf(c.req.header('x-request-id'))));
}

function getOnly(path: string): Refusal {
  return new Refusal('method_not_allowed', `On ${path} only GET is possible.`, { headers: { allow: 'GET' } });
}

/** A refusal as Hono answers it. */
export function refusalResponse(refusal: Refusal, requestId: string | null, path = ''): Response {
  return Response.json(errorBody(path, refusal, requestId), {
    status: refusal.status,
    headers: refusal.headers,
  });
}
