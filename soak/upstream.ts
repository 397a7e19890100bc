import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { doneFrame, messageFrame } from '../src/demo/frames.ts';
import { type Behaviour, behaviourOf } from './behaviour.ts';

/** A request as the upstream saw it. Times are the soak's monotonic clock, ms. */
export interface Seen {
  requestId: string;
  receivedMs: number;
  /** Just before the end of the answer was written, or when the caller left; null while it is open. */
  endedMs: number | null;
  /** The upstream did the work or began to: it neither refused nor reset. */
  taken: boolean;
  /** Images it made, or was making. */
  images: number;
  /** What it reported, if the answer was whole. */
  usage: { input: number; output: number } | null;
}

export interface Upstream {
  readonly url: string;
  readonly seen: readonly Seen[];
  close(): Promise<void>;
}

const promptTokens = 5;

/** The upstream of the soak: does what each prompt says, and counts it by itself. */
export async function startUpstream(): Promise<Upstream> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(404).end(); // it lists no models
      return;
    }
    const record: Seen = {
      requestId: String(request.headers['x-request-id']),
      receivedMs: performance.now(),
      endedMs: null,
      taken: false,
      images: 0,
      usage: null,
    };
    seen.push(record);
    response.once('close', () => (record.endedMs ??= performance.now()));
    answer(request, response, record).catch(() => response.destroy()); // the gateway was killed half-way
  });
  server.keepAliveTimeout = 600_000; // so that no pooled connection is closed under a request
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () => closed(server),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, record: Seen): Promise<void> {
  const body = (await readJson(request)) as Record<string, unknown>;
  const behaviour = behaviourOf(body);
  record.taken =
    behaviour.do !== 'reset' &&
    !(behaviour.do === 'error' && behaviour.status !== 400 && behaviour.status !== 500);
  if (behaviour.do !== 'error' && record.taken && request.url === '/v1/images/generations')
    record.images = Number(body['n'] ?? 1);
  if (body['stream'] === true && behaviour.do !== 'error' && behaviour.do !== 'reset')
    await stream(response, record, behaviour);
  else await plain(response, record, behaviour);
}

/** From here on the gateway may see the end, and admit another request in its place. */
function end(record: Seen): void {
  record.endedMs ??= performance.now();
}

async function plain(response: ServerResponse, record: Seen, behaviour: Behaviour): Promise<void> {
  switch (behaviour.do) {
    case 'hang':
      return;
    case 'reset':
      end(record);
      response.socket?.resetAndDestroy();
      return;
    case 'error':
      end(record);
      sendJson(response, behaviour.status, { error: { code: behaviour.status, message: 'as requested' } });
      return;
    case 'break':
      record.images = 0; // none has come
      end(record);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"choices":[', () => response.socket?.destroySoon());
      return;
    case 'answer':
      await sleep(behaviour.delayMs * 4);
      record.usage = { input: promptTokens, output: behaviour.words };
      end(record);
      sendJson(response, 200, { choices: [], data: imagesOf(record), usage: reported(behaviour.words) });
  }
}

async function stream(
  response: ServerResponse,
  record: Seen,
  behaviour: Exclude<Behaviour, { do: 'error' | 'reset' }>,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const words = behaviour.do === 'hang' ? 2 : behaviour.words;
  for (let word = 0; word < words && !response.destroyed; word += 1) {
    response.write(messageFrame({ choices: [{ delta: { content: 'word' } }] }));
    await sleep(behaviour.do === 'answer' ? behaviour.delayMs : 5);
  }
  if (behaviour.do === 'hang' || response.destroyed) return;
  end(record);
  if (behaviour.do === 'break') {
    response.socket?.destroySoon();
    return;
  }
  record.usage = { input: promptTokens, output: words };
  const last = messageFrame({ choices: [{ delta: {}, finish_reason: 'stop' }], usage: reported(words) });
  response.end(last + doneFrame);
}

/** As many as were asked for: they are charged as they come. */
function imagesOf({ images }: Seen): { b64_json: string }[] {
  return Array.from({ length: images }, () => ({ b64_json: 'QUJD' }));
}

function reported(words: number): { prompt_tokens: number; completion_tokens: number } {
  return { prompt_tokens: promptTokens, completion_tokens: words };
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
