import { median } from '../report.ts';
import { Site } from '../site.ts';
import type { Case } from './case.ts';

/** From starting the process to the first 200 of /readyz. */
export const startUp: Case = async ({ rounds }) => {
  const rows: { name: string; figures: number[] }[] = [];
  for (const [name, env] of [
    ['Redis', {}],
    ['memory', { REDIS_URL: '', STORE: 'memory' }],
  ] as const) {
    const tookMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const site = await Site.start();
      try {
        const upstream = await site.upstream();
        const startedMs = performance.now();
        await site.tollgate(upstream, { env });
        tookMs.push(performance.now() - startedMs);
      } finally {
        await site.close();
      }
    }
    rows.push({ name: `store: ${name}`, figures: [median(tookMs)] });
  }
  return { title: 'From start to ready, and a first token issued', columns: ['ms'], rows };
};
