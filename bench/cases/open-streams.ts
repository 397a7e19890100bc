import { readFile } from 'node:fs/promises';
import { Agent, type IncomingMessage } from 'node:http';
import { heldChat } from '../bodies.ts';
import { columns } from '../columns.ts';
import { residentBytes } from '../processes.ts';
import { Site, type Target } from '../site.ts';
import { opened } from '../stream-load.ts';
import type { Case } from './case.ts';

const few = 2_000;
const wanted = 10_000;
/** Files that a process has open besides its streams', which take two each: to the caller and to the upstream. */
const otherFiles = 200;
/** What lets one token have that many: it may have three eighths of all. */
const env = { MAX_CONNECTIONS: String(wanted * 3) };
const openedAtOnce = 200;
const mb = 1e6;

/**
 * How much memory a process takes with thousands of streams open. If it may not open files enough, it has as many
 * streams as it may, and what the rest would take is reckoned from them.
 */
export const openStreams: Case = async ({ say }) => {
  const most = Math.min(wanted, Math.floor(((await maxOpenFiles()) - otherFiles) / 2));
  const counts = [few, most];
  const rows: { name: string; figures: number[] }[] = [];
  for (const start of ['bare', 'tollgate'] as const) {
    const site = await Site.start();
    try {
      const upstream = await site.upstream();
      const target = start === 'bare' ? await site.bare(upstream) : await site.tollgate(upstream, { env });
      const idle = await residentBytes(target.pid);
      const held: number[] = [];
      await holdOpen(target, counts, async (count) => {
        const resident = await residentBytes(target.pid);
        say(`${start}: ${count} open, ${Math.round(resident / mb)} MB`);
        held.push(resident / mb, (resident - idle) / count / 1_000);
      });
      const [resident = Number.NaN, each = Number.NaN] = held.slice(-2);
      rows.push({
        name: start,
        figures: [idle / mb, ...held, resident + ((wanted - most) * each) / 1_000],
      });
    } finally {
      await site.close();
    }
  }
  const perCount = counts.flatMap((count) => [`${count.toLocaleString('en')} open, MB`, 'kB each']);
  return {
    title: 'Open streams, resident memory',
    columns: ['idle, MB', ...perCount, columns.tenThousandOpenMb],
    rows,
  };
};

/** Opens streams up to each count in turn, and reports when that many are open. */
async function holdOpen(
  target: Target,
  counts: readonly number[],
  told: (count: number) => Promise<void>,
): Promise<void> {
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

/** How many files each process here may have open: Node takes as many as the hard limit allows. */
async function maxOpenFiles(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const hard = /Max open files\s+\S+\s+(\d+)/.exec(limits)?.[1];
  return hard === undefined ? Infinity : Number(hard);
}
