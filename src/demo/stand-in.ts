import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { type Clock, systemClock } from '../base/clock.ts';
import { type Answer, errorAnswer, setUpstreamHeaders } from './answer.ts';
import { leftByCaller, sendFrames } from './connection.ts';
import { type RecordedRequest, route } from './route.ts';
import { availableModels } from './listings.ts';

export interface StandInOptions {
  /** 0: any free port. */
  port?: number;
  /** The key of a standard plan: good for every model. */
  key?: string;
  /** Keys of per-model plans, each good for one model. */
  modelKeys?: Readonly<Record<string, string>>;
  /** Default: true. If false, GET /available-models is a 404. */
  listsModels?: boolean;
  /** The pause between the words of a stream. */
  wordDelayMs?: number;
  clock?: Clock;
}

/**
 * Answers a request in the stand-in's place. Gives true if the request needs no other answer; else the stand-in
 * answers as usual.
 */
export type Script = (
  req: IncomingMessage,
  res: ServerResponse,
  body: unknown,
) => boolean | undefined | Promise<boolean | undefined>;

/** A stand-in for Heroku Inference: the demo's upstream and the tests'. */
export interface StandIn {
  /** Without `/v1`, as `INFERENCE_URL` has it. */
  readonly url: string;
  readonly key: string;
  /** Requests whose body has arrived, in order. */
  readonly requests: RecordedRequest[];
  /** Requests not answered to the end yet. */
  readonly open: number;
  /** Requests whose caller left before the end of the answer. */
  readonly aborted: number;
  /** Emits `change` when a request comes, has been read, or ends. */
  readonly events: EventEmitter<{ change: [] }>;
  /** How often it was asked for its models. Such requests are not among `requests`. */
  readonly modelsAsked: number;
  /** Lets a script see every request first, except those for its models; null removes it. */
  script(script: Script | null): void;
  /** Lets a script answer GET /available-models; null removes it. */
  scriptModels(script: Script | null): void;
  /** Resolves when the predicate holds; it is checked at every `change`. Rejects at the deadline. */
  waitFor(predicate: (standIn: StandIn) => boolean, timeoutMs?: number): Promise<void>;
  /** Destroys every connection. */
  close(): Promise<void>;
}

const demoKey = 'inf-00000000-0000-4000-8000-000000000000';

/** Starts a stand-in on loopback. */
export async function startStandIn({
  port = 0,
  key = demoKey,
  modelKeys = {},
  listsModels = true,
  wordDelayMs = 2,
  clock = systemClock,
}: StandInOptions = {}): Promise<StandIn> {
  const keys = { key, modelKeys: new Map(Object.entries(modelKeys)) };
  const events = new EventEmitter<{ change: [] }>().setMaxListeners(0);
  const requests: RecordedRequest[] = [];
  const counts = { open: 0, aborted: 0, answered: 0 };
  let script: Script | null = null;
  let modelsScript: Script | null = null;
  let modelsAsked = 0;

  /** Kept apart, since gateways ask in the background. */
  const listModels = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    modelsAsked += 1;
    events.emit('change');
    if ((await modelsScript?.(req, res, undefined)) !== true) {
      await send(res, listsModels ? { status: 200, json: availableModels } : errorAnswer(404, 'Not found'));
    }
  };

  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const text = await readText(req);
    const { method = '', url = '', headers } = req;
    const request: RecordedRequest = { method, path: url, headers, body: parse(text), text };
    requests.push(request);
    events.emit('change');
    setUpstreamHeaders(res);
    if ((await script?.(req, res, request.body)) === true) return;
    counts.answered += 1;
    const id = `chatcmpl-${String(counts.answered).padStart(6, '0')}`;
    const context = { id, createdS: Math.floor(clock.now() / 1000), wordDelayMs };
    await send(res, route(request, keys, context));
  };

  const server = createServer((req, res) => {
    if (req.method === 'GET' && req.url === '/available-models') {
      listModels(req, res).catch((error: unknown) => fail(res, error));
      return;
    }
    counts.open += 1;
    events.emit('change');
    res.once('close', () => {
      counts.open -= 1;
      if (leftByCaller(res)) counts.aborted += 1;
      events.emit('change');
    });
    handle(req, res).catch((error: unknown) => fail(res, error));
  });
  // Long enough that no pooled connection is closed under a request.
  server.keepAliveTimeout = 95_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });

  const standIn: StandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key,
    requests,
    get open() {
      return counts.open;
    },
    get aborted() {
      return counts.aborted;
    },
    get modelsAsked() {
      return modelsAsked;
    },
    events,
    script(next) {
      script = next;
    },
    scriptModels(next) {
      modelsScript = next;
    },
    waitFor: (predicate, timeoutMs = 20_000) => waitForChange(events, () => predicate(standIn), timeoutMs),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return standIn;
}

async function send(res: ServerResponse, answer: Answer): Promise<void> {
  if ('frames' in answer) {
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' };
    await sendFrames(res, answer.frames, { delayMs: answer.delayMs, headers, end: true });
    return;
  }
  res.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.json));
}

/** The caller left while sending its body, or a script threw: the latter shows in the answer. */
function fail(res: ServerResponse, error: unknown): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  void send(res, errorAnswer(500, `The stand-in failed: ${String(error)}`));
}

function waitForChange(
  events: EventEmitter<{ change: [] }>,
  holds: () => boolean,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void): void => {
      clearTimeout(timer);
      events.off('change', look);
      then();
    };
    const look = (): void => {
      if (holds()) settle(resolve);
    };
    const timer = setTimeout(
      () => settle(() => reject(new Error(`The stand-in did not get there within ${timeoutMs} ms.`))),
      timeoutMs,
    );
    events.on('change', look);
    look();
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
