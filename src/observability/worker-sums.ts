import { AggregatorRegistry, type Registry } from 'prom-client';
import type { MetricsSnapshot } from './metrics.ts';

/**
 * The metrics of all workers together. A counter must not fall: Prometheus takes a fall for a restart, and counts
 * everything again. So what a worker last said stays while it does not answer, and its counters and histograms stay when
 * it is dead.
 */
export class WorkerSums {
  readonly #last = new Map<number, MetricsSnapshot>();
  #dead: MetricsSnapshot = [];

  told(worker: number, snapshot: MetricsSnapshot): void {
    this.#last.set(worker, snapshot);
  }

  died(worker: number): void {
    const last = this.#last.get(worker);
    this.#last.delete(worker);
    if (!last) return;
    const lasting = last.filter(({ type }) => onlyRise.has(String(type)));
    this.#dead = metricsIn(AggregatorRegistry.aggregate([this.#dead, lasting]));
  }

  sum(): Registry {
    return AggregatorRegistry.aggregate([...this.#last.values(), this.#dead]);
  }
}

const onlyRise: ReadonlySet<string> = new Set(['counter', 'histogram']);

/** What a registry was made of: each of its metrics has all fields of a snapshot. */
function metricsIn(registry: { getMetricsAsArray(): unknown[] }): MetricsSnapshot {
  return registry.getMetricsAsArray() as MetricsSnapshot;
}
