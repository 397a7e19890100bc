import { type EndpointKind, endpointKinds, endpointsByKind } from '../../src/validation/registry.ts';
import { models } from './gateway.ts';
import { within } from './wait-for.ts';

/** The paths of the data plane, by what they do. */
export const paths = Object.fromEntries(
  endpointKinds.map((kind) => [kind, endpointsByKind[kind].path]),
) as Record<EndpointKind, string>; // one entry for each kind

/** A body each endpoint accepts. */
export const bodies = {
  chat: (more: object = {}): object => ({
    model: models.chat,
    messages: [{ role: 'user', content: 'Hello' }],
    max_tokens: 50,
    ...more,
  }),
  responses: (more: object = {}): object => ({
    model: models.chat,
    input: 'Hello',
    max_output_tokens: 50,
    ...more,
  }),
  embeddings: (more: object = {}): object => ({ model: models.embeddings, input: 'Hello', ...more }),
  images: (more: object = {}): object => ({ model: models.images, prompt: 'A lighthouse', ...more }),
  messages: (more: object = {}): object => ({
    model: models.messages,
    max_tokens: 50,
    messages: [{ role: 'user', content: 'Hello' }],
    ...more,
  }),
  rerank: (more: object = {}): object => ({
    model: models.rerank,
    query: 'Where do ships turn?',
    documents: ['A lighthouse', 'A bakery'],
    ...more,
  }),
  agents: (more: object = {}): object => ({
    model: models.agents,
    messages: [{ role: 'user', content: 'Hello' }],
    max_tokens_per_inference_request: 50,
    ...more,
  }),
} as const satisfies Record<EndpointKind, (more?: object) => object>;

export interface Reply {
  url: string;
  status: number;
  headers: Headers;
  bytes: Buffer;
  text: string;
  /** The body as JSON; empty where it is none. */
  json: Record<string, unknown>;
}

export interface ErrorBody {
  message: string;
  type: string;
  param: string | null;
  code: string | null;
  request_id: string;
  details?: { param: string; message: string }[];
  limit?: { scope: string; metric: string; window: string | null; max: number; resets_at: string | null };
}

export interface Sent {
  token?: string;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
  timeoutMs?: number;
}

/** POSTs a value, or a text as it is, and reads the whole answer. */
export async function post(url: string, body: object | string, sent: Sent = {}): Promise<Reply> {
  return read(await open(url, body, sent), sent.timeoutMs);
}

/** GETs with a token. */
export async function get(url: string, { token, headers = {}, signal }: Sent = {}): Promise<Reply> {
  const answer = await fetch(url, {
    headers: { ...bearer(token), ...headers },
    ...(signal ? { signal } : {}),
  });
  return read(answer);
}

/** The answer once its head is in, its body still to be read. */
export function open(url: string, body: object | string, sent: Sent = {}): Promise<Response> {
  const { token, headers = {}, signal, timeoutMs = 30_000 } = sent;
  const answer = fetch(url, {
    method: 'POST',
    headers: { ...bearer(token), ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
  return within(answer, timeoutMs, `the head of an answer from ${url}`);
}

export async function read(answer: Response, timeoutMs = 30_000): Promise<Reply> {
  const bytes = Buffer.from(await within(answer.arrayBuffer(), timeoutMs, 'the end of an answer'));
  const text = bytes.toString('utf8');
  return { url: answer.url, status: answer.status, headers: answer.headers, bytes, text, json: parsed(text) };
}

/** The `error` member of an answer. */
export function errorOf({ json, status, text }: Pick<Reply, 'json' | 'status' | 'text'>): ErrorBody {
  const error = json['error'];
  if (typeof error !== 'object' || error === null) throw new Error(`No error in ${status} ${text}`);
  return error as ErrorBody;
}

/** A stream read piece by piece. */
export interface StreamReading {
  /** Everything so far. */
  text(): string;
  /** Reads on until `part` has been seen. */
  until(part: string, timeoutMs?: number): Promise<void>;
  /** Reads to the end: `clean`, or how it broke off. */
  rest(timeoutMs?: number): Promise<'clean' | 'broken'>;
}

export function readStream(answer: Response): StreamReading {
  if (!answer.body) throw new Error('The answer has no body.');
  const reader = answer.body.getReader();
  const chunks: Uint8Array[] = [];
  const text = (): string => Buffer.concat(chunks).toString('latin1');
  const next = async (timeoutMs: number): Promise<boolean> => {
    const { done, value } = await within(reader.read(), timeoutMs, 'more of a stream');
    if (value) chunks.push(value);
    return !done;
  };
  return {
    text,
    until: async (part, timeoutMs = 20_000) => {
      while (!text().includes(part)) {
        if (!(await next(timeoutMs))) throw new Error(`The stream ended before ${JSON.stringify(part)}.`);
      }
    },
    rest: async (timeoutMs = 20_000) => {
      try {
        while (await next(timeoutMs));
        return 'clean';
      } catch (error) {
        if (error instanceof TypeError) return 'broken'; // what fetch says of a connection that was cut
        throw error;
      }
    },
  };
}

function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
