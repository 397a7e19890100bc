import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { ResponseHandler } from './upstream-call.ts';

/** Whoever makes attempts: hears of each how it goes, and says whether its answer is the one. */
export interface AttemptHost {
  readonly recipient: ResponseHandler;
  /** Nobody waits for an answer any more. */
  readonly over: boolean;
  started(): void;
  /** Whether an answer with this head is passed on; else another attempt is on its way. */
  keepsAnswer(attempt: Attempt, status: number, headers: IncomingHttpHeaders): boolean;
  /** The same of an attempt that brought no answer. */
  keepsError(attempt: Attempt, error: Error): boolean;
}

/** An answer that is not wanted is read to its end, so that the connection lives on; no more and no longer than this. */
const unwanted = { maxBytes: 65_536, maxMs: 1_000 };
const abandoned = new Error('The attempt is over.');

/** One attempt: undici's events, passed on where its answer is kept. */
export class Attempt implements Dispatcher.DispatchHandler {
  sent = false;
  /** Which one it is among all that were sent with its key; of several, the last. */
  taken: number;
  /** It finds out whether an attachment that rested works again. */
  readonly probe: boolean;
  readonly #host: AttemptHost;
  #controller: Dispatcher.DispatchController | null = null;
  #answer: 'awaited' | 'kept' | 'unwanted' = 'awaited';
  #unwantedBytes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(host: AttemptHost, { taken, probe }: { taken: number; probe: boolean }) {
    this.#host = host;
    this.taken = taken;
    this.probe = probe;
  }

  abort(): void {
    this.#controller?.abort(abandoned);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.sent = true;
    this.#host.started();
    if (this.#host.over) this.abort();
    else this.#host.recipient.onRequestStart(controller, null);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // undici tells of each 1xx as well.
    if (status < 200 || this.#answer !== 'awaited') return;
    if (this.#host.over || this.#host.keepsAnswer(this, status, headers)) {
      this.#answer = 'kept';
      this.#host.recipient.onResponseStart(controller, status, headers);
      return;
    }
    this.#answer = 'unwanted';
    this.#timer = setTimeout(() => this.abort(), unwanted.maxMs);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#answer === 'kept') {
      this.#host.recipient.onResponseData(controller, chunk);
      return;
    }
    this.#unwantedBytes += chunk.length;
    if (this.#unwantedBytes > unwanted.maxBytes) this.abort();
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#answer === 'kept') this.#host.recipient.onResponseEnd(controller, trailers);
    else this.#clear();
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#answer === 'unwanted') {
      this.#clear();
      return;
    }
    const kept = this.#answer === 'kept' || this.#host.over || this.#host.keepsError(this, error);
    if (kept) this.#host.recipient.onResponseError(controller, error);
  }

  #clear(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
