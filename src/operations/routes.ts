import { z } from 'zod';
import type { ActorCheck } from '../access/actor-check.ts';
import { neededFor, type Need, permit } from '../access/permission.ts';
import { okJson, type DocumentedRoute, type OperationDocs } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { type Answers, htmlReply, jsonReply, type Reply } from '../edge/answers.ts';
import type { Call } from '../edge/call.ts';
import { descriptionPath } from '../base/cors.ts';
import type { Route } from '../edge/route.ts';
import type { MetricsText } from '../observability/metrics.ts';
import { Description } from './openapi/description.ts';
import { referenceFile, referenceFiles, referencePage } from './reference.ts';
import { pagePolicy } from '../edge/page.ts';
import type { ServedModels } from '../models/served-models.ts';
import { appNameFrom, type Deployment, welcomePage, welcomeResponse, welcomeText } from './welcome.ts';

export interface OperationsDeps {
  answers: Answers;
  /** Pings the store; false if it does not answer. */
  storeReachable: () => Promise<boolean>;
  /** Why it does not, if that is known. */
  storeProblem: () => string | null;
  draining: () => boolean;
  metrics: () => Promise<MetricsText>;
  authorize: ActorCheck;
  /** The gateway's address as a request's Host names it. */
  origin: (host: string | undefined) => string;
  served: ServedModels;
  deployment: Pick<Deployment, 'onDyno' | 'store' | 'hasRecords'> & {
    /** HEROKU_APP_NAME. */
    herokuApp: string | undefined;
  };
}

/** The answer of both endpoints. */
const healthResponse = z
  .object({ status: z.string(), reasons: z.array(z.string()).exactOptional() })
  .meta({ id: 'Health' });

/**
 * `/healthz`: the process answers. Nothing is asked of the store, and what is known to be wrong with it is only told, so
 * that an outage of the store restarts nobody.
 */
export function liveness(storeProblem: string | null): z.infer<typeof healthResponse> {
  if (storeProblem === null) return { status: 'ok' };
  return { status: 'ok', reasons: [unreachable(storeProblem)] };
}

function unreachable(storeProblem: string): string {
  return `store unreachable: ${storeProblem}`;
}

/** `/readyz`: whether this process should get requests now, and why not. */
export function readiness(state: {
  storeReachable: boolean;
  storeProblem?: string | null;
  draining: boolean;
}): {
  status: 200 | 503;
  body: z.infer<typeof healthResponse>;
} {
  const reasons: string[] = [];
  if (!state.storeReachable) {
    reasons.push(state.storeProblem ? unreachable(state.storeProblem) : 'store unreachable');
  }
  if (state.draining) reasons.push('draining');
  if (reasons.length === 0) return { status: 200, body: { status: 'ready' } };
  return { status: 503, body: { status: 'unavailable', reasons } };
}

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
  openapi: {
    summary: 'This description, as OpenAPI 3.1',
    details: 'It has an `ETag`; with that in `If-None-Match`, the answer is 304 while nothing has changed.',
    answer: okJson(z.looseObject({ openapi: text })),
  },
  docs: { summary: 'This description, as a page', answer: { status: 200, content: { 'text/html': text } } },
  docsFile: { summary: 'A file of that page', answer: { status: 200, content: { 'text/javascript': text } } },
} satisfies Record<string, OperationDocs>;

/** `/`, health, metrics (contract 1.7) and the description of the API, which is made of `others` and of these. */
export function operationRoutes(deps: OperationsDeps, others: readonly DocumentedRoute[]): Route[] {
  const { answers, storeReachable, storeProblem, draining, metrics, authorize } = deps;
  const description = new Description(() => [...others, ...routes]);

  async function metricsFor(call: Call): Promise<Reply> {
    const actor = await authorize(call.incoming.headers, call.sender.peer);
    const refusal =
      actor instanceof Refusal ? actor : (permit(actor, metricsNeed, []) ?? call.queryRefusal());
    if (refusal) return refusal;
    const { contentType, body } = await metrics();
    return {
      status: 200,
      text: body,
      headers: { 'content-type': contentType, 'cache-control': 'no-store' },
    };
  }

  // Monitors add parameters of their own, to get past caches.
  const open = (path: string, of: OperationDocs, reply: Parameters<Answers['replying']>[0]): Route => ({
    path,
    methods: {
      GET: { docs: { ...of, query: 'ignored' }, access: 'anyone', handle: answers.replying(reply) },
    },
  });
  const routes: Route[] = [
    open('/', docs.welcome, (call) => welcome(deps, call)),
    open('/healthz', docs.health, () => jsonReply(200, liveness(storeProblem()))),
    open('/readyz', docs.readiness, async () => {
      const reachable = await storeReachable();
      const { status, body } = readiness({
        storeReachable: reachable,
        storeProblem: storeProblem(),
        draining: draining(),
      });
      return jsonReply(status, body);
    }),
    {
      path: '/metrics',
      methods: {
        GET: {
          docs: docs.metrics,
          access: 'administrator',
          needed: neededFor(metricsNeed),
          handle: answers.replying(metricsFor),
        },
      },
    },
    open(descriptionPath, docs.openapi, ({ incoming }) =>
      describe(description, incoming.headers['if-none-match']),
    ),
    open('/docs', docs.docs, referencePage),
  ];
  // Its files are no part of the API.
  return [...routes, open(`${referenceFiles}:file`, docs.docsFile, referenceFile)];
}

/** The description, unless the caller has it already (RFC 9110, 13.1.2). */
function describe({ json, etag }: Description, ifNoneMatch: string | undefined): Reply {
  const headers = { etag, 'cache-control': 'no-cache' };
  const has = ifNoneMatch?.split(',').some((each) => ['*', etag, `W/${etag}`].includes(each.trim())) ?? false;
  if (has) return { status: 304, text: '', headers };
  return { status: 200, text: json, headers: { ...headers, 'content-type': 'application/json' } };
}

function welcome({ origin, served, deployment }: OperationsDeps, { incoming }: Call): Reply {
  const { accept, host } = incoming.headers;
  if (!accept?.includes('text/html')) return jsonReply(200, welcomeText);
  const { herokuApp, ...rest } = deployment;
  const page = welcomePage({
    ...rest,
    origin: origin(host),
    appName: appNameFrom(herokuApp, host),
    chatModel: served.all().find(({ kinds }) => kinds.includes('chat'))?.id ?? null,
  });
  return htmlReply(page, { 'content-security-policy': pagePolicy("'none'"), 'cache-control': 'no-store' });
}
