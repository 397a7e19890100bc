import { chatPath, image, imagePath, longChat } from '../bodies.ts';
import { instructionsPerRequest } from '../instructions/counting.ts';
import { onPath } from '../peers.ts';
import { Site } from '../site.ts';
import { rowsOf, throughput, throughputColumns } from '../throughput.ts';
import type { Case } from './case.ts';

/** Prompts of 100 kB, and images of 2 MB. */
export const largeBodies: Case = async (effort) => {
  const site = await Site.start();
  try {
    const upstream = await site.upstream();
    const targets = [await site.bare(upstream), await site.tollgate(upstream)];
    if (onPath('nginx')) targets.push(await site.nginx(upstream));
    const connections = 16;
    const prompt = { path: chatPath, body: longChat };
    const prompts = await throughput(targets, { ...effort, ...prompt, connections });
    const images = await throughput(targets, { ...effort, path: imagePath, body: image, connections });
    const instructions = await instructionsPerRequest({
      ...effort,
      ...prompt,
      upstream: (other) => other.upstream(),
      atOnce: 8,
      requests: 100,
    });
    const named = (what: string, rows: ReturnType<typeof rowsOf>): ReturnType<typeof rowsOf> =>
      rows.map(({ name, figures }) => ({ name: `${what}: ${name}`, figures }));
    return {
      title: 'Prompts of 100 kB and images of 2 MB, 16 connections',
      columns: throughputColumns,
      rows: [
        ...named('prompts', rowsOf(prompts, instructions)),
        ...named('images', rowsOf(images, new Map())),
      ],
    };
  } finally {
    await site.close();
  }
};
