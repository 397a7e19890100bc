import type { Limit } from '../../src/base/limit.ts';
import { chatPath, shortChat } from '../bodies.ts';
import { columns } from '../columns.ts';
import { type Load, load } from '../load.ts';
import { Site } from '../site.ts';
import { storeStats } from '../store-stats.ts';
import type { Case } from './case.ts';

const connections = 64;

/** Sixteen limits that refuse nothing, all on one token. */
const sixteen: Limit[] = (['minute', 'hour', 'day', 'month'] as const).flatMap((window) =>
  [1, 2, 3, 4].map((n): Limit => ({
    metric: 'requests',
    window,
    max: 1_000_000_000,
    models: ['claude-4-5-haiku', `m${n}`],
  })),
);

/** What requests cost the store: calls, commands and CPU, by the number of limits. */
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
      const crowd = await perRequest(site, { ...what, seconds });
      const alone = await perRequest(site, { ...what, seconds, connections: 1 });
      const { calls, commands, cpuUs } = crowd;
      rows.push({ name, figures: [calls, commands, cpuUs, 1e6 / cpuUs, alone.calls, alone.commands] });
    } finally {
      await site.close();
    }
  }
  return {
    title: `What a request costs the store, ${connections} connections`,
    columns: [
      'calls',
      'commands',
      'CPU µs',
      'requests/s it could carry',
      columns.callsAlone,
      columns.commandsAlone,
    ],
    rows,
  };
};

async function perRequest(
  site: Site,
  what: Load,
): Promise<{ calls: number; commands: number; cpuUs: number }> {
  const before = await storeStats(site);
  const { requests } = await load(what);
  const after = await storeStats(site);
  return {
    calls: (after.calls - before.calls) / requests,
    commands: (after.commands - before.commands) / requests,
    cpuUs: ((after.cpuMs - before.cpuMs) * 1_000) / requests,
  };
}
