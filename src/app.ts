import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { TrieRouter } from 'hono/router/trie-router';
import { adminApp, adminRoutes } from './admin/admin-app.ts';
import type { AdminDeps } from './admin/deps.ts';
import type { Clock } from './base/clock.ts';
import { doubledVersion, methodNotAllowed, noRoute, noWebSockets, opensWebSocket } from './base/no-route.ts';
import { type ErrorCode, Refusal } from './base/refusal.ts';
import type { Endpoint } from './base/request.ts';
import { type ClaimDeps, claimRoute } from './claims/claim-routes.ts';
import { type Console, consoleRoutes } from './console/console.ts';
import { apiPrefix } from './console/own-routes.ts';
import { foreignRequest } from './console/own-request.ts';
import { countRoutes } from './data-plane/count-tokens.ts';
import type { Pipeline } from './data-plane/pipeline.ts';
import { type DataPlaneDeps, dataPlaneRoutes, forwardedRoutes } from './data-plane/routes.ts';
import { ReadingTurns } from './data-plane/reading-turns.ts';
import type { Answers } from './edge/answers.ts';
import { Call } from './edge/call.ts';
import { availableModelsPath, corsBelowRoutes, descriptionPath, isForBrowsers } from './base/cors.ts';
import type { FrontDoor } from './edge/front-door.ts';
import type { Journal } from './edge/journal.ts';
import { type Handler, operationFor } from './edge/route.ts';
import { traced, tracedRoutes } from './edge/traced.ts';
import { namedHeaders } from './lifecycle/security-headers.ts';
import { KeptAnswer } from './limits/kept-answer.ts';
import { type LeakDeps, leakRoute } from './leaks/leak-route.ts';
import { type OperationsDeps, operationRoutes } from './operations/routes.ts';
import { type SessionRoutesDeps, sessionRoutes } from './sessions/session-routes.ts';
import { type SignInDeps, signInRoutes } from './sign-in/sign-in-route.ts';
import type { Tracer } from './telemetry/tracer.ts';

export interface AppDeps
  extends DataPlaneDeps, SessionRoutesDeps, SignInDeps, ClaimDeps, LeakDeps, OperationsDeps {
  frontDoor: FrontDoor;
  pipeline: Pipeline;
  answers: Answers;
  journal: Journal;
  admin: AdminDeps;
  console: Console;
  /** Null if requests are not traced. */
  tracer: Tracer | null;
  clock: Clock;
}

interface Env {
  Bindings: HttpBindings;
  /** Of an answer of the admin API, for the log. */
  Variables: { requestId?: string; errorCode?: ErrorCode };
}

/** The way of a request: authenticate → validate → admit → forward → settle. */
async function pass(
  { frontDoor, pipeline, answers }: AppDeps,
  call: Call,
  endpoint: Endpoint,
): Promise<void> {
  const known = frontDoor.authenticate(call, endpoint);
  const caller = known instanceof Promise ? await known : known; // hardly ever
  if (caller instanceof Refusal) return answers.refuse(call, caller);

  const request = await pipeline.validate(call, endpoint, caller);
  if (request === null) return answers.leftEarly(call); // before its body was in
  if (request instanceof Refusal) return answers.refuse(call, request);

  call.trace?.admits();
  const admitted = await pipeline.admit(call, request, caller);
  call.trace?.admitted();
  if (admitted instanceof Refusal) return answers.refuse(call, admitted);
  if (admitted instanceof KeptAnswer) return answers.replay(call, admitted);

  pipeline.forward(call, request, admitted); // and settles, before the caller's answer ends
}

export interface App {
  hono: Hono<Env>;
  /**
   * Takes a request that is to be forwarded; false if it is another one, which goes to Hono. Web-standard objects, which
   * the way through Hono begins with, take 12,000 instructions, and these requests have no use for them.
   */
  forwards: (io: HttpBindings) => boolean;
}

/** Every route there is. */
export function createApp(deps: AppDeps): App {
  const { answers, journal, clock } = deps;
  // Hono's first choice takes 17 ms of a start for its regular expressions, to find a route some 5 µs sooner.
  const app = new Hono<Env>({ router: new TrieRouter() });
  const forwarded = new Map<string, Handler>();

  /** Answers straight to Node's response. Whatever fails is answered and logged in one place. */
  const run = (io: HttpBindings, path: string, handle: Handler): void => {
    const call = new Call(io, path, clock);
    handle(call).catch((error: unknown) => answers.fail(call, error));
  };

  /** Hono does not wait: it has nothing left to do. */
  const serve = (handle: Handler) =>
    function served(c: Context<Env>): Response {
      run(c.env, c.req.path, handle);
      return RESPONSE_ALREADY_SENT;
    };

  const administration = adminRoutes(deps.admin);
  const admin = [...administration, deps.console.linkRoute];
  const turns = new ReadingTurns();
  const routes = [
    ...forwardedRoutes((endpoint) => {
      const handle = traced(deps.tracer, endpoint.path, (call) => pass(deps, call, endpoint));
      forwarded.set(endpoint.path, handle);
      return handle;
    }),
    ...tracedRoutes(deps.tracer, [
      ...countRoutes(deps),
      ...dataPlaneRoutes(deps, turns),
      ...sessionRoutes(deps),
    ]),
    ...signInRoutes(deps),
    claimRoute(deps),
    leakRoute(deps),
  ];
  routes.push(...operationRoutes(deps, [...routes, ...admin]));
  // The same once more for the console's pages, behind its session.
  const holder = { ...deps, frontDoor: deps.console.frontDoor, minter: deps.console.minter };
  routes.push(...consoleRoutes(deps.console, [...dataPlaneRoutes(holder, turns), ...sessionRoutes(holder)]));

  const preflight = serve(async (call) => answers.preflight(call));
  const open = ['/v1/*', '/oauth/*', availableModelsPath, descriptionPath];
  for (const path of open) app.on('OPTIONS', path, preflight);
  app.use(`${apiPrefix}/*`, async (c, next) => {
    const foreign = foreignRequest(c.env.incoming);
    if (foreign === null) return next();
    return serve(async (call) => answers.refuse(call, foreign))(c);
  });
  for (const route of routes) {
    const { path, methods } = route;
    const {
      otherwise = async (call: Call) => answers.refuse(call, otherMethod(call, Object.keys(methods))),
    } = route;
    if (isForBrowsers(path)) journal.serves(path);
    // One handler a path: of two, Hono makes a chain at every request.
    app.all(
      path,
      serve((call) => {
        const operation = operationFor(route, call.incoming.method);
        if (operation === undefined) return otherwise(call);
        call.query = operation.docs.query;
        return operation.handle(call);
      }),
    );
  }
  app.all(
    '/v1/v1/*',
    serve(async (call) => answers.refuse(call, doubledVersion)),
  );
  for (const prefix of ['', apiPrefix]) app.use(`${prefix}/admin/*`, logged(deps));
  app.route('/', adminApp(deps.admin, { routes: admin }));
  const bySession = { ...deps.admin, authorize: deps.console.authorize };
  // Without links: a session could make its successor, and so outlive its sign-out and its eight hours.
  app.route('/', adminApp(bySession, { routes: administration, prefix: apiPrefix }));

  const paths = new Set(routes.map(({ path }) => path));
  const exists = (path: string): boolean => paths.has(path);
  app.notFound(serve(async (call) => answers.refuse(call, noRoute(call.path, exists))));
  app.onError((error, c) => {
    const refusal = answers.refusalFor(error);
    const headers = { ...namedHeaders(corsBelowRoutes(c.req.path)), ...refusal.headers };
    return Response.json(refusal.body(null), { status: refusal.status, headers });
  });
  return {
    hono: app,
    forwards(io) {
      const { method, url = '' } = io.incoming;
      const handle = method === 'POST' ? forwarded.get(url) : undefined;
      if (handle) run(io, url, handle);
      return handle !== undefined;
    },
  };
}

function otherMethod({ path, incoming }: Call, methods: readonly string[]): Refusal {
  return opensWebSocket(incoming) ? noWebSockets : methodNotAllowed(path, methods);
}

/** One line in the log for every answer of the admin API, which also runs without this gateway. */
function logged({ journal, clock }: AppDeps) {
  return async function log(c: Context<Env>, next: () => Promise<void>): Promise<void> {
    const startedMs = clock.monotonic();
    await next();
    const { method, path } = c.req;
    const requestId = c.res.headers.get('x-request-id') ?? '';
    const durationMs = clock.monotonic() - startedMs;
    const errorCode = c.get('errorCode') ?? null;
    journal.note({ requestId, method, path, status: c.res.status, errorCode, durationMs, caller: null });
  };
}
