import type { Context, Hono } from 'hono';
import { z } from 'zod';
import { neededFor, permit, type Need } from '../access/permission.ts';
import type { ActorCheck } from '../access/actor-check.ts';
import { type OperationDocs, type DocumentedOperation, okJson } from '../base/operation-docs.ts';
import { type Env, refuse } from '../edge/hono-answers.ts';
import { methodNotAllowed } from '../base/no-route.ts';
import { Refusal } from '../base/refusal.ts';
import type { Description } from './openapi/description.ts';
import { pageHeaders } from './openapi/page.ts';
import { liveness, readiness, healthResponse } from '../lifecycle/health.ts';
import type { MetricsText } from '../observability/metrics.ts';
import { welcomeResponse, welcomePage, welcomeText } from './welcome.ts';

export interface Operations {
  /** Pings the store; false if it does not answer. */
  storeReachable: () => Promise<boolean>;
  draining: () => boolean;
  metrics: () => Promise<MetricsText>;
  authorize: ActorCheck;
}

/** A path that answers only GET. */
export interface OperationRoute {
  path: string;
  get: DocumentedOperation & { answer: (c: Context<Env>) => Response | Promise<Response> };
}

/** The page has inline style. */
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/** Metrics show all teams at once. */
export const metricsNeed: Need = 'read-gateway';

const text = z.string();
const docs = {
  welcome: {
    summary: 'Say what this is and where to go next',
    answer: { status: 200, content: { 'application/json': welcomeResponse, 'text/html': text } },
  },
  health: { summary: 'Say that the process is alive', answer: okJson(healthResponse) },
  readiness: {
    summary: 'Say whether this process should get requests now',
    answer: okJson(healthResponse),
    others: [
      {
        status: 503,
        description: 'The store is unreachable, or the process is shutting down.',
        schema: healthResponse,
      },
    ],
  },
  metrics: { summary: 'Metrics for Prometheus', answer: { status: 200, content: { 'text/plain': text } } },
  openapi: { summary: 'This description, as OpenAPI 3.1', answer: okJson(z.looseObject({ openapi: text })) },
  docs: { summary: 'This description, as a page', answer: { status: 200, content: { 'text/html': text } } },
} satisfies Record<string, OperationDocs>;

/** `/`, health, metrics (contract 1.7) and the API's description. */
export function operationRoutes(operations: Operations, description: Description): OperationRoute[] {
  const { storeReachable, draining } = operations;
  return [
    { path: '/', get: { docs: docs.welcome, access: 'anyone', answer: welcome } },
    {
      path: '/healthz',
      get: {
        docs: docs.health,
        access: 'anyone',
        answer: (c) => {
          const { status, body } = liveness();
          return c.json(body, status);
        },
      },
    },
    {
      path: '/readyz',
      get: {
        docs: docs.readiness,
        access: 'anyone',
        answer: async (c) => {
          const { status, body } = readiness({
            storeReachable: await storeReachable(),
            draining: draining(),
          });
          return c.json(body, status);
        },
      },
    },
    {
      path: '/metrics',
      get: {
        docs: docs.metrics,
        access: 'administrator',
        needed: neededFor(metricsNeed),
        answer: (c) => metricsFor(c, operations),
      },
    },
    {
      path: '/openapi.json',
      get: {
        docs: docs.openapi,
        access: 'anyone',
        answer: (c) => c.body(description.json, 200, { 'content-type': 'application/json' }),
      },
    },
    {
      path: '/docs',
      get: {
        docs: docs.docs,
        access: 'anyone',
        answer: (c) => c.html(description.page, 200, pageHeaders),
      },
    },
  ];
}

/** Mounts the routes; every other method is a 405. */
export function mountOperations(app: Hono<Env>, routes: readonly OperationRoute[]): void {
  for (const { path, get } of routes) {
    app.get(path, get.answer);
    app.all(path, (c) => refuse(c, methodNotAllowed(path, ['GET'])));
  }
}

function welcome(c: Context<Env>): Response {
  const wantsPage = c.req.header('accept')?.includes('text/html') ?? false;
  if (!wantsPage) return c.json(welcomeText);
  return c.html(welcomePage, 200, { 'content-security-policy': pagePolicy });
}

async function metricsFor(c: Context<Env>, { authorize, metrics }: Operations): Promise<Response> {
  const actor = await authorize(c.env.incoming.headers);
  const refusal = actor instanceof Refusal ? actor : permit(actor, metricsNeed, []);
  if (refusal) return refuse(c, refusal);
  const { contentType, body } = await metrics();
  return c.body(body, 200, { 'content-type': contentType, 'cache-control': 'no-store' });
}
