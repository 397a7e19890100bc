import { chatPath, shortChat } from '../bodies.ts';
import { onPath } from '../peers.ts';
import { Site } from '../site.ts';
import { rowsOf, throughput, throughputColumns } from '../throughput.ts';
import type { Case } from './case.ts';

/** Short chat completions at full speed, with everything on, compared with other proxies. */
export const shortChats: Case = async ({ rounds, seconds }) => {
  const site = await Site.start();
  try {
    const upstream = await site.cannedUpstream();
    const targets = [await site.bare(upstream), await site.tollgate(upstream), await site.portkey(upstream)];
    if (onPath('nginx')) targets.push(await site.nginx(upstream));
    const measured = await throughput(targets, {
      rounds,
      seconds,
      path: chatPath,
      body: shortChat,
      connections: 64,
    });
    return { title: '1. Short chat, 64 connections', columns: throughputColumns, rows: rowsOf(measured) };
  } finally {
    await site.close();
  }
};
