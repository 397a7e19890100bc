import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { type Clock, systemClock } from '../base/clock.ts';
import { parsedJson } from '../base/request.ts';
import { type Answer, errorAnswer, setUpstreamHeaders } from './answer.ts';
import { sendFrames } from './connection.ts';
import { availableModels } from './listings.ts';
import { route, type StandInRequest } from './route.ts';

/** Sees each request once its body has arrived. Gives true if it answers in the stand-in's place. */
export type Intercept = (
  request: StandInRequest,
  req: IncomingMessage,
  res: ServerResponse,
) => boolean | Promise<boolean>;

export interface StandInOptions {
  /** 0: any free port. */
  port?: number;
  /** The key of a standard plan: good for every model. */
  key?: string;
  /** Keys of per-model plans, each good for one model. */
  modelKeys?: Readonly<Record<string, string>>;
  /** The pause between the words of a stream. */
  wordDelayMs?: number;
  /** Whether chats get some sentences more, so that one can watch them stream. */
  longAnswers?: boolean;
  /** Whether it is as strict as Heroku: fields, system messages, bounds and empty content. */
  strict?: boolean;
  clock?: Clock;
  intercept?: Intercept;
}

/** A stand-in for Heroku Inference: the demo's upstream and the tests'. */
export interface StandIn {
  /** Without `/v1`, as `INFERENCE_URL` has it. */
  readonly url: string;
  readonly key: string;
  readonly server: Server;
  /** Destroys every connection. */
  close(): Promise<void>;
}

const demoKey = 'inf-00000000-0000-4000-8000-000000000000';

/** Whether a request asks for the available models. Gateways send these in the background. */
export function asksForModels({ method, url }: IncomingMessage): boolean {
  return method === 'GET' && url === '/available-models';
}

/** Starts a stand-in on loopback. */
export async function startStandIn({
  port = 0,
  key = demoKey,
  modelKeys = {},
  wordDelayMs = 2,
  longAnswers = false,
  strict = false,
  clock = systemClock,
  intercept = () => false,
}: StandInOptions = {}): Promise<StandIn> {
  const setup = { strict, key, modelKeys: new Map(Object.entries(modelKeys)) };
  let answered = 0;

  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const text = await readText(req);
    const { method = '', url = '', headers } = req;
    const request = { method, path: url, headers, body: parsedJson(text) ?? null, text };
    const forModels = asksForModels(req);
    if (!forModels) setUpstreamHeaders(res);
    if (await intercept(request, req, res)) return;
    if (forModels) return send(res, { status: 200, json: availableModels });
    answered += 1;
    const id = `chatcmpl-${String(answered).padStart(6, '0')}`;
    const createdS = Math.floor(clock.now() / 1000);
    await send(res, route(request, setup, { id, createdS, wordDelayMs, longAnswers }));
  };

  const server = createServer((req, res) => {
    handle(req, res).catch((error: unknown) => fail(res, error));
  });
  // Long enough that no pooled connection is closed under a request.
  server.keepAliveTimeout = 95_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function send(res: ServerResponse, answer: Answer): Promise<void> {
  if ('frames' in answer) {
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' };
    await sendFrames(res, answer.frames, { delayMs: answer.delayMs, headers, end: true });
    return;
  }
  res.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.json));
}

/** The caller left while sending its body, or an intercept threw: the latter shows in the answer. */
function fail(res: ServerResponse, error: unknown): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  void send(res, errorAnswer(500, `The stand-in failed: ${String(error)}`));
}
