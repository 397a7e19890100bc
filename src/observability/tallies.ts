import type { Counter, MetricValueWithName, Registry } from 'prom-client';

/*
 * Counters and histograms that prom-client only renders. Its own ones build a text from their labels and look it up for
 * every count, which took 7 % of a short request's instructions.
 */

type Labels = Readonly<Record<string, string>>;
type Sample = MetricValueWithName<string>;

/** Like prom-client's own metrics. Its types have an enum, but its code has texts. */
interface Rendered {
  name: string;
  help: string;
  type: 'counter' | 'histogram';
  aggregator: 'sum';
  values: Sample[];
}

export interface FamilyOptions {
  name: string;
  help: string;
  labelNames: readonly string[];
  /** From this many series on, a new one counts under `(other)` in its first label. */
  maxSeries?: number;
}

/** No team can have this id. */
const others = '(other)';

/** All series of one name. Reading one by its labels creates it if needed. */
abstract class Family<Series> {
  protected abstract readonly type: 'counter' | 'histogram';
  protected readonly name: string;
  readonly #help: string;
  readonly labelNames: readonly string[];
  readonly #maxSeries: number;
  readonly #series = new Map<string, { labels: Labels; series: Series }>();

  constructor({ name, help, labelNames, maxSeries = Infinity }: FamilyOptions, registry: Registry) {
    this.name = name;
    this.#help = help;
    this.labelNames = labelNames;
    this.#maxSeries = maxSeries;
    // A registry uses only `name` and `get()` of a metric; its type accepts only prom-client's own classes.
    registry.registerMetric(this as unknown as Counter);
  }

  protected abstract make(): Series;
  protected abstract samples(labels: Labels, series: Series): Sample[];

  /** The series of these labels, in the order of `labelNames`. */
  of(first = '', second = '', third = ''): Series {
    const key = `${first}\n${second}\n${third}`;
    const known = this.#series.get(key);
    if (known) return known.series;
    if (this.#series.size >= this.#maxSeries && first !== others) return this.of(others, second, third);
    const values = [first, second, third];
    const labels = Object.fromEntries(this.labelNames.map((name, n) => [name, values[n] ?? '']));
    const series = this.make();
    this.#series.set(key, { labels, series });
    return series;
  }

  /** What prom-client renders, and what is sent to be summed up over all processes. */
  get(): Promise<Rendered> {
    const values = [...this.#series.values()].flatMap(({ labels, series }) => this.samples(labels, series));
    const { name, type } = this;
    return Promise.resolve({ name, help: this.#help, type, aggregator: 'sum', values });
  }
}

/** A number that only increases. */
export class Tally {
  value = 0;

  add(amount = 1): void {
    this.value += amount;
  }
}

export class Tallies extends Family<Tally> {
  protected override readonly type = 'counter';

  protected override make(): Tally {
    return new Tally();
  }

  protected override samples(labels: Labels, { value }: Tally): Sample[] {
    return [{ metricName: this.name, labels, value }];
  }
}

/** A histogram. Each observation counts under the smallest bound that is at least as large. */
export class Distribution {
  sum = 0;
  count = 0;
  /** Upper bounds, the last one infinite. */
  readonly #bounds: readonly number[];
  readonly #within: number[];

  constructor(bounds: readonly number[]) {
    this.#bounds = [...bounds, Infinity];
    this.#within = this.#bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count += 1;
    let at = 0;
    while (value > (this.#bounds[at] ?? Infinity)) at += 1;
    this.#within[at] = (this.#within[at] ?? 0) + 1;
  }

  /** For each bound, how many observations were at most that large. */
  cumulative(): { le: string; count: number }[] {
    let count = 0;
    return this.#bounds.map((bound, at) => {
      count += this.#within[at] ?? 0;
      return { le: bound === Infinity ? '+Inf' : String(bound), count };
    });
  }
}

export class Distributions extends Family<Distribution> {
  protected override readonly type = 'histogram';
  readonly #bounds: readonly number[];

  constructor(options: FamilyOptions & { bounds: readonly number[] }, registry: Registry) {
    super(options, registry);
    this.#bounds = options.bounds;
  }

  protected override make(): Distribution {
    return new Distribution(this.#bounds);
  }

  protected override samples(labels: Labels, series: Distribution): Sample[] {
    if (series.count === 0) return [];
    const { name } = this;
    return [
      ...series
        .cumulative()
        .map(({ le, count }) => ({ metricName: `${name}_bucket`, labels: { le, ...labels }, value: count })),
      { metricName: `${name}_sum`, labels, value: series.sum },
      { metricName: `${name}_count`, labels, value: series.count },
    ];
  }
}
