import { randomUUID } from 'node:crypto';
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { longHeaderLine, passedHeaders, requestHeaders } from './router-headers.ts';

/** What went wrong, by Heroku's names (Dev Center, "Heroku Error Codes"). */
export type RouterError =
  /** No byte of an answer in time: the caller gets a 503. */
  | 'H12'
  /** The dyno closed a connection before it answered: 503. */
  | 'H13'
  /** The dyno was silent for too long: cut. */
  | 'H15'
  /** The dyno broke an answer off. */
  | 'H18'
  /** The dyno refused a connection: 503. */
  | 'H21'
  /** The caller left. */
  | 'H27'
  /** The caller was silent for too long: cut. */
  | 'H28'
  /** A header line of an answer is too long: 502. No code of Heroku's is known for it. */
  | 'header line';

export interface RouterOptions {
  /** The gateway's port. */
  port: number;
  /** How many times faster than Heroku's its clocks go. */
  timesFaster?: number;
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
export async function startRouter({ port: dynoPort, timesFaster = 1 }: RouterOptions): Promise<Router> {
  const scaled = (ms: number): number => ms / timesFaster;
  const errors: RouterError[] = [];
  const agent = new DynoConnections(scaled(clocks.keepAliveMs));
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

/** Connections to the dyno, kept for a time of their own, whatever the dyno says of its. */
class DynoConnections extends Agent {
  readonly counts = { opened: 0, reused: 0 };
  readonly #keepMs: number;
  readonly #expiries = new WeakMap<Socket, NodeJS.Timeout>();

  constructor(keepMs: number) {
    super({ keepAlive: true, maxFreeSockets: 10_000 });
    this.#keepMs = keepMs;
  }

  override createConnection(
    ...given: Parameters<Agent['createConnection']>
  ): ReturnType<Agent['createConnection']> {
    this.counts.opened += 1;
    return super.createConnection(...given);
  }

  override keepSocketAlive(socket: Socket): boolean {
    this.#expiries.set(socket, setTimeout(() => socket.destroy(), this.#keepMs).unref());
    return true;
  }

  override reuseSocket(socket: Socket, outward: ReturnType<typeof request>): void {
    this.counts.reused += 1;
    clearTimeout(this.#expiries.get(socket));
    super.reuseSocket(socket, outward);
  }
}

/** One request on its way through, and its answer on the way back. */
class Passage {
  readonly #outgoing: ServerResponse;
  readonly #report: (error: RouterError) => void;
  #clock: NodeJS.Timeout | undefined;
  #over = false;

  constructor(outgoing: ServerResponse, report: (error: RouterError) => void) {
    this.#outgoing = outgoing;
    this.#report = report;
  }

  carry(
    incoming: IncomingMessage,
    outward: ReturnType<typeof request>,
    { firstByteMs, silenceMs }: { firstByteMs: number; silenceMs: number },
  ): void {
    const end = (error: RouterError | null, then?: () => void): void => {
      if (this.#over) return;
      this.#over = true;
      clearTimeout(this.#clock);
      if (error) this.#report(error);
      then?.();
    };
    const wait = (ms: number, expired: () => void): void => {
      clearTimeout(this.#clock);
      if (!this.#over) this.#clock = setTimeout(expired, ms);
    };
    const give503 = (error: RouterError) => (): void =>
      end(error, () => {
        fail(this.#outgoing, error === 'header line' ? 502 : 503);
        outward.destroy();
      });
    const cut = (error: RouterError) => (): void =>
      end(error, () => {
        this.#outgoing.destroy();
        outward.destroy();
      });

    incoming.on('data', (chunk: Buffer) => {
      wait(silenceMs, cut('H28'));
      if (!outward.write(chunk)) {
        incoming.pause();
        outward.once('drain', () => incoming.resume());
      }
    });
    incoming.on('end', () => outward.end(() => wait(firstByteMs, give503('H12'))));
    this.#outgoing.on('close', () => {
      if (!this.#outgoing.writableFinished) end('H27', () => outward.destroy());
    });
    outward.on('error', (error: NodeJS.ErrnoException) =>
      give503(error.code === 'ECONNREFUSED' ? 'H21' : 'H13')(),
    );
    outward.on('response', (answer) => {
      if (longHeaderLine(answer.rawHeaders)) return give503('header line')();
      this.#outgoing.writeHead(answer.statusCode ?? 502, passedHeaders(answer.rawHeaders));
      this.#outgoing.flushHeaders();
      wait(silenceMs, cut('H15'));
      answer.on('data', (chunk: Buffer) => {
        wait(silenceMs, cut('H15'));
        if (!this.#outgoing.write(chunk)) {
          answer.pause();
          this.#outgoing.once('drain', () => answer.resume());
        }
      });
      answer.on('error', cut('H18'));
      answer.on('end', () => end(null, () => this.#outgoing.end()));
    });
  }
}

/** A page of the router's own, which is HTML. */
function fail(outgoing: ServerResponse, status: number): void {
  if (outgoing.headersSent) return void outgoing.destroy();
  outgoing
    .writeHead(status, { 'content-type': 'text/html' })
    .end('<html><body>Application error</body></html>');
}

async function listen(server: Server): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}
