import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { MetricSettings } from '../config/telemetry.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Collector } from './collector.ts';
import type { MetricPoints, Points } from './metric-points.ts';

export interface MetricPushesParts {
  readonly settings: Pick<MetricSettings, 'intervalMs'>;
  readonly metrics: Pick<Metrics, 'snapshot'>;
  readonly points: MetricPoints;
  readonly collector: Pick<Collector, 'deliver'>;
  readonly encode: (metrics: Points['metrics']) => Uint8Array<ArrayBuffer>;
  readonly dropped: (reason: 'refused' | 'failed', pushes: number) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Pushes this process's metrics, at intervals and once more at the end. */
export class MetricPushes {
  readonly #parts: MetricPushesParts;
  #timer: NodeJS.Timeout | null = null;
  #pushing: Promise<void> | null = null;
  readonly #hurry = new AbortController();
  readonly #cut = new AbortController();

  constructor(parts: MetricPushesParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.#push(), this.#parts.settings.intervalMs).unref();
  }

  /** Pushes the last figures, and resolves when that is done or the time is up. */
  async stop(timeoutMs: number): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#hurry.abort();
    const timer = setTimeout(() => this.#cut.abort(), timeoutMs);
    await this.#pushing;
    await this.#push();
    clearTimeout(timer);
  }

  /** One push at a time: the next has all that this one has. */
  #push(): Promise<void> {
    this.#pushing ??= this.#pushNow()
      .catch((error: unknown) => this.#parts.log.error('metrics could not be pushed', { error }))
      .finally(() => (this.#pushing = null));
    return this.#pushing;
  }

  async #pushNow(): Promise<void> {
    const { metrics, points, collector, encode, dropped, clock, settings } = this.#parts;
    const made = points.of(await metrics.snapshot(), clock.now());
    const delivery = await collector.deliver(encode(made.metrics), {
      patienceMs: settings.intervalMs,
      hurry: this.#hurry.signal,
      cut: this.#cut.signal,
    });
    if (delivery.kind === 'taken') made.delivered();
    else dropped(delivery.kind, 1);
  }
}
