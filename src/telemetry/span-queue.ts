import type { Log } from '../base/log.ts';
import type { TraceSettings } from '../config/telemetry.ts';
import type { Collector } from './collector.ts';
import type { RequestTrace } from './request-trace.ts';
import { spansIn } from './spans.ts';

export interface SpanQueueParts {
  readonly bounds: TraceSettings['queue'];
  readonly collector: Pick<Collector, 'deliver'>;
  readonly encode: (traces: readonly RequestTrace[]) => Uint8Array<ArrayBuffer>;
  /** How many spans an answer says were not taken. */
  readonly rejected: (answer: Uint8Array) => number;
  readonly dropped: (reason: 'queue_full' | 'refused' | 'failed', spans: number) => void;
  readonly log: Pick<Log, 'error'>;
}

/**
 * Traces that wait to be sent: a bounded number, sent in batches, one after the other. Adding one costs its request
 * nothing more; the spans are made when it is their turn.
 */
export class SpanQueue {
  readonly #parts: SpanQueueParts;
  #traces: RequestTrace[] = [];
  #spans = 0;
  #timer: NodeJS.Timeout | null = null;
  #sending: Promise<void> | null = null;
  readonly #hurry = new AbortController();
  readonly #cut = new AbortController();

  constructor(parts: SpanQueueParts) {
    this.#parts = parts;
  }

  /** Adds a trace that has ended, or drops it if there is no room. */
  add(trace: RequestTrace): void {
    const { bounds, dropped } = this.#parts;
    const spans = spansIn(trace);
    if (this.#spans + spans > bounds.maxSpans) return dropped('queue_full', spans);
    this.#traces.push(trace);
    this.#spans += spans;
    this.#schedule();
  }

  /** Sends what waits, and resolves when that is done or the time is up. */
  async stop(timeoutMs: number): Promise<void> {
    this.#hurry.abort();
    const timer = setTimeout(() => this.#cut.abort(), timeoutMs);
    this.#clearTimer();
    while (this.#sending !== null || this.#traces.length > 0) await (this.#sending ?? this.#send());
    clearTimeout(timer);
  }

  /** A full batch is sent at once, others when they have waited. */
  #schedule(): void {
    const { maxBatchSpans, delayMs } = this.#parts.bounds;
    if (this.#sending !== null) return;
    if (this.#spans >= maxBatchSpans) this.#clearTimer();
    else if (this.#timer !== null) return;
    const waitMs = this.#spans >= maxBatchSpans ? 0 : delayMs;
    this.#timer = setTimeout(() => void this.#send(), waitMs).unref();
  }

  #send(): Promise<void> {
    const { dropped, log } = this.#parts;
    this.#timer = null;
    const { traces, spans } = this.#take();
    this.#sending = this.#sendBatch(traces, spans)
      .catch((error: unknown) => {
        dropped('failed', spans);
        log.error('spans could not be sent', { error });
      })
      .finally(() => {
        this.#sending = null;
        if (this.#traces.length > 0 && !this.#hurry.signal.aborted) this.#schedule();
      });
    return this.#sending;
  }

  async #sendBatch(traces: readonly RequestTrace[], spans: number): Promise<void> {
    const { bounds, collector, encode, rejected, dropped } = this.#parts;
    const delivery = await collector.deliver(encode(traces), {
      patienceMs: bounds.patienceMs,
      hurry: this.#hurry.signal,
      cut: this.#cut.signal,
    });
    if (delivery.kind !== 'taken') return dropped(delivery.kind, spans);
    const missing = rejected(delivery.answer);
    if (missing > 0) dropped('refused', missing);
  }

  /** The oldest traces, as many as make a batch; at least one. */
  #take(): { traces: RequestTrace[]; spans: number } {
    let [count, spans] = [0, 0];
    for (const trace of this.#traces) {
      const more = spansIn(trace);
      if (count > 0 && spans + more > this.#parts.bounds.maxBatchSpans) break;
      count += 1;
      spans += more;
    }
    this.#spans -= spans;
    return { traces: this.#traces.splice(0, count), spans };
  }

  #clearTimer(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
