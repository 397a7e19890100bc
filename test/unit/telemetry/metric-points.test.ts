import { DataPointType } from '@opentelemetry/sdk-metrics';
import { beforeEach, describe, expect, it } from 'vitest';
import { Metrics } from '../../../src/observability/metrics.ts';
import { MetricPoints, type Points } from '../../../src/telemetry/metric-points.ts';

const startedMs = 1_700_000_000_000;
const at = (ms: number): [number, number] => [(startedMs + ms) / 1_000, 0];

let metrics: Metrics;
beforeEach(() => {
  metrics = new Metrics({ version: '1', dyno: 'web.1', endpoints: ['/v1/me'] });
});

const answers = (seconds: readonly number[]): void => {
  for (const each of seconds)
    metrics.upstreamAnswered({ attachment: 'A', status: 200, durationMs: each * 1_000 });
};
const pushed = async (points: MetricPoints, ms: number): Promise<Points> =>
  points.of(await metrics.snapshot(), startedMs + ms);
const named = ({ metrics: all }: Points, name: string) =>
  all.find(({ descriptor }) => descriptor.name === name);

describe('MetricPoints', () => {
  it('has counters as monotonic sums since the start, whatever was delivered', async () => {
    const points = new MetricPoints({ isDelta: false, startedMs });
    metrics.attemptGivenUp('A', 'failing');
    (await pushed(points, 1_000)).delivered();
    metrics.attemptGivenUp('A', 'failing');
    expect(named(await pushed(points, 2_000), 'tollgate_upstream_attempts_given_up_total')).toMatchObject({
      dataPointType: DataPointType.SUM,
      isMonotonic: true,
      aggregationTemporality: 1,
      dataPoints: [
        { value: 2, startTime: at(0), endTime: at(2_000), attributes: { attachment: 'A', cause: 'failing' } },
      ],
    });
  });

  it('has histograms with what lies within each bound, not below it', async () => {
    answers([0.02, 0.02, 0.3, 400]);
    const found = named(
      await pushed(new MetricPoints({ isDelta: false, startedMs }), 1_000),
      'tollgate_upstream_duration_seconds',
    );
    expect(found?.descriptor.unit).toBe('s');
    expect(found?.dataPoints).toMatchObject([
      {
        attributes: { attachment: 'A', status: '200' },
        value: {
          count: 4,
          sum: 400.34,
          buckets: {
            boundaries: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300],
            counts: [0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
          },
        },
      },
    ]);
  });

  it('has gauges, and prom-client’s own series', async () => {
    const all = await pushed(new MetricPoints({ isDelta: true, startedMs }), 1_000);
    expect(named(all, 'tollgate_build_info')).toMatchObject({
      dataPointType: DataPointType.GAUGE,
      dataPoints: [{ value: 1, attributes: { version: '1', node: process.version } }],
    });
    expect(named(all, 'process_cpu_seconds_total')?.dataPointType).toBe(DataPointType.SUM);
    expect(named(all, 'nodejs_gc_duration_seconds')?.dataPointType ?? DataPointType.HISTOGRAM).toBe(
      DataPointType.HISTOGRAM,
    );
  });

  it('delta: what came since the last push that arrived', async () => {
    const points = new MetricPoints({ isDelta: true, startedMs });
    const sums = async (ms: number) => {
      const made = await pushed(points, ms);
      const counter = named(made, 'tollgate_upstream_attempts_given_up_total')?.dataPoints[0];
      const histogram = named(made, 'tollgate_upstream_duration_seconds')?.dataPoints[0];
      return { made, told: [counter?.value, histogram?.value, counter?.startTime] };
    };
    const histogram = (count: number, within: number) =>
      expect.objectContaining({
        count,
        buckets: expect.objectContaining({ counts: expect.arrayContaining([within]) }),
      });
    metrics.attemptGivenUp('A', 'failing');
    answers([0.02, 0.02]);
    const first = await sums(1_000);
    expect(first.told).toEqual([1, histogram(2, 2), at(0)]);
    first.made.delivered();
    metrics.attemptGivenUp('A', 'failing');
    answers([0.02]);
    expect((await sums(2_000)).told).toEqual([1, histogram(1, 1), at(1_000)]); // it does not arrive
    metrics.attemptGivenUp('A', 'failing');
    const third = await sums(3_000);
    expect(third.told).toEqual([2, histogram(1, 1), at(1_000)]);
    third.made.delivered();
    expect((await sums(4_000)).told).toEqual([0, histogram(0, 0), at(3_000)]);
  });
});
