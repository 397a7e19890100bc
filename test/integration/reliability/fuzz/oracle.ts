/*
 * What a body that reaches the upstream must be, told without the gateway's own validation: the documented fields
 * in their types and ranges (heroku.md, "Chat request" and "Embeddings, images").
 */

import { type UpstreamKind, upstreamKinds } from '../../../../src/validation/registry.ts';
import { paths } from '../../../support/gateway-client.ts';

type Fields = Record<string, unknown>;

/** The same JSON, written by JSON.stringify with every number's own digits. */
function writtenAgain(text: string): string {
  const withDigits = (_key: string, value: unknown, { source }: { source?: string }): unknown =>
    typeof value === 'number' && source !== undefined ? JSON.rawJSON(source) : value;
  return JSON.stringify(JSON.parse(text, withDigits));
}

/** What is wrong with a body the upstream got; null: nothing. */
export function faultIn(path: string, text: string): string | null {
  const value: unknown = JSON.parse(text);
  // Written by JSON.stringify: no name twice, nothing beyond JSON, no number that means two things.
  if (writtenAgain(text) !== text) return 'not written out again';
  if (depthOf(value) > 64) return 'too deep';
  if (text.includes('"__proto__"')) return '__proto__';
  const body = value as Fields;
  if (typeof body['model'] !== 'string' || !/^[A-Za-z0-9._:/-]{1,128}$/.test(body['model'])) return 'model';
  const kind = upstreamKinds.find((each) => paths[each] === path);
  if (kind === undefined) return 'path';
  const { fields: look, faultIn: fault } = documented[kind];
  const alike = Object.keys(body).find((name) => !look.includes(name) && look.includes(name.toLowerCase()));
  if (alike !== undefined) return `${alike}, in another case`;
  return fault(body);
}

interface Documented {
  fields: readonly string[];
  faultIn: (body: Fields) => string | null;
}

const documented: Record<UpstreamKind, Documented> = {
  chat: { fields: ['model', 'messages', 'max_tokens', 'stream'], faultIn: faultInChat },
  embeddings: { fields: ['model', 'input', 'encoding_format'], faultIn: faultInEmbeddings },
  images: { fields: ['model', 'prompt', 'seed'], faultIn: faultInImages },
  messages: { fields: ['model', 'max_tokens', 'messages', 'stream'], faultIn: faultInMessages },
  rerank: { fields: ['model', 'query', 'documents', 'top_n'], faultIn: faultInRerank },
  agents: { fields: ['model', 'messages', 'tools'], faultIn: faultInAgents },
};
const roles = new Set(['system', 'developer', 'user', 'assistant', 'tool']);

function faultInChat(body: Fields): string | null {
  const messages = body['messages'];
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > 2_000) return 'messages';
  for (const message of messages as Fields[]) {
    if (!roles.has(String(message['role']))) return 'role';
    const { content } = message;
    if (!(content === undefined || content === null || typeof content === 'string' || Array.isArray(content)))
      return 'content';
  }
  if (!isIn(body['temperature'], 0, 1)) return 'temperature';
  if (!isIn(body['top_p'], 0, 1)) return 'top_p';
  if (!isWhole(body['max_tokens'], 1)) return 'max_tokens';
  if (!isWhole(body['n'], 1)) return 'n';
  if (!isOptional(body['stream'], 'boolean')) return 'stream';
  return body['tools'] == null || Array.isArray(body['tools']) ? null : 'tools';
}

function faultInMessages(body: Fields): string | null {
  const messages = body['messages'];
  if (!Array.isArray(messages) || messages.length === 0) return 'messages';
  for (const { role, content } of messages as Fields[]) {
    if (role !== 'user' && role !== 'assistant') return 'role';
    if (typeof content !== 'string' && !Array.isArray(content)) return 'content';
  }
  if (body['max_tokens'] == null || !isWhole(body['max_tokens'], 1)) return 'max_tokens';
  return isIn(body['temperature'], 0, 1) && isOptional(body['stream'], 'boolean')
    ? null
    : 'temperature or stream';
}

function faultInRerank(body: Fields): string | null {
  const { query, documents } = body;
  if (typeof query !== 'string' || query === '') return 'query';
  if (!Array.isArray(documents) || documents.length < 1 || documents.length > 1_000) return 'documents';
  return isWhole(body['top_n'], 1) ? null : 'top_n';
}

/** The token of these bodies may run `f` in `app`, and nothing else anywhere. */
function faultInAgents(body: Fields): string | null {
  const tools = (body['tools'] ?? []) as Fields[];
  const appOf = ({ runtime_params: params }: Fields): unknown =>
    (params as Fields | null)?.['target_app_name'];
  if (!tools.every((tool) => tool['name'] === 'f' && appOf(tool) === 'app')) return 'tools';
  return Array.isArray(body['messages']) && body['messages'].length > 0 ? null : 'messages';
}

function faultInEmbeddings(body: Fields): string | null {
  const { input } = body;
  const texts = typeof input === 'string' ? [input] : input;
  if (!Array.isArray(texts) || texts.length < 1 || texts.length > 96) return 'input';
  if (!texts.every((text) => typeof text === 'string' && text.length > 0)) return 'input';
  return body['encoding_format'] === 'float' ? 'encoding_format' : null;
}

function faultInImages(body: Fields): string | null {
  if (typeof body['prompt'] !== 'string' || Array.from(body['prompt']).length > 10_000) return 'prompt';
  return isWhole(body['n'], 1) && isWhole(body['seed'], 0) ? null : 'n or seed';
}

function isIn(value: unknown, min: number, max: number): boolean {
  return value == null || (typeof value === 'number' && value >= min && value <= max);
}

function isWhole(value: unknown, min: number): boolean {
  return value == null || (Number.isSafeInteger(value) && Number(value) >= min);
}

function isOptional(value: unknown, type: string): boolean {
  return value == null || typeof value === type;
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
