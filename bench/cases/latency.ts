import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { chatPath, shortChat } from '../bodies.ts';
import { columns } from '../columns.ts';
import { median } from '../report.ts';
import { Site, type Target } from '../site.ts';
import type { Case } from './case.ts';

const perSecond = 500;
const tickMs = 2;

/** What each proxy adds to the time of a short chat, at a rate far below its maximum. */
export const latency: Case = async ({ rounds, seconds }) => {
  const site = await Site.start();
  try {
    const upstream = await site.cannedUpstream();
    const targets = [upstream, await site.bare(upstream), await site.tollgate(upstream)];
    const times = new Map(
      targets.map(({ name }): [string, { p50: number[]; p99: number[] }] => [name, { p50: [], p99: [] }]),
    );
    for (let round = -1; round < rounds; round += 1) {
      for (const target of targets) {
        const sorted = (await atRate(target, seconds)).sort((a, b) => a - b);
        if (round < 0) continue; // warm-up
        const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
        times.get(target.name)?.p50.push(at(0.5));
        times.get(target.name)?.p99.push(at(0.99));
      }
    }
    const of = (name: string, which: 'p50' | 'p99'): number => median(times.get(name)?.[which] ?? []);
    const added = (name: string, which: 'p50' | 'p99'): number => of(name, which) - of('upstream', which);
    return {
      title: `Time added at ${perSecond} requests a second, ms`,
      columns: ['p50', 'p99', 'p50 added', 'p99 added', columns.p99TimesBare],
      rows: targets.map(({ name }) => ({
        name: name === 'upstream' ? 'direct' : name,
        figures:
          name === 'upstream'
            ? [of(name, 'p50'), of(name, 'p99'), '', '', '']
            : [
                of(name, 'p50'),
                of(name, 'p99'),
                added(name, 'p50'),
                added(name, 'p99'),
                added(name, 'p99') / added('bare', 'p99'),
              ],
      })),
    };
  } finally {
    await site.close();
  }
};

/** Sends requests on schedule, whether or not earlier ones have ended. Each is timed from when it was due. */
async function atRate(target: Target, seconds: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const times: number[] = [];
  const pending: Promise<void>[] = [];
  const startedMs = performance.now();
  for (let sent = 0; sent < perSecond * seconds;) {
    const dueMs = startedMs + (sent * 1_000) / perSecond;
    if (performance.now() < dueMs) {
      await sleep(tickMs);
      continue;
    }
    pending.push(one(target, agent).then(() => void times.push(performance.now() - dueMs)));
    sent += 1;
  }
  await Promise.all(pending);
  agent.destroy();
  return times;
}

function one(target: Target, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...target.headers,
      'content-type': 'application/json',
      'content-length': shortChat.length,
    };
    const sent = request(target.url + chatPath, { method: 'POST', headers, agent }, (response) => {
      response.resume().on('end', resolve).on('error', reject);
    });
    sent.on('error', reject);
    sent.end(shortChat);
  });
}
