/** Where a client is pointed: the gateway's address without `/v1`, and a token, as INFERENCE_URL and INFERENCE_KEY. */
export interface Connection {
  readonly url: string;
  readonly token: string;
}

/** A conversation endpoint, each call made the way the client's users make it. */
export interface Conversation {
  plain(at: Connection, prompt: string): Promise<string>;
  /** The pieces of the answer; throws what the client tells its user. */
  stream(at: Connection, prompt: string, signal?: AbortSignal): AsyncIterable<string>;
  /** Offers `weatherTool`, runs it when it is called, and gives the answer of the second round. */
  tools(at: Connection, prompt: string): Promise<string>;
}

/** What a client can be used for: the table in docs/clients.md has a row for each. */
export interface Uses {
  'POST /v1/chat/completions'?: Conversation;
  'POST /v1/responses'?: Conversation;
  'POST /v1/messages'?: Conversation;
  'POST /v1/embeddings'?: (at: Connection, texts: string[]) => Promise<number[][]>;
  /** The image in base64. */
  'POST /v1/images/generations'?: (at: Connection, prompt: string) => Promise<string>;
  /** The documents' indices, the most relevant first. */
  'POST /v1/rerank'?: (at: Connection, query: string, documents: string[]) => Promise<number[]>;
  /** What the agent says in the end. */
  'POST /v1/agents/heroku'?: (at: Connection, prompt: string) => Promise<string>;
  /** Ids. */
  'GET /v1/models'?: (at: Connection) => Promise<string[]>;
  /** Ids, in Heroku's shape. */
  'GET /available-models'?: (at: Connection) => Promise<string[]>;
  'GET /v1/mcp/servers'?: (at: Connection) => Promise<string[]>;
}

export type Use = keyof Uses;

/** The rows, in the table's order. */
export const allUses: readonly Use[] = [
  'POST /v1/chat/completions',
  'POST /v1/responses',
  'POST /v1/messages',
  'POST /v1/embeddings',
  'POST /v1/images/generations',
  'POST /v1/rerank',
  'POST /v1/agents/heroku',
  'GET /v1/models',
  'GET /available-models',
  'GET /v1/mcp/servers',
];

/** How often a call is sent that is refused every time. */
export interface Tries {
  /** A 401. */
  unauthorized: number;
  /** A 429 that says to come back in a second. */
  busy: number;
  /** A 429 that says to come back in more than a minute. */
  later: number;
  /** A 429 of a limit over a day or a month, which no short wait will end. */
  quota: number;
  /** A 502. */
  failed: number;
}

/** What a client's error tells its user. */
export interface Told {
  status?: number | undefined;
  code?: string | null | undefined;
  message: string;
}

export interface ClientUnderTest {
  /** On npm. */
  readonly name: string;
  readonly uses: Uses;
  /** Null for a program of its own, whose calls nobody watches. */
  readonly tries: Tries | null;
  /** Whether it waits for as long as Retry-After says, rather than by a clock of its own. */
  readonly heedsRetryAfter: boolean;
  /** What aborting a stream does to its connection. */
  readonly onAbort: 'closes it' | 'leaves it open';
  /** Which of these its errors keep. */
  readonly tells: { readonly status: boolean; readonly code: boolean };
  told(error: unknown): Told;
}

/** The tool that every client offers; the stand-in calls it with an example of its arguments. */
export const weatherTool = {
  name: 'get_weather',
  description: 'The weather in a city.',
  run: ({ city }: { city: string }): string => `It is 21 degrees in ${city}.`,
} as const;

/** What the second round's answer repeats. */
export const weatherSaid = '21 degrees in example';

export const models = {
  chat: 'claude-4-sonnet',
  embeddings: 'cohere-embed-multilingual',
  images: 'stable-image-ultra',
  rerank: 'cohere-rerank-3-5',
} as const;
