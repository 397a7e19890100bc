import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import type { CollectedSpan } from './collector.ts';

/*
 * What every span must obey, written from OpenTelemetry's semantic conventions (HTTP spans, GenAI spans) at the version of
 * the package, and not from what the gateway has.
 */

type Kind = 'text' | 'int' | 'double' | 'bool';

/** Every attribute that may be sent, with its type; the conventions' names are checked with their package. */
const allowed: Readonly<Record<string, Kind>> = {
  'http.request.method': 'text',
  'http.route': 'text',
  'http.response.status_code': 'int',
  'http.request.resend_count': 'int',
  'url.path': 'text',
  'url.scheme': 'text',
  'url.full': 'text',
  'url.template': 'text',
  'server.address': 'text',
  'server.port': 'int',
  'error.type': 'text',
  'gen_ai.operation.name': 'text',
  'gen_ai.provider.name': 'text',
  'gen_ai.request.model': 'text',
  'gen_ai.request.stream': 'bool',
  'gen_ai.response.model': 'text',
  'gen_ai.response.time_to_first_chunk': 'double',
  'gen_ai.output.type': 'text',
  'gen_ai.usage.input_tokens': 'int',
  'gen_ai.usage.output_tokens': 'int',
  'gen_ai.usage.cache_read.input_tokens': 'int',
  'gen_ai.usage.cache_creation.input_tokens': 'int',
  'tollgate.team': 'text',
  'tollgate.user': 'text',
  'tollgate.token_id': 'text',
  'tollgate.session_id': 'text',
  'tollgate.request_id': 'text',
  'tollgate.outcome': 'text',
  'tollgate.limit': 'text',
  'tollgate.usage': 'text',
  'tollgate.images': 'int',
  'tollgate.attachment': 'text',
  'tollgate.given_up': 'text',
  'tollgate.queue_wait': 'double',
  'tollgate.awaited': 'bool',
};

const conventional = new Set<unknown>(
  Object.entries(conventions).flatMap(([name, value]) => (name.startsWith('ATTR_') ? [value] : [])),
);
const [internal, server, client] = [1, 2, 3];
const required: Readonly<Record<number, readonly string[]>> = {
  [internal]: [],
  [server]: [
    'http.request.method',
    'http.route',
    'http.response.status_code',
    'url.path',
    'url.scheme',
    'tollgate.request_id',
    'tollgate.outcome',
  ],
  [client]: ['http.request.method', 'server.address', 'server.port', 'url.full', 'tollgate.attachment'],
};
const resource = ['service.name', 'service.version', 'service.instance.id', 'dyno'];

/** What is wrong with spans; each line names the span. */
export function spanProblems(spans: readonly CollectedSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const repeated = spans.length === byId.size ? [] : ['several spans have one id'];
  return [
    ...repeated,
    ...spans.flatMap((span) => problemsOf(span, byId).map((what) => `${span.name}: ${what}`)),
  ];
}

function problemsOf(span: CollectedSpan, byId: ReadonlyMap<string, CollectedSpan>): string[] {
  const { attributes, kind, status } = span;
  const {
    'http.response.status_code': code,
    'error.type': error,
    'gen_ai.operation.name': operation,
  } = attributes;
  const names = Object.keys(attributes);
  const problems: string[] = [];
  const claim = (holds: boolean, problem: string): void => void (holds || problems.push(problem));

  claim(/^(?!0+$)[0-9a-f]{32}$/.test(span.traceId), 'no trace id');
  claim(/^(?!0+$)[0-9a-f]{16}$/.test(span.spanId), 'no span id');
  claim(required[kind] !== undefined, `kind ${kind}`);
  for (const name of required[kind] ?? []) claim(names.includes(name), `lacks ${name}`);
  for (const name of resource) claim(span.resource[name] !== undefined, `its resource lacks ${name}`);
  for (const [name, value] of Object.entries(attributes)) {
    const type = allowed[name];
    claim(type !== undefined, `has ${name}`);
    if (type !== undefined) claim(isOf(type, value), `${name} is ${JSON.stringify(value)}`);
    claim(name.startsWith('tollgate.') || conventional.has(name), `${name} is not in the conventions`);
  }
  claim(span.scope.name === 'tollgate', 'another scope');
  claim(span.scope.schemaUrl === 'https://opentelemetry.io/schemas/1.45.0', `schema ${span.scope.schemaUrl}`);
  claim(status !== 2 || error !== undefined, 'is an error without a type');
  // HTTP spans: the type is set if the status is an error; a server has not failed for a caller's mistake.
  claim(!(Number(code) >= 400) || error !== undefined, `status ${code} without error.type`);
  claim(!(kind === server && Number(code) >= 500) || status === 2, `status ${code} and no error`);
  claim(
    !(kind === server && Number(code) >= 400 && Number(code) < 500) || status === 0,
    `status ${code} is an error`,
  );
  if (kind === server && operation !== undefined) {
    const model = attributes['gen_ai.request.model'];
    claim(span.name === [operation, model ?? []].flat().join(' '), 'is not named {operation} {model}');
    claim(attributes['gen_ai.provider.name'] === 'heroku', 'no provider');
  } else if (kind === server) {
    claim(
      span.name === `${attributes['http.request.method']} ${attributes['http.route']}`,
      'is not named {method} {route}',
    );
  }
  claim(span.start <= span.end, 'ends before it begins');
  const parent = byId.get(span.parentSpanId);
  if (kind !== server) claim(parent !== undefined, 'has no parent');
  if (parent) {
    claim(parent.traceId === span.traceId, 'is of another trace than its parent');
    claim(parent.start <= span.start && span.end <= parent.end, 'is not within its parent');
  }
  return problems;
}

function isOf(type: Kind, value: string | number | boolean): boolean {
  switch (type) {
    case 'text':
      return typeof value === 'string' && value.length > 0 && value.length <= 400;
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return Number.isInteger(value) && Number(value) >= 0;
    case 'double':
      return typeof value === 'number' && value >= 0;
  }
}
