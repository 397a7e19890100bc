import type { Evidence } from './evidence.ts';
import type { Row, Table } from './findings.ts';
import type { Instance } from './fleet.ts';

/** Heroku kills a process 30 s after SIGTERM. */
const longestStopMs = 30_000;
/** Contract 1.6. */
const longestUntilLostMs = 60_000;

/** How processes ended, and how long their open requests stayed open. */
export function checkProcesses(instances: readonly Instance[], { matched }: Evidence): Table[] {
  const stopped = instances.flatMap(({ ended }) => (ended === null ? [] : [ended]));
  const slowest = Math.max(0, ...stopped.map(({ tookMs }) => tookMs));
  const waits = matched.flatMap(({ entry, call }) => {
    const killedAtMs = call?.instance.killedAtMs;
    return entry.outcome === 'lost' && typeof killedAtMs === 'number' ? [entry.writtenAtMs - killedAtMs] : [];
  });
  const crashed = instances.filter((instance) => instance.crashed).length;
  const badly = stopped.filter(({ code }) => code !== 0).length;
  const rows: Row[] = [
    { name: 'ended by themselves', figures: [crashed], agrees: crashed === 0 },
    { name: 'ended with another code than 0 after SIGTERM', figures: [badly], agrees: badly === 0 },
    { name: 'longest from SIGTERM to the end', figures: [seconds(slowest)], agrees: slowest < longestStopMs },
    ...untilLost(waits),
  ];
  return [{ title: 'Processes', columns: [''], rows }];
}

function untilLost(waits: readonly number[]): Row[] {
  if (waits.length === 0) return [];
  const [shortest, longest] = [Math.min(...waits), Math.max(...waits)];
  return [
    { name: 'shortest from kill -9 to `lost`', figures: [seconds(shortest)], agrees: true },
    {
      name: 'longest from kill -9 to `lost`',
      figures: [seconds(longest)],
      agrees: longest < longestUntilLostMs,
    },
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
