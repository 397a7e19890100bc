import { isJsonObject, type JsonValue } from '../base/request.ts';
import type { IncomingHttpHeaders } from 'node:http';
import { answerAgents } from './agents.ts';
import { type Answer, errorAnswer } from './answer.ts';
import { answerChat, type ChatContext } from './chat.ts';
import { answerEmbeddings } from './embeddings.ts';
import { answerImages } from './images.ts';
import { mcpServers } from './mcp-servers.ts';
import { answerMessages } from './messages.ts';
import { answerRerank } from './rerank.ts';

export interface RecordedRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** The body parsed as JSON; undefined where it is none. */
  body: unknown;
  /** The body as it came. */
  text: string;
}

interface Keys {
  key: string;
  /** Key of a per-model plan → its model. */
  modelKeys: ReadonlyMap<string, string>;
}

/** What the stand-in answers when no script does. */
export function route(
  { method, path, headers, body: parsed }: RecordedRequest,
  { key, modelKeys }: Keys,
  context: ChatContext,
): Answer {
  const given = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
  const onlyModel = modelKeys.get(given);
  if (given !== key && onlyModel === undefined) return errorAnswer(401, 'Invalid authentication credentials');
  if (method === 'GET' && path === '/v1/mcp/servers') return { status: 200, json: mcpServers };
  if (method !== 'POST') return errorAnswer(404, 'Not found');
  const body = parsed as JsonValue | undefined; // of JSON
  if (!isJsonObject(body)) return errorAnswer(400, 'The body is not a JSON object');
  if (onlyModel !== undefined && body['model'] !== onlyModel) {
    return errorAnswer(403, 'The key has no access to this model');
  }
  switch (path) {
    case '/v1/chat/completions':
      return answerChat(body, context);
    case '/v1/embeddings':
      return answerEmbeddings(body);
    case '/v1/images/generations':
      return answerImages(body, context.createdS);
    case '/v1/messages':
      return answerMessages(body, context);
    case '/v1/rerank':
      return answerRerank(body);
    case '/v1/agents/heroku':
      return answerAgents(body, context);
    default:
      return errorAnswer(404, 'Not found');
  }
}
