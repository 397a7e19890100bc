import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import type { adminApp } from './admin/admin-app.ts';
import { Refusal } from './core/refusal.ts';
import type { Clock } from './core/clock.ts';
import type { Endpoint } from './core/request.ts';
import type { Answers } from './answers.ts';
import { type ClaimParts, mountClaims } from './claim-routes.ts';
import type { Gateway } from './gateway.ts';
import type { Journal } from './journal.ts';
import type { McpServers } from './mcp-servers.ts';
import type { OwnUsage } from './own-usage.ts';
import { type Env, mountOperations, operationPaths, type Operations, refusalResponse } from './operations.ts';
import { Call } from './proxy/call.ts';
import type { RotationRoute } from './rotation-route.ts';
import type { SelfService } from './self-service.ts';
import type { SessionRoutes } from './session-routes.ts';
import type { SignInRoute } from './sign-in-route.ts';
import { endpoints, mcpServersPath } from './validation/registry.ts';

export interface AppParts {
  gateway: Gateway;
  answers: Answers;
  journal: Journal;
  self: SelfService;
  ownUsage: OwnUsage;
  mcpServers: McpServers;
  sessions: SessionRoutes;
  signIn: SignInRoute;
  rotation: RotationRoute;
  claims: ClaimParts;
  operations: Operations;
  /** The admin API, mounted at its own paths. */
  admin: ReturnType<typeof adminApp>;
  clock: Clock;
}

/** The way of a request: authenticate → validate → admit → forward → settle. */
async function pass({ gateway, answers }: AppParts, call: Call, endpoint: Endpoint): Promise<void> {
  const caller = await gateway.authenticate(call, endpoint);
  if (caller instanceof Refusal) return answers.refuse(call, caller);

  const request = await gateway.validate(call, endpoint, caller);
  if (request === null) return answers.leftEarly(call); // before its body was in
  if (request instanceof Refusal) return answers.refuse(call, request);

  const admitted = await gateway.admit(call, request, caller);
  if (admitted instanceof Refusal) return answers.refuse(call, admitted);

  gateway.forward(call, request, admitted); // and settles, before the caller's answer ends
}

type Work = (call: Call) => Promise<void>;

/** A path of the data plane and what its methods do; every other method is a 405. */
interface Route {
  path: string;
  methods: Partial<Record<'GET' | 'POST' | 'DELETE', Work>>;
}

/** Every route there is. */
export function createApp(parts: AppParts): Hono<Env> {
  const { answers, journal, self, ownUsage, sessions, signIn, operations, admin, clock } = parts;
  const app = new Hono<Env>();

  const refuse = (refusal: Refusal) => async (call: Call) => answers.refuse(call, refusal);
  const preflight = async (call: Call): Promise<void> => answers.preflight(call);

  /**
   * Answers straight to Node's response; whatever fails is answered and logged in one place. Hono is not kept
   * waiting for it: it has nothing left to do.
   */
  const serve = (work: (call: Call) => Promise<void>) =>
    function served(c: Context<Env>): Response {
      const call = new Call(c.env, c.req.path, clock);
      work(call).catch((error: unknown) => answers.fail(call, error));
      return RESPONSE_ALREADY_SENT;
    };
  /** One line in the log for what Hono answers by itself. */
  async function noted(c: Context<Env>, next: () => Promise<void>): Promise<void> {
    const startedMs = clock.monotonic();
    await next();
    const { method, path } = c.req;
    const requestId = c.res.headers.get('x-request-id') ?? '';
    const durationMs = clock.monotonic() - startedMs;
    const errorCode = c.get('errorCode') ?? null;
    journal.note({ requestId, method, path, status: c.res.status, errorCode, durationMs, identity: null });
  }

  const routes: Route[] = [
    ...endpoints.map((endpoint): Route => {
      return { path: endpoint.path, methods: { POST: (call) => pass(parts, call, endpoint) } };
    }),
    { path: mcpServersPath, methods: { GET: (call) => parts.mcpServers.list(call) } },
    { path: '/v1/models', methods: { GET: (call) => self.models(call) } },
    { path: '/v1/me', methods: { GET: (call) => self.me(call) } },
    { path: '/v1/me/usage', methods: { GET: (call) => ownUsage.usage(call) } },
    { path: '/v1/me/rotate', methods: { POST: (call) => parts.rotation.rotate(call) } },
    {
      path: '/v1/sessions',
      methods: { POST: (call) => sessions.mint(call), DELETE: (call) => sessions.end(call) },
    },
    { path: '/oauth/token', methods: { POST: (call) => signIn.exchange(call) } },
  ];
  for (const open of ['/v1/*', '/oauth/*']) app.on('OPTIONS', open, serve(preflight));
  for (const { path, methods } of routes) {
    journal.serves(path);
    const refuseMethod = refuse(methodNotAllowed(path, Object.keys(methods).join(', ')));
    // One handler a path: of two, Hono makes a chain at every request.
    app.all(
      path,
      serve((call) => (workFor(call, methods) ?? refuseMethod)(call)),
    );
  }
  app.all(
    '/v1/v1/*',
    serve(refuse(notFound('the base URL has one /v1 too many: your client adds it by itself.'))),
  );

  for (const path of [...operationPaths, '/admin/*']) app.use(path, noted);
  mountOperations(app, operations);
  mountClaims(app, parts.claims);
  app.route('/', admin);
  app.notFound(serve(refuse(nowhere)));
  app.onError((error, c) => refusalResponse(answers.refusalFor(error), null, c.req.path));
  return app;
}

/** HEAD is GET without the body: RFC 9110, 9.3.2. */
function workFor({ incoming: { method } }: Call, { GET, POST, DELETE }: Route['methods']): Work | undefined {
  switch (method) {
    case 'POST':
      return POST;
    case 'GET':
    case 'HEAD':
      return GET;
    case 'DELETE':
      return DELETE;
    default:
      return undefined;
  }
}

function methodNotAllowed(path: string, allow: string): Refusal {
  return new Refusal('method_not_allowed', `On ${path} only ${allow} is possible.`, { headers: { allow } });
}

/** The path is not repeated: people paste tokens anywhere. */
function notFound(remedy: string): Refusal {
  return new Refusal('not_found', `There is nothing at this path; ${remedy}`);
}

const nowhere = notFound('GET / says what there is.');
