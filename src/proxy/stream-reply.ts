import type { Refusal } from '../base/refusal.ts';
import type { AnswerKeeper } from './answer-keeper.ts';
import type { Reply, ReplyHost, UpstreamHead } from './reply.ts';
import type { StreamRewriter } from './stream-rewriter.ts';
import type { StreamTap } from './stream-tap.ts';

const comment = ': keep-alive\n\n';
/** Proxies on the way must neither collect a stream (nginx does) nor compress it (Cloudflare does). */
const unbuffered = ['cache-control', 'no-cache, no-transform', 'x-accel-buffering', 'no'] as const;
/** Sent before the upstream has answered; its later answer can only be told inside the stream. */
const earlyHead = { status: 200, contentType: 'text/event-stream' };
/** How long an upstream may leave its connection open behind an answer that is kept. */
const longestEndMs = 1_000;

export interface StreamTimings {
  /** Silence before the first comment and between comments, ms. Heroku's router cuts at 30 s, then at 55 s (H12, H15). */
  firstHeartbeatMs: number;
  heartbeatMs: number;
}

/**
 * A stream on its way to the caller: its bytes go out at once, and untouched unless they are rewritten; comments only
 * between events.
 */
export class StreamReply implements Reply {
  begun = false;
  readonly #host: ReplyHost;
  readonly #timings: StreamTimings;
  readonly #tap: StreamTap;
  /** Null if the bytes go out as they are. */
  readonly #rewriter: StreamRewriter | null;
  readonly #keeper: AnswerKeeper | null;
  #settled = false;
  #wrote = false;
  /** The end of the answer, while its settlement is awaited; of one that is kept, while the upstream may add to it. */
  #held: string[] | null = null;
  #endsHeld = false;
  #lastWriteMs: number;

  constructor(
    host: ReplyHost,
    { timings, tap, rewriter }: { timings: StreamTimings; tap: StreamTap; rewriter: StreamRewriter | null },
  ) {
    this.#host = host;
    this.#keeper = host.keeper;
    this.#rewriter = rewriter;
    this.#timings = timings;
    this.#tap = tap;
    this.#lastWriteMs = host.startedMs;
  }

  get usage(): StreamTap['usage'] {
    return this.#tap.usage;
  }

  get isWhole(): boolean {
    return this.#held !== null && !this.#settled;
  }

  get unreportedTokens(): number {
    return this.#tap.unreportedTokens;
  }

  begin(head: UpstreamHead): void {
    this.#keeper?.begin(head.status, ['content-type', head.contentType, ...unbuffered]);
    if (this.begun) return;
    this.#writeHead(head);
    // Usually the first event comes in the same packet; then the head goes out with it.
    setImmediate(() => {
      const { outgoing } = this.#host.call;
      if (!this.#wrote && !outgoing.destroyed) outgoing.flushHeaders();
    });
  }

  pass(chunk: Buffer): void {
    // Latin-1 keeps one character a byte, so that no split can break a character.
    const latin1 = chunk.toString('latin1');
    this.#tap.feed(latin1);
    if (this.#rewriter === null) this.#pass(latin1);
    else this.#passRewritten(this.#rewriter, this.#rewriter.rewrite(latin1, this.#tap.done));
  }

  #passRewritten({ trouble }: StreamRewriter, chunk: string): void {
    if (trouble === null) this.#pass(chunk);
    else this.#passBefore(trouble, chunk);
  }

  /** The last that is passed on. */
  #passBefore(trouble: Refusal, chunk: string): void {
    if (chunk !== '') this.#write(chunk);
    this.#host.giveUp(trouble);
  }

  #passRest(rewriter: StreamRewriter): void {
    const { isComplete } = this.#tap;
    const rest = rewriter.rest(isComplete);
    if (rewriter.trouble !== null) this.#passBefore(rewriter.trouble, rest);
    else if (rest !== '' && isComplete && !this.#settled) this.#passLast(rest);
    else if (rest !== '') this.#pass(rest);
  }

  #passLast(chunk: string): void {
    if (this.#keeper !== null) this.#keeper.add(chunk);
    this.#endWith(chunk);
  }

  #pass(chunk: string): void {
    if (this.#keeper !== null) this.#keeper.add(chunk);
    if (this.#tap.done && !this.#settled) this.#endWith(chunk);
    else if (this.#held) this.#held.push(chunk);
    else if (chunk.length > 0) this.#write(chunk);
  }

  end(): void {
    this.#tap.end();
    if (this.#rewriter !== null) this.#passRest(this.#rewriter);
    if (this.#host.over) return;
    if (this.#held) {
      this.#endsHeld = true;
      if (!this.#settled) this.#settleHeld();
      return;
    }
    // No client notices a stream that ends cleanly too early (heroku.md §5), so that it must not be passed on.
    if (!this.#settled && !this.#tap.isComplete) this.#host.brokeOff('Its answer ended too early.');
    else this.#host.after(this.#settle(), () => this.#host.writer.end());
  }

  breakOff(refusal: Refusal): void {
    const { writer } = this.#host;
    const own = this.#rewriter?.ownEvents ?? null;
    if (own !== null) writer.writeLatin1(own.failure(refusal));
    else if (this.#tap.atBoundary) writer.write(Buffer.from(this.#errorEvent(refusal)));
    if (own?.isError) writer.end();
    else writer.cut();
  }

  /** Something may be inserted. */
  get #atBoundary(): boolean {
    return this.#tap.atBoundary || (this.#rewriter !== null && this.#rewriter.ownEvents !== null);
  }

  tick(nowMs: number): void {
    if (this.#settled || this.#host.writer.blocked) return;
    if (this.#held) {
      if (this.#tap.atBoundary && nowMs - this.#lastWriteMs >= longestEndMs) this.#host.complete();
      return;
    }
    const { firstHeartbeatMs, heartbeatMs } = this.#timings;
    if (nowMs - this.#lastWriteMs < (this.begun ? heartbeatMs : firstHeartbeatMs)) return;
    if (!this.begun) this.#writeHead(earlyHead);
    if (this.#atBoundary) this.#write(comment);
  }

  /**
   * The end mark has gone by. An answer that is kept is settled with its last byte, whatever comes behind the mark: the
   * caller gets what the next one will.
   */
  #endWith(chunk: string): void {
    if (this.#keeper === null) {
      this.#settleBefore(chunk);
      return;
    }
    if (this.#held) {
      this.#held.push(chunk);
    } else {
      this.#held = [chunk];
      this.#lastWriteMs = this.#host.nowMs;
    }
    if (!this.#keeper.gathers) this.#settleHeld();
  }

  #settleHeld(): void {
    this.#host.after(this.#settle(), () => this.#release());
  }

  /**
   * The outcome is known at the end mark. If it matters, the chunk with that mark waits for the settlement, since the
   * caller's next request may follow at once (invariant 6).
   */
  #settleBefore(chunk: string): void {
    const settling = this.#settle();
    if (settling === null) {
      this.#write(chunk);
      return;
    }
    this.#held = [chunk];
    this.#host.after(settling, () => this.#release());
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const chunk of held) this.#write(chunk);
    if (this.#endsHeld) this.#host.writer.end();
  }

  #settle(): Promise<void> | null {
    if (this.#settled) return null;
    this.#settled = true;
    return this.#host.answered(this.#tap.failed ? 'error' : 'ok');
  }

  #write(chunk: string): void {
    this.#wrote = true;
    this.#lastWriteMs = this.#host.nowMs;
    this.#host.writer.writeLatin1(chunk);
  }

  #writeHead({ status, contentType }: Pick<UpstreamHead, 'status' | 'contentType'>): void {
    this.begun = true;
    const headers = [...this.#host.headers, 'content-type', contentType, ...unbuffered];
    this.#host.call.outgoing.writeHead(status, headers);
  }

  /** The only form that all clients notice: the event, its `error` member, then a cut connection. */
  #errorEvent(refusal: Refusal): string {
    return `event: error\ndata: ${JSON.stringify(this.#host.call.errorBody(refusal))}\n\n`;
  }
}
