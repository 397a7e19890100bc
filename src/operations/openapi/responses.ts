import type { OperationDocs, DocumentedOperation, OtherAnswer } from '../../base/operation-docs.ts';
import type { JsonValue } from '../../base/request.ts';
import { errorBody, isAnthropic } from '../../base/error-body.ts';
import { type ErrorCode, errorTable, Refusal } from '../../base/refusal.ts';
import type { Content, HeaderObject, Reference, ResponseObject, SchemaObject } from './document.ts';
import { answerExample } from './examples.ts';
import { codesOf } from './refusals.ts';
import { sampleOf } from './sample.ts';
import type { ConvertedSchemas } from './schemas.ts';

const text = (description: string): HeaderObject => ({ description, schema: { type: 'string' } });
const limitNote = 'Describes the limit with the smallest share left. Absent if there are no limits.';

/** The documented headers of answers. */
export const headers = {
  'x-request-id': text(
    "The request's id: the caller's own, if it is 20 to 200 of A-Z, a-z, 0-9, +, /, = and -.",
  ),
  'request-id': text('The same, under the name that Anthropic uses.'),
  'Retry-After': {
    description: 'After this many whole seconds, the request may fit.',
    schema: { type: 'integer', minimum: 0 },
  },
  'x-should-retry': text('false if a client should not retry by itself.'),
  'WWW-Authenticate': text(
    'Bearer, with `error="invalid_token"` if a token was sent (RFC 6750). DPoP, with `error` and `algs`, if a session is bound to a key and that was not proven (RFC 9449).',
  ),
  'DPoP-Nonce': text('The nonce of the next proof, if the session needs one (RFC 9449).'),
  ETag: text('Identifies the state of the record, for `If-Match`.'),
  'RateLimit-Policy': text(`The limit itself (draft-ietf-httpapi-ratelimit-headers-10). ${limitNote}`),
  'x-tollgate-model': text('The model that answered, if it is the fallback of the requested one.'),
  'x-tollgate-adjusted': text(
    'What was changed of the request so that the model takes it, comma-separated: `max_tokens=8192` (the value sent instead), `store` (left out), `messages.content=filled`, `messages.system=folded`. Absent if nothing was.',
  ),
  'idempotency-replayed': text(
    'true if this is the kept answer to an earlier call with this Idempotency-Key.',
  ),
  'idempotency-attempts': text(
    "Earlier attempts with this Idempotency-Key that were charged, oldest first: each one's request id, and as parameters outcome, input_tokens, output_tokens and cost_usd (a list of RFC 9651). Absent if there are none.",
  ),
  RateLimit: text(`What is left, and when the limit resets. ${limitNote}`),
  'x-ratelimit-limit-requests': text('As OpenAI sends it; also with -remaining- and -reset-.'),
  'x-ratelimit-limit-tokens': text('As OpenAI sends it; also with -remaining- and -reset-.'),
} as const satisfies Record<string, HeaderObject>;

type HeaderName = keyof typeof headers;

const limitHeaders: readonly HeaderName[] = [
  'RateLimit-Policy',
  'RateLimit',
  'x-ratelimit-limit-requests',
  'x-ratelimit-limit-tokens',
];

const keyedHeaders: readonly HeaderName[] = ['idempotency-replayed', 'idempotency-attempts'];

/** Error answers by name; operations share them. */
export type SharedResponses = Record<string, ResponseObject>;

/** An operation's answers by status. Adds error answers to `shared`. */
export function responsesOf(
  { id, path }: { id: string; path: string },
  operation: DocumentedOperation,
  { schemas, shared }: { schemas: ConvertedSchemas; shared: SharedResponses },
): Record<string, ResponseObject | Reference> {
  const { docs, forwarded = false } = operation;
  const responses: Record<string, ResponseObject | Reference> = {
    [docs.answer.status]: answered({ id, path }, docs, { schemas, forwarded }),
  };
  for (const [status, own] of byStatus(codesOf(path, operation))) {
    const codes: readonly ErrorCode[] = forwarded && isExplained(status) ? [...own, 'upstream_error'] : own;
    const other = docs.others?.find((each) => String(each.status) === status);
    if (other !== undefined) {
      responses[status] = eitherOf(other, codes, schemas);
      continue;
    }
    const anthropics = isAnthropic(path);
    const limited = forwarded && status === '429';
    const name = codes.join('.') + (limited ? '.limits' : '') + (anthropics ? '.anthropic' : '');
    shared[name] = refused(codes, { more: limited ? limitHeaders : [], anthropics });
    responses[status] = { $ref: `#/components/responses/${name}` };
  }
  for (const other of docs.others ?? []) {
    responses[other.status] ??= {
      description: other.description,
      content: jsonContent(schemas.of(other.schema), sampleOf(schemas.of(other.schema), schemas.named)),
    };
  }
  if (forwarded) responses['4XX'] = explainedByUpstream(isAnthropic(path));
  return responses;
}

function answered(
  { id, path }: { id: string; path: string },
  { answer: { status, content }, etag }: OperationDocs,
  { schemas, forwarded }: { schemas: ConvertedSchemas; forwarded: boolean },
): ResponseObject {
  const said: HeaderName[] = /^\/(?:v1|oauth|admin|claim)\//.test(path) ? ['x-request-id'] : [];
  if (isAnthropic(path)) said.push('request-id');
  if (etag !== undefined && status !== 204) said.push('ETag');
  if (forwarded) said.push('x-tollgate-model', 'x-tollgate-adjusted', ...keyedHeaders, ...limitHeaders);
  const described: Content = {};
  for (const [mediaType, each] of Object.entries(content)) {
    const schema = schemas.of(each);
    const example = answerExample(id, mediaType) ?? sampleOf(schema, schemas.named);
    described[mediaType] = { schema, example };
  }
  return {
    description: descriptions[status],
    ...(said.length > 0 ? { headers: refsTo(said) } : {}),
    ...(status === 204 ? {} : { content: described }),
  };
}

const descriptions = {
  200: 'Done.',
  201: 'Created.',
  204: 'Done; there is no body.',
  303: 'Go on there.',
} as const;

/** Whether an upstream's error keeps this status. Those about the gateway's own key get one of the gateway's. */
function isExplained(status: string): boolean {
  return status.startsWith('4') && !['401', '403', '429'].includes(status);
}

/** An error that the upstream explained. */
function explainedByUpstream(anthropics: boolean): ResponseObject {
  return {
    ...refused(['upstream_error'], { more: [], anthropics }),
    description: "`upstream_error`: an error that Heroku Inference explained, with Heroku's status.",
  };
}

function refused(
  codes: readonly ErrorCode[],
  { more, anthropics }: { more: readonly HeaderName[]; anthropics: boolean },
): ResponseObject {
  const ids: readonly HeaderName[] = anthropics ? ['x-request-id', 'request-id'] : ['x-request-id'];
  return {
    description: listed(codes),
    headers: refsTo([...ids, ...headersWith(codes), ...more]),
    content: jsonContent(
      errorWith(codes, anthropics ? 'AnthropicError' : 'Error'),
      errorExample(codes, anthropics),
    ),
  };
}

function headersWith(codes: readonly ErrorCode[]): readonly HeaderName[] {
  const statuses = new Set(codes.map((code): number => errorTable[code].status));
  if (codes.includes('use_dpop_nonce')) return ['WWW-Authenticate', 'DPoP-Nonce', 'x-should-retry'];
  if (statuses.has(401)) return ['WWW-Authenticate', 'x-should-retry'];
  if (statuses.has(403) || statuses.has(501)) return ['x-should-retry'];
  if (codes.includes('in_progress')) return ['Retry-After', 'x-should-retry'];
  return statuses.has(429) || statuses.has(503) ? ['Retry-After', 'x-should-retry'] : [];
}

/** An answer with a shape of its own, or an error of the usual shape. */
function eitherOf(
  { description, schema }: OtherAnswer,
  codes: readonly ErrorCode[],
  schemas: ConvertedSchemas,
): ResponseObject {
  return {
    description: `${description} Or ${listed(codes)}.`,
    content: jsonContent(
      { anyOf: [schemas.of(schema), errorWith(codes, 'Error')] },
      sampleOf(schemas.of(schema), schemas.named),
    ),
  };
}

/** The shape of an error, narrowed to some codes. */
function errorWith(codes: readonly ErrorCode[], shape: 'Error' | 'AnthropicError'): SchemaObject {
  const error = { type: 'object', properties: { code: { enum: codes } } };
  return {
    allOf: [{ $ref: `#/components/schemas/${shape}` }, { type: 'object', properties: { error } }],
  };
}

function byStatus(codes: readonly ErrorCode[]): Map<string, ErrorCode[]> {
  return Map.groupBy(codes, (code) => String(errorTable[code].status));
}

function listed(codes: readonly ErrorCode[]): string {
  return codes.map((code) => `\`${code}\``).join(', ');
}

function refsTo(names: readonly HeaderName[]): Record<string, Reference> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** The first of these codes, as the gateway would write it. */
function errorExample([code = 'internal_error']: readonly ErrorCode[], anthropics: boolean): object {
  const refusal = new Refusal(code, 'What went wrong, and what to do about it.');
  return errorBody(anthropics ? '/v1/messages' : '/', refusal, '7d1e6f0a-6f0b-4a8e-9f43-5a1f0f1f2c3d');
}

function jsonContent(schema: SchemaObject, example: JsonValue | object): Content {
  return { 'application/json': { schema, example } };
}
