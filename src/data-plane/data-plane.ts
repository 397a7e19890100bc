import { z } from 'zod';
import { jsonBody, type DocumentedOperation } from '../base/operation-docs.ts';
import type { Endpoint } from '../base/request.ts';
import { mcpServersDocs, type McpServers } from './mcp-servers.ts';
import { availableModelsDocs, modelDocs, modelsDocs, type ModelRoutes } from './model-routes.ts';
import { ownUsageDocs, type OwnUsage } from './own-usage.ts';
import type { Call } from '../edge/call.ts';
import type { DataRoute, Work } from '../edge/route.ts';
import { availableModelsPath } from '../edge/cors.ts';
import { ownRotationDocs, type RotationRoute } from './rotation-route.ts';
import { meDocs, type SelfService } from './self-service.ts';
import { endSessionDocs, type SessionRoutes } from '../sessions/session-routes.ts';
import { endpoints, mcpServersPath } from '../validation/registry.ts';

export interface DataPlaneParts {
  models: ModelRoutes;
  self: SelfService;
  ownUsage: OwnUsage;
  mcpServers: McpServers;
  sessions: SessionRoutes;
  rotation: RotationRoute;
}

/** Every route of the data plane, and of the way into it. `pass` is the way of a request that is sent on. */
export function dataPlaneRoutes(
  { models, self, ownUsage, mcpServers, sessions, rotation }: DataPlaneParts,
  pass: (call: Call, endpoint: Endpoint) => Promise<void>,
): DataRoute[] {
  return [
    ...endpoints.map((endpoint): DataRoute => {
      const work: Work = (call) => pass(call, endpoint);
      return { path: endpoint.path, methods: { POST: { ...forwardedDocs(endpoint), work } } };
    }),
    { path: mcpServersPath, methods: { GET: { ...mcpServersDocs, work: (call) => mcpServers.list(call) } } },
    { path: '/v1/models', methods: { GET: { ...modelsDocs, work: (call) => models.list(call) } } },
    { path: '/v1/models/:id{.+}', methods: { GET: { ...modelDocs, work: (call) => models.one(call) } } },
    {
      path: availableModelsPath,
      methods: { GET: { ...availableModelsDocs, work: (call) => models.available(call) } },
    },
    { path: '/v1/me', methods: { GET: { ...meDocs, work: (call) => self.me(call) } } },
    { path: '/v1/me/usage', methods: { GET: { ...ownUsageDocs, work: (call) => ownUsage.usage(call) } } },
    {
      path: '/v1/me/rotate',
      methods: { POST: { ...ownRotationDocs, work: (call) => rotation.rotate(call) } },
    },
    {
      path: '/v1/sessions',
      methods: {
        POST: { ...sessions.mintSessionDocs, work: (call) => sessions.mint(call) },
        DELETE: { ...endSessionDocs, work: (call) => sessions.end(call) },
      },
    },
  ];
}

const eventStream = z.string().meta({
  description:
    'A stream: server-sent events as the upstream sends them; comments between them keep the connection.',
});

function forwardedDocs({ docs }: Endpoint): DocumentedOperation {
  const plain = docs.answer === null ? {} : { 'application/json': docs.answer };
  const stream = docs.streams ? { 'text/event-stream': eventStream } : {};
  return {
    docs: {
      summary: docs.summary,
      ...(docs.details === undefined ? {} : { details: docs.details }),
      body: jsonBody(docs.body),
      answer: { status: 200, content: { ...plain, ...stream } },
    },
    access: 'session or user',
    forwarded: true,
  };
}
