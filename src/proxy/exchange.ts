import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { callerLeft, type Ending, type ForwardOutcome } from '../base/outcome.ts';
import type { AnswerFormat } from '../base/request.ts';
import { type Refusal, restarting } from '../base/refusal.ts';
import { type Call, sendRefusal } from '../edge/call.ts';
import type { OpenExchange, OpenExchanges } from './open-exchanges.ts';
import { PacedWriter } from './paced-writer.ts';
import { PlainReply } from './plain-reply.ts';
import type { Reply, ReplyHost, UpstreamHead } from './reply.ts';
import { StreamReply, type StreamTimings } from './stream-reply.ts';
import { taps } from './taps.ts';
import type { ResponseHandler, UpstreamCall, UpstreamController } from '../upstream/upstream-call.ts';
import { codeOf, unanswered } from '../upstream/unanswered.ts';
import {
  failed,
  fellSilent,
  isEventStream,
  isJson,
  timedOut,
  upstreamTrouble,
} from '../upstream/upstream-error.ts';

/** How long things may take; all ms. */
export interface ExchangeTimings extends StreamTimings {
  /** A plain call without an answer. */
  upstreamTimeoutMs: number;
  /** A stream, or an answer that has begun, with nothing from the upstream. */
  idleTimeoutMs: number;
  /** A reader that takes nothing. */
  readerTimeoutMs: number;
}

export interface ExchangeOptions {
  call: Call;
  /** Whose protocol the answer speaks. */
  answerFormat: AnswerFormat;
  stream: boolean;
  /** The gateway's own headers for the reply, a flat list. */
  headers: readonly string[];
  timings: ExchangeTimings;
  open: OpenExchanges;
  /** Called exactly once; a promise is awaited before the caller's answer ends (invariant 6). */
  settle: (outcome: ForwardOutcome) => Promise<void> | null;
  /** What sends the request; it is told of by the exchange's own handlers. */
  sending: UpstreamCall;
}

type Phase =
  /** For the upstream's head. */
  | 'waiting'
  /** Its answer is an error, or none: it is collected, and told in our own words. */
  | 'refusing'
  | 'passing'
  /** The upstream's answer is complete; the reply has been told to end and only needs to be read. */
  | 'ending'
  | 'over';

interface Ended {
  ending: Ending;
  status: number;
  outcome: ForwardOutcome['outcome'];
  errorCode: ForwardOutcome['errorCode'];
}

const maxErrorBytes = 65_536;
const bytesPerToken = 4;

/**
 * One request's passage: the events of the attempt that is kept in, Node's response out. Written straight to Node's
 * response, since going through a web stream costs four times the CPU (docs/decisions/0003).
 */
export class Exchange implements ResponseHandler, OpenExchange, ReplyHost {
  place = -1;
  readonly writer: PacedWriter;
  readonly startedMs: number;
  readonly #options: ExchangeOptions;
  readonly #reply: Reply;
  #phase: Phase = 'waiting';
  #settled = false;
  #lastByteMs: number;
  #firstByteMs: number | null = null;
  #upstreamStatus: number | null = null;
  /** From sending to the head of the answer. */
  #headMs: number | null = null;
  #trouble = { status: 0, contentType: '' };
  #errorChunks: Buffer[] = [];
  #errorBytes = 0;

  constructor(options: ExchangeOptions) {
    const { call, answerFormat, stream, timings, open } = options;
    this.#options = options;
    // Deadlines begin with the whole request at hand, as Heroku's router counts, not with a slow upload.
    this.startedMs = call.arrivedMs;
    this.#lastByteMs = this.startedMs;
    this.writer = new PacedWriter(call.outgoing, timings.readerTimeoutMs);
    this.#reply = stream
      ? new StreamReply(this, timings, taps[answerFormat].stream())
      : new PlainReply(this, timings.firstHeartbeatMs, taps[answerFormat].plain());
    open.add(this);
    call.whenClosed(() => this.#closed());
  }

  /** Nothing is to be sent or passed on any more. */
  get over(): boolean {
    return this.#phase === 'over';
  }

  onRequestStart(controller: UpstreamController): void {
    this.writer.paces(controller);
  }

  onResponseStart(_: UpstreamController, status: number, headers: IncomingHttpHeaders): void {
    // undici tells of each 1xx as well.
    if (status < 200 || this.#phase !== 'waiting') return;
    this.#lastByteMs = this.nowMs;
    this.#firstByteMs = this.#options.call.elapsedMs;
    this.#upstreamStatus = status;
    this.#headMs = this.#sinceSentMs();
    const head = headOf(status, headers);
    const { contentType, contentEncoding } = head;
    // A stream that was encoded all the same could neither be read along with nor be kept alive by comments.
    const expected = this.streaming
      ? isEventStream(contentType) && contentEncoding === undefined
      : isJson(contentType);
    if (status < 300 && expected) {
      this.#phase = 'passing';
      this.#reply.begin(head);
      return;
    }
    this.#phase = 'refusing';
    this.#trouble = { status, contentType };
  }

  onResponseData(_: UpstreamController, chunk: Buffer): void {
    this.#lastByteMs = this.nowMs;
    if (this.#phase === 'passing') this.#reply.pass(chunk);
    else if (this.#phase === 'refusing') this.#collect(chunk);
  }

  onResponseEnd(): void {
    if (this.#phase === 'passing') this.#endReply();
    else if (this.#phase === 'refusing') this.#refuseForUpstream();
  }

  onResponseError(_: UpstreamController, error: Error): void {
    if (this.#phase === 'passing') this.brokeOff(`Its answer broke off (${codeOf(error)}).`);
    else if (this.#phase === 'refusing') this.#refuseForUpstream();
    else if (this.#phase === 'waiting') this.#failUnanswered(error);
  }

  tick(nowMs: number): void {
    if (this.#isEnding()) return;
    const { timings } = this.#options;
    const silentMs = nowMs - this.#lastByteMs;
    if (this.#phase !== 'passing' && !this.streaming && nowMs - this.startedMs >= timings.upstreamTimeoutMs) {
      this.#options.sending.failed();
      this.#fail(timedOut(timings.upstreamTimeoutMs), 'failed');
    } else if (silentMs >= timings.idleTimeoutMs && !this.writer.blocked) {
      this.#options.sending.failed();
      this.#fail(fellSilent(timings.idleTimeoutMs), this.#phase === 'passing' ? 'broken' : 'failed');
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

  get outgoing(): ServerResponse {
    return this.#options.call.outgoing;
  }

  errorBody(refusal: Refusal): object {
    return this.#options.call.errorBody(refusal);
  }

  get headers(): readonly string[] {
    const { headers, sending } = this.#options;
    return sending.headers.length === 0 ? headers : [...headers, ...sending.headers];
  }

  get begun(): boolean {
    return this.#reply.begun;
  }

  /** Answers with a refusal of the gateway's own, nothing being under way. */
  refuse(refusal: Refusal): void {
    this.#fail(refusal, 'not_taken');
  }

  get nowMs(): number {
    return this.#options.open.nowMs;
  }

  answered(): Promise<void> | null {
    return this.#settle({ ending: 'answered', status: this.#sentStatus(), outcome: 'ok', errorCode: null });
  }

  answeredWithError(): Promise<void> | null {
    return this.#settle({
      ending: 'broken',
      status: this.#sentStatus(),
      outcome: 'error',
      errorCode: 'upstream_error',
    });
  }

  brokeOff(what: string): void {
    if (!this.#settled) this.#options.sending.failed();
    this.#fail(failed(what), 'broken');
  }

  after(settling: Promise<void> | null, go: () => void): void {
    if (settling === null) go();
    else void settling.then(go);
  }

  #failUnanswered(error: Error): void {
    const { refusal, ending } = unanswered(error);
    this.#fail(refusal, ending);
  }

  #collect(chunk: Buffer): void {
    if (this.#errorBytes < maxErrorBytes) this.#errorChunks.push(chunk);
    this.#errorBytes += chunk.length;
    if (this.#errorBytes >= maxErrorBytes) this.#refuseForUpstream();
  }

  #refuseForUpstream(): void {
    const { sending } = this.#options;
    const { key } = sending.attachment;
    const text = Buffer.concat(this.#errorChunks).toString('utf8').replaceAll(key, '***');
    const { refusal, ending } = upstreamTrouble({ ...this.#trouble, roomInMs: sending.roomInMs, text });
    this.#fail(refusal, ending);
  }

  /** Settles as an error, tells the caller as well as can be, and lets the upstream go. */
  #fail(refusal: Refusal, ending: Ending, errorCode: ForwardOutcome['errorCode'] = refusal.code): void {
    if (this.#settled) {
      // The answer was complete already; only its end was still to come.
      this.#endReply();
      this.#options.sending.abandon();
      return;
    }
    const settling = this.#settle({
      ending: this.#paidAs(ending),
      status: this.#reply.begun ? this.#sentStatus() : refusal.status,
      outcome: 'error',
      errorCode,
    });
    this.#phase = 'over';
    this.#options.sending.abandon();
    this.after(settling, () => {
      if (this.#reply.begun) this.#reply.breakOff(refusal);
      else sendRefusal(this.outgoing, refusal, { body: this.errorBody(refusal), headers: this.headers });
    });
  }

  /** Once: what a reader has not yet taken may keep the exchange open long after. */
  #endReply(): void {
    this.#phase = 'ending';
    this.#reply.end();
  }

  /** The status the caller has, once a reply has begun: 200 where it began before the upstream's. */
  #sentStatus(): number {
    return this.#upstreamStatus !== null && this.#upstreamStatus < 300 ? this.#upstreamStatus : 200;
  }

  /** What was never sent costs nothing, however it ended; what an earlier attempt has cost is not forgotten. */
  #paidAs(ending: Ending): Ending {
    const { sent, spent } = this.#options.sending;
    const own = sent ? ending : 'not_taken';
    return spent && (own === 'not_taken' || own === 'rejected') ? 'failed' : own;
  }

  #sinceSentMs(): number {
    const { call, sending } = this.#options;
    return call.startedMs + call.elapsedMs - sending.sentAtMs;
  }

  #isEnding(): boolean {
    return this.#phase === 'ending' || this.#phase === 'over';
  }

  /** The reply is finished, or its caller is gone. */
  #closed(): void {
    this.#options.open.remove(this);
    if (this.#phase === 'over') return;
    const ending = this.streaming ? 'broken' : 'left';
    // Where the reply was told to end, it is settled already, and this changes nothing.
    void this.#settle({
      ending: this.#paidAs(ending),
      status: this.#reply.begun ? this.#sentStatus() : callerLeft,
      outcome: 'aborted',
      errorCode: null,
    });
    this.#phase = 'over';
    this.#options.sending.abandon();
  }

  #settle(ended: Ended): Promise<void> | null {
    if (this.#settled) return null;
    this.#settled = true;
    const passed = this.#phase === 'passing' || this.#phase === 'ending';
    const { sending } = this.#options;
    return this.#options.settle({
      ...ended,
      usage: passed ? this.#reply.usage : null,
      unreportedTokens: passed ? Math.ceil(this.#reply.unreportedBytes / bytesPerToken) : 0,
      accepted: passed,
      upstream: sending.sent ? { status: this.#upstreamStatus, headMs: this.#headMs } : null,
      sentTo: { attachment: sending.attachment.name, model: sending.model },
      durationMs: this.#options.call.elapsedMs,
      ttfbMs: this.#firstByteMs,
    });
  }
}

function headOf(status: number, headers: IncomingHttpHeaders): UpstreamHead {
  // A header sent twice arrives as an array, whatever the type says.
  const one = (name: string): string | undefined => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const encoding = one('content-encoding')?.toLowerCase();
  return {
    status,
    contentType: one('content-type') ?? '',
    contentEncoding: encoding === 'identity' ? undefined : encoding,
    contentLength: one('content-length'),
  };
}
