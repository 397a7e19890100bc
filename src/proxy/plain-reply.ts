import type { Usage } from '../base/outcome.ts';
import type { AnswerKeeper } from './answer-keeper.ts';
import type { JsonTap } from './json-tap.ts';
import type { Reply, ReplyHost, UpstreamHead } from './reply.ts';

const bytesPerToken = 4;

/**
 * A plain answer on its way to the caller. A small one is held until it is whole, since only then is it known to be an
 * answer; it leaves in one write. Of a large or slow one only the newest chunk is held, so that the settlement comes before
 * the answer's end.
 */
export class PlainReply implements Reply {
  begun = false;
  readonly #host: ReplyHost;
  readonly #firstByteMs: number;
  readonly #tap: JsonTap;
  #head: UpstreamHead | null = null;
  #held: Buffer[] = [];
  /** What is held was counted, since it took long. */
  #counted = false;
  #bytes = 0;

  constructor(host: ReplyHost, firstByteMs: number, tap: JsonTap) {
    this.#host = host;
    this.#firstByteMs = firstByteMs;
    this.#tap = tap;
  }

  get usage(): Usage | null {
    return this.#isEncoded ? null : this.#tap.usage;
  }

  get unreportedTokens(): number {
    if (this.usage || !this.#tap.isGenerated) return 0;
    // An encoded answer cannot be read. Each of its bytes counts as one of text, so that it is not free.
    const bytes = this.#isEncoded ? this.#bytes : this.#tap.textBytes;
    return Math.ceil(bytes / bytesPerToken);
  }

  /** Only its end shows that it is. */
  get isWhole(): boolean {
    return false;
  }

  begin(head: UpstreamHead): void {
    this.#head = head;
  }

  pass(chunk: Buffer): void {
    this.#tap.feed(chunk);
    this.#bytes += chunk.length;
    if (this.begun || this.#tap.isLarge) this.#release();
    this.#held.push(chunk);
  }

  end(): void {
    const isAnswer = this.#isAnswer;
    if (!isAnswer && !this.begun) {
      this.#host.noAnswer(this.#held);
      return;
    }
    if (this.#host.keeper !== null) this.#keep(this.#host.keeper);
    this.#host.after(this.#host.answered(isAnswer ? 'ok' : 'error'), () => {
      const isWhole = !this.begun && !this.#tap.isLarge;
      this.#writeHead(this.#bytes);
      if (isWhole) {
        // As text, Node sends it in one write with the head. A slow reader must not keep it in memory twice.
        this.#held = [];
        this.#host.writer.end(this.#tap.takeText(), 'latin1');
      } else {
        const last = this.#held.pop();
        this.#release();
        this.#host.writer.end(last);
      }
      if (this.#counted) this.#host.keeps(0);
    });
  }

  breakOff(): void {
    this.#host.writer.cut();
  }

  /** Heroku's router wants a first byte within 30 s (H12), and the next within 55 s (H15). */
  tick(nowMs: number): void {
    if (!this.#head || this.begun) return;
    this.#host.keeps(this.#bytes); // it is small; if there is no room, the caller's next request is refused
    this.#counted = true;
    if (nowMs - this.#host.startedMs < this.#firstByteMs) return;
    this.#writeHead();
    this.#host.call.outgoing.flushHeaders();
    const newest = this.#held.pop();
    this.#release();
    if (newest) this.#held.push(newest);
  }

  /** One that is too large to be held is too large to be kept. */
  #keep(keeper: AnswerKeeper): void {
    const { text } = this.#tap;
    if (this.#head === null || text === null) return;
    keeper.begin(this.#head.status, withContent([], this.#head));
    keeper.add(text);
  }

  get #isAnswer(): boolean {
    if (this.#isEncoded) return true;
    // One that does not say that it is JSON must at least look like the answer.
    return this.#tap.isAnswer && (this.#head?.contentType !== '' || this.#tap.hasList);
  }

  get #isEncoded(): boolean {
    return this.#head?.contentEncoding !== undefined;
  }

  #release(): void {
    if (this.#held.length === 0) return;
    this.#writeHead();
    for (const chunk of this.#held) this.#host.writer.write(chunk);
    this.#held = [];
    if (this.#counted) this.#host.keeps(0);
    this.#counted = false;
  }

  #writeHead(wholeBytes?: number): void {
    if (this.begun || !this.#head) return;
    this.begun = true;
    const { status, contentLength } = this.#head;
    const length = contentLength ?? (wholeBytes === undefined ? undefined : String(wholeBytes));
    const headers = withContent([...this.#host.headers], this.#head);
    if (length !== undefined) headers.push('content-length', length);
    this.#host.call.outgoing.writeHead(status, headers);
  }
}

/** Adds to a flat list of headers what the answer's bytes are. */
function withContent(headers: string[], { contentType, contentEncoding }: UpstreamHead): string[] {
  headers.push('content-type', contentType === '' ? 'application/json' : contentType);
  if (contentEncoding !== undefined) headers.push('content-encoding', contentEncoding);
  return headers;
}
