import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  startCollector,
  type CollectedMetric,
  type MetricsPush,
  type TestCollector,
} from '../../support/collector.ts';
import { freePort } from '../../support/free-port.ts';
import { models, startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, get, paths, post } from '../../support/gateway-client.ts';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { waitFor } from '../../support/wait-for.ts';

/* Collectors that work, and others that do not: requests never learn of it. */

let upstream: StandIn;
let collector: TestCollector;
const open: TestGateway[] = [];

beforeAll(async () => {
  [upstream, collector] = await Promise.all([startStandIn(), startCollector()]);
});
afterEach(async () => {
  collector.script(null);
  await Promise.all(open.splice(0).map((gateway) => gateway.close()));
  collector.spans.splice(0);
  collector.pushes.splice(0);
  collector.requests.splice(0);
});
afterAll(async () => {
  await Promise.all([upstream.close(), collector.close()]);
});

async function gatewayWith(
  env: Record<string, string>,
): Promise<{ gateway: TestGateway; token: IssuedToken }> {
  const gateway = await startGateway({
    upstream,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '10', ...env },
  });
  open.push(gateway);
  return { gateway, token: await gateway.issue() };
}

const chats = async (gateway: TestGateway, token: IssuedToken, count: number): Promise<void> => {
  for (let n = 0; n < count; n += 1) {
    expect((await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text })).status).toBe(
      200,
    );
  }
};

/** What `/metrics` says was dropped, by signal and reason. */
async function dropped({ url, adminKey }: TestGateway): Promise<Record<string, number>> {
  const { text } = await get(`${url}/metrics`, { token: adminKey });
  const lines = text.matchAll(
    /^tollgate_telemetry_dropped_total\{signal="(\w+)",reason="(\w+)".*\} (\d+)$/gm,
  );
  return Object.fromEntries(
    [...lines].map(([, signal, reason, count]) => [`${signal} ${reason}`, Number(count)]),
  );
}

const warnings = (gateway: TestGateway): string[] =>
  gateway
    .log()
    .split('\n')
    .filter((line) => line.includes('the collector does not take telemetry'));
const metricsOff = { OTEL_METRICS_EXPORTER: 'none' };
const tracesOff = { OTEL_TRACES_EXPORTER: 'none' };

describe('a collector', () => {
  it('that is not there: answers as ever, drops that are counted, one warning', async () => {
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    const { gateway, token } = await gatewayWith({
      OTEL_EXPORTER_OTLP_ENDPOINT: nowhere,
      OTEL_BSP_EXPORT_TIMEOUT: '1',
      ...metricsOff,
    });
    await chats(gateway, token, 20);
    await waitFor(async () => (await dropped(gateway))['traces failed'] === 80, {
      what: 'all to be dropped',
    });
    expect(warnings(gateway)).toHaveLength(1);
    expect(warnings(gateway)[0]).toContain('ECONNREFUSED');
  });

  it('that hangs: what has no room is dropped, and the end is no later for it than it may be', async () => {
    collector.script(() => true);
    const { gateway, token } = await gatewayWith({ OTEL_BSP_MAX_QUEUE_SIZE: '8', ...metricsOff });
    await chats(gateway, token, 10);
    await waitFor(async () => ((await dropped(gateway))['traces queue_full'] ?? 0) > 0, { what: 'a drop' });
    const { 'traces queue_full': full = 0 } = await dropped(gateway);
    expect(full).toBeGreaterThanOrEqual(40 - 2 * 8);
    expect(full % 4).toBe(0);
    await gateway.close(); // which it could not, if it waited for an answer
    open.splice(0);
  });

  it('that refuses: what it was sent is lost, and not sent again', async () => {
    collector.script((response) => Boolean(response.writeHead(400).end()));
    const { gateway, token } = await gatewayWith({ OTEL_BSP_SCHEDULE_DELAY: '1', ...metricsOff });
    await chats(gateway, token, 3);
    await waitFor(async () => (await dropped(gateway))['traces refused'] === 12, {
      what: 'all to be dropped',
    });
    const asked = collector.requests.length;
    collector.script(null);
    await chats(gateway, token, 1);
    await collector.waitFor(({ spans }) => spans.length === 4);
    expect(collector.requests).toHaveLength(asked + 1);
    expect(warnings(gateway)).toHaveLength(1);
    await waitFor(() => gateway.log().includes('the collector takes telemetry again'), { what: 'the log' });
  });

  it('that takes a part says so, and that is counted', async () => {
    collector.script((response) => {
      // ExportTraceServiceResponse { partial_success { rejected_spans: 3 } }
      response
        .writeHead(200, { 'content-type': 'application/x-protobuf' })
        .end(Buffer.from([0x0a, 0x02, 0x08, 0x03]));
      return true;
    });
    const { gateway, token } = await gatewayWith(metricsOff);
    await chats(gateway, token, 1);
    await waitFor(async () => (await dropped(gateway))['traces refused'] === 3, { what: 'the count' });
  });

  it.each([429, 503])('that answers %d with Retry-After gets it again', async (status) => {
    let asked = 0;
    collector.script((response) => {
      asked += 1;
      if (asked > 1) return false;
      response.writeHead(status, { 'retry-after': '0' }).end();
      return true;
    });
    const { gateway, token } = await gatewayWith(metricsOff);
    await chats(gateway, token, 1);
    await collector.waitFor(({ spans }) => spans.length === 4);
    expect(Object.values(await dropped(gateway))).toEqual([0, 0, 0]); // full, refused, failed
  });
});

describe('pushed metrics', () => {
  const named = (push: MetricsPush | undefined, name: string): CollectedMetric | undefined =>
    push?.metrics.find((each) => each.name === name);
  const requests = (push: MetricsPush | undefined): number[] =>
    (named(push, 'tollgate_requests_total')?.points ?? [])
      .filter(({ attributes }) => attributes['endpoint'] === paths.chat)
      .map(({ value }) => value);
  const last = (of: TestCollector): MetricsPush | undefined => of.pushes.at(-1);

  it.each(['http/protobuf', 'http/json'])(
    'are those of /metrics: sums, gauges and histograms, in %s',
    async (protocol) => {
      const { gateway, token } = await gatewayWith({
        OTEL_METRIC_EXPORT_INTERVAL: '100',
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_SERVICE_NAME: 'my-gateway',
        ...tracesOff,
      });
      await chats(gateway, token, 3);
      await collector.waitFor((of) => requests(last(of))[0] === 3);
      const push = last(collector);
      expect(push?.resource).toMatchObject({ 'service.name': 'my-gateway', dyno: gateway.settings.dyno });
      expect(named(push, 'tollgate_requests_total')).toMatchObject({
        kind: 'sum',
        temporality: 2,
        isMonotonic: true,
      });
      expect(named(push, 'tollgate_open_requests')).toMatchObject({ kind: 'gauge', points: [{ value: 0 }] });
      const histogram = named(push, 'tollgate_request_duration_seconds');
      expect(histogram).toMatchObject({ kind: 'histogram', temporality: 2, unit: 's' });
      const point = histogram?.points.find(({ attributes }) => attributes['endpoint'] === paths.chat);
      expect(point?.buckets?.reduce((sum, each) => sum + each)).toBe(3);
      expect(point?.buckets).toHaveLength((point?.bounds?.length ?? 0) + 1);
      expect(point?.start).toBeLessThan(point?.time ?? 0n);
      const { text } = await get(`${gateway.url}/metrics`, { token: gateway.adminKey });
      const scraped = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
      expect(push?.metrics.map(({ name }) => name).filter((name) => !scraped.has(name))).toEqual([]);
    },
  );

  it('begin anew with each process, as another series: no sum falls', async () => {
    const env = { OTEL_METRIC_EXPORT_INTERVAL: '100', ...tracesOff };
    const { gateway, token } = await gatewayWith(env);
    await chats(gateway, token, 2);
    await collector.waitFor((of) => requests(last(of))[0] === 2);
    await gateway.close();
    open.splice(0);
    const before = collector.pushes.length;
    const next = await gatewayWith(env);
    await chats(next.gateway, next.token, 1);
    await collector.waitFor((of) => of.pushes.length > before && requests(last(of))[0] === 1);
    const lives = Map.groupBy(collector.pushes, ({ resource }) => resource['service.instance.id']);
    expect(lives.size).toBe(2);
    for (const pushes of lives.values()) {
      const sums = pushes.flatMap((push) => requests(push));
      expect(sums).toEqual(sums.toSorted((a, b) => a - b));
      const starts = pushes.flatMap(
        (push) => named(push, 'tollgate_requests_total')?.points.map(({ start }) => start) ?? [],
      );
      expect(new Set(starts).size).toBeLessThanOrEqual(1);
    }
  });

  it('delta: add up to what was counted, even if pushes fail between', async () => {
    const { gateway, token } = await gatewayWith({
      OTEL_METRIC_EXPORT_INTERVAL: '100',
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
      ...tracesOff,
    });
    const total = (): number => collector.pushes.flatMap(requests).reduce((sum, each) => sum + each, 0);
    await chats(gateway, token, 2);
    await collector.waitFor(() => total() === 2);
    collector.script((response) => Boolean(response.writeHead(400).end()));
    await chats(gateway, token, 3);
    const asked = collector.requests.length;
    await collector.waitFor(() => collector.requests.length > asked + 1);
    collector.script(null);
    await collector.waitFor(() => total() === 5);
    expect(named(last(collector), 'tollgate_requests_total')?.temporality).toBe(1);
    await waitFor(async () => ((await dropped(gateway))['metrics refused'] ?? 0) > 0, { what: 'the count' });
  });

  it('are pushed once more at the end', async () => {
    const { gateway, token } = await gatewayWith({ OTEL_METRIC_EXPORT_INTERVAL: '3600000' });
    await chats(gateway, token, 1);
    await gateway.close();
    open.splice(0);
    expect(requests(last(collector))).toEqual([1]);
    expect(collector.spans.filter(({ name }) => name === `chat ${models.chat}`)).toHaveLength(1);
  });
});
