import type { IncomingHttpHeaders } from 'node:http';
import type { ForwardOutcome } from '../base/outcome.ts';
import type { Refusal } from '../base/refusal.ts';
import type { JsonObject, ValidRequest } from '../base/request.ts';
import type { Attempts } from './attempts.ts';
import { JoinedEmbeddings } from './joined-embeddings.ts';
import type { Pausable, ResponseHandler } from './upstream-call.ts';
import { isJson } from './upstream-error.ts';

/** Dev Center, heroku-inference-api-v1-embeddings. */
const maxInputs = 96;
/** The share of one input in an answer: 1,536 numbers, each in 20 characters. */
const bytesPerInput = 32_768;

/** The parts of a request that has more inputs than the upstream takes at once; null if it is sent as it is. */
export function partsOf({ endpoint, body }: ValidRequest): EmbeddingsInParts | null {
  const { input } = body;
  const isInParts = endpoint.modelKind === 'embeddings' && Array.isArray(input) && input.length > maxInputs;
  return isInParts ? new EmbeddingsInParts(body, input) : null;
}

/**
 * Embeddings for more inputs than the upstream takes at once. The parts are sent one after the other, since they share a
 * key's rate limit with everyone. For the exchange they are one request, whose answer begins when the last part is
 * answered. A part that fails answers for all; if another attempt is made, it repeats only that part. What is kept of the
 * answers counts for the caller, after the first part with what all of them are expected to take.
 */
export class EmbeddingsInParts implements ResponseHandler, Pausable {
  #body: JsonObject;
  #inputs: readonly unknown[];
  readonly #maxBytes: number;
  readonly #joined = new JoinedEmbeddings();
  #attempts: Attempts | null = null;
  #handler: ResponseHandler | null = null;
  #phase: 'sending' | 'collecting' | 'passing' | 'answering' | 'over' = 'sending';
  /** Of the part that is being answered. */
  #chunks: Buffer[] = [];
  #partBytes = 0;
  /** What all answers together are expected to take. */
  #expectedBytes = 0;
  /** Of the last answer. */
  #headers: IncomingHttpHeaders = {};
  #pieces: Buffer[] = [];
  #unsentBytes = 0;
  #isPaced = false;
  #isPaused = false;

  constructor(body: JsonObject, inputs: readonly unknown[]) {
    this.#body = body;
    this.#inputs = inputs;
    this.#maxBytes = inputs.length * bytesPerInput;
  }

  /** The request for the inputs that are not answered yet, as many as one takes. */
  nextBody(): Buffer {
    return Buffer.from(JSON.stringify({ ...this.#body, input: this.#nextInputs() }));
  }

  /** Sends the parts with `attempts`, which was made for the first one; `handler` gets the joined answer. */
  begin(attempts: Attempts, handler: ResponseHandler): void {
    this.#attempts = attempts;
    this.#handler = handler;
    attempts.begin(this);
  }

  /**
   * What to charge: answered parts are paid for, even if a later one was refused and the whole would be refunded.
   */
  charged(outcome: ForwardOutcome): ForwardOutcome {
    const isRefunded = outcome.ending === 'not_taken' || outcome.ending === 'rejected';
    if (!isRefunded || this.#joined.inputs === 0) return outcome;
    return { ...outcome, ending: 'broken', usage: this.#joined.usage, accepted: true };
  }

  onRequestStart(): void {
    if (!this.#isPaced) this.#to.onRequestStart(this);
    this.#isPaced = true;
  }

  onResponseStart(status: number, headers: IncomingHttpHeaders): void {
    // A header sent twice arrives as an array, whatever the type says.
    const contentType: unknown = headers['content-type'];
    if (status < 300 && isJson(String(contentType))) {
      this.#phase = 'collecting';
      this.#headers = headers;
      return;
    }
    this.#phase = 'passing';
    this.#to.onResponseStart(status, headers);
  }

  onResponseData(chunk: Buffer): void {
    if (this.#phase === 'passing') this.#to.onResponseData(chunk);
    if (this.#phase !== 'collecting') return;
    this.#chunks.push(chunk);
    this.#partBytes += chunk.length;
    const bytes = this.#joined.bytes + this.#partBytes;
    if (bytes > this.#maxBytes) return this.#reject();
    const full = this.#to.keeps(Math.max(bytes, this.#expectedBytes));
    if (full) this.#end(full);
  }

  onResponseEnd(): void {
    if (this.#phase === 'passing') this.#to.onResponseEnd();
    if (this.#phase !== 'collecting') return;
    const text = Buffer.concat(this.#chunks).toString('utf8');
    if (!this.#joined.add(text, this.#nextInputs().length)) return this.#reject();
    this.#dropPart();
    this.#phase = 'sending';
    const { bytes, inputs } = this.#joined;
    this.#expectedBytes = Math.ceil((bytes * this.#inputs.length) / inputs);
    const full = this.#to.keeps(this.#expectedBytes);
    if (full) return this.#end(full);
    if (this.#joined.inputs < this.#inputs.length) this.#attempts?.sendNextPart(this.nextBody());
    else this.#answer();
  }

  onResponseError(error: Error): void {
    // The upstream has done its work, so that an answer that breaks off is not the same as none.
    if (this.#phase === 'collecting') this.#reject();
    else if (this.#phase !== 'over') this.#to.onResponseError(error);
  }

  refuse(refusal: Refusal): void {
    this.#to.refuse(refusal);
  }

  /** Of an answer that may be no answer, beside what is joined. */
  keeps(bytes: number): Refusal | null {
    return this.#to.keeps(Math.max(this.#joined.bytes + bytes, this.#expectedBytes));
  }

  get startedMs(): number {
    return this.#to.startedMs;
  }

  get nowMs(): number {
    return this.#to.nowMs;
  }

  get begun(): boolean {
    return this.#to.begun;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#write();
  }

  get #to(): ResponseHandler {
    if (this.#handler === null) throw new TypeError('The parts have not begun.');
    return this.#handler;
  }

  #nextInputs(): readonly unknown[] {
    const { inputs } = this.#joined;
    return this.#inputs.slice(inputs, inputs + maxInputs);
  }

  #answer(): void {
    this.#pieces = this.#joined.pieces();
    const bytes = this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#unsentBytes = bytes;
    this.#phase = 'answering';
    this.#body = {};
    this.#inputs = [];
    const headers = { 'content-type': 'application/json', 'content-length': String(bytes) };
    this.#to.onResponseStart(200, { ...this.#headers, ...headers });
    this.#write();
  }

  /** As fast as the reader takes it. */
  #write(): void {
    while (!this.#isPaused && this.#phase === 'answering' && !this.#attempts?.over) {
      const piece = this.#pieces.shift();
      if (piece) {
        this.#unsentBytes -= piece.length;
        this.#to.keeps(this.#unsentBytes);
        this.#to.onResponseData(piece);
        continue;
      }
      this.#phase = 'over';
      this.#to.onResponseEnd();
    }
  }

  /** The answer to a part is useless: another attempt follows, or a 502 for all. */
  #reject(): void {
    this.#dropPart();
    this.#phase = 'sending';
    if (this.#attempts?.rejectsAnswer()) return;
    this.#phase = 'over';
    this.#to.onResponseStart(502, { 'content-type': 'application/json' });
    this.#to.onResponseEnd();
  }

  #dropPart(): void {
    this.#chunks = [];
    this.#partBytes = 0;
  }

  /** There is no room for the answer: the other parts are not sent. */
  #end(refusal: Refusal): void {
    this.#dropPart();
    this.#phase = 'over';
    this.#to.refuse(refusal);
  }
}
