import { Agent, type IncomingMessage } from 'node:http';
import { heldChat } from '../bodies.ts';
import { columns } from '../columns.ts';
import { residentBytes } from '../processes.ts';
import { Site, type Target } from '../site.ts';
import { opened } from '../stream-load.ts';
import type { Case } from './case.ts';

const counts = [2_000, 10_000];
const openedAtOnce = 200;
const mb = 1e6;

/** How much memory a process takes with thousands of streams open. */
export const openStreams: Case = async ({ say }) => {
  const rows: { name: string; figures: number[] }[] = [];
  for (const start of ['bare', 'tollgate'] as const) {
    const site = await Site.start();
    try {
      const upstream = await site.upstream();
      const target = start === 'bare' ? await site.bare(upstream) : await site.tollgate(upstream);
      const idle = await residentBytes(target.pid);
      const held: number[] = [];
      await holdOpen(target, async (count) => {
        const resident = await residentBytes(target.pid);
        say(`${start}: ${count} open, ${Math.round(resident / mb)} MB`);
        held.push(resident / mb, (resident - idle) / count / 1_000);
      });
      rows.push({ name: start, figures: [idle / mb, ...held] });
    } finally {
      await site.close();
    }
  }
  const perCount = counts.flatMap((count) => [columns.openMb(count), 'kB each']);
  return { title: 'Open streams, resident memory', columns: ['idle, MB', ...perCount], rows };
};

/** Opens streams up to each count in turn, and reports when that many are open. */
async function holdOpen(target: Target, told: (count: number) => Promise<void>): Promise<void> {
  const agent = new Agent({ maxSockets: Infinity });
  const open: IncomingMessage[] = [];
  try {
    for (const count of counts) {
      while (open.length < count) {
        const more = Math.min(openedAtOnce, count - open.length);
        const answers = await Promise.all(
          Array.from({ length: more }, () => opened(target, heldChat, agent)),
        );
        for (const answer of answers) open.push(answer.resume().on('error', () => undefined));
      }
      await told(count);
    }
  } finally {
    for (const answer of open) answer.destroy();
    agent.destroy();
  }
}
