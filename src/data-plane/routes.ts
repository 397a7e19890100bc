import { z } from 'zod';
import { type DocumentedOperation, jsonBody } from '../base/operation-docs.ts';
import type { Endpoint } from '../base/request.ts';
import type { Handler, Route } from '../edge/route.ts';
import { endpoints } from '../validation/registry.ts';
import { mcpServersRoute } from './mcp-servers.ts';
import { meRoute } from './me-route.ts';
import { modelRoutes } from './model-routes.ts';
import { ownRequestsRoute } from './own-requests.ts';
import { ownUsageRoute } from './own-usage.ts';
import type { ReadingTurns } from './reading-turns.ts';
import { ownRotationRoute } from './rotation-route.ts';

/** What the routes below need, all together. */
export type DataPlaneDeps = Parameters<typeof mcpServersRoute>[0] &
  Parameters<typeof meRoute>[0] &
  Parameters<typeof modelRoutes>[0] &
  Omit<Parameters<typeof ownUsageRoute>[0] & Parameters<typeof ownRequestsRoute>[0], 'turns'> &
  Parameters<typeof ownRotationRoute>[0];

/**
 * What a token may ask about itself and its surroundings: neither counted nor in the ledger. Routes that are mounted more
 * than once share their `turns`.
 */
export function dataPlaneRoutes(deps: DataPlaneDeps, turns: ReadingTurns): Route[] {
  return [
    mcpServersRoute(deps),
    ...modelRoutes(deps),
    meRoute(deps),
    ownUsageRoute({ ...deps, turns }),
    ownRequestsRoute({ ...deps, turns }),
    ownRotationRoute(deps),
  ];
}

/** The endpoints whose requests are forwarded. `handlerOf` makes the handler of each. */
export function forwardedRoutes(handlerOf: (endpoint: Endpoint) => Handler): Route[] {
  return endpoints.map((endpoint) => ({
    path: endpoint.path,
    methods: { POST: { ...forwardedDocs(endpoint), handle: handlerOf(endpoint) } },
  }));
}

const eventStream = z.string().meta({
  description:
    'Server-sent events as the upstream sends them; comments between them keep the connection open.',
});

function forwardedDocs({ docs }: Endpoint): DocumentedOperation {
  const plain = docs.answer === null ? {} : { 'application/json': docs.answer };
  const stream = docs.streams ? { 'text/event-stream': eventStream } : {};
  return {
    docs: {
      summary: docs.summary,
      ...(docs.details === undefined ? {} : { details: docs.details }),
      query: 'ignored', // SDKs send such as `?beta=true`, or an API version
      body: jsonBody(docs.body),
      answer: { status: 200, content: { ...plain, ...stream } },
      refusals: docs.refusals ?? [],
    },
    access: 'session or user',
    forwarded: true,
  };
}
