import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import type { adminApp } from './admin/admin-app.ts';
import { Refusal } from './core/refusal.ts';
import type { Clock } from './core/clock.ts';
import type { Endpoint } from './core/request.ts';
import type { Gateway } from './gateway.ts';
import { type Env, mountOperations, type Operations, refusalResponse } from './operations.ts';
import { Call } from './proxy/call.ts';
import { preflightHeaders } from './proxy/cors.ts';
import type { SelfService } from './self-service.ts';
import { endpoints } from './validation/registry.ts';

export interface AppParts {
  gateway: Gateway;
  self: SelfService;
  operations: Operations;
  /** The admin API, mounted at its own paths. */
  admin: ReturnType<typeof adminApp>;
  clock: Clock;
}

/** The way of a request: authenticate → validate → admit → forward → settle. */
async function pass(gateway: Gateway, call: Call, endpoint: Endpoint): Promise<void> {
  const caller = await gateway.authenticate(call);
  if (caller instanceof Refusal) return gateway.refuse(call, caller);

  const request = await gateway.validate(call, endpoint);
  if (request === null) return gateway.leftEarly(call); // before its body was in
  if (request instanceof Refusal) return gateway.refuse(call, request);

  const admitted = await gateway.admit(call, request, caller);
  if (admitted instanceof Refusal) return gateway.refuse(call, admitted);

  gateway.forward(call, request, admitted); // and settles, before the caller's answer ends
}

/** Every route there is. */
export function createApp({ gateway, self, operations, admin, clock }: AppParts): Hono<Env> {
  const app = new Hono<Env>();

  /** Answers straight to Node's response; whatever fails is answered and logged in one place. */
  const serve = (work: (call: Call) => Promise<void>) =>
    async function served(c: Context<Env>): Promise<Response> {
      const call = new Call(c.env, c.req.path, clock);
      await work(call).catch((error: unknown) => gateway.fail(call, error));
      return RESPONSE_ALREADY_SENT;
    };
  const refuse = (refusal: (call: Call) => Refusal) =>
    serve(async (call) => gateway.refuse(call, refusal(call)));

  /** One line in the log for what Hono answers by itself. */
  async function noted(c: Context<Env>, next: () => Promise<void>): Promise<void> {
    const startedMs = clock.monotonic();
    await next();
    const { method, path } = c.req;
    const requestId = c.res.headers.get('x-request-id') ?? '';
    const durationMs = clock.monotonic() - startedMs;
    gateway.note({ requestId, method, path, status: c.res.status, errorCode: null, durationMs });
  }

  for (const endpoint of endpoints)
    app.post(
      endpoint.path,
      serve((call) => pass(gateway, call, endpoint)),
    );
  app.get(
    '/v1/models',
    serve((call) => self.models(call)),
  );
  app.get(
    '/v1/me',
    serve((call) => self.me(call)),
  );

  app.options('/v1/*', (c) => {
    c.env.outgoing.writeHead(204, preflightHeaders(c.req.header('access-control-request-headers'))).end();
    return RESPONSE_ALREADY_SENT;
  });
  for (const { path } of endpoints)
    app.all(
      path,
      refuse((call) => methodNotAllowed(call, 'POST')),
    );
  for (const path of ['/v1/models', '/v1/me'])
    app.all(
      path,
      refuse((call) => methodNotAllowed(call, 'GET')),
    );
  app.all('/v1/*', refuse(notFound));

  for (const path of ['/', '/healthz', '/readyz', '/metrics', '/admin/*']) app.use(path, noted);
  mountOperations(app, operations);
  app.route('/', admin);
  app.notFound(refuse(notFound));
  app.onError((error) => refusalResponse(gateway.refusalFor(error), null));
  return app;
}

function methodNotAllowed({ incoming, path }: Call, allow: string): Refusal {
  const message = `${incoming.method ?? 'This method'} is not possible on ${path}; use ${allow}.`;
  return new Refusal('method_not_allowed', message, { headers: { allow } });
}

function notFound({ path }: Call): Refusal {
  const remedy = path.startsWith('/v1/v1/')
    ? 'the base URL has one /v1 too many: leave it off there or here.'
    : 'GET / says what there is.';
  return new Refusal('not_found', `There is nothing at ${path.slice(0, 200)}; ${remedy}`);
}
