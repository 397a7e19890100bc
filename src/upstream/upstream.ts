import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Attachment } from '../base/attachment.ts';
import type { Clock } from '../base/clock.ts';
import { retryAfterMs } from '../base/retry-after.ts';
import type { Attempt } from './attempt.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import { type Asker, Circuits } from './circuits.ts';
import type { KeyQuota } from './key-quota.ts';
import { exhaustedForMs, resetMs, snapshotIn } from './rate-limit-headers.ts';
import type { Cause } from './retry.ts';

/** What log and metrics are told of attempts. */
export interface AttemptObserver {
  /** An attempt was given up for another. `status` is null if no answer came. */
  gaveUp(attempt: { attachment: string; cause: Cause; status: number | null; durationMs: number }): void;
  /** An attachment began to fail for a model: others are asked first for so long. `team`: null for all teams. */
  circuitOpened(failure: OpenedCircuit): void;
  /** It works again. */
  circuitClosed(closed: { attachment: string; model: string }): void;
  /** Called for each failure that is the attachment's own trouble, or may be. */
  isOut(outage: Outage): void;
  /** The upstream refuses the key. Called each time. */
  keyRefused(refused: KeyRefused): void;
}

export interface Outage {
  attachment: string;
  /** Null if it cannot be connected to, which is so for all models. */
  model: string | null;
  cause: Cause;
  /** The only team that has met it, whose requests may be why; null: it fails whoever asks. */
  onlyTeam: string | null;
}

export interface KeyRefused {
  attachment: string;
  status: number;
}

export interface OpenedCircuit {
  attachment: string;
  model: string;
  team: string | null;
  cause: Cause;
  forMs: number;
}

/** What recording takes. */
export interface Recorder {
  clock: Clock;
  observer: AttemptObserver;
}

type Made = Pick<Attempt, 'ordinal' | 'isProbe'>;

/** The head of an answer, and who asked. */
interface Answered {
  asker: Asker;
  /** Null if it is kept. */
  cause: Cause | null;
  status: number;
  headers: IncomingHttpHeaders;
}

/** A refused key is told by itself, and a limit is no trouble. */
const ownTroubles: ReadonlySet<Cause> = new Set(['unconnected', 'reset', 'failing', 'overloaded']);

/** A wrong figure must not take an attachment away for good: while others work, no request would find out. */
const longestWaitMs = 3_600_000;

/** An attachment with its connections, its circuit breakers and its key's quota. */
export class Upstream {
  readonly attachment: Attachment;
  /** What the base URL's path puts before `/v1`. */
  readonly pathPrefix: string;
  readonly pool: Dispatcher;
  readonly #connect: () => Dispatcher;
  /** Attachments with the same key share it. */
  readonly quota: KeyQuota;
  readonly circuits = new Circuits();

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

  /** The circuit breaker of a model as it counts for a team. */
  breaker(model: string, team: string, nowMs: number): CircuitBreaker {
    return this.circuits.breaker(model, team, nowMs);
  }

  /** For one request that must not meet another connection which the upstream has closed. */
  freshConnection(): Dispatcher {
    return this.#connect();
  }

  /**
   * Records what an answer's head says of the key's quota, and whether the attachment serves the model. Returns how
   * long a 429 or 529
   * asks to wait, ms; null for any other answer, or if it does not say.
   */
  recordAnswer(
    attempt: Made,
    { asker, cause, status, headers }: Answered,
    recorder: Recorder,
  ): number | null {
    const { quota } = this;
    const nowMs = recorder.clock.monotonic();
    const snapshot = snapshotIn(headers, nowMs, recorder.clock);
    quota.endProbe(asker.team);
    if (snapshot) quota.recordSnapshot(snapshot, attempt.ordinal, asker.team);
    if (cause === null && status < 500) {
      quota.recordAccepted(nowMs, attempt.ordinal, asker.team);
      this.#recordSuccess(asker, recorder);
      return null;
    }
    const wallMs = recorder.clock.now();
    if (cause === 'key' && (status === 401 || asker.isModelKnown)) {
      recorder.observer.keyRefused({ attachment: this.attachment.name, status });
    }
    const askedMs = retryAfterMs(headers, wallMs);
    const waitMs = askedMs ?? exhaustedForMs(snapshot, nowMs) ?? resetMs(headers, wallMs);
    if (cause !== 'limited' || waitMs === null) {
      const asked = Math.min(askedMs ?? 0, longestWaitMs);
      this.#open(attempt, { asker, cause: cause ?? 'failing', askedMs: asked }, recorder);
      return cause === 'overloaded' ? askedMs : null;
    }
    this.#recordSuccess(asker, recorder);
    quota.recordRateLimited(nowMs, nowMs + Math.min(waitMs, longestWaitMs), asker.team);
    return waitMs;
  }

  /** Records that an attempt brought no answer, or none in time. */
  recordFailure(attempt: Made, { asker, cause }: { asker: Asker; cause: Cause }, recorder: Recorder): void {
    this.quota.endProbe(asker.team);
    this.#open(attempt, { asker, cause, askedMs: 0 }, recorder);
  }

  /** Records that a probe is connected, whatever becomes of it. */
  recordConnected(model: string, { observer }: Pick<Recorder, 'observer'>): void {
    if (this.circuits.connected(model)) observer.circuitClosed({ attachment: this.attachment.name, model });
  }

  #recordSuccess({ model }: Asker, { observer }: Recorder): void {
    if (this.circuits.succeed(model)) observer.circuitClosed({ attachment: this.attachment.name, model });
  }

  #open(
    { isProbe }: Made,
    { asker, cause, askedMs }: { asker: Asker; cause: Cause; askedMs: number },
    { clock, observer }: Recorder,
  ): void {
    const nowMs = clock.monotonic();
    const failure = { cause, nowMs, isProbe, retryAfterMs: askedMs, random: Math.random() };
    const opened = this.circuits.fail(asker, failure);
    const { name: attachment } = this.attachment;
    const { model, isModelKnown } = asker;
    if (opened) observer.circuitOpened({ attachment, model, cause, ...opened });
    // A name that only a caller gives is not told.
    const isTold = ownTroubles.has(cause) && (isModelKnown || cause === 'unconnected');
    const outage = isTold ? this.circuits.outage(model, cause, nowMs) : null;
    if (outage)
      observer.isOut({ attachment, model: cause === 'unconnected' ? null : model, cause, ...outage });
  }
}
