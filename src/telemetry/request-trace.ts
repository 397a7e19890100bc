import type { Clock } from '../base/clock.ts';
import type { Figures } from '../base/figures.ts';
import type { RemoteSpan } from './trace-context.ts';

/** One sending to an attachment. Times are monotonic, ms. */
export interface TracedAttempt {
  readonly attachment: string;
  /** The attachment's base URL. */
  readonly baseUrl: string;
  readonly path: string;
  readonly beganMs: number;
  /** How long the request had waited for quota before; null: it did not. */
  readonly waitedMs: number | null;
  endedMs: number | null;
  /** Null: no answer came. */
  status: number | null;
  /** Why another attempt was made; null: none was. */
  givenUp: string | null;
}

/** How a request ended, as far as it may be told. */
export interface TracedEnd {
  readonly status: number;
  readonly outcome: string;
  readonly errorCode: string | null;
  readonly caller: {
    readonly team: string | null;
    readonly user: string | null;
    readonly token: string | null;
    readonly session: string | null;
  };
  /** Null if its name is only a caller's claim. */
  readonly askedModel: string | null;
  /** The model that answered; null if none did. */
  readonly answeredModel: string | null;
  /** Null if nothing was used. */
  readonly used: { readonly figures: Readonly<Figures>; readonly isEstimated: boolean } | null;
  readonly stream: boolean;
  /** From the request line to the first byte of the upstream's answer; null if none came. */
  readonly firstByteMs: number | null;
  /** The upstream's status of the last attempt; null if it gave none. */
  readonly upstreamStatus: number | null;
  /** The limit that refused it; null if none did. */
  readonly limit: string | null;
}

/** Who is told of a trace that is to be sent. */
export interface TraceTaker {
  readonly clock: Clock;
  take(trace: RequestTrace): void;
}

export interface TraceBeginning {
  readonly traceId: string;
  /** The span that it is a child of; null if it begins its own trace. */
  readonly parent: RemoteSpan | null;
  /** A span that it only points at, since nobody vouches for it. */
  readonly link: RemoteSpan | null;
  readonly isSampled: boolean;
  /** The same if its caller turns out to be unknown: then the flag of the parent decides nothing. */
  readonly isSampledOfStranger: boolean;
  readonly method: string;
  /** The pattern of its path, which has no text of the caller's. */
  readonly route: string;
  readonly requestId: string;
  /** Monotonic, ms. */
  readonly startedMs: number;
}

/**
 * What is noted of a request on its way: numbers and names, from which spans are made when it has ended, and only if they
 * are sent. All times are monotonic, ms.
 */
export class RequestTrace {
  readonly began: TraceBeginning;
  readonly attempts: TracedAttempt[] = [];
  admitBeganMs: number | null = null;
  admitEndedMs: number | null = null;
  /** When the upstream's answer, or the refusal, had ended. */
  settleBeganMs: number | null = null;
  /** When the store had the settlement; null if nobody waited for it. */
  settleEndedMs: number | null = null;
  closedMs: number | null = null;
  end: TracedEnd | null = null;
  #queuedMs: number | null = null;
  readonly #taker: TraceTaker;

  constructor(taker: TraceTaker, began: TraceBeginning) {
    this.#taker = taker;
    this.began = began;
  }

  /** The limits are asked. */
  admits(): void {
    this.admitBeganMs = this.#nowMs;
  }

  admitted(): void {
    this.admitEndedMs = this.#nowMs;
  }

  /** It begins to wait for quota. */
  waits(): void {
    this.#queuedMs ??= this.#nowMs;
  }

  /** It is sent to an attachment. */
  sends(attempt: Pick<TracedAttempt, 'attachment' | 'baseUrl' | 'path'>): void {
    const nowMs = this.#nowMs;
    const last = this.attempts.at(-1);
    // Of a request in parts, the part before was answered.
    if (last && last.endedMs === null) Object.assign(last, { endedMs: nowMs, status: 200 });
    const waitedMs = this.#queuedMs === null ? null : nowMs - this.#queuedMs;
    this.#queuedMs = null;
    this.attempts.push({ ...attempt, beganMs: nowMs, waitedMs, endedMs: null, status: null, givenUp: null });
  }

  /** The attempt is over, and another one follows. `status`: null if no answer came. */
  givesUp(cause: string, status: number | null): void {
    const attempt = this.attempts.at(-1);
    if (attempt) Object.assign(attempt, { endedMs: this.#nowMs, status, givenUp: cause });
  }

  /** It is known how it ended: what becomes of the answer now is up to the caller. */
  ends(end: TracedEnd): void {
    const nowMs = this.#nowMs;
    this.end = end;
    this.settleBeganMs = nowMs;
    const last = this.attempts.at(-1);
    if (last && last.endedMs === null) Object.assign(last, { endedMs: nowMs, status: end.upstreamStatus });
    this.#finish();
  }

  /** The store has its settlement. */
  stored(): void {
    if (!this.#isOver) this.settleEndedMs = this.#nowMs;
  }

  /** The answer has been sent, or its caller is gone. */
  closes(): void {
    this.closedMs = this.#nowMs;
    this.#finish();
  }

  /** Whether it is sent to the collector. Known once it has ended. */
  get isRecorded(): boolean {
    return this.end !== null && (this.#isSampled(this.end) || isFailure(this.end));
  }

  /** Anybody can send requests that are refused: they must not choose how many of them are sent on. */
  #isSampled({ caller }: TracedEnd): boolean {
    return caller.team === null ? this.began.isSampledOfStranger : this.began.isSampled;
  }

  get #isOver(): boolean {
    return this.end !== null && this.closedMs !== null;
  }

  get #nowMs(): number {
    return this.#taker.clock.monotonic();
  }

  /** The reply may close before it is known how the request ended, if its caller leaves. */
  #finish(): void {
    if (this.#isOver && this.isRecorded) this.#taker.take(this);
  }
}

/**
 * Whether a request failed for a reason that is not its caller's: such requests are always sent. An answer that has begun
 * with 200 and breaks off is one; a caller that leaves is none.
 */
export function isFailure({ status, outcome }: Pick<TracedEnd, 'status' | 'outcome'>): boolean {
  return status >= 500 || (outcome === 'error' && status < 400);
}
