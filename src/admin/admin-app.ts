import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { SmartRouter } from 'hono/router/smart-router';
import { TrieRouter } from 'hono/router/trie-router';
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { actingAs, actorName } from '../audit/context.ts';
import type { Actor } from '../base/actor.ts';
import { methodNotAllowed, nothingHere } from '../base/no-route.ts';
import type { OperationDocs } from '../base/operation-docs.ts';
import { queryRefusal } from '../base/query.ts';
import { Refusal } from '../base/refusal.ts';
import type { Account } from '../memory/account.ts';
import type { MemoryBudget } from '../memory/budget.ts';
import { holdingOf } from '../memory/holding.ts';
import { requestIdOf } from '../edge/call.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { auditVerifyRoute } from './audit-verify-route.ts';
import { backupRoutes } from './backup-routes.ts';
import { readOptionalBody } from './read-body.ts';
import { endUserRoutes } from './end-user-routes.ts';
import { findTokensRoute } from './find-tokens-route.ts';
import { issuersRoute } from './issuers-route.ts';
import { overviewRoute } from './overview-route.ts';
import { priceRoutes } from './price-routes.ts';
import { recordsRoutes } from './records-routes.ts';
import { reportRoutes } from './report-routes.ts';
import { administratorRoutes, settingsRoutes } from './gateway-routes.ts';
import { teamRoutes, userRoutes } from './team-routes.ts';
import { tokenRoutes } from './token-routes.ts';
import { gatewayWebhookRoutes, teamWebhookRoutes } from './webhook-routes.ts';
import { upstreamsRoute } from './upstreams-route.ts';
import type { AdminDeps } from './deps.ts';
import { permit } from '../access/permission.ts';
import { readIfMatch } from '../identity/operations/precondition.ts';
import {
  respond,
  teamsNamed,
  type AdminContext,
  type AdminEnv,
  type Operation,
  type Reply,
  type Route,
} from './respond.ts';

interface AdminAppOptions {
  routes?: readonly Route[];
  /** What its paths begin with, before `/admin`. */
  prefix?: string;
}

/** The admin API of contract 1.6. Mount at `/`: its paths begin with `/admin`. It never sends CORS headers. */
export function adminApp(
  deps: AdminDeps,
  { routes = adminRoutes(deps), prefix = '' }: AdminAppOptions = {},
): Hono<AdminEnv> {
  // A smart router takes its routes with the first request: in the gateway, which has its own router, never.
  const app = new Hono<AdminEnv>({ router: new SmartRouter({ routers: [new TrieRouter()] }) });
  const every = `${prefix}/admin/*`;

  app.use(every, async function identify(c, next) {
    const requestId = requestIdOf(c.req.header('x-request-id'));
    c.set('requestId', requestId);
    c.header('x-request-id', requestId);
    c.header('cache-control', 'no-store');
    await next();
  });

  app.use(every, async function authorize(c, next) {
    const { authorization, 'x-api-key': apiKey, 'x-forwarded-for': from, cookie } = c.req.header();
    const { incoming, outgoing } = (c.env ?? {}) as Partial<HttpBindings>; // the command line has no connection
    const peer = incoming?.socket.remoteAddress;
    const credential = { authorization, 'x-api-key': apiKey, 'x-forwarded-for': from, cookie };
    const actor = await deps.authorize(credential, peer);
    if (actor instanceof Refusal) return respond(c, actor);
    c.set('actor', actor);
    c.set('stillRefused', async () => {
      const now = actor.kind === 'root' ? actor : await deps.authorize(credential, peer);
      return now instanceof Refusal ? now : null;
    });
    const full = deps.budget && outgoing ? enter(outgoing, accountOf(actor, deps.budget)) : null;
    if (full) return respond(c, full);
    const context = deps.auditContextOf(actorName(actor), {
      requestId: c.get('requestId'),
      forwardedFor: from,
    });
    return actingAs(context, () => next());
  });

  for (const route of routes) mount(app, { ...route, path: prefix + route.path }, deps);
  app.all(every, (c) => respond(c, nothingHere));

  app.onError((error, c) => {
    if (error instanceof StoreUnavailable) return respond(c, storeUnavailable(error));
    deps.onError(error, c.get('requestId'));
    return respond(c, new Refusal('internal_error', 'Something went wrong in the gateway.'));
  });
  return app;
}

/** Every route of the admin API, with what each of its operations needs. */
export function adminRoutes(deps: AdminDeps): Route[] {
  return [
    ...teamRoutes(deps),
    ...userRoutes(deps),
    ...tokenRoutes(deps),
    ...endUserRoutes(deps),
    ...teamWebhookRoutes(deps),
    findTokensRoute(deps),
    ...settingsRoutes(deps),
    issuersRoute(deps),
    ...priceRoutes(deps),
    ...gatewayWebhookRoutes(deps),
    ...reportRoutes(deps),
    auditVerifyRoute(deps),
    overviewRoute(deps),
    upstreamsRoute(deps),
    ...recordsRoutes(deps),
    ...administratorRoutes(deps),
    ...backupRoutes(deps),
  ];
}

function accountOf(actor: Actor, budget: MemoryBudget): Account {
  return budget.administrator(actor.kind === 'root' ? 'root' : actor.id);
}

/** What a request holds in memory counts for its administrator until its answer has ended. */
function enter(outgoing: ServerResponse, account: Account): Refusal | null {
  if (outgoing.destroyed) return null;
  const holding = holdingOf(outgoing);
  outgoing.once('close', () => holding.leave());
  return holding.enter(account);
}

function mount(app: Hono<AdminEnv>, { path, methods }: Route, deps: Pick<AdminDeps, 'pace'>): void {
  for (const [method, operation] of Object.entries(methods)) {
    app.on(method, path, async (c) => respond(c, await run(operation, c, deps)));
  }
  app.all(path, (c) => respond(c, methodNotAllowed(c.req.path, Object.keys(methods))));
}

async function run(
  { needs, docs, handle, explain, ends = false }: Operation,
  c: AdminContext,
  { pace }: Pick<AdminDeps, 'pace'>,
): Promise<Reply> {
  const refusal = permit(c.get('actor'), needs, teamsNamed(c));
  if (refusal) return explain ? explain(c, refusal) : refusal;
  const misasked = queryRefusal(docs.query, c.req.url);
  if (misasked) return misasked;
  const precondition = readIfMatch(c.req.header('if-match'));
  if (precondition instanceof Refusal) return precondition;
  c.set('precondition', precondition);
  const changes = !/^(?:GET|HEAD)$/.test(c.req.method);
  const unheeded = changes ? await unheededPart(c, docs) : null;
  if (unheeded) return unheeded;
  const isCounted = pace !== null && !ends && changes;
  return (isCounted ? await pace.ofAdministrator(c.get('actor')) : null) ?? handle(c);
}

const noFields = z.strictObject({});

/** The refusal of a body, or of an `If-Match`, that a change would pay no heed to: a `{"dry_run":true}` must not delete. */
async function unheededPart(c: AdminContext, { body, etag }: OperationDocs): Promise<Refusal | null> {
  if (c.get('precondition') !== null && etag !== 'asked') {
    const message = 'If-Match has no effect here: leave it out. It is for changing or ending a record.';
    return new Refusal('invalid_request', message, { param: 'if-match' });
  }
  const sent = body === undefined ? await readOptionalBody(c, noFields) : null;
  return sent instanceof Refusal ? sent : null;
}

function storeUnavailable({ mayHaveRun, isFull, told }: StoreUnavailable): Refusal {
  if (told !== null) return new Refusal('store_unavailable', told, { headers: { 'retry-after': '1' } });
  if (isFull) {
    return new Refusal(
      'store_unavailable',
      'The store is full. The change was not made, or not all of it. What revokes, suspends, deletes or narrows still works; deleting makes room, and a larger plan does.',
    );
  }
  return new Refusal(
    'store_unavailable',
    mayHaveRun
      ? 'The store is not answering. If this was a change, it may or may not have been made.'
      : 'The store is away, full or read-only, and the log says which. A change was not made, or not all of it.',
  );
}
