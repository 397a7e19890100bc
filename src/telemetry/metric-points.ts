import { ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import type { MetricsSnapshot } from '../observability/metrics.ts';
import { hrTime } from './spans.ts';

type Family = MetricsSnapshot[number];
type NamedValue = Family['values'][number] & { readonly metricName?: string };
type Labels = Record<string, string>;

/** What is to be pushed; `delivered` is called when the collector has it. */
export interface Points {
  metrics: MetricData[];
  delivered(): void;
}

/** What a series had when it was last delivered: of a counter its value, of a histogram also its buckets. */
interface Known {
  value: number;
  sum: number;
  counts: readonly number[];
}

const nothing: Known = { value: 0, sum: 0, counts: [] };

/**
 * Makes OTLP points of a process's metrics: of its counters and histograms sums since the process began, or (`isDelta`)
 * since the last push that arrived, so that one that fails loses nothing. Names and labels are those of `/metrics`; the
 * label `dyno` is left to the resource. Times are of the wall clock, ms.
 */
export class MetricPoints {
  readonly #isDelta: boolean;
  #sinceMs: number;
  #known = new Map<string, Known>();

  constructor({ isDelta, startedMs }: { isDelta: boolean; startedMs: number }) {
    this.#isDelta = isDelta;
    this.#sinceMs = startedMs;
  }

  of(snapshot: MetricsSnapshot, nowMs: number): Points {
    const now = new Map<string, Known>();
    const times = { startTime: hrTime(this.#sinceMs), endTime: hrTime(nowMs) };
    const metrics = snapshot.flatMap((family) => this.#metricOf(family, times, now) ?? []);
    const delivered = (): void => {
      if (!this.#isDelta) return;
      this.#known = now;
      this.#sinceMs = nowMs;
    };
    return { metrics, delivered };
  }

  #metricOf(
    family: Family,
    times: Pick<DataPoint<number>, 'startTime' | 'endTime'>,
    now: Map<string, Known>,
  ): MetricData | null {
    const { name, help: description } = family;
    const aggregationTemporality = this.#isDelta
      ? AggregationTemporality.DELTA
      : AggregationTemporality.CUMULATIVE;
    const base = {
      descriptor: { name, description, unit: unitOf(name), valueType: ValueType.DOUBLE },
      aggregationTemporality,
    };
    switch (String(family.type)) {
      case 'counter': {
        const dataPoints = family.values.map(({ value, labels }) => {
          const attributes = attributesOf(labels);
          const key = name + JSON.stringify(attributes);
          now.set(key, { ...nothing, value });
          return { ...times, attributes, value: value - this.#knownOf(key).value };
        });
        return { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
      }
      case 'gauge': {
        const dataPoints = family.values.map(({ value, labels }) => ({
          ...times,
          attributes: attributesOf(labels),
          value,
        }));
        return { ...base, dataPointType: DataPointType.GAUGE, dataPoints };
      }
      case 'histogram': {
        const dataPoints = [...histogramsIn(family)].map(([key, { attributes, value }]) => {
          const { count, sum = 0, buckets } = value;
          now.set(key, { value: count, sum, counts: buckets.counts });
          const known = this.#knownOf(key);
          const counts = buckets.counts.map((each, n) => each - (known.counts[n] ?? 0));
          const since = { count: count - known.value, sum: sum - known.sum };
          return { ...times, attributes, value: { ...since, buckets: { ...buckets, counts } } };
        });
        return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints };
      }
      default:
        return null; // prom-client's summaries: there are none
    }
  }

  #knownOf(key: string): Known {
    return this.#known.get(key) ?? nothing;
  }
}

interface Series {
  readonly attributes: Labels;
  readonly value: Histogram;
  /** What lies below the last bound so far. */
  below: number;
}

/** The histograms of a family, whose values are a list of buckets (each with all that lie below it), sums and counts. */
function histogramsIn({ name, values }: Family): ReadonlyMap<string, Series> {
  const found = new Map<string, Series>();
  // prom-client's type leaves out the names that the values of a histogram have.
  for (const { metricName, labels, value } of values as readonly NamedValue[]) {
    const { le, ...attributes } = attributesOf(labels);
    const key = name + JSON.stringify(attributes);
    const series = found.get(key) ?? emptySeries(attributes);
    found.set(key, series);
    const { buckets } = series.value;
    if (metricName === `${name}_sum`) series.value.sum = value;
    else if (metricName === `${name}_count`) series.value.count = value;
    else {
      if (le !== '+Inf') buckets.boundaries.push(Number(le));
      buckets.counts.push(value - series.below);
      series.below = value;
    }
  }
  return found;
}

function emptySeries(attributes: Labels): Series {
  return { attributes, value: { buckets: { boundaries: [], counts: [] }, count: 0, sum: 0 }, below: 0 };
}

function attributesOf(labels: Readonly<Partial<Record<string, string | number>>>): Labels {
  const kept = Object.entries(labels).filter(([name]) => name !== 'dyno');
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

/** As UCUM has it (OpenTelemetry, "Instrument units"), by the ends that Prometheus has names have. */
function unitOf(name: string): string {
  if (name.includes('_seconds')) return 's';
  if (name.includes('_bytes')) return 'By';
  return name.includes('_usd') ? '{USD}' : '';
}
