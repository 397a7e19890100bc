import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { SentBody } from './sent-body.ts';
import type { ResponseHandler } from './upstream-call.ts';

/** Makes attempts: hears how each one goes, and decides whether its answer is kept. */
export interface AttemptHost {
  readonly handler: ResponseHandler;
  /** Nobody waits for an answer any more. */
  readonly over: boolean;
  onSent(): void;
  /** What becomes of an answer with this head. If it is given up, another attempt follows. */
  verdict(attempt: Attempt, status: number, headers: IncomingHttpHeaders): Verdict;
  /** Whether an answer that was read first is passed on. `text` is all of it. */
  keepsRead(attempt: Attempt, status: number, text: string): boolean;
  /** The same for an attempt without an answer. */
  keepsError(attempt: Attempt, error: Error): boolean;
}

/** `read`: what it says decides whether it is kept. */
export type Verdict = 'keep' | 'give up' | 'read';

interface HeldAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  chunks: Buffer[];
  bytes: number;
}

/** A longer answer is kept: an error that can be helped is short. */
const maxReadBytes = 65_536;
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
  readonly #sentBody: SentBody | null;
  #controller: Dispatcher.DispatchController | null = null;
  #answer: 'awaited' | 'held' | 'kept' | 'unwanted' = 'awaited';
  #held: HeldAnswer | null = null;
  #unwantedBytes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(
    host: AttemptHost,
    ordinal: number,
    { isProbe, sentBody }: { isProbe: boolean; sentBody: SentBody | null },
  ) {
    this.#host = host;
    this.ordinal = ordinal;
    this.isProbe = isProbe;
    this.#sentBody = sentBody;
  }

  letGoOfBody(): void {
    this.#sentBody?.letGo();
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
    const verdict = this.#host.over ? 'keep' : this.#host.verdict(this, status, headers);
    switch (verdict) {
      case 'keep':
        this.#answer = 'kept';
        this.#host.handler.onResponseStart(status, headers);
        return;
      case 'read':
        this.#answer = 'held';
        this.#held = { status, headers, chunks: [], bytes: 0 };
        return;
      case 'give up':
        this.#answer = 'unwanted';
        this.#timer = setTimeout(() => this.abort(), maxUnwanted.ms);
    }
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    if (this.#answer === 'kept') {
      this.#host.handler.onResponseData(chunk);
      return;
    }
    if (this.#held !== null) return this.#hold(chunk, this.#held);
    this.#unwantedBytes += chunk.length;
    if (this.#unwantedBytes > maxUnwanted.bytes) this.abort();
  }

  #hold(chunk: Buffer, held: HeldAnswer): void {
    held.chunks.push(chunk);
    held.bytes += chunk.length;
    const full = this.#host.handler.keeps(held.bytes);
    if (full || held.bytes > maxReadBytes) this.#passHeld(held);
  }

  /** Passes on what was held, as if it came now. */
  #passHeld({ status, headers, chunks }: HeldAnswer): void {
    this.#held = null;
    this.#answer = 'kept';
    const { handler } = this.#host;
    handler.keeps(0);
    handler.onResponseStart(status, headers);
    for (const chunk of chunks) handler.onResponseData(chunk);
  }

  /** Decides on an answer that was held, now that it is all there. */
  #judgeHeld(held: HeldAnswer): void {
    const text = Buffer.concat(held.chunks).toString('utf8');
    this.#answer = 'unwanted'; // another attempt begins inside the call
    if (this.#host.over || this.#host.keepsRead(this, held.status, text)) return this.#passHeld(held);
    this.#held = null;
    this.#host.handler.keeps(0);
  }

  onResponseEnd(): void {
    if (this.#held !== null) this.#judgeHeld(this.#held);
    if (this.#answer === 'kept') this.#host.handler.onResponseEnd();
    else this.#clearTimer();
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.#answer === 'unwanted') {
      this.#clearTimer();
      return;
    }
    if (this.#held !== null) this.#passHeld(this.#held); // cut short, it says nothing that could be trusted
    const isKept = this.#answer === 'kept' || this.#host.over || this.#host.keepsError(this, error);
    if (isKept) this.#host.handler.onResponseError(error);
  }

  #clearTimer(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
