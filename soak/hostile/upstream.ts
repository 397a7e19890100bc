import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { doneFrame, messageFrame } from '../../src/demo/frames.ts';

/** What a prompt asks of the upstream. */
export const ordersForUpstream = ['answer', 'hang', 'fail', 'block', 'refuse key', 'reset'] as const;
export type Order = (typeof ordersForUpstream)[number];

export const honestModel = 'claude-4-5-haiku';
export const dearModel = 'claude-opus-4-5';
export const embeddingsModel = 'cohere-embed-multilingual';

export interface HostileUpstream {
  readonly url: string;
  /** Requests by what they asked for. */
  readonly received: ReadonlyMap<Order, number>;
  close(): Promise<void>;
}

export const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
export const word = 'lighthouse';
/** The first, as text: to write them anew each time would keep this process from answering the honest team. */
const embeddingText = JSON.stringify({
  index: 0,
  object: 'embedding',
  embedding: Array.from({ length: 1_024 }, (_, n) => n / 3),
});

/** An upstream that does what the prompt says. An embedding is as large as Heroku's. */
export async function startHostileUpstream(): Promise<HostileUpstream> {
  const received = new Map<Order, number>();
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(404).end(); // it lists no models
      return;
    }
    readJson(request)
      .then(async (body) => {
        const asked = body as Record<string, unknown>;
        const order = orderIn(asked);
        received.set(order, (received.get(order) ?? 0) + 1);
        await follow(order, asked, response);
      })
      .catch(() => response.destroy());
  });
  server.keepAliveTimeout = 600_000; // so that no pooled connection is closed under a request
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function orderIn(body: Record<string, unknown>): Order {
  const [message] = (body['messages'] ?? []) as { content: unknown }[];
  return ordersForUpstream.find((order) => order === String(message?.content).trim()) ?? 'answer';
}

async function follow(order: Order, body: Record<string, unknown>, response: ServerResponse): Promise<void> {
  switch (order) {
    case 'answer':
      return Array.isArray(body['input']) ? embed(body['input'].length, response) : answer(body, response);
    case 'hang':
      return;
    case 'fail':
      return json(response, 500, { error: { code: 500, message: 'Failed to execute chat' } });
    case 'block':
      response.writeHead(403, { 'content-type': 'text/html' }).end('<html>Request blocked</html>');
      return;
    case 'refuse key':
      return json(response, 403, { error: { code: 403, message: 'no access', type: 'authorization_error' } });
    case 'reset':
      response.socket?.resetAndDestroy();
  }
}

async function answer(body: Record<string, unknown>, response: ServerResponse): Promise<void> {
  const model = String(body['model']);
  if (body['stream'] !== true) {
    const message = { role: 'assistant', content: word };
    return json(response, 200, { model, choices: [{ index: 0, message, finish_reason: 'stop' }], usage });
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(messageFrame({ model, choices: [{ index: 0, delta: { content: word } }] }));
  await sleep(50);
  response.end(
    messageFrame({ model, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage }) + doneFrame,
  );
}

function embed(count: number, response: ServerResponse): void {
  const data = Array.from({ length: count }, (_, index) => embeddingText.replace('0', String(index)));
  const tokens = `{"prompt_tokens":${count},"total_tokens":${count}}`;
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(`{"object":"list","data":[${data.join(',')}],"usage":${tokens}}`);
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
