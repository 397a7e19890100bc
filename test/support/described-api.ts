import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import {
  nameIn,
  type OpenApiDocument,
  type OperationObject,
  type ResponseObject,
  type SchemaObject,
} from '../../src/operations/openapi/document.ts';

/** A described API, to hold requests and answers against. */
export class DocumentedApi {
  readonly document: OpenApiDocument;
  readonly #requests: Ajv2020;
  readonly #answers: Ajv2020;

  constructor(document: OpenApiDocument) {
    this.document = document;
    this.#requests = validatorOf(document);
    this.#answers = validatorOf(closed(document));
  }

  /** Every operation, such as `GET /admin/teams/{team}`. */
  get operations(): string[] {
    return Object.entries(this.document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
  }

  operation(name: string): OperationObject {
    const [method = '', path = ''] = name.split(' ');
    const found = this.document.paths[path]?.[method.toLowerCase()];
    if (found === undefined) throw new Error(`${name} is not described.`);
    return found;
  }

  /** The operation that a request is one of. */
  operationFor(method: string, path: string): string {
    const name = this.operations.find((each) => {
      const [its, template = ''] = each.split(' ');
      return its === method && new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path);
    });
    if (name === undefined) throw new Error(`${method} ${path} is not described.`);
    return name;
  }

  /** Every code that an operation may answer with, or only those with one status. */
  codesOf(name: string, ofStatus?: string): string[] {
    const responses = Object.entries(this.operation(name).responses)
      .filter(([status]) => ofStatus === undefined || status === ofStatus)
      .map(([, response]) => this.#resolved(response));
    return responses.flatMap(({ description }) =>
      [...description.matchAll(/`(\w+)`/g)].map(([, code = '']) => code),
    );
  }

  /** Whether a JSON body is one that an operation takes. */
  takes(name: string, body: unknown): boolean {
    const [mediaType = ''] = Object.keys(this.operation(name).requestBody?.content ?? {});
    return this.#compiled(this.#requests, [...placeOf(name), 'requestBody', 'content', mediaType, 'schema'])(
      body,
    );
  }

  /** Every example that is missing, or that its own schema refuses: `GET /admin/usage from`. */
  get badExamples(): string[] {
    return this.operations.flatMap((name) => {
      const { parameters = [], requestBody } = this.operation(name);
      const bad = parameters
        .filter(({ schema, example }) => example === undefined || !this.#requests.validate(schema, example))
        .map((parameter) => `${name} ${parameter.name}`);
      const bodies = Object.values(requestBody?.content ?? {});
      const takesAll = bodies.every(({ example }) => example !== undefined && this.takes(name, example));
      return takesAll ? bad : [...bad, `${name} body`];
    });
  }

  /** Every event that has no example which its own schema takes. */
  get badEvents(): string[] {
    return Object.entries(this.document.webhooks).flatMap(([type, { post }]) => {
      const { example } = post.requestBody?.content['application/json'] ?? {};
      const place = ['webhooks', type, 'post', 'requestBody', 'content', 'application/json', 'schema'];
      return this.#compiled(this.#answers, place)(example) ? [] : [type];
    });
  }

  /** Every answer without an example, and every example that its own schema refuses. */
  get badAnswers(): string[] {
    return this.operations.flatMap((name) =>
      Object.entries(this.operation(name).responses).flatMap(([status, response]) => {
        const { content = {} } = this.#resolved(response);
        return Object.entries(content).flatMap(([mediaType, { example }]) => {
          if (example === undefined) return [`${name} ${status} ${mediaType} has none`];
          const answered = { status: status === '4XX' ? 499 : Number(status), mediaType, body: example };
          const problem = this.problemWith(name, answered);
          return problem === null ? [] : [`${name} ${status} ${mediaType}: ${problem}`];
        });
      }),
    );
  }

  /** What of an answer is not as described; null where it is. Fields that are not described count. */
  problemWith(
    name: string,
    { status, mediaType, body }: { status: number; mediaType: string; body: unknown },
  ): string | null {
    const { responses } = this.operation(name);
    const key = String(status) in responses ? String(status) : '4XX';
    const response = responses[key];
    if (response === undefined || (key === '4XX' && status >= 500))
      return `the status ${status} is not described`;
    const place =
      '$ref' in response
        ? ['components', 'responses', nameIn(response.$ref)]
        : [...placeOf(name), 'responses', key];
    const { content = {} } = this.#resolved(response);
    if (mediaType === '') return Object.keys(content).length === 0 ? null : 'there is no body';
    if (!(mediaType in content)) return `${mediaType} is not described`;
    const validate = this.#compiled(this.#answers, [...place, 'content', mediaType, 'schema']);
    return validate(body) ? null : JSON.stringify(validate.errors);
  }

  #resolved(response: OperationObject['responses'][string]): ResponseObject {
    if (!('$ref' in response)) return response;
    const found = this.document.components.responses[nameIn(response.$ref)];
    if (found === undefined) throw new Error(`${response.$ref} is not there.`);
    return found;
  }

  #compiled(ajv: Ajv2020, place: readonly string[]): ValidateFunction {
    const pointer = place.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')));
    const validate = ajv.getSchema(`${address}#/${pointer.join('/')}`);
    if (validate === undefined) throw new Error(`There is no schema at ${place.join(' ')}.`);
    return validate;
  }
}

const address = 'https://gateway.invalid/openapi.json';

function validatorOf(document: OpenApiDocument): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false });
  addFormats.default(ajv);
  return ajv.addSchema(document, address);
}

function placeOf(name: string): string[] {
  const [method = '', path = ''] = name.split(' ');
  return ['paths', path, method.toLowerCase()];
}

/** The same, but objects have no other fields than those described. What an `allOf` narrows stays open. */
function closed(document: OpenApiDocument): OpenApiDocument {
  return JSON.parse(JSON.stringify(document), function close(key: string, value: unknown): unknown {
    if (key === 'allOf' && Array.isArray(value)) return value.map(opened);
    return isObjectSchema(value) ? { additionalProperties: false, ...value } : value;
  }) as OpenApiDocument; // what it was, less some freedom
}

function opened(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inside: unknown) => (key === 'additionalProperties' ? undefined : inside)),
  );
}

function isObjectSchema(value: unknown): value is SchemaObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    'properties' in value &&
    'type' in value &&
    value.type === 'object'
  );
}
