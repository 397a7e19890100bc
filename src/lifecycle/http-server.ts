import { randomUUID } from 'node:crypto';
import { createServer, ServerResponse, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Refusal, retryAfter } from '../base/refusal.ts';
import type { MemoryBudget } from '../memory/budget.ts';
import { Connections } from './connections.ts';
import {
  answer,
  checkExpectation,
  checkHost,
  checkHttps,
  checkTransferEncoding,
  pathOf,
  refusalFor,
  responseText,
} from './unrouted.ts';
import { type ReplyHeaders, securityHeaders, strictTransport, withHeaders } from './security-headers.ts';
import { UnreadAnswers } from './unread-answers.ts';
import { writeHeadsOnce } from './response-head.ts';

export interface HttpServerOptions {
  listener: RequestListener;
  /** How long a request, head and body, may take to arrive. */
  bodyTimeoutMs: number;
  /** How long a reader may take nothing of what waits for it. */
  readerTimeoutMs?: number;
  /** Counts answers that wait for their readers; absent: nothing does. */
  budget?: MemoryBudget;
  /** The client that a request comes from; needed with a budget. */
  addressOf?: (request: IncomingMessage) => string;
  maxConnections?: number;
  /** Whether a router in front takes https, so that plain http is refused. */
  httpsOnly?: boolean;
  /** How long a router may keep sending requests after SIGTERM. */
  routerLagMs?: number;
  /** Called for requests that are refused here, before the routes. */
  onRefused?: (refusal: Refusal, requestId: string) => void;
  /** Whether requests still run. Until they end, a draining server keeps listening, so that `/readyz` can say so. */
  isBusy?: () => boolean;
}

export type HttpServer = ReturnType<typeof createHttpServer>;

/** Heroku's Router 2.0 keeps connections for 90 s and must be the one that closes them (H13, H18). */
const keepAliveTimeoutMs = 95_000;
const maxHeaderBytes = 16 * 1024;
const backlog = 4_096;
/** Where there is no router, no peer may have more than this part of all connections. */
const peerPart = 3 / 4;
/** How often answers that wait for their readers are counted. */
const countedEveryMs = 1_000;
/** Answered over surplus connections, too. */
const healthChecks: ReadonlySet<string | null> = new Set(['/healthz', '/readyz']);
/** How long a refused client has to read its answer. */
const lingerMs = 1_000;
/** How often idle connections are closed while draining; otherwise they would stay open for 95 s. */
const sweepMs = 100;
/** While draining, how long to wait for a connection that never sent anything. To Node it is not idle. */
const silentMs = 1_000;

/** The node:http server in front of the routes. It answers requests that never reach them, in the same shape. */
export function createHttpServer(options: HttpServerOptions) {
  const { listener, bodyTimeoutMs, httpsOnly = false, routerLagMs = 0 } = options;
  const { onRefused, isBusy = () => false, maxConnections = Infinity } = options;
  const { budget, readerTimeoutMs = 60_000, addressOf = () => 'unknown' } = options;
  const unread = budget && new UnreadAnswers({ budget, readerTimeoutMs, addressOf });
  const secureHeaders = httpsOnly ? [...securityHeaders, ...strictTransport] : securityHeaders;
  /** Strict-Transport-Security must not be sent over plain http: RFC 6797, 7.2. */
  const headersFor = ({ headers }: IncomingMessage): readonly string[] =>
    httpsOnly && checkHttps(headers['x-forwarded-proto']) ? securityHeaders : secureHeaders;
  const state = { draining: false };
  const refuse = (socket: Duplex, refusal: Refusal): void => {
    const requestId = randomUUID();
    onRefused?.(refusal, requestId);
    const running = responseOn(socket);
    const path = running === undefined ? null : pathOf(running.req);
    answerAndClose(socket, responseText(refusal, { requestId, path, all: secureHeaders }));
  };

  /** Whether the connection of a request that holds its body back stays open, once the body has been asked for. */
  const keptOnceAsked = new WeakMap<ServerResponse, boolean>();
  class Response extends ServerResponse {
    override writeContinue(callback?: () => void): void {
      this.shouldKeepAlive = keptOnceAsked.get(this) ?? this.shouldKeepAlive;
      super.writeContinue(callback);
    }

    // Without rest parameters, which would make a list for each chunk. Node tells the arguments apart by their types.
    override write(chunk: unknown, encoding?: unknown, done?: unknown): boolean {
      const taken = super.write(chunk, encoding as BufferEncoding, done as () => void);
      if (!taken) unread?.note(this);
      return taken;
    }

    override end(chunk?: unknown, encoding?: unknown, done?: unknown): this {
      super.end(chunk, encoding as BufferEncoding, done as () => void);
      if (this.writableLength > 0) unread?.note(this);
      return this;
    }

    override writeHead(status: number, ...rest: unknown[]): this {
      if (state.draining) this.shouldKeepAlive = false;
      // All callers pass headers, as a list or an object, and none passes a message.
      const [own] = rest as [ReplyHeaders?];
      // A list and an object are two overloads; a union of them fits neither.
      return super.writeHead(status, withHeaders(own, headersFor(this.req)) as string[]);
    }
  }

  writeHeadsOnce(Response);

  const route: RequestListener = (request, response) => {
    if (request.httpVersion === '1.0') request.headers.host ??= 'localhost'; // HTTP/1.0 does not require it
    const { host, expect, 'transfer-encoding': coding, 'x-forwarded-proto': proto } = request.headers;
    const refusal =
      (connections.isSurplus(request.socket) ? surplusRefusal(request, response) : null) ??
      checkHost(host) ??
      (httpsOnly ? checkHttps(proto) : null) ??
      checkTransferEncoding(coding) ??
      (request.httpVersion === '1.0' ? null : checkExpectation(expect));
    if (refusal === null) {
      listener(request, response);
      return;
    }
    const requestId = randomUUID();
    onRefused?.(refusal, requestId);
    answer(response, refusal, requestId);
  };

  const server = createServer(
    {
      ServerResponse: Response,
      keepAliveTimeout: keepAliveTimeoutMs,
      requestTimeout: bodyTimeoutMs,
      // Not above requestTimeout: Node would swap the two, and slow bodies would get the longer one. It does not
      // apply to idle connections (since Node 18), so it need not exceed keepAliveTimeout.
      headersTimeout: bodyTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, Math.ceil(bodyTimeoutMs / 4)),
      maxHeaderSize: maxHeaderBytes,
      // Join duplicates instead of dropping them, so that a second Authorization, Origin or Host is refused.
      joinDuplicateHeaders: true,
      requireHostHeader: false, // checked above, for the shape of the answer
      insecureHTTPParser: false,
      noDelay: true,
    },
    route,
  );
  const connections = new Connections(
    { max: maxConnections, maxFromPeer: httpsOnly ? null : Math.ceil(maxConnections * peerPart) },
    (socket) => responseOn(socket) !== undefined,
  );
  server.on('connection', (socket) => connections.add(socket));
  const counting = setInterval(() => {
    for (const socket of connections.open) {
      const response = responseOn(socket);
      if (response) unread?.note(response);
    }
  }, countedEveryMs).unref();
  const closed = new Promise<void>((resolve) => {
    server.once('close', () => {
      clearInterval(counting);
      resolve();
    });
  });
  server.on('checkExpectation', route);
  // Whoever reads the body asks for it (`askForBody`). If nobody does, the caller may send it or not (RFC 9110, 10.1.1),
  // and nobody knows what comes next on the connection: the answer closes it.
  server.on('checkContinue', (request, response) => {
    keptOnceAsked.set(response, response.shouldKeepAlive);
    response.shouldKeepAlive = false;
    route(request, response);
  });
  server.on('clientError', (error, socket) => {
    if (isAnswerable(error, socket)) refuse(socket, refusalFor(error));
    else if (!refused.has(socket)) socket.destroy();
  });
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    refuse(
      socket,
      new Refusal('method_not_allowed', 'CONNECT is not supported: this is not a forward proxy.'),
    );
  });

  return {
    server,
    listen: ({ port, host }: { port: number; host?: string }): Promise<AddressInfo> =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen({ port, host, backlog }, () => {
          server.off('error', reject);
          resolve(server.address() as AddressInfo); // a TCP server's is never a string
        });
      }),
    /**
     * From now on, every answer closes its connection. Once the router's lag is over, closes idle connections, and stops
     * listening when no request runs. Resolves when the last connection is gone.
     */
    drain: (): Promise<void> => {
      if (state.draining) return closed;
      state.draining = true;
      const stopListening = (): void => {
        if (!isBusy() && server.listening) server.close();
      };
      const patience = setTimeout(() => closeSilent(connections), routerLagMs + silentMs);
      let sweep: NodeJS.Timeout | undefined;
      const closeIdle = (): void => {
        sweep = setInterval(() => {
          server.closeIdleConnections();
          stopListening();
        }, sweepMs);
        stopListening();
      };
      const lag = routerLagMs > 0 ? setTimeout(closeIdle, routerLagMs) : undefined;
      if (!lag) closeIdle();
      return closed.finally(() => {
        clearTimeout(lag);
        clearInterval(sweep);
        clearTimeout(patience);
      });
    },
    /** Cuts the connections that are left. */
    cut: (): void => {
      if (server.listening) server.close();
      server.closeAllConnections();
    },
  };
}

function closeSilent(connections: Connections): void {
  for (const socket of connections.open) {
    if (socket.bytesRead === 0) socket.destroy();
  }
}

/** Of a request over a surplus connection; null if it is a health check. Its answer is the last one either way. */
function surplusRefusal(request: IncomingMessage, response: ServerResponse): Refusal | null {
  response.shouldKeepAlive = false;
  if (healthChecks.has(pathOf(request))) return null;
  const message =
    'The gateway has as many connections as it takes, in all or from your address; try again shortly.';
  return new Refusal('overloaded', message, { headers: retryAfter(1) });
}

/** Sockets that have been answered and will be closed. */
const refused = new WeakSet<Duplex>();

/** Whether an error can still be answered: the client is there, and no answer has begun on this connection. */
function isAnswerable(error: Error & { code?: string }, socket: Duplex): boolean {
  if (error.code === 'ECONNRESET' || !socket.writable || refused.has(socket)) return false;
  return responseOn(socket)?.headersSent !== true;
}

/** The response to the request that a socket is busy with. Node's default handler of `clientError` looks here too. */
function responseOn(socket: Duplex): ServerResponse | undefined {
  const { _httpMessage: response } = socket as Socket & { _httpMessage?: ServerResponse | null };
  return response ?? undefined;
}

/**
 * Writes, ends, and destroys only later: destroy() right after write() can lose what was written, and closing with
 * unread bytes causes a reset, which discards the answer at the client.
 */
function answerAndClose(socket: Duplex, response: string): void {
  refused.add(socket);
  socket.on('error', () => socket.destroy());
  socket.end(response);
  setTimeout(() => socket.destroy(), lingerMs).unref();
}
