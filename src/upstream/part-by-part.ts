import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { JsonObject } from '../base/request.ts';
import type { JoinedEmbeddings } from './joined-embeddings.ts';
import { isJson } from './upstream-error.ts';

type Handler = Dispatcher.DispatchHandler;
type Options = Dispatcher.DispatchOptions;

export interface PartByPartOptions {
  target: Pick<Dispatcher, 'dispatch'>;
  parts: readonly JsonObject[];
  /** The answers so far: as many parts need not be sent. */
  joined: JoinedEmbeddings;
  /** The most that the answers may come to. */
  maxBytes: number;
  /** Called before each part but the first. */
  sendsAnother: () => void;
}

/**
 * One request sent as several, one after the other, since they share a key's rate limit with everyone; to its handler
 * they are one, whose answer comes when the last has come. The first that fails is its answer.
 */
export class PartByPart implements Handler, Dispatcher.DispatchController {
  aborted = false;
  paused = false;
  reason: Error | null = null;
  readonly #options: PartByPartOptions;
  #request: Options = { path: '', method: 'POST' };
  #handler: Handler = {};
  #current: Dispatcher.DispatchController | null = null;
  /** The answer to a part on its way in; null before its head, and where it is passed on as it is. */
  #chunks: Buffer[] | null = null;
  /** Of the last answer: what it tells of the key's room is the news. */
  #headers: IncomingHttpHeaders = {};
  #phase: 'asking' | 'passing' | 'answering' | 'over' = 'asking';
  #bytes = 0;
  #pieces: Buffer[] = [];

  constructor(options: PartByPartOptions) {
    this.#options = options;
  }

  /** As `Dispatcher.dispatch`; the body is the parts'. */
  dispatch(request: Options, handler: Handler): void {
    this.#request = request;
    this.#handler = handler;
    this.#send();
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    const isFirst = this.#current === null;
    this.#current = controller;
    if (this.reason) controller.abort(this.reason);
    else if (isFirst) this.#handler.onRequestStart?.(this, context);
  }

  onResponseStart(_: unknown, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200 || this.aborted) return;
    // Sent twice it arrives as an array, whatever the type says.
    const contentType: unknown = headers['content-type'];
    if (status < 300 && isJson(String(contentType))) {
      this.#chunks = [];
      this.#headers = headers;
      return;
    }
    this.#phase = 'passing';
    this.#handler.onResponseStart?.(this, status, headers);
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    if (this.#phase === 'passing') this.#handler.onResponseData?.(this, chunk);
    this.#bytes += chunk.length;
    if (this.#chunks && this.#bytes > this.#options.maxBytes) this.#fail();
    else this.#chunks?.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#phase === 'passing') this.#handler.onResponseEnd?.(this, {});
    if (this.#phase !== 'asking' || !this.#chunks) return;
    const text = Buffer.concat(this.#chunks).toString('utf8');
    this.#chunks = null;
    const { input } = this.#options.parts[this.#options.joined.answers] ?? {};
    if (!this.#options.joined.add(text, Array.isArray(input) ? input.length : 0)) this.#fail();
    else if (this.#options.joined.answers < this.#options.parts.length) this.#send();
    else this.#answer();
  }

  onResponseError(_: unknown, error: Error): void {
    // An answer that breaks off is another thing than none: the upstream has done its work.
    if (this.#phase === 'asking' && this.#chunks) this.#fail();
    else if (this.#phase !== 'over') this.#handler.onResponseError?.(this, error);
  }

  abort(reason: Error): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.#phase = 'over';
    this.#chunks = null;
    this.#pieces = [];
    this.#current?.abort(reason);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    if (this.#phase === 'answering') this.#answerOn();
  }

  #send(): void {
    const body = JSON.stringify(this.#options.parts[this.#options.joined.answers]);
    if (this.#current !== null) this.#options.sendsAnother();
    try {
      this.#options.target.dispatch({ ...this.#request, body }, this);
    } catch (error) {
      // Of the first part it is the caller's to see: nothing was sent.
      if (this.#current === null) throw error;
      this.onResponseError(this, error instanceof Error ? error : new Error('It could not be sent.'));
    }
  }

  #answer(): void {
    this.#pieces = this.#options.joined.pieces();
    const bytes = this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#phase = 'answering';
    this.#handler.onResponseStart?.(this, 200, {
      ...this.#headers,
      'content-type': 'application/json',
      'content-length': String(bytes),
    });
    this.#answerOn();
  }

  /** As fast as the reader takes it. */
  #answerOn(): void {
    while (!this.paused && this.#phase === 'answering') {
      const piece = this.#pieces.shift();
      if (piece) {
        this.#handler.onResponseData?.(this, piece);
        continue;
      }
      this.#phase = 'over';
      this.#handler.onResponseEnd?.(this, {});
    }
  }

  /** An answer that is none: what a gateway says of such. */
  #fail(): void {
    const abandoned = new Error('The answer to a part is of no use.');
    this.#chunks = null;
    this.#phase = 'passing';
    this.#handler.onResponseStart?.(this, 502, { 'content-type': 'application/json' });
    this.#handler.onResponseEnd?.(this, {});
    this.abort(abandoned);
  }
}
