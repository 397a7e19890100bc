import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { retryAfterMs } from '../base/retry-after.ts';
import type { PushSettings } from '../config/telemetry.ts';

export type Signal = 'traces' | 'metrics';

export const contentTypes = {
  'http/protobuf': 'application/x-protobuf',
  'http/json': 'application/json',
} as const satisfies Record<PushSettings['protocol'], string>;

/** What became of what was sent. */
export type Delivery =
  | { readonly kind: 'taken'; readonly answer: Uint8Array }
  /** It is not taken, however often it is sent. */
  | { readonly kind: 'refused' }
  /** The collector was not reached, or had no time for it. */
  | { readonly kind: 'failed' };

/** What one try came to. `why` is for the log. */
type Tried =
  | (Delivery & { readonly why: string })
  | { readonly kind: 'later'; readonly waitMs: number | null; why: string };

interface CollectorParts {
  readonly signal: Signal;
  readonly push: PushSettings;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Patience {
  /** After so long no other try is begun, ms. */
  readonly patienceMs: number;
  /** Aborted: there is no time to wait for another try. */
  readonly hurry: AbortSignal;
  /** Aborted: there is no time left at all. */
  readonly cut: AbortSignal;
}

/** Statuses that another try may help after (OTLP specification, "Retryable Response Codes"). */
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const [firstPauseMs, longestPauseMs] = [1_000, 30_000];
/** The longest wait that a collector may ask for: nothing is sent meanwhile, and nobody would look for a mistyped header. */
const longestRetryAfterMs = 600_000;
const maxAnswerBytes = 65_536;

/** The collector of one signal. It is told of one thing at a time. */
export class Collector {
  readonly #parts: CollectorParts;
  readonly #host: string;
  #isFailing = false;
  /** Nothing is sent before; monotonic, ms. */
  #restsUntilMs = 0;

  constructor(parts: CollectorParts) {
    this.#parts = parts;
    this.#host = new URL(parts.push.url).host;
  }

  /** Sends until the collector has taken it or refused it, or patience ends. Never rejects. */
  async deliver(body: Uint8Array<ArrayBuffer>, patience: Patience): Promise<Delivery> {
    const { clock } = this.#parts;
    const untilMs = clock.monotonic() + patience.patienceMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      if (!(await this.#rested(untilMs, patience.hurry))) return { kind: 'failed' };
      const tried = await this.#try(body, patience.cut);
      this.#note(tried);
      if (tried.kind !== 'later') return tried;
      this.#restsUntilMs = clock.monotonic() + (tried.waitMs ?? pauseMs * (0.5 + Math.random() / 2));
    }
  }

  /** Waits as long as the collector is to have its rest. False if that is too long. */
  async #rested(untilMs: number, hurry: AbortSignal): Promise<boolean> {
    const nowMs = this.#parts.clock.monotonic();
    const waitMs = this.#restsUntilMs - nowMs;
    if (waitMs <= 0) return nowMs <= untilMs;
    if (this.#restsUntilMs > untilMs || hurry.aborted) return false;
    return sleep(waitMs, true, { signal: hurry, ref: false }).catch(() => false);
  }

  async #try(body: Uint8Array<ArrayBuffer>, cut: AbortSignal): Promise<Tried> {
    const { push, clock } = this.#parts;
    const timeout = AbortSignal.timeout(push.timeoutMs);
    try {
      const response = await fetch(push.url, {
        method: 'POST',
        headers: { ...push.headers, 'content-type': contentTypes[push.protocol] },
        body,
        redirect: 'error',
        signal: AbortSignal.any([timeout, cut]),
      });
      const answer = await boundedBytes(response);
      const why = `status ${response.status}`;
      if (response.ok) return { kind: 'taken', answer, why };
      if (!retryable.has(response.status)) return { kind: 'refused', why };
      const askedMs = retryAfterMs(Object.fromEntries(response.headers), clock.now());
      return { kind: 'later', waitMs: askedMs === null ? null : Math.min(longestRetryAfterMs, askedMs), why };
    } catch (error) {
      if (cut.aborted) return { kind: 'failed', why: 'the process ends' };
      const why = timeout.aborted ? 'it does not answer' : reasonOf(error);
      return { kind: 'later', waitMs: null, why };
    }
  }

  /** Says in the log when it begins to fail, and when it works again: not for each batch. */
  #note({ kind, why }: Tried): void {
    const { log, signal } = this.#parts;
    const isFailing = kind !== 'taken';
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    const collector = this.#host;
    if (isFailing) log.warn('the collector does not take telemetry', { signal, collector, why });
    else log.info('the collector takes telemetry again', { signal, collector });
  }
}

async function boundedBytes({ body }: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Node's own error says only that it failed. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return 'the connection failed';
}
