import { z } from 'zod';
import { jsonBody, type DescribedOperation } from './core/described.ts';
import type { Endpoint } from './core/request.ts';
import { aboutMcpServers, type McpServers } from './mcp-servers.ts';
import { aboutAvailableModels, aboutModel, aboutModels, type ModelRoutes } from './model-routes.ts';
import { aboutOwnUsage, type OwnUsage } from './own-usage.ts';
import type { Call } from './proxy/call.ts';
import { availableModelsPath } from './proxy/cors.ts';
import { aboutOwnRotation, type RotationRoute } from './rotation-route.ts';
import { aboutMe, type SelfService } from './self-service.ts';
import { aboutEnding, type SessionRoutes } from './session-routes.ts';
import { aboutSignIn, type SignInRoute } from './sign-in-route.ts';
import { endpoints, mcpServersPath } from './validation/registry.ts';

export type Work = (call: Call) => Promise<void>;

/** What a method of a path does, and what is told of it: neither is without the other. */
interface Operation extends DescribedOperation {
  work: Work;
}

/** A path of the data plane and what its methods do; every other method is a 405. */
export interface DataRoute {
  path: string;
  methods: Partial<Record<'GET' | 'POST' | 'DELETE', Operation>>;
}

export interface DataPlaneParts {
  models: ModelRoutes;
  self: SelfService;
  ownUsage: OwnUsage;
  mcpServers: McpServers;
  sessions: SessionRoutes;
  signIn: SignInRoute;
  rotation: RotationRoute;
}

/** Every route of the data plane, and of the way into it. `pass` is the way of a request that is sent on. */
export function dataPlaneRoutes(
  { models, self, ownUsage, mcpServers, sessions, signIn, rotation }: DataPlaneParts,
  pass: (call: Call, endpoint: Endpoint) => Promise<void>,
): DataRoute[] {
  return [
    ...endpoints.map((endpoint): DataRoute => {
      const work: Work = (call) => pass(call, endpoint);
      return { path: endpoint.path, methods: { POST: { ...aboutForwarded(endpoint), work } } };
    }),
    { path: mcpServersPath, methods: { GET: { ...aboutMcpServers, work: (call) => mcpServers.list(call) } } },
    { path: '/v1/models', methods: { GET: { ...aboutModels, work: (call) => models.list(call) } } },
    { path: '/v1/models/:id{.+}', methods: { GET: { ...aboutModel, work: (call) => models.one(call) } } },
    {
      path: availableModelsPath,
      methods: { GET: { ...aboutAvailableModels, work: (call) => models.available(call) } },
    },
    { path: '/v1/me', methods: { GET: { ...aboutMe, work: (call) => self.me(call) } } },
    { path: '/v1/me/usage', methods: { GET: { ...aboutOwnUsage, work: (call) => ownUsage.usage(call) } } },
    {
      path: '/v1/me/rotate',
      methods: { POST: { ...aboutOwnRotation, work: (call) => rotation.rotate(call) } },
    },
    {
      path: '/v1/sessions',
      methods: {
        POST: { ...sessions.aboutMinting, work: (call) => sessions.mint(call) },
        DELETE: { ...aboutEnding, work: (call) => sessions.end(call) },
      },
    },
    { path: '/oauth/token', methods: { POST: { ...aboutSignIn, work: (call) => signIn.exchange(call) } } },
  ];
}

const eventStream = z.string().meta({
  description:
    'A stream: server-sent events as the upstream sends them; comments between them keep the connection.',
});

function aboutForwarded({ about }: Endpoint): DescribedOperation {
  const plain = about.answer === null ? {} : { 'application/json': about.answer };
  const stream = about.streams ? { 'text/event-stream': eventStream } : {};
  return {
    about: {
      summary: about.summary,
      ...(about.details === undefined ? {} : { details: about.details }),
      body: jsonBody(about.body),
      answer: { status: 200, content: { ...plain, ...stream } },
    },
    access: 'session or user',
    forwarded: true,
  };
}
