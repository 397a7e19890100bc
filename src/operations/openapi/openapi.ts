import type { z } from 'zod';
import type {
  OperationDocs,
  Access,
  DocumentedOperation,
  DocumentedRoute,
} from '../../base/operation-docs.ts';
import { anthropicErrorResponse, errorResponse } from '../../base/error-body.ts';
import type { OpenApiDocument, OperationObject, ParameterObject } from './document.ts';
import { eventMessages, sentAs } from './event-docs.ts';
import { bodyExample, parameterExample } from './examples.ts';
import { groupOf, groupsOf } from './groups.ts';
import { headers, responsesOf, type SharedResponses } from './responses.ts';
import { type ConvertedSchemas, convertSchemas } from './schemas.ts';

const securitySchemes = {
  token: {
    type: 'http',
    scheme: 'bearer',
    description: "A user's token (tgk_…), or a session's (tgs_…).",
  },
  proof: {
    type: 'http',
    scheme: 'dpop',
    description:
      'A session (tgs_…) that is bound to a key of its page, with a proof by that key in the header `DPoP` (RFC 9449).',
  },
  administrator: {
    type: 'http',
    scheme: 'bearer',
    description: "ADMIN_KEY, which allows everything, or an administrator's token (tga_…).",
  },
  xApiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'x-api-key',
    description: 'The same credential in another header. Send only one of the two.',
  },
};

const security: Readonly<Record<Access, OperationObject['security']>> = {
  anyone: [],
  'session or user': [{ token: [] }, { xApiKey: [] }, { proof: [] }],
  user: [{ token: [] }, { xApiKey: [] }],
  administrator: [{ administrator: [] }, { xApiKey: [] }],
};

const description = `Tollgate holds the inference keys, gives people tokens of their own, enforces limits that a whole team \
shares, and records who used what.

Bodies are JSON in UTF-8, whatever the Content-Type says, unless an operation says otherwise. Every error has one \
shape (Anthropic's under /v1/messages) and a code from one list. An unknown path is a 404 \`not_found\`; an unknown \
method is a 405 \`method_not_allowed\` with \`Allow\`. A query parameter that an operation does not list is a \
400, except at operations to which SDKs add parameters of their own: those are ignored. HEAD works where GET does. Answers may get more fields in time.

Requests are checked with these schemas. Some checks cannot be expressed in them: fields that exclude each other, \
other spellings of a documented field (case, blanks around it, compatibility forms, invisible characters), and a model's own maximum.`;

/** The description of these routes. Its schemas and codes come from the routes' own definitions. */
export function openApiDocument({
  version,
  routes,
}: {
  version: string;
  routes: readonly DocumentedRoute[];
}): OpenApiDocument {
  const messages = eventMessages();
  const schemas = convertSchemas([
    ...messages.values(),
    errorResponse,
    anthropicErrorResponse,
    ...routes.flatMap((route) => Object.values(route.methods).flatMap(({ docs }) => schemasIn(docs))),
  ]);
  const shared: SharedResponses = {};
  const paths: OpenApiDocument['paths'] = {};
  for (const { path, methods } of routes) {
    const item: Record<string, OperationObject> = {};
    for (const [method, operation] of Object.entries(methods)) {
      item[method.toLowerCase()] = describedAs({ method, path, operation }, { schemas, shared });
    }
    paths[path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, '{$1}')] = item;
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Tollgate',
      version,
      summary: 'An authenticating reverse proxy for Heroku Managed Inference.',
      description,
    },
    servers: [{ url: '/', description: 'This gateway.' }],
    tags: groupsOf(routes.map(({ path }) => path)),
    paths,
    webhooks: sentAs(messages, schemas),
    components: { schemas: schemas.named, responses: shared, headers, securitySchemes },
  };
}

function describedAs(
  { method, path, operation }: { method: string; path: string; operation: DocumentedOperation },
  made: { schemas: ConvertedSchemas; shared: SharedResponses },
): OperationObject {
  const { docs, access } = operation;
  const id = operationId(method, path);
  const details = detailsOf(operation);
  const parameters = [
    ...parametersInPath(path),
    ...parametersInQuery(docs.query, made.schemas),
    ...(docs.etag === 'asked' ? [ifMatch] : []),
    ...(operation.forwarded ? [idempotencyKey] : []),
  ];
  return {
    operationId: id,
    tags: [groupOf(path)],
    summary: docs.summary,
    ...(details === '' ? {} : { description: details }),
    security: security[access],
    ...(parameters.length > 0
      ? { parameters: parameters.map((each) => withExample(each, { operationId: id, path })) }
      : {}),
    ...(docs.body === undefined ? {} : { requestBody: requestBody(id, docs.body, made.schemas) }),
    responses: responsesOf({ id, path }, operation, made),
  };
}

function detailsOf({ docs, access, needed }: DocumentedOperation): string {
  const sentences = [docs.details ?? ''];
  if (access === 'user') sentences.push("Needs a user's token; a session is refused.");
  if (needed !== undefined) sentences.push(`Needs ${needed}.`);
  return sentences.filter((sentence) => sentence !== '').join(' ');
}

function withExample(parameter: ParameterObject, of: { operationId: string; path: string }): ParameterObject {
  const example = parameterExample(of, parameter.name);
  return example === null ? parameter : { ...parameter, example };
}

function requestBody(
  id: string,
  { schema, required, mediaType }: NonNullable<OperationDocs['body']>,
  schemas: ConvertedSchemas,
): NonNullable<OperationObject['requestBody']> {
  const example = bodyExample(id);
  const body = { schema: schemas.of(schema), ...(example === null ? {} : { example }) };
  return { required, content: { [mediaType]: body } };
}

const ifMatch: ParameterObject = {
  name: 'If-Match',
  in: 'header',
  required: false,
  description:
    'The ETag of the state to change, or several; * for any. If the record is in another state, the answer is 412.',
  schema: { type: 'string' },
};

const idempotencyKey: ParameterObject = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Makes it safe to send the call again: within an hour it is made and charged once, and answered with the same bytes. A new one for each call, such as a UUID, with or without quotes around it.',
  schema: { type: 'string', minLength: 1, maxLength: 512 },
};

function parametersInPath(path: string): ParameterObject[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function parametersInQuery(query: OperationDocs['query'], schemas: ConvertedSchemas): ParameterObject[] {
  if (query === undefined || query === 'ignored') return [];
  const { properties = {}, required = [] } = schemas.of(query);
  return Object.entries(properties).map(([name, { description: said, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(said === undefined ? {} : { description: said }),
    schema,
  }));
}

function schemasIn({ query, body, answer, others = [] }: OperationDocs): z.ZodType[] {
  const taken = [query, body?.schema].filter((schema) => schema !== undefined && schema !== 'ignored');
  return [...taken, ...Object.values(answer.content), ...others.map(({ schema }) => schema)];
}

/** `GET /admin/teams/:team` is `getAdminTeamsTeam`. */
function operationId(method: string, path: string): string {
  const words = path.match(/[A-Za-z0-9]+/g) ?? ['root'];
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
