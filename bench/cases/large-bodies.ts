import { chatPath, image, imagePath, longChat } from '../bodies.ts';
import { onPath } from '../peers.ts';
import { Site } from '../site.ts';
import { rowsOf, throughput, throughputColumns } from '../throughput.ts';
import type { Case } from './case.ts';

/** Prompts of 100 kB, and images of 2 MB. */
export const largeBodies: Case = async ({ rounds, seconds }) => {
  const site = await Site.start();
  try {
    const upstream = await site.upstream();
    const targets = [await site.bare(upstream), await site.tollgate(upstream)];
    if (onPath('nginx')) targets.push(await site.nginx(upstream));
    const connections = 16;
    const prompts = await throughput(targets, {
      rounds,
      seconds,
      path: chatPath,
      body: longChat,
      connections,
    });
    const images = await throughput(targets, { rounds, seconds, path: imagePath, body: image, connections });
    const named = (what: string, rows: ReturnType<typeof rowsOf>): ReturnType<typeof rowsOf> =>
      rows.map(({ name, figures }) => ({ name: `${what}: ${name}`, figures }));
    return {
      title: '3. Prompts of 100 kB and images of 2 MB, 16 connections',
      columns: throughputColumns,
      rows: [...named('prompts', rowsOf(prompts)), ...named('images', rowsOf(images))],
    };
  } finally {
    await site.close();
  }
};
