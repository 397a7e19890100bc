import { chatPath, shortChat } from '../bodies.ts';
import { columns } from '../columns.ts';
import { instructionsPerRequest } from '../instructions/counting.ts';
import { onPath } from '../peers.ts';
import { Site } from '../site.ts';
import { rowsOf, throughput, throughputColumns } from '../throughput.ts';
import type { Case } from './case.ts';

/** Short chat completions at full speed, with everything on, compared with other proxies. */
export const shortChats: Case = async (effort) => {
  const what = { path: chatPath, body: shortChat };
  const site = await Site.start();
  try {
    const upstream = await site.cannedUpstream();
    const targets = [await site.bare(upstream), await site.tollgate(upstream), await site.portkey(upstream)];
    if (onPath('nginx')) targets.push(await site.nginx(upstream));
    const measured = await throughput(targets, { ...effort, ...what, connections: 64 });
    const instructions = await instructionsPerRequest({
      ...effort,
      ...what,
      upstream: (other) => other.cannedUpstream(),
      atOnce: 64,
      requests: 2_000,
    });
    const portkey = measured.get('portkey')?.perSecond ?? Number.NaN;
    return {
      title: 'Short chat, 64 connections',
      columns: [...throughputColumns, columns.timesPortkey],
      rows: rowsOf(measured, instructions).map(({ name, figures }) => ({
        name,
        figures: [...figures, (measured.get(name)?.perSecond ?? Number.NaN) / portkey],
      })),
    };
  } finally {
    await site.close();
  }
};
