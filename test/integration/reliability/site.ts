import { randomBytes } from 'node:crypto';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import type { Limit } from '../../../src/base/limit.ts';
import { startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, get, open, paths, readStream, type StreamReading } from '../../support/gateway-client.ts';
import type { SharedRedis } from '../../support/redis-server.ts';
import { spawnGateway, type SpawnedGateway } from '../../support/spawn-gateway.ts';

/**
 * Gateways that share a store and an upstream. Sites on one Redis do not see each other: each has a prefix of
 * its own, and so processes, sweeps and accounts of its own.
 */
export interface Site {
  readonly prefix: string;
  readonly upstream: StandIn;
  /** A gateway in this process: it sweeps, and reads the accounts. */
  readonly witness: TestGateway;
  /** Another gateway in this process, which starts with a tenth of the work: for one that nobody kills or stops. */
  beside(env?: Readonly<Record<string, string>>): Promise<TestGateway>;
  /** A gateway of its own process; it ends with the site at the latest. */
  spawn(env?: Readonly<Record<string, string>>, port?: number): Promise<SpawnedGateway>;
  /** What a token's limits say is used, by metric. */
  used(token: IssuedToken): Promise<Record<string, number>>;
  /** What the store holds of open requests: the number of processes that have any, and of those known. */
  traces(): Promise<{ open: number; processes: number }>;
  close(): Promise<void>;
}

export interface SiteOptions {
  redis: SharedRedis;
  leaseMs: number;
  env?: Readonly<Record<string, string>>;
}

/** Limits that count everything and refuse nothing. */
export const countingLimits: Limit[] = [
  { metric: 'requests', window: 'day', max: 100_000 },
  { metric: 'tokens', window: 'month', max: 10_000_000 },
  { metric: 'images', window: 'day', max: 10_000 },
  { metric: 'concurrency', max: 1_000 },
];

export async function startSite({ redis, leaseMs, env = {} }: SiteOptions): Promise<Site> {
  const prefix = `${randomBytes(4).toString('hex')}:`;
  const shared = { REDIS_PREFIX: prefix, LEASE_MS: String(leaseMs), ...env };
  const upstream = await startStandIn({ listsModels: false });
  // Nobody tests how the witness fares with a store that is slow.
  const witness = await startGateway({ redis, upstream, env: { ...shared, STORE_TIMEOUT_MS: '10000' } });
  const { adminKey } = witness;
  const here = [witness];
  const spawned: SpawnedGateway[] = [];
  return {
    prefix,
    upstream,
    witness,
    beside: async (more = {}) => {
      const gateway = await startGateway({ redis, upstream, adminKey, env: { ...shared, ...more } });
      here.push(gateway);
      return gateway;
    },
    spawn: async (more = {}, port) => {
      const gateway = await spawnGateway({
        ...(port === undefined ? {} : { port }),
        env: {
          NODE_ENV: 'production',
          ADMIN_KEY: adminKey,
          REDIS_URL: redis.url,
          INFERENCE_URL: upstream.url,
          INFERENCE_KEY: upstream.key,
          ...shared,
          ...more,
        },
      });
      spawned.push(gateway);
      return gateway;
    },
    used: async (token) => {
      const { json } = await get(`${witness.url}/v1/me`, { token: token.text });
      const limits = json['limits'] as { metric: string; used: number }[];
      return Object.fromEntries(limits.map(({ metric, used }) => [metric, used]));
    },
    traces: async () => {
      const left = (await redis.command('KEYS', `${prefix}1:open:*`)) as string[];
      return { open: left.length, processes: Number(await redis.command('ZCARD', `${prefix}1:processes`)) };
    },
    close: async () => {
      for (const gateway of spawned) {
        gateway.kill('SIGCONT');
        await gateway.stop('SIGKILL');
      }
      for (const gateway of here.toReversed()) await gateway.close();
      await upstream.close();
    },
  };
}

/** Opens a stream and reads its first event. */
export async function openStream(
  { url }: { url: string },
  token: IssuedToken,
  more: object = {},
): Promise<StreamReading> {
  const answer = await open(`${url}${paths.chat}`, bodies.chat({ stream: true, ...more }), {
    token: token.text,
  });
  const stream = readStream(answer);
  await stream.until('\n\n');
  return stream;
}

/** What a call came to: its status, or that its connection broke. */
export async function outcomeOf(call: Promise<{ status: number }>): Promise<number | 'broken'> {
  return call.then(
    ({ status }) => status,
    () => 'broken' as const,
  );
}
