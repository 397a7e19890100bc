import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynoConnections } from './dyno-connections.ts';
import { longHeaderLine, requestHeaders } from './router-headers.ts';
import { fail, Passage, type RouterError } from './router-passage.ts';

export interface RouterOptions {
  /** The gateway's port. */
  port: number;
  /** How many times faster than Heroku's its clocks go. */
  timesFaster?: number;
  /** How long it keeps an idle connection to the dyno; by default 90 s, and less if time runs faster. */
  keepAliveMs?: number;
}

export interface Router {
  readonly url: string;
  readonly port: number;
  /** In order of appearance. */
  readonly errors: readonly RouterError[];
  /** How many connections to the dyno were opened, and how many requests went over one that was there already. */
  readonly connections: { opened: number; reused: number };
  /** Sends what comes from here on to another dyno. */
  moveTo(port: number): void;
  close(): Promise<void>;
}

/** Dev Center, "Request Timeout", "HTTP Routing" and "Router 2.0"; ms. */
const clocks = { firstByteMs: 30_000, silenceMs: 55_000, keepAliveMs: 90_000 };

/** Heroku's router in front of a dyno, as far as a gateway can feel it. */
export async function startRouter(options: RouterOptions): Promise<Router> {
  const { port: dynoPort, timesFaster = 1, keepAliveMs = clocks.keepAliveMs / timesFaster } = options;
  const scaled = (ms: number): number => ms / timesFaster;
  const errors: RouterError[] = [];
  const agent = new DynoConnections(keepAliveMs);
  const to = { port: dynoPort };

  const server = createServer({ maxHeaderSize: 64 * 1024, keepAliveTimeout: 95_000 });
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    if (longHeaderLine(incoming.rawHeaders)) return fail(outgoing, 400);
    const passage = new Passage(outgoing, (error) => errors.push(error));
    const outward = request({
      agent,
      host: '127.0.0.1',
      port: to.port,
      method: incoming.method,
      path: incoming.url,
      headers: requestHeaders(incoming, randomUUID()),
      setHost: false,
    });
    passage.carry(incoming, outward, {
      firstByteMs: scaled(clocks.firstByteMs),
      silenceMs: scaled(clocks.silenceMs),
    });
  };
  server.on('request', handle);
  server.on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    outgoing.writeContinue(); // the dyno is not asked
    handle(incoming, outgoing);
  });
  await listen(server);
  const { port } = server.address() as AddressInfo; // a TCP server's is never a string
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    errors,
    connections: agent.counts,
    moveTo: (next) => void (to.port = next),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}

async function listen(server: Server): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}
