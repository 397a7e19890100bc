import type { Limit } from '../../src/core/limit.ts';
import { chatPath, shortChat } from '../bodies.ts';
import { load } from '../load.ts';
import { cpuMs } from '../processes.ts';
import { Site } from '../site.ts';
import type { Case } from './case.ts';

const connections = 64;

/** Sixteen limits that refuse nothing: a token's, all at once. */
const sixteen: Limit[] = (['minute', 'hour', 'day', 'month'] as const).flatMap((window) =>
  [1, 2, 3, 4].map((n): Limit => ({
    metric: 'requests',
    window,
    max: 1_000_000_000,
    models: ['claude-4-5-haiku', `m${n}`],
  })),
);

/** What requests cost the store: calls of it, commands in it, and its CPU, by the number of limits. */
export const storeCost: Case = async ({ seconds }) => {
  const rows: { name: string; figures: number[] }[] = [];
  for (const [name, limits] of [
    ['no limit', { team: [], token: [] }],
    ['3 limits', undefined],
    ['16 limits', { team: [], token: sixteen }],
  ] as const) {
    const site = await Site.start();
    try {
      const upstream = await site.cannedUpstream();
      const target = await site.tollgate(
        upstream,
        limits ? { limits: { team: [...limits.team], token: [...limits.token] } } : {},
      );
      const what = { target, path: chatPath, body: shortChat, connections };
      await load({ ...what, seconds: 2 });
      const before = await told(site);
      const { requests } = await load({ ...what, seconds });
      const after = await told(site);
      const cpuUs = ((after.cpu - before.cpu) * 1_000) / requests;
      rows.push({
        name,
        figures: [
          (after.calls - before.calls) / requests,
          (after.commands - before.commands) / requests,
          cpuUs,
          1e6 / cpuUs,
        ],
      });
    } finally {
      await site.close();
    }
  }
  return {
    title: `7. What a request costs the store, ${connections} connections`,
    columns: ['calls', 'commands', 'CPU µs', 'requests/s it could carry'],
    rows,
  };
};

async function told(site: Site): Promise<{ calls: number; commands: number; cpu: number }> {
  const stats = String(await site.redis.command('INFO', 'commandstats'));
  const scripts = [...stats.matchAll(/cmdstat_(?:evalsha|eval):calls=(\d+)/g)];
  const calls = scripts.reduce((sum, [, count]) => sum + Number(count), 0);
  const commands = [...stats.matchAll(/cmdstat_[^:]+:calls=(\d+)/g)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
  return { calls, commands, cpu: await cpuMs(site.redis.pid) };
}
