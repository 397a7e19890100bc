import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import type { adminApp } from './admin/admin-app.ts';
import { neededFor } from './access/permission.ts';
import type { Route as AdminRoute } from './admin/respond.ts';
import { methodNotAllowed, nothingHere } from './base/no-route.ts';
import { Refusal } from './base/refusal.ts';
import type { Clock } from './base/clock.ts';
import type { DocumentedRoute } from './base/operation-docs.ts';
import type { Endpoint } from './base/request.ts';
import type { Answers } from './edge/answers.ts';
import { type ClaimParts, claimDocs, mountClaims } from './claims/claim-routes.ts';
import { type DataPlaneParts, dataPlaneRoutes } from './data-plane/data-plane.ts';
import type { DataRoute, Work } from './edge/route.ts';
import { Description } from './operations/openapi/description.ts';
import type { Pipeline } from './data-plane/pipeline.ts';
import type { FrontDoor } from './edge/front-door.ts';
import type { Journal } from './edge/journal.ts';
import {
  mountOperations,
  type OperationRoute,
  operationRoutes,
  type Operations,
} from './operations/operations.ts';
import { type Env, refuse } from './edge/hono-answers.ts';
import { Call, requestIdOf } from './edge/call.ts';
import { availableModelsPath } from './edge/cors.ts';
import { signInDocs, type SignInRoute } from './sign-in/sign-in-route.ts';
import { version } from './operations/version.ts';

export interface AppParts extends DataPlaneParts {
  frontDoor: FrontDoor;
  pipeline: Pipeline;
  answers: Answers;
  journal: Journal;
  signIn: SignInRoute;
  claims: ClaimParts;
  operations: Operations;
  /** The admin API, mounted at its own paths, and what it is made of. */
  admin: { app: ReturnType<typeof adminApp>; routes: readonly AdminRoute[] };
  clock: Clock;
}

/** The way of a request: authenticate → validate → admit → forward → settle. */
async function pass(
  { frontDoor, pipeline, answers }: AppParts,
  call: Call,
  endpoint: Endpoint,
): Promise<void> {
  const caller = await frontDoor.authenticate(call, endpoint);
  if (caller instanceof Refusal) return answers.refuse(call, caller);

  const request = await pipeline.validate(call, endpoint, caller);
  if (request === null) return answers.leftEarly(call); // before its body was in
  if (request instanceof Refusal) return answers.refuse(call, request);

  const admitted = await pipeline.admit(call, request, caller);
  if (admitted instanceof Refusal) return answers.refuse(call, admitted);

  pipeline.forward(call, request, admitted); // and settles, before the caller's answer ends
}

/** Every route there is. */
export function createApp(parts: AppParts): Hono<Env> {
  const { answers, journal, admin, clock } = parts;
  const app = new Hono<Env>();

  const refused = (refusal: Refusal) => async (call: Call) => answers.refuse(call, refusal);
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
    const asked = requestIdOf(c.req.header('x-request-id'));
    c.set('requestId', asked);
    await next();
    // The admin API, which also runs without this gateway, has given it one already.
    const requestId = c.res.headers.get('x-request-id') ?? asked;
    c.header('x-request-id', requestId);
    const { method, path } = c.req;
    const durationMs = clock.monotonic() - startedMs;
    const errorCode = c.get('errorCode') ?? null;
    journal.note({ requestId, method, path, status: c.res.status, errorCode, durationMs, identity: null });
  }

  const routes = [
    ...dataPlaneRoutes(parts, (call, endpoint) => pass(parts, call, endpoint)),
    {
      path: '/oauth/token',
      methods: { POST: { ...signInDocs, work: (call: Call) => parts.signIn.exchange(call) } },
    } satisfies DataRoute,
  ];
  for (const open of ['/v1/*', '/oauth/*', availableModelsPath]) app.on('OPTIONS', open, serve(preflight));
  for (const { path, methods } of routes) {
    journal.serves(path);
    const refuseMethod = refused(methodNotAllowed(path, Object.keys(methods)));
    // One handler a path: of two, Hono makes a chain at every request.
    app.all(
      path,
      serve((call) => (workFor(call, methods) ?? refuseMethod)(call)),
    );
  }
  app.all('/v1/v1/*', serve(refused(twoVersions)));

  const description = new Description({
    version,
    routes: () => [
      ...routes,
      claimDocs,
      ...admin.routes.map(documentedAdmin),
      ...operations.map(documentedGet),
    ],
  });
  const operations = operationRoutes(parts.operations, description);
  for (const at of [...operations.map(({ path }) => path), '/admin/*']) app.use(at, noted);
  mountOperations(app, operations);
  mountClaims(app, parts.claims);
  app.route('/', admin.app);
  const versioned = new Set(routes.map(({ path }) => path));
  app.notFound(
    serve(async (call) => answers.refuse(call, versioned.has(`/v1${call.path}`) ? noVersion : nothingHere)),
  );
  app.onError((error, c) => refuse(c, answers.refusalFor(error)));
  return app;
}

/** HEAD is GET without the body: RFC 9110, 9.3.2. */
function workFor(
  { incoming: { method } }: Call,
  { GET, POST, DELETE }: DataRoute['methods'],
): Work | undefined {
  switch (method) {
    case 'POST':
      return POST?.work;
    case 'GET':
    case 'HEAD':
      return GET?.work;
    case 'DELETE':
      return DELETE?.work;
    default:
      return undefined;
  }
}

/** A route of the admin API, as its description has it. */
function documentedAdmin({ path, methods }: AdminRoute): DocumentedRoute {
  const operations = Object.entries(methods).map(([method, { docs, needs }]) => [
    method,
    { docs, access: 'administrator', needed: neededFor(needs) },
  ]);
  return { path, methods: Object.fromEntries(operations) as DocumentedRoute['methods'] }; // of the same methods
}

function documentedGet({ path, get }: OperationRoute): DocumentedRoute {
  return { path, methods: { GET: get } };
}

const noVersion = new Refusal(
  'not_found',
  'There is nothing at this path; the base URL lacks /v1, which your client does not add by itself.',
);
const twoVersions = new Refusal(
  'not_found',
  'There is nothing at this path; the base URL has one /v1 too many: your client adds it by itself.',
);
