import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/doctor/finding.ts';
import { reachStore } from '../../../src/doctor/reach-store.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { startCollector } from '../../support/collector.ts';
import { tollgate, type Result } from '../../support/command-line.ts';
import { startIssuer, type OidcIssuer } from '../../support/oidc-issuer.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';
import { TestRecords } from '../../support/records.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { canaryPath, canarySecret, webhookRecord } from '../../support/webhooks.ts';

/* `tollgate doctor` on a real store, a real Postgres, an upstream and an issuer. */

const keys = keysUnder('t:');
const adminKey = 'Zk3vQ9xT7mWb2LrY8nHc5JdP1sGf4AeU';

let redis: SharedRedis;
let records: TestRecords;
let upstream: StandIn;
let issuer: OidcIssuer;
let directory: string;
let env: NodeJS.ProcessEnv;
/** A database without tables. */
let unused: string;

beforeAll(async () => {
  const [postgres, empty] = [await sharedPostgres(), await sharedPostgres()];
  [redis, upstream, issuer, records, directory] = await Promise.all([
    sharedRedis(),
    startStandIn(),
    startIssuer(),
    TestRecords.start(postgres),
    mkdtemp(join(tmpdir(), 'tollgate-doctor-')),
  ]);
  unused = empty;
  const entry = { issuer: issuer.url, audience: 'client-1', public: false, team: 'acme' };
  const file = join(directory, 'issuers.json');
  await writeFile(file, JSON.stringify({ issuers: [entry] }));
  env = {
    NODE_ENV: 'production',
    ADMIN_KEY: adminKey,
    REDIS_URL: redis.url,
    REDIS_PREFIX: 't:',
    DATABASE_URL: postgres,
    ISSUERS_FILE: file,
    INFERENCE_URL: upstream.url,
    INFERENCE_KEY: upstream.key,
  };
});

afterAll(async () => {
  await Promise.all([records.close(), upstream.close(), issuer.close()]);
  await rm(directory, { recursive: true });
});

beforeEach(() => redis.flush());

interface Told {
  problems: number;
  warnings: number;
  findings: Finding[];
}

async function doctor(more: NodeJS.ProcessEnv = {}): Promise<Result & { told: Told }> {
  const result = await tollgate('doctor --json', { ...env, ...more });
  for (const secret of [adminKey, upstream.key, 'pass-of-db']) {
    expect(result.out + result.err).not.toContain(secret);
  }
  return { ...result, told: JSON.parse(result.out) as Told };
}

function troubles({ findings }: Told): string[] {
  const all = findings.filter(({ state }) => state !== 'ok').map(({ check, state }) => `${check}: ${state}`);
  // On a busy machine the store may be slow.
  return all.filter((trouble) => trouble !== 'store.server: warning');
}

describe('tollgate doctor', () => {
  it('finds nothing wrong in a gateway that is well, and asks for nothing that costs', async () => {
    const asked = upstream.requests.length;
    const { code, told } = await doctor();
    expect([code, troubles(told)]).toEqual([0, []]);
    expect([...new Set(told.findings.map(({ check }) => check.split('.')[0]))]).toEqual([
      'configuration',
      'store',
      'clock',
      'records',
      'upstream',
      'prices',
      'issuer',
      'telemetry',
      'webhook',
    ]);
    expect(told.findings.find(({ check }) => check === 'upstream.models')?.says).toMatch(
      /^INFERENCE: 127\.0\.0\.1:\d+ answers and takes its key, and lists 8 models\.$/,
    );
    expect(upstream.requests.slice(asked).map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v1/mcp/servers',
    ]);
  });

  it('pushes nothing to the collector, and says whether that is taken', async () => {
    const collector = await startCollector();
    const at = (more: NodeJS.ProcessEnv) =>
      doctor({ OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${adminKey}`, ...more });
    const said = ({ told }: { told: Told }) =>
      told.findings
        .filter(({ check }) => check === 'telemetry.collector')
        .map(({ state, says }) => `${state}: ${says.replace(/127\.0\.0\.1:\d+/, 'HOST')}`);
    try {
      const well = await at({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
      expect(said(well)).toEqual([
        'ok: The collector at HOST takes traces.',
        'ok: The collector at HOST takes metrics.',
      ]);
      expect([collector.spans, collector.pushes]).toEqual([[], []]);
      expect(collector.requests[0]?.headers.authorization).toBe(`Bearer ${adminKey}`);
      const json = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_METRICS_EXPORTER: 'none' };
      const astray = await at({ ...json, OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/otlp` });
      expect([astray.code, ...said(astray)]).toEqual([
        0,
        'warning: The collector at HOST does not take traces at /otlp/v1/traces (status 404).',
      ]);
      collector.script((response) => Boolean(response.writeHead(401).end()));
      const refused = await at({ ...json, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
      expect(said(refused)).toEqual([
        'warning: The collector at HOST refuses traces from this gateway (status 401).',
      ]);
    } finally {
      await collector.close();
    }
    const away = await at({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_EXPORTER: 'none' });
    expect(said(away)).toEqual([expect.stringMatching(/^warning: .* cannot be reached for metrics: /)]);
  });

  it('tells of webhooks that are disabled, or may not be sent to, and nothing of an address but its host', async () => {
    const off = { disabled_at: '2026-01-31T12:00:00.000Z', disabled_because: 'It answered 410: gone.' };
    const webhooks = [
      webhookRecord({ url: `https://1.1.1.1${canaryPath}` }),
      webhookRecord({ id: 'wh_000000000002', url: `https://1.1.1.1${canaryPath}`, ...off }),
      webhookRecord({ id: 'wh_000000000003', url: `https://10.0.0.1${canaryPath}` }),
    ];
    for (const each of webhooks) await redis.command('HSET', keys.webhooks, each.id, JSON.stringify(each));
    const { code, out, told } = await doctor();
    expect([code, troubles(told)]).toEqual([0, ['webhook.state: warning', 'webhook.address: warning']]);
    expect(told.findings.find(({ check }) => check === 'webhook')?.says).toBe(
      '1 of 3 webhooks can be sent to.',
    );
    for (const secret of [canaryPath, canarySecret]) expect(out).not.toContain(secret);
  });

  it('changes nothing: the store stays empty, and Postgres without tables', async () => {
    const { code, told } = await doctor({ DATABASE_URL: unused });
    expect([code, troubles(told)]).toEqual([0, ['records.tables: warning']]);
    expect(await redis.command('DBSIZE')).toBe(0);
    expect(troubles((await doctor({ DATABASE_URL: unused })).told)).toEqual(['records.tables: warning']);
  });

  it('tells all at once that is wrong, each with what to do, and exits with 1', async () => {
    const limits = [{ id: 'day', metric: 'cost_usd', window: 'day', max: 5 }];
    await redis.command('HSET', keys.teams, 'acme', JSON.stringify({ id: 'acme', limits }));
    await redis.command('HSET', keys.records, 'store', 'another');
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    issuer.setDown();
    try {
      const { code, err, told } = await doctor({
        WRITER_URL: upstream.url,
        WRITER_KEY: 'inf-wrong',
        WRITER_MODEL_ID: 'nova-pro',
        ALLOWED_ORIGINS: 'http://app.example',
        DATABASE_URL: 'postgres://me:pass-of-db@127.0.0.1:1/none',
      });
      expect([code, err]).toEqual([1, expect.stringMatching(/^Problems: 5\. Warnings: \d\.$/)]);
      expect(troubles(told).toSorted()).toEqual([
        'configuration.origins: warning',
        'issuer.discovery: problem',
        'prices: problem',
        'records.server: problem',
        'store.eviction: problem',
        'upstream.key: problem',
      ]);
      for (const { state, remedy } of told.findings) expect(remedy === null).toBe(state === 'ok');
    } finally {
      await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      issuer.setDown(false);
    }
  });

  it('tells of a store that hangs', async () => {
    const silent = await listening();
    try {
      const { port } = silent.address() as AddressInfo; // a TCP server's is never a text
      const settings = {
        kind: 'redis',
        url: `redis://127.0.0.1:${port}`,
        verifyTls: false,
        prefix: '',
      } as const;
      expect(await reachStore(settings, 200)).toMatchObject({
        check: 'store.server',
        says: 'The store does not answer within 200 ms: it hangs, or the network swallows the connection.',
      });
    } finally {
      silent.close();
    }
  });

  it('looks at nothing if the configuration cannot be read, tells all of it, and exits with 2', async () => {
    const { code, told } = await doctor({ ADMIN_KEY: 'short', PORT: 'x', IDENTITY_FILE: '/none' });
    expect(code).toBe(2);
    expect(told.findings.map(({ says }) => says.replace(/:.*/, '')).toSorted()).toEqual([
      'ADMIN_KEY',
      'IDENTITY_FILE',
      'PORT',
    ]);
  });

  it('judges connections for the dynos that it is told of', async () => {
    const { code, out } = await tollgate('doctor --json --dynos 9999', env);
    const expected = ['store.connections: problem', 'records.connections: problem'];
    expect([code, troubles(JSON.parse(out) as Told)]).toEqual([1, expected]);
    expect((await tollgate('doctor --dynos none', env)).code).toBe(2);
  });
});

/** A server that takes connections and says nothing. */
async function listening(): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => undefined).unref()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
