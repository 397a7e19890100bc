import type { IncomingHttpHeaders } from 'node:http';
import { callerLeft, type Ending, type ForwardOutcome } from '../base/outcome.ts';
import { type Refusal, restarting } from '../base/refusal.ts';
import { type Call, sendRefusal } from '../edge/call.ts';
import type { AnswerKeeper } from './answer-keeper.ts';
import { ErrorAnswer } from './error-answer.ts';
import type { OpenExchange, OpenExchanges } from './open-exchanges.ts';
import { PacedWriter } from './paced-writer.ts';
import { headOf, isPassedOn, isSuccess, type Reply, type ReplyHost, type UpstreamHead } from './reply.ts';
import { type ReplyOptions, replyOf } from './reply-of.ts';
import type { StreamTimings } from './stream-reply.ts';
import type { Pausable, ResponseHandler, UpstreamCall } from '../upstream/upstream-call.ts';
import { codeOf, failed, fellSilent, timedOut, unanswered } from '../upstream/upstream-error.ts';

/** How long things may take; all ms. */
export interface ExchangeTimings extends StreamTimings {
  /** For the whole answer to a plain call to begin. */
  upstreamTimeoutMs: number;
  /** Silence in a stream, or in an answer that has begun. */
  streamIdleTimeoutMs: number;
  /** For a reader that takes nothing. */
  readerTimeoutMs: number;
}

export interface ExchangeOptions extends ReplyOptions {
  call: Call;
  /** The gateway's own headers for the reply, a flat list. */
  headers: readonly string[];
  timings: ExchangeTimings;
  open: OpenExchanges;
  /** Gathers the answer for the next call with the same Idempotency-Key; null: there is none. */
  keeper: AnswerKeeper | null;
  /** Called exactly once; a promise is awaited before the caller's answer ends (invariant 6). */
  settle: (outcome: ForwardOutcome) => Promise<void> | null;
}

type Phase =
  /** The upstream's head has not come. */
  | 'waiting'
  /** Its answer does not say that it is a stream: its first byte does. */
  | 'undeclared'
  /** Its answer is an error, or makes no sense: the beginning is collected, to be told in our own words. */
  | 'collecting'
  | 'passing'
  /** The answer is complete; the reply was told to end and must only be read. */
  | 'ending'
  | 'over';

/** A JSON text or an HTML page begins with one of these: `{`, `[`, `<`. */
const notOfStream: ReadonlySet<number | undefined> = new Set([0x7b, 0x5b, 0x3c]);

type Ended = Pick<ForwardOutcome, 'ending' | 'status' | 'outcome' | 'errorCode'>;

/**
 * One request on its way: the events of the answer that is kept come in, Node's response goes out. A web stream between
 * the two would cost four times the CPU (docs/decisions/0003).
 */
export class Exchange implements ResponseHandler, OpenExchange, ReplyHost {
  slot = -1;
  readonly call: Call;
  readonly writer: PacedWriter;
  readonly startedMs: number;
  readonly #options: ExchangeOptions;
  readonly #upstreamCall: UpstreamCall;
  readonly #reply: Reply;
  #phase: Phase = 'waiting';
  #settled = false;
  #lastByteMs: number;
  #firstByteMs: number | null = null;
  #upstreamStatus: number | null = null;
  #head: UpstreamHead | null = null;
  /** From sending the request to the head of its answer. */
  #headMs: number | null = null;
  #errorAnswer: ErrorAnswer | null = null;

  constructor(options: ExchangeOptions, upstreamCall: UpstreamCall) {
    const { call, timings, open } = options;
    this.#options = options;
    this.call = call;
    this.#upstreamCall = upstreamCall;
    // Like those of Heroku's router, deadlines begin when the whole request is in, not with a slow upload.
    this.startedMs = call.arrivedMs;
    this.#lastByteMs = this.startedMs;
    this.writer = new PacedWriter(call.outgoing, timings.readerTimeoutMs);
    this.#reply = replyOf(this, options);
    open.add(this);
    call.whenClosed(() => this.#closed());
  }

  /** Nothing is sent or passed on any more. */
  get over(): boolean {
    return this.#phase === 'over';
  }

  keeps(bytes: number): Refusal | null {
    return this.call.holding.answer(bytes);
  }

  onRequestStart(answer: Pausable): void {
    this.writer.paces(answer);
  }

  onResponseStart(status: number, headers: IncomingHttpHeaders): void {
    if (this.#phase !== 'waiting') return;
    if (this.#upstreamCall.letGoOfBody()) this.call.holding.body(0);
    this.#lastByteMs = this.nowMs;
    this.#firstByteMs = this.call.elapsedMs;
    this.#upstreamStatus = status;
    this.#headMs = this.call.startedMs + this.call.elapsedMs - this.#upstreamCall.sentAtMs;
    const head = headOf(status, headers);
    this.#head = head;
    if (this.streaming && head.contentType === '' && isSuccess(status)) this.#phase = 'undeclared';
    else this.#begin(head);
  }

  onResponseData(chunk: Buffer): void {
    this.#lastByteMs = this.nowMs;
    if (this.#phase === 'undeclared') this.#declare(chunk);
    if (this.#phase === 'passing') this.#reply.pass(chunk);
    else if (this.#phase === 'collecting') this.#collectMore(chunk);
  }

  onResponseEnd(): void {
    if (this.#phase === 'passing') this.#endReply();
    else if (this.#phase === 'collecting') this.#failWithErrorAnswer();
    else if (this.#phase === 'undeclared') this.noAnswer([]);
  }

  onResponseError(error: Error): void {
    if (this.#phase === 'passing') this.brokeOff(`Its answer broke off (${codeOf(error)}).`);
    else if (this.#phase === 'collecting') this.#failWithErrorAnswer();
    else if (this.#phase === 'undeclared') this.noAnswer([]);
    else if (this.#phase === 'waiting') {
      const { refusal, ending } = unanswered(error);
      this.#fail(refusal, ending);
    }
  }

  tick(nowMs: number): void {
    if (this.#isEnding()) return;
    const { timings } = this.#options;
    const silentMs = nowMs - this.#lastByteMs;
    if (this.#phase !== 'passing' && !this.streaming && nowMs - this.startedMs >= timings.upstreamTimeoutMs) {
      this.#upstreamCall.recordFailure();
      this.#fail(timedOut(timings.upstreamTimeoutMs), 'failed');
    } else if (silentMs >= timings.streamIdleTimeoutMs && !this.writer.blocked) {
      this.#upstreamCall.recordFailure();
      this.#fail(fellSilent(timings.streamIdleTimeoutMs), this.#phase === 'passing' ? 'broken' : 'failed');
    } else {
      this.#reply.tick(nowMs);
    }
  }

  shutDown(): void {
    if (this.#isEnding()) return;
    this.#fail(restarting(), 'broken', 'shutdown');
  }

  get streaming(): boolean {
    return this.#options.stream;
  }

  get headers(): readonly string[] {
    const { headers } = this.#options;
    const ofUpstream = this.#upstreamCall.headers;
    return ofUpstream.length === 0 ? headers : [...headers, ...ofUpstream];
  }

  get begun(): boolean {
    return this.#reply.begun;
  }

  get keeper(): AnswerKeeper | null {
    return this.#options.keeper;
  }

  refuse(refusal: Refusal): void {
    this.#fail(refusal, 'not_taken');
  }

  get nowMs(): number {
    return this.#options.open.nowMs;
  }

  answered(outcome: 'ok' | 'error'): Promise<void> | null {
    const isOk = outcome === 'ok';
    return this.#settle({
      ending: isOk ? 'answered' : 'broken',
      status: this.#sentStatus(),
      outcome,
      errorCode: isOk ? null : 'upstream_error',
    });
  }

  noAnswer(body: readonly Buffer[]): void {
    this.#collect();
    for (const chunk of body) this.#errorAnswer?.collect(chunk);
    this.#failWithErrorAnswer();
  }

  complete(): void {
    this.#endReply();
    this.#upstreamCall.abandon();
  }

  brokeOff(what: string): void {
    if (!this.#settled && !this.#reply.isWhole) this.#upstreamCall.recordFailure();
    this.#fail(failed(what), 'broken');
  }

  giveUp(refusal: Refusal): void {
    this.#fail(refusal, 'broken');
  }

  after(settling: Promise<void> | null, go: () => void): void {
    if (settling === null) go();
    else void settling.then(go);
  }

  #begin(head: UpstreamHead): void {
    if (!isPassedOn(head, this.streaming)) {
      this.#collect();
      return;
    }
    this.#phase = 'passing';
    this.#reply.begin(head);
  }

  /** A stream without a content type is one, unless its first byte belongs to something else. */
  #declare(chunk: Buffer): void {
    if (this.#head === null) return;
    const contentType = notOfStream.has(chunk[0]) ? '' : 'text/event-stream';
    this.#begin({ ...this.#head, contentType });
  }

  #collect(): void {
    this.#phase = 'collecting';
    this.#errorAnswer = this.#head && new ErrorAnswer(this.#head);
  }

  #collectMore(chunk: Buffer): void {
    const answer = this.#errorAnswer;
    const isEnough = answer?.collect(chunk) ?? false;
    if (isEnough || this.keeps(answer?.bytes ?? 0)) this.#failWithErrorAnswer();
  }

  #failWithErrorAnswer(): void {
    const answer = this.#errorAnswer;
    if (answer === null) return;
    const { refusal, ending } = answer.trouble(this.#upstreamCall);
    this.#fail(refusal, ending);
  }

  /** Settles as an error, tells the caller as far as possible, and lets the upstream go. */
  #fail(refusal: Refusal, ending: Ending, errorCode: ForwardOutcome['errorCode'] = refusal.code): void {
    if (this.#settled || this.#reply.isWhole) {
      this.complete();
      return;
    }
    const paidAs = this.#paidAs(ending);
    // Whatever else went wrong may be tried again, and is not kept.
    if (this.keeper !== null && paidAs === 'rejected' && !this.#reply.begun)
      this.#keepRefusal(this.keeper, refusal);
    const settling = this.#settle({
      ending: paidAs,
      status: this.#reply.begun ? this.#sentStatus() : refusal.status,
      outcome: 'error',
      errorCode,
    });
    this.#phase = 'over';
    this.#upstreamCall.abandon();
    const { call } = this;
    this.after(settling, () => {
      if (this.#reply.begun) this.#reply.breakOff(refusal);
      else sendRefusal(call.outgoing, refusal, { body: call.errorBody(refusal), headers: this.headers });
    });
  }

  #keepRefusal(keeper: AnswerKeeper, refusal: Refusal): void {
    const told = Object.entries(refusal.headers).flat();
    keeper.begin(refusal.status, [...told, 'content-type', 'application/json']);
    keeper.add(Buffer.from(JSON.stringify(this.call.errorBody(refusal))).toString('latin1'));
  }

  /** Only once: a slow reader may keep the exchange open long after. */
  #endReply(): void {
    this.#phase = 'ending';
    this.#reply.end();
  }

  /** The status of a reply that has begun: 200 if that was before the upstream's answer. */
  #sentStatus(): number {
    return this.#upstreamStatus !== null && this.#upstreamStatus < 300 ? this.#upstreamStatus : 200;
  }

  /** A request that was never sent costs nothing; what an earlier attempt cost is charged. */
  #paidAs(ending: Ending): Ending {
    const { sent, spent } = this.#upstreamCall;
    const own = sent ? ending : 'not_taken';
    return spent && (own === 'not_taken' || own === 'rejected') ? 'failed' : own;
  }

  #isEnding(): boolean {
    return this.#phase === 'ending' || this.#phase === 'over';
  }

  /** The reply is finished, or its caller is gone. */
  #closed(): void {
    this.#options.open.remove(this);
    if (this.#phase === 'over') return;
    if (this.#reply.isWhole) this.#endReply(); // its caller left at the last moment, and may ask again
    const ending = this.streaming ? 'broken' : 'left';
    // This changes nothing if the reply was told to end: then it is settled already.
    void this.#settle({
      ending: this.#paidAs(ending),
      status: this.#reply.begun ? this.#sentStatus() : callerLeft,
      outcome: 'aborted',
      errorCode: null,
    });
    this.#phase = 'over';
    this.#upstreamCall.abandon();
  }

  #settle({ ending, status, outcome, errorCode }: Ended): Promise<void> | null {
    if (this.#settled) return null;
    this.#settled = true;
    const passed = this.#phase === 'passing' || this.#phase === 'ending';
    const { sent, attachment, model } = this.#upstreamCall;
    if (this.keeper !== null) this.keeper.with(this.#upstreamCall.headers);
    return this.#options.settle({
      ending,
      status,
      outcome,
      errorCode,
      usage: passed ? this.#reply.usage : null,
      unreportedTokens: passed ? this.#reply.unreportedTokens : 0,
      accepted: passed,
      upstream: sent ? { status: this.#upstreamStatus, headMs: this.#headMs } : null,
      sentTo: { attachment: attachment.name, model },
      durationMs: this.call.elapsedMs,
      ttfbMs: this.#firstByteMs,
    });
  }
}
