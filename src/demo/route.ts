import type { IncomingHttpHeaders } from 'node:http';
import { isJsonObject, type JsonValue } from '../base/request.ts';
import {
  type EndpointKind,
  endpointsByKind,
  type UpstreamKind,
  upstreamKinds,
} from '../validation/registry.ts';
import { agents } from './agents.ts';
import { type Answer, type AnswerContext, answerTo, errorAnswer, type StandInEndpoint } from './answer.ts';
import { chat } from './chat.ts';
import { embeddings } from './embeddings.ts';
import { images } from './images.ts';
import { mcpServers } from './listings.ts';
import { messages } from './messages.ts';
import { rerank } from './rerank.ts';
import { responses } from './responses.ts';
import { strictProblem } from './strict.ts';

const standInEndpoints: Readonly<Record<UpstreamKind, StandInEndpoint>> = {
  chat,
  embeddings,
  images,
  messages,
  rerank,
  agents,
};

/** Those of the gateway, with what the demo suggests to send to each. */
export const demoEndpoints: Readonly<Record<EndpointKind, Pick<StandInEndpoint, 'examples'>>> = {
  ...standInEndpoints,
  responses,
};

export interface StandInRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** The body parsed as JSON; null if it is not. */
  body: unknown;
  /** The body as text. */
  text: string;
}

interface Setup {
  /** Whether it refuses what Heroku refuses beyond unknown fields: see `strictProblem`. */
  strict: boolean;
  key: string;
  /** Key of a per-model plan → its model. */
  modelKeys: ReadonlyMap<string, string>;
}

/** What the stand-in answers unless a test answers in its place. */
export function route(
  { method, path, headers, body: parsed }: StandInRequest,
  { strict, key, modelKeys }: Setup,
  context: AnswerContext,
): Answer {
  const given = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
  const onlyModel = modelKeys.get(given);
  if (given !== key && onlyModel === undefined) return errorAnswer(401, 'Invalid authentication credentials');
  if (method === 'GET' && path === '/v1/mcp/servers') return { status: 200, json: mcpServers };
  if (method !== 'POST') return errorAnswer(404, 'Not found');
  const body = parsed as JsonValue; // of JSON
  if (!isJsonObject(body)) return errorAnswer(400, 'The body is not a JSON object');
  if (onlyModel !== undefined && body['model'] !== onlyModel) {
    return errorAnswer(403, 'The key has no access to this model');
  }
  const kind = upstreamKinds.find((each) => endpointsByKind[each].path === path);
  if (kind === undefined) return errorAnswer(404, 'Not found');
  const problem = strict ? strictProblem(kind, body) : null;
  return problem === null ? answerTo(standInEndpoints[kind], body, context) : errorAnswer(400, problem);
}
