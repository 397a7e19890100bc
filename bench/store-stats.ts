import { cpuMs } from './processes.ts';
import type { Site } from './site.ts';

export interface StoreStats {
  /** Calls of scripts. */
  calls: number;
  /** All commands, including those inside scripts. */
  commands: number;
  cpuMs: number;
}

/** What the store has done since it started. */
export async function storeStats(site: Site): Promise<StoreStats> {
  const stats = String(await site.redis.command('INFO', 'commandstats'));
  const scripts = [...stats.matchAll(/cmdstat_(?:evalsha|eval):calls=(\d+)/g)];
  const calls = scripts.reduce((sum, [, count]) => sum + Number(count), 0);
  const commands = [...stats.matchAll(/cmdstat_[^:]+:calls=(\d+)/g)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
  return { calls, commands, cpuMs: await cpuMs(site.redis.pid) };
}
