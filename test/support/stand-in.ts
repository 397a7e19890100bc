import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { StandInRequest } from '../../src/demo/route.ts';
import {
  asksForModels,
  startStandIn as startDemoStandIn,
  type Intercept,
  type StandInOptions as DemoStandInOptions,
} from '../../src/demo/stand-in.ts';

export interface StandInOptions extends Omit<DemoStandInOptions, 'intercept'> {
  /** Default: true. If false, GET /available-models is a 404. */
  listsModels?: boolean;
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

/** The demo's stand-in, which records what it is asked and answers by script. */
export interface StandIn {
  /** Without `/v1`, as `INFERENCE_URL` has it. */
  readonly url: string;
  readonly key: string;
  /** Requests whose body has arrived, in order. */
  readonly requests: StandInRequest[];
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

/** Answers that a script broke off, so that they are not counted as left by the caller. */
const cutHere = new WeakSet<ServerResponse>();

/** Breaks the connection off: `fin` once everything written has been sent, `rst` at once. */
export function cut(res: ServerResponse, how: 'fin' | 'rst'): void {
  cutHere.add(res);
  if (how === 'fin') res.socket?.destroySoon();
  else res.socket?.resetAndDestroy();
}

/** Starts a stand-in on loopback. */
export async function startStandIn({
  listsModels = true,
  ...options
}: StandInOptions = {}): Promise<StandIn> {
  const events = new EventEmitter<{ change: [] }>().setMaxListeners(0);
  const requests: StandInRequest[] = [];
  const counts = { open: 0, aborted: 0, modelsAsked: 0 };
  let script: Script | null = null;
  let modelsScript: Script | null = null;

  const intercept: Intercept = async (request, req, res) => {
    if (asksForModels(req)) {
      counts.modelsAsked += 1;
      events.emit('change');
      if ((await modelsScript?.(req, res, undefined)) === true) return true;
      if (!listsModels) res.writeHead(404, { 'content-type': 'application/json' }).end('{}');
      return !listsModels;
    }
    requests.push(request);
    events.emit('change');
    return (await script?.(req, res, request.body)) === true;
  };

  const demo = await startDemoStandIn({ ...options, intercept });
  const { url, key, server } = demo;
  server.on('request', (req, res) => {
    if (asksForModels(req)) return;
    counts.open += 1;
    events.emit('change');
    res.once('close', () => {
      counts.open -= 1;
      if (!res.writableFinished && !cutHere.has(res)) counts.aborted += 1;
      events.emit('change');
    });
  });

  const standIn: StandIn = {
    url,
    key,
    requests,
    get open() {
      return counts.open;
    },
    get aborted() {
      return counts.aborted;
    },
    get modelsAsked() {
      return counts.modelsAsked;
    },
    events,
    script(next) {
      script = next;
    },
    scriptModels(next) {
      modelsScript = next;
    },
    waitFor: (predicate, timeoutMs = 20_000) => waitForChange(events, () => predicate(standIn), timeoutMs),
    close: () => demo.close(),
  };
  return standIn;
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
