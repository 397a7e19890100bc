import type { Usage } from '../base/outcome.ts';
import type { JsonTap } from './json-tap.ts';
import type { Reply, ReplyHost, UpstreamHead } from './reply.ts';

/**
 * A plain answer on its way to the caller. The newest chunk is held until it is known whether it is the last one, so that
 * the settlement comes before the answer's end. A short answer leaves in one write.
 */
export class PlainReply implements Reply {
  begun = false;
  readonly #host: ReplyHost;
  readonly #firstByteMs: number;
  readonly #tap: JsonTap;
  #head: UpstreamHead | null = null;
  #held: Buffer | undefined;
  #bytes = 0;

  constructor(host: ReplyHost, firstByteMs: number, tap: JsonTap) {
    this.#host = host;
    this.#firstByteMs = firstByteMs;
    this.#tap = tap;
  }

  get usage(): Usage | null {
    return this.#tap.usage();
  }

  get unreportedBytes(): number {
    if (this.usage || !this.#tap.generated) return 0;
    // An encoded answer cannot be read. Each of its bytes counts as one of text, so that it is not free.
    return this.#head?.contentEncoding === undefined ? this.#tap.textBytes() : this.#bytes;
  }

  begin(head: UpstreamHead): void {
    this.#head = head;
  }

  pass(chunk: Buffer): void {
    this.#tap.feed(chunk);
    this.#bytes += chunk.length;
    if (this.#held) {
      this.#writeHead();
      this.#host.writer.write(this.#held);
    }
    this.#held = chunk;
  }

  end(): void {
    this.#host.after(this.#host.answered('ok'), () => {
      this.#writeHead(this.#held?.length ?? 0);
      this.#host.writer.end(this.#held);
    });
  }

  breakOff(): void {
    this.#host.writer.cut();
  }

  /** Heroku's router wants a first byte within 30 s (H12), even if only one chunk has come by then. */
  tick(nowMs: number): void {
    if (!this.#head || this.begun || nowMs - this.#host.startedMs < this.#firstByteMs) return;
    this.#writeHead();
    this.#host.call.outgoing.flushHeaders();
  }

  #writeHead(wholeBytes?: number): void {
    if (this.begun || !this.#head) return;
    this.begun = true;
    const { status, contentType, contentEncoding, contentLength } = this.#head;
    const length = contentLength ?? (wholeBytes === undefined ? undefined : String(wholeBytes));
    const headers = [...this.#host.headers, 'content-type', contentType];
    if (contentEncoding !== undefined) headers.push('content-encoding', contentEncoding);
    if (length !== undefined) headers.push('content-length', length);
    this.#host.call.outgoing.writeHead(status, headers);
  }
}
