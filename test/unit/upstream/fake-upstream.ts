import type { IncomingHttpHeaders } from 'node:http';
import { Dispatcher } from 'undici';
import { KeyQuota } from '../../../src/upstream/key-quota.ts';
import { Upstream } from '../../../src/upstream/upstream.ts';
import type { Pausable, ResponseHandler } from '../../../src/upstream/upstream-call.ts';
import { Refusal } from '../../../src/base/refusal.ts';

const json = { 'content-type': 'application/json' };

/** One request as undici would have sent it; the test says what becomes of it. */
export class FakeRequest implements Dispatcher.DispatchController {
  aborted = false;
  paused = false;
  reason: Error | null = null;
  readonly options: Dispatcher.DispatchOptions;
  readonly #handler: Dispatcher.DispatchHandler;
  #isOver = false;

  constructor(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) {
    this.options = options;
    this.#handler = handler;
  }

  get body(): unknown {
    return JSON.parse((this.options.body as Buffer).toString()); // the gateway sends nothing else
  }

  send(): this {
    this.#handler.onRequestStart?.(this, {});
    return this;
  }

  head(status: number, headers: IncomingHttpHeaders = json): this {
    if (!this.#isOver) this.#handler.onResponseStart?.(this, status, headers);
    return this;
  }

  data(chunk: string | Buffer): this {
    if (!this.#isOver) this.#handler.onResponseData?.(this, Buffer.from(chunk));
    return this;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler.onResponseEnd?.(this, {});
  }

  /** All of an answer. */
  answer(status: number, headers: IncomingHttpHeaders = json, body = '{}'): void {
    this.send().head(status, headers).data(body).end();
  }

  /** `socket`: what undici says of the connection. */
  fail(code: string, name = 'SocketError', socket: { bytesRead: number } | null = null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler.onResponseError?.(this, Object.assign(new Error(code), { code, name, socket }));
  }

  abort(reason: Error): void {
    this.aborted = true;
    this.reason = reason;
    this.fail('UND_ERR_ABORTED');
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

/** Connections to nowhere. */
export class FakePool extends Dispatcher {
  readonly requests: FakeRequest[] = [];

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    this.requests.push(new FakeRequest(options, handler));
    return true;
  }

  /** The last request. */
  get last(): FakeRequest {
    const last = this.requests.at(-1);
    if (!last) throw new Error('Nothing was sent.');
    return last;
  }
}

/** An attachment whose requests the test answers. */
export class FakeUpstream extends Upstream {
  declare readonly pool: FakePool;

  constructor(name: string, quota = new KeyQuota()) {
    const attachment = { name, baseUrl: 'http://127.0.0.1:1', key: `inf-${name}`, modelId: null };
    super(attachment, { pool: new FakePool(), quota });
  }
}

/** Notes what it is told. */
export class FakeHandler implements ResponseHandler {
  readonly seen: string[] = [];
  startedMs = 0;
  nowMs = 0;
  begun = false;
  answer: Pausable | null = null;
  onData: () => void = () => undefined;

  /** What is kept now, and how much may be. */
  kept = 0;
  mayKeep = Infinity;

  keeps(bytes: number): Refusal | null {
    if (bytes > this.mayKeep) return new Refusal('overloaded', 'full');
    this.kept = bytes;
    return null;
  }

  onRequestStart(answer: Pausable): void {
    this.answer = answer;
  }

  onResponseStart(status: number): void {
    this.seen.push(String(status));
  }

  onResponseData(): void {
    this.seen.push('data');
    this.onData();
  }

  onResponseEnd(): void {
    this.seen.push('end');
  }

  onResponseError(error: Error): void {
    this.seen.push(error.message);
  }

  refuse({ code, headers }: Refusal): void {
    this.seen.push(`${code} ${headers['retry-after']}`);
  }
}
