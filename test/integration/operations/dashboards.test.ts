import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messageFrame } from '../../../src/demo/frames.ts';
import { freePort } from '../../support/free-port.ts';
import { administrationOf, models } from '../../support/gateway.ts';
import { bodies, paths, post } from '../../support/gateway-client.ts';
import { dashboard, dashboardNames, filledIn, ruleFiles } from '../../support/operations.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';
import { type Prometheus, startPrometheus } from '../../support/prometheus.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { spawnGateway, type SpawnedGateway } from '../../support/spawn-gateway.ts';
import { type StandIn, startStandIn } from '../../support/stand-in.ts';
import { resetAfter, respond } from '../../support/upstream-scripts.ts';
import { waitFor } from '../../support/wait-for.ts';

/*
 * Two gateways on one Redis, with records, and a real Prometheus that scrapes both. Meanwhile everything happens that
 * can: answers, streams, refusals, an upstream that fails. So every query must find something.
 */

const adminKey = 'admin-key-of-the-dashboards-test-0123456789';
let redis: RedisServer;
let upstream: StandIn;
let gateways: SpawnedGateway[];
let pushed: Server;
let prometheus: Prometheus;
const ended = new AbortController();
let traffic: Promise<void>;

beforeAll(async () => {
  redis = await startRedis({ args: ['--maxmemory', '200mb'] });
  upstream = await startStandIn();
  const env = {
    ADMIN_KEY: adminKey,
    REDIS_URL: redis.url,
    DATABASE_URL: await sharedPostgres(),
    INFERENCE_URL: upstream.url,
    INFERENCE_KEY: upstream.key,
    SECOND_URL: upstream.url,
    SECOND_KEY: upstream.key,
    REFUSED_CREDENTIALS_PER_MINUTE: '1000000',
    // Nobody listens there: what is pushed is dropped, and counted.
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `http://127.0.0.1:${await freePort()}/v1/metrics`,
    OTEL_METRIC_EXPORT_INTERVAL: '1000',
  };
  gateways = await Promise.all([spawnGateway({ env }), spawnGateway({ env })]);
  pushed = await asIfPushed(gateways[0]?.url ?? '');
  prometheus = await startPrometheus({
    jobs: [
      { job: 'tollgate', targets: gateways.map(({ port }) => `127.0.0.1:${port}`), credential: adminKey },
      { job: 'pushed', targets: [`127.0.0.1:${(pushed.address() as AddressInfo).port}`] },
    ],
    rules: ruleFiles(),
  });
  traffic = everythingUntil(ended.signal);
});

afterAll(async () => {
  ended.abort();
  await traffic;
  await prometheus.stop();
  pushed.close();
  await Promise.all(gateways.map((gateway) => gateway.stop('SIGKILL')));
  await upstream.close();
  await redis.stop();
});

/** A gateway's series as OTLP brings them: without the label `dyno`, which is an attribute of the resource there. */
async function asIfPushed(url: string): Promise<Server> {
  const server = createServer((_req, res) => {
    void fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${adminKey}` } })
      .then((answer) => answer.text())
      .then((text) => res.end(text.replaceAll(/dyno="[^"]*",?/g, '')));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** All that there are series for, again and again: the increase of a counter needs two scrapes. */
async function everythingUntil(signal: AbortSignal): Promise<void> {
  const [{ url } = { url: '' }] = gateways;
  const administration = administrationOf(url, adminKey);
  const price = { usd_per_million_input_tokens: 3, usd_per_million_output_tokens: 15 };
  await administration.admin('PUT', `/admin/prices/${models.chat}`, { prices: [price] });
  const { text: token } = await administration.issue({
    team: {
      limits: [
        { metric: 'tokens', window: 'month', max: 1e9 },
        { metric: 'requests', window: 'day', max: 1, enforce: false },
      ],
    },
  });
  const { text: spent } = await administration.issue({
    team: { limits: [{ metric: 'requests', window: 'day', max: 1 }] },
  });
  const chat = (gateway: string, credential: string, more: object = {}): Promise<unknown> =>
    post(`${gateway}${paths.chat}`, bodies.chat(more), { token: credential }).catch(() => 'broken off');
  const scripts = [
    null,
    respond(503, { 'content-type': 'application/json' }, '{}'),
    respond(401, { 'content-type': 'application/json' }, '{}'),
    resetAfter(messageFrame({})),
  ];
  for (let round = 0; !signal.aborted; round += 1) {
    upstream.script(scripts[round % scripts.length] ?? null);
    for (const gateway of gateways) {
      await Promise.all([
        chat(gateway.url, token),
        chat(gateway.url, token, { stream: true }),
        chat(gateway.url, spent),
        chat(gateway.url, 'nonsense'),
      ]);
    }
  }
}

/** Those of the queries, by name, that find nothing within a minute. */
async function findingNothing(queries: ReadonlyMap<string, string>): Promise<string[]> {
  const missing = new Map(queries);
  const look = async (): Promise<boolean> => {
    for (const [name, query] of missing) {
      const series = await prometheus.query(query);
      const numbers = series.flatMap(({ values }) => values.filter(([, value]) => value !== 'NaN'));
      if (numbers.length > 0) missing.delete(name);
    }
    return missing.size === 0;
  };
  await waitFor(look, { what: 'data', everyMs: 200 }).catch(() => 'told below');
  return [...missing.keys()];
}

describe.each(dashboardNames)('the dashboard %s', (name) => {
  it.each(['tollgate', 'pushed'])('has data in every panel, of the job %s', async (job) => {
    const queries = dashboard(name).panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ refId, expr }): [string, string] => [
        `${title}, ${refId}`,
        filledIn(expr, { job, rateInterval: '10s', range: '1m' }),
      ]),
    );
    expect(queries.length).toBeGreaterThan(20);
    expect(await findingNothing(new Map(queries))).toEqual([]);
  });
});

interface RuleGroups {
  groups: { rules: Rule[] }[];
}
interface Rule {
  name: string;
  query: string;
  health: string;
  alerts?: { state: string; labels: Record<string, string>; annotations: Record<string, string> }[];
}

async function rules(): Promise<Rule[]> {
  const { groups } = (await prometheus.api('rules')) as RuleGroups;
  return groups.flatMap((group) => group.rules);
}

describe('the rules', () => {
  it('are evaluated without errors', async () => {
    const settled = async (): Promise<boolean> => (await rules()).every(({ health }) => health !== 'unknown');
    await waitFor(settled, { what: 'every rule to be evaluated' });
    expect((await rules()).filter(({ health }) => health !== 'ok')).toEqual([]);
  });

  it('select series that there are, with the values of labels that they name', async () => {
    const selectors = (await rules()).flatMap(({ query }) =>
      [...query.matchAll(/\b(?:job:)?(?:tollgate|nodejs|process)[_:][\w:]+(?:\{[^}]*\})?/g)].map(
        ([text]) => text,
      ),
    );
    expect(selectors.length).toBeGreaterThan(40);
    expect(await findingNothing(new Map(selectors.map((text) => [text, text])))).toEqual([]);
  });

  it('fire: the upstream refuses the key', async () => {
    const firing = async (): Promise<Rule['alerts']> => {
      const rule = (await rules()).find(({ name }) => name === 'TollgateUpstreamKeyRefused');
      return rule?.alerts?.filter(({ state, labels }) => state === 'firing' && labels['job'] === 'tollgate');
    };
    const [alert] = await waitFor(async () => ((await firing())?.length ? firing() : null), {
      what: 'the alert',
    });
    expect(alert?.labels).toMatchObject({ severity: 'page' });
    expect(alert?.annotations['summary']).toBe('tollgate: the upstream refuses a key of the gateway');
  });

  it('see a process go', async () => {
    const [, second] = gateways;
    await second?.stop('SIGKILL');
    const pending = async (): Promise<boolean | undefined> =>
      (await rules())
        .find(({ name }) => name === 'TollgateScrapeFails')
        ?.alerts?.some(({ labels }) => labels['instance'] === `127.0.0.1:${second?.port}`);
    await waitFor(pending, { what: 'the alert to be pending' });
  });
});
