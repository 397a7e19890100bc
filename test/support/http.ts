import { connect, type Socket } from 'node:net';
import { waitFor } from './wait-for.ts';

/** A TCP connection that keeps what it received, byte for byte. */
export interface RawConnection {
  readonly socket: Socket;
  /** True once both directions are closed. */
  readonly closed: boolean;
  /** True once the other side has sent its FIN. */
  readonly ended: boolean;
  send(bytes: string | Uint8Array): void;
  received(): Buffer;
  text(): string;
  /** Waits until what was received contains `text`. */
  until(text: string, timeoutMs?: number): Promise<void>;
  untilClosed(timeoutMs?: number): Promise<void>;
  destroy(): void;
}

export interface RawResponse {
  status: number;
  /** Names in lower case, in order, repeated ones repeated. */
  headers: [string, string][];
  /** The last value of a header. */
  header(name: string): string | undefined;
  /** The bytes after the head, as they came (`chunked` is not undone). */
  body: Buffer;
}

/** Opens a connection to a loopback port. */
export async function connectRaw(port: number): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const chunks: Buffer[] = [];
  const state = { closed: false, ended: false };
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('end', () => (state.ended = true));
  socket.on('close', () => (state.closed = true));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => {
    // A reset shows as `closed`.
  });
  const received = (): Buffer => Buffer.concat(chunks);
  const text = (): string => received().toString('latin1');
  return {
    socket,
    get closed() {
      return state.closed;
    },
    get ended() {
      return state.ended;
    },
    send: (bytes) => void socket.write(bytes),
    received,
    text,
    until: async (part, timeoutMs = 20_000) => {
      await waitFor(() => text().includes(part), { timeoutMs, what: `${JSON.stringify(part)} in an answer` });
    },
    untilClosed: async (timeoutMs = 20_000) => {
      await waitFor(() => state.closed, { timeoutMs, what: 'the connection to close' });
    },
    destroy: () => void socket.destroy(),
  };
}

/** Sends exactly these bytes and returns exactly what comes back until the server closes. */
export async function rawRequest(
  port: number,
  bytes: string | Uint8Array,
  timeoutMs = 20_000,
): Promise<Buffer> {
  const connection = await connectRaw(port);
  try {
    connection.send(bytes);
    await connection.untilClosed(timeoutMs);
    return connection.received();
  } finally {
    connection.destroy();
  }
}

/** The text of a request with `Host`, `Content-Length` where there is a body, and `Connection: close`. */
export function requestText(options: {
  method?: string;
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}): string {
  const { method = 'GET', path, headers = {}, body } = options;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const all = { host: '127.0.0.1', connection: 'close', ...length, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
}

/** Takes the first response in the bytes apart; the body is everything after its head. */
export function parseResponse(bytes: Buffer): RawResponse {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0)
    throw new Error(`Not an HTTP response: ${JSON.stringify(bytes.toString('latin1').slice(0, 200))}`);
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    header: (name) => headers.findLast(([found]) => found === name.toLowerCase())?.[1],
    body: bytes.subarray(end + 4),
  };
}
