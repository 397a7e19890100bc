import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TollgateSession } from '../../client/index.js';

/** A request as it arrived. */
export interface Arrived {
  method: string;
  path: string;
  /** The token of `Authorization`; empty where there is none. */
  token: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A loopback HTTP server that plays the gateway to a client: its sessions, their expiry, an answer. */
export interface PretendGateway {
  readonly origin: string;
  /** Every request, in order; preflights, and pages that ask for a session at `/session`, are left out. */
  readonly arrived: Arrived[];
  /** How often `getSession` was called. */
  readonly sessionsGiven: number;
  /** Gives the sessions `tgs_1`, `tgs_2`, …, each with `fields` in it. */
  getSession: () => Promise<TollgateSession>;
  /** What is in each session beside its token. */
  fields: Omit<TollgateSession, 'token'>;
  /** From here on these tokens get the 401 of an expired one. */
  expire(...tokens: string[]): void;
  /** Answers what is not refused; by default a 200 that tells `{ token, body }`. */
  answer: (arrived: Arrived, response: ServerResponse) => void;
  close(): Promise<void>;
}

/** Starts one on a free port. */
export async function startPretendGateway(): Promise<PretendGateway> {
  const expired = new Set<string>();
  const arrived: Arrived[] = [];
  let sessionsGiven = 0;
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const gateway: PretendGateway = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived,
    get sessionsGiven() {
      return sessionsGiven;
    },
    getSession: async () => {
      sessionsGiven += 1;
      return { token: `tgs_${sessionsGiven}`, ...gateway.fields };
    },
    fields: { expires_in: 300 },
    expire: (...tokens) => {
      for (const token of tokens) expired.add(token);
    },
    answer: ({ token, body }, response) => sendJson(response, 200, { token, body }),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return gateway;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    allowAnyPage(request, response);
    if (request.method === 'OPTIONS') return void response.writeHead(204).end();
    if (request.url === '/session') return sendJson(response, 200, await gateway.getSession());
    const seen = await read(request);
    arrived.push(seen);
    if (expired.has(seen.token)) return sendError(response, 401, 'expired_token');
    gateway.answer(seen, response);
  }
}

/** Answers as the gateway refuses: its error body, as far as a client reads it. */
export function sendError(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  sendJson(response, status, { error: { code, message: code } });
}

/** Answers with the events of a stream, and ends it. */
export function sendEvents(response: ServerResponse, ...events: string[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': 'req-1' });
  response.end(events.map((event) => `${event}\n\n`).join(''));
}

/** Answers with a value as JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function read(request: IncomingMessage): Promise<Arrived> {
  const { method = '', url: path = '', headers } = request;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const token = /^(?:Bearer|DPoP) (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
  return { method, path, token, headers, body: Buffer.concat(chunks).toString() };
}

/** As the gateway does: a preflight allows what it asks for. */
function allowAnyPage({ headers }: IncomingMessage, response: ServerResponse): void {
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-allow-headers', headers['access-control-request-headers'] ?? '');
  response.setHeader('access-control-allow-methods', 'GET, POST, DELETE');
  response.setHeader(
    'access-control-expose-headers',
    'x-request-id, retry-after, x-should-retry, dpop-nonce',
  );
}
