import { describe, expect, it } from 'vitest';
import { noFigures } from '../../../src/base/figures.ts';
import { Metrics } from '../../../src/observability/metrics.ts';
import { WorkerSums } from '../../../src/observability/worker-sums.ts';

const path = '/v1/chat/completions';

/** A worker that has answered some requests and has one open for each. */
function worker(): { metrics: Metrics; answer: (count: number) => void } {
  const metrics = new Metrics({ version: '1', dyno: 'web.1', endpoints: [path] });
  let open = 0;
  metrics.watch({
    webhooks: () => null,
    ledgerPending: () => 0,
    openRequests: () => open,
    openStreams: () => 0,
    waiting: () => 0,
    attachments: () => [],
    limits: async () => [{ team: 'a', scope: 'team', limit: 'requests/day', covers: '', used: open, max: 9 }],
    store: async () => null,
    records: async () => null,
  });
  const answer = (count: number): void => {
    open += count;
    for (let n = 0; n < count; n += 1) {
      metrics.answered({
        endpoint: path,
        status: 200,
        outcome: 'ok',
        stream: false,
        durationMs: 100,
        ttfbMs: 10,
        model: null,
        figures: noFigures,
      });
    }
  };
  return { metrics, answer };
}

async function valueOf(sums: WorkerSums, name: string): Promise<number> {
  const lines = (await sums.sum().metrics()).split('\n');
  const values = lines
    .filter((line) => line.startsWith(`${name}{`))
    .map((line) => Number(line.split(' ').at(-1)));
  return values.reduce((sum, value) => sum + value, 0);
}

describe('the sums of workers', () => {
  it('never fall: not when one stands still, nor when one dies, nor when its successor begins at 0', async () => {
    const sums = new WorkerSums();
    const [one, two, three] = [worker(), worker(), worker()];
    one.answer(16);
    two.answer(14);
    sums.told(1, await one.metrics.snapshot());
    sums.told(2, await two.metrics.snapshot());
    const requests = (): Promise<number> => valueOf(sums, 'tollgate_requests_total');
    expect(await requests()).toBe(30);
    // The first stands still: only the second answers.
    two.answer(1);
    sums.told(2, await two.metrics.snapshot());
    expect(await requests()).toBe(31);
    sums.died(1);
    expect(await requests()).toBe(31);
    sums.told(3, await three.metrics.snapshot());
    three.answer(2);
    sums.told(3, await three.metrics.snapshot());
    sums.died(2);
    sums.died(2);
    expect(await requests()).toBe(33);
    expect(await valueOf(sums, 'tollgate_request_duration_seconds_count')).toBe(33);
    expect(await valueOf(sums, 'tollgate_request_duration_seconds_bucket')).toBeGreaterThan(33);
  });

  it('leave what is open to the living, and take one of what all read from the store', async () => {
    const sums = new WorkerSums();
    const [one, two] = [worker(), worker()];
    one.answer(5);
    two.answer(3);
    sums.told(1, await one.metrics.snapshot());
    sums.told(2, await two.metrics.snapshot());
    expect(await valueOf(sums, 'tollgate_open_requests')).toBe(8);
    expect(await valueOf(sums, 'tollgate_limit_used')).toBe(5);
    sums.died(1);
    expect(await valueOf(sums, 'tollgate_open_requests')).toBe(3);
    expect(await valueOf(sums, 'tollgate_limit_used')).toBe(3);
  });
});
