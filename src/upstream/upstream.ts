import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Attachment } from '../base/attachment.ts';
import type { Clock } from '../base/clock.ts';
import type { Attempt } from './attempt.ts';
import { afterFailure, type CircuitBreaker, closed } from './circuit-breaker.ts';
import type { KeyQuota } from './key-quota.ts';
import { exhaustedForMs, snapshotIn } from './rate-limit-headers.ts';
import type { Cause } from './retry.ts';
import { resetMs, retryAfterMs } from './retry-after.ts';

/** What log and metrics are told of attempts. */
export interface AttemptObserver {
  /** An attempt was given up for another. `status` is null if no answer came. */
  gaveUp(attempt: { attachment: string; cause: Cause; status: number | null; durationMs: number }): void;
  /** An attachment began to fail: others are asked first for so long. */
  circuitOpened(failure: { attachment: string; cause: Cause; forMs: number }): void;
  /** It works again. */
  circuitClosed(attachment: string): void;
}

/** What recording takes. */
export interface Recorder {
  clock: Clock;
  observer: AttemptObserver;
}

type Made = Pick<Attempt, 'ordinal' | 'isProbe'>;

/** A wrong figure must not take an attachment away for good: while others work, no request would find out. */
const longestWaitMs = 3_600_000;

/** An attachment with its connections, its circuit breaker and its key's quota. */
export class Upstream {
  readonly attachment: Attachment;
  /** What the base URL's path puts before `/v1`. */
  readonly pathPrefix: string;
  readonly pool: Dispatcher;
  readonly #connect: () => Dispatcher;
  /** Attachments with the same key share it. */
  readonly quota: KeyQuota;
  breaker = closed;

  constructor(
    attachment: Attachment,
    { pool, quota, connect = () => pool }: { pool: Dispatcher; quota: KeyQuota; connect?: () => Dispatcher },
  ) {
    this.attachment = attachment;
    this.pathPrefix = new URL(attachment.baseUrl).pathname.replace(/\/$/, '');
    this.pool = pool;
    this.quota = quota;
    this.#connect = connect;
  }

  /** For one request that must not meet another connection which the upstream has closed. */
  freshConnection(): Dispatcher {
    return this.#connect();
  }

  /**
   * Records what an answer's head says of the key's quota and the attachment's health. Returns how long a 429 or 529
   * asks to wait, ms; null for any other answer, or if it does not say.
   */
  recordAnswer(
    attempt: Made,
    { cause, status, headers }: { cause: Cause | null; status: number; headers: IncomingHttpHeaders },
    recorder: Recorder,
  ): number | null {
    const { quota } = this;
    const nowMs = recorder.clock.monotonic();
    const snapshot = snapshotIn(headers, nowMs, recorder.clock);
    quota.endProbe();
    if (snapshot) quota.recordSnapshot(snapshot, attempt.ordinal);
    if (cause === null && status < 500) {
      quota.recordAccepted(nowMs, attempt.ordinal);
      this.#recordSuccess(recorder);
      return null;
    }
    const wallMs = recorder.clock.now();
    const askedMs = retryAfterMs(headers, wallMs);
    const waitMs = askedMs ?? exhaustedForMs(snapshot, nowMs) ?? resetMs(headers, wallMs);
    if (cause !== 'limited' || waitMs === null) {
      this.#open(attempt, cause ?? 'failing', Math.min(askedMs ?? 0, longestWaitMs), recorder);
      return cause === 'overloaded' ? askedMs : null;
    }
    this.#recordSuccess(recorder);
    quota.recordRateLimited(nowMs, nowMs + Math.min(waitMs, longestWaitMs));
    return waitMs;
  }

  /** Records that an attempt brought no answer, or none in time. */
  recordFailure(attempt: Made, cause: Cause, recorder: Recorder): void {
    this.quota.endProbe();
    this.#open(attempt, cause, 0, recorder);
  }

  #recordSuccess({ observer }: Recorder): void {
    if (this.breaker === closed) return;
    this.breaker = closed;
    observer.circuitClosed(this.attachment.name);
  }

  #open({ isProbe }: Made, cause: Cause, askedMs: number, { clock, observer }: Recorder): void {
    const before: CircuitBreaker = this.breaker;
    const nowMs = clock.monotonic();
    this.breaker = afterFailure(before, { nowMs, isProbe, retryAfterMs: askedMs, random: Math.random() });
    if (before !== closed) return;
    const forMs = this.breaker.openUntilMs - nowMs;
    observer.circuitOpened({ attachment: this.attachment.name, cause, forMs });
  }
}
