import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { ResponseHandler } from './upstream-call.ts';

/** Makes attempts: hears how each one goes, and decides whether its answer is kept. */
export interface AttemptHost {
  readonly handler: ResponseHandler;
  /** Nobody waits for an answer any more. */
  readonly over: boolean;
  onSent(): void;
  /** Whether an answer with this head is passed on; if not, another attempt follows. */
  keepsAnswer(attempt: Attempt, status: number, headers: IncomingHttpHeaders): boolean;
  /** The same for an attempt without an answer. */
  keepsError(attempt: Attempt, error: Error): boolean;
}

/** An answer that is not wanted is read to its end to keep the connection, within these bounds. */
const maxUnwanted = { bytes: 65_536, ms: 1_000 };
const abandoned = new Error('The attempt is over.');

/** One attempt: undici's events, passed on if its answer is kept. */
export class Attempt implements Dispatcher.DispatchHandler {
  sent = false;
  /** Its number among all requests that were sent with its key. */
  readonly ordinal: number;
  /** Whether it probes a half-open circuit breaker. */
  readonly isProbe: boolean;
  readonly #host: AttemptHost;
  #controller: Dispatcher.DispatchController | null = null;
  #answer: 'awaited' | 'kept' | 'unwanted' = 'awaited';
  #unwantedBytes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(host: AttemptHost, ordinal: number, isProbe: boolean) {
    this.#host = host;
    this.ordinal = ordinal;
    this.isProbe = isProbe;
  }

  abort(): void {
    this.#controller?.abort(abandoned);
  }

  /** Drops an answer that was kept: nothing more of it is passed on. */
  discard(): void {
    this.#answer = 'unwanted';
    this.abort();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.sent = true;
    this.#host.onSent();
    if (this.#host.over) this.abort();
    else this.#host.handler.onRequestStart(controller);
  }

  onResponseStart(_: unknown, status: number, headers: IncomingHttpHeaders): void {
    // undici reports each 1xx as well.
    if (status < 200 || this.#answer !== 'awaited') return;
    if (this.#host.over || this.#host.keepsAnswer(this, status, headers)) {
      this.#answer = 'kept';
      this.#host.handler.onResponseStart(status, headers);
      return;
    }
    this.#answer = 'unwanted';
    this.#timer = setTimeout(() => this.abort(), maxUnwanted.ms);
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    if (this.#answer === 'kept') {
      this.#host.handler.onResponseData(chunk);
      return;
    }
    this.#unwantedBytes += chunk.length;
    if (this.#unwantedBytes > maxUnwanted.bytes) this.abort();
  }

  onResponseEnd(): void {
    if (this.#answer === 'kept') this.#host.handler.onResponseEnd();
    else this.#clearTimer();
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.#answer === 'unwanted') {
      this.#clearTimer();
      return;
    }
    const isKept = this.#answer === 'kept' || this.#host.over || this.#host.keepsError(this, error);
    if (isKept) this.#host.handler.onResponseError(error);
  }

  #clearTimer(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
