import { chatPath, shortChat } from '../bodies.ts';
import { instructionsPerRequest } from '../instructions/counting.ts';
import { Site } from '../site.ts';
import { rowsOf, throughput, throughputColumns } from '../throughput.ts';
import type { Case } from './case.ts';

/** Short chat completions of a single caller, who waits for each answer: nothing is shared between requests. */
export const oneAtATime: Case = async (effort) => {
  const what = { path: chatPath, body: shortChat };
  const site = await Site.start();
  try {
    const upstream = await site.cannedUpstream();
    const targets = [await site.bare(upstream), await site.tollgate(upstream)];
    const measured = await throughput(targets, { ...effort, ...what, connections: 1 });
    const instructions = await instructionsPerRequest({
      ...effort,
      ...what,
      upstream: (other) => other.cannedUpstream(),
      atOnce: 1,
      requests: 1_000,
    });
    return {
      title: 'Short chat, one at a time',
      columns: throughputColumns,
      rows: rowsOf(measured, instructions),
    };
  } finally {
    await site.close();
  }
};
