import { describe, expect, it } from 'vitest';
import { noFigures } from '../../../src/base/figures.ts';
import { Metrics, type Answer } from '../../../src/observability/metrics.ts';

const answer: Answer = {
  endpoint: '/v1/chat/completions',
  status: 200,
  outcome: 'ok',
  stream: false,
  durationMs: 300,
  ttfbMs: 20,
  model: 'claude',
  figures: { ...noFigures, inputTokens: 14, outputTokens: 51 },
};

function create(): { metrics: Metrics; series: () => Promise<string[]> } {
  const metrics = new Metrics({ version: '1.2.3', dyno: 'web.1', endpoints: ['/v1/chat/completions'] });
  /** Without the dyno, which a test of its own looks for. */
  const series = async (): Promise<string[]> =>
    (await metrics.text()).body
      .replaceAll(/,?dyno="web\.1"/g, '')
      .replaceAll('{}', '')
      .split('\n')
      .filter((line) => line.startsWith('tollgate_'));
  return { metrics, series };
}

describe('metrics', () => {
  it('are in the Prometheus text format, with the process and the build', async () => {
    const { metrics } = create();
    const { contentType, body } = await metrics.text();
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(body).toContain(`tollgate_build_info{version="1.2.3",node="${process.version}",dyno="web.1"} 1`);
    const samples = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(samples.filter((line) => !line.includes('dyno="web.1"'))).toEqual([]);
    expect(body).toContain('process_cpu_seconds_total');
  });

  it('begin at 0, so that the first event is seen as one', async () => {
    const { series } = create();
    const seen = await series();
    expect(seen).toContain('tollgate_refusals_total{code="insufficient_quota"} 0');
    for (const name of ['store_errors_total', 'open_requests', 'open_streams', 'ledger_pending']) {
      expect(seen).toContain(`tollgate_${name} 0`);
    }
  });

  it('count an answer with its durations and tokens', async () => {
    const { metrics, series } = create();
    metrics.answered(answer);
    metrics.answered({
      ...answer,
      stream: true,
      ttfbMs: null,
      figures: { ...answer.figures, outputTokens: 9 },
    });
    const seen = await series();
    for (const line of [
      'tollgate_requests_total{endpoint="/v1/chat/completions",status="200",outcome="ok"} 2',
      'tollgate_request_duration_seconds_sum{endpoint="/v1/chat/completions"} 0.6',
      'tollgate_request_duration_seconds_bucket{le="0.25",endpoint="/v1/chat/completions"} 0',
      'tollgate_request_duration_seconds_bucket{le="0.5",endpoint="/v1/chat/completions"} 2',
      'tollgate_time_to_first_byte_seconds_count{endpoint="/v1/chat/completions",stream="false"} 1',
      'tollgate_tokens_total{direction="input",model="claude"} 28',
      'tollgate_tokens_total{direction="output",model="claude"} 60',
    ]) {
      expect(seen).toContain(line);
    }
    expect(seen.join('\n')).not.toContain('stream="true"');
  });

  it('count images by model', async () => {
    const { metrics, series } = create();
    metrics.answered({ ...answer, figures: { ...answer.figures, images: 3 } });
    expect(await series()).toContain('tollgate_images_total{model="claude"} 3');
  });

  it('make no series of a model the upstream has not accepted, or of a path nobody serves', async () => {
    const { metrics, series } = create();
    metrics.answered({ ...answer, endpoint: '/v1/canary', model: null, status: 404, outcome: 'refused' });
    const seen = (await series()).join('\n');
    expect(seen).toContain('tollgate_requests_total{endpoint="other",status="404",outcome="refused"} 1');
    expect(seen).not.toContain('canary');
    expect(seen).not.toContain('tokens_total{');
  });

  it('stay bounded when an upstream accepts every model', async () => {
    const { metrics, series } = create();
    for (let index = 0; index < 500; index++) metrics.answered({ ...answer, model: `m${index}` });
    const models = (await series()).filter((line) =>
      line.startsWith('tollgate_tokens_total{direction="input"'),
    );
    expect(models.length).toBeLessThanOrEqual(201);
    expect(models).toContain(`tollgate_tokens_total{direction="input",model="other"} ${300 * 14}`);
  });

  it('count refusals, upstream and store calls', async () => {
    const { metrics, series } = create();
    metrics.refused('missing_token');
    metrics.upstreamAnswered({ attachment: 'INFERENCE', status: 200, durationMs: 1_000 });
    metrics.upstreamAnswered({ attachment: 'INFERENCE', status: null, durationMs: 10 });
    metrics.storeAnswered({ operation: 'admit', durationMs: 2, ok: true });
    metrics.storeAnswered({ operation: 'admit', durationMs: 2, ok: false });
    const seen = await series();
    for (const line of [
      'tollgate_refusals_total{code="missing_token"} 1',
      'tollgate_upstream_duration_seconds_sum{attachment="INFERENCE",status="200"} 1',
      'tollgate_upstream_duration_seconds_count{attachment="INFERENCE",status="none"} 1',
      'tollgate_store_duration_seconds_count{operation="admit"} 2',
      'tollgate_store_errors_total 1',
    ]) {
      expect(seen).toContain(line);
    }
  });

  it('gauge what is open and what waits', async () => {
    const { metrics, series } = create();
    const store = { usedBytes: 1_000, maxBytes: 2_000, entries: 5, oldestAtMs: 1_700_000_000_000 };
    metrics.watch({
      webhooks: () => ({ pending: 12, disabled: 1 }),
      ledgerPending: () => 7,
      openRequests: () => 3,
      openStreams: () => 2,
      waiting: () => 4,
      attachments: () => [
        { attachment: 'A', isOpen: true },
        { attachment: 'B', isOpen: false },
      ],
      limits: () => Promise.resolve([]),
      store: () => Promise.resolve(store),
      records: async () => null,
    });
    metrics.deliveryEnded('dropped', 3);
    const seen = await series();
    expect(seen).toContain('tollgate_webhook_pending 12');
    expect(seen).toContain('tollgate_webhooks_disabled 1');
    expect(seen).toContain('tollgate_webhook_deliveries_total{outcome="dropped"} 3');
    expect(seen).toContain('tollgate_webhook_deliveries_total{outcome="delivered"} 0');
    expect(seen).toContain('tollgate_open_requests 3');
    expect(seen).toContain('tollgate_open_streams 2');
    expect(seen).toContain('tollgate_waiting_requests 4');
    expect(seen).toContain('tollgate_attachment_resting{attachment="A"} 1');
    expect(seen).toContain('tollgate_attachment_resting{attachment="B"} 0');
    expect(seen).toContain('tollgate_store_used_bytes 1000');
    expect(seen).toContain('tollgate_store_max_bytes 2000');
    expect(seen).toContain('tollgate_ledger_entries 5');
    expect(seen).toContain('tollgate_ledger_oldest_entry_timestamp_seconds 1700000000');
    expect(seen).toContain('tollgate_ledger_pending 7');
  });

  it('tell what is used of limits, of those in use only', async () => {
    const { metrics, series } = create();
    const use = { team: 'acme', scope: 'team', limit: 'tokens/day', covers: '', used: 80, max: 100 };
    let uses = [use, { ...use, limit: 'cost_usd/month', covers: 'm1,m2', used: 1.5, max: 50 }];
    metrics.watch({
      webhooks: () => null,
      ledgerPending: () => 0,
      openRequests: () => 0,
      openStreams: () => 0,
      waiting: () => 0,
      attachments: () => [],
      limits: async () => uses,
      store: async () => null,
      records: async () => null,
    });
    const labels = 'team="acme",scope="team",limit="tokens/day",covers=""';
    expect(await series()).toEqual(
      expect.arrayContaining([`tollgate_limit_used{${labels}} 80`, `tollgate_limit_max{${labels}} 100`]),
    );
    uses = [use];
    expect((await series()).filter((line) => line.startsWith('tollgate_limit_used'))).toHaveLength(1);
  });

  it('count cost and refusals by team, and stay bounded by many teams', async () => {
    const { metrics, series } = create();
    for (let n = 0; n < 1_200; n += 1) {
      metrics.paid(`team-${n}`, 'claude', 2_000_000_000);
      metrics.refusedByLimit({ team: `team-${n}`, scope: 'team', limit: 'requests/minute' });
    }
    metrics.paid('team-0', 'claude', 500_000_000);
    metrics.paid('free', 'claude', 0);
    const seen = await series();
    expect(seen).toContain('tollgate_cost_usd_total{team="team-0",model="claude"} 2.5');
    expect(seen).toContain('tollgate_cost_usd_total{team="(other)",model="claude"} 400');
    const refusals = 'tollgate_limit_refusals_total{team="(other)",scope="team",limit="requests/minute"}';
    expect(seen).toContain(`${refusals} 200`);
    expect(seen.filter((line) => line.startsWith('tollgate_cost_usd_total'))).toHaveLength(1_001);
  });

  it('are separate in two instances', async () => {
    const [one, two] = [create(), create()];
    one.metrics.refused('not_found');
    expect(await two.series()).toContain('tollgate_refusals_total{code="not_found"} 0');
  });
});
