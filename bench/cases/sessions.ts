import { chatPath, shortChat } from '../bodies.ts';
import { load } from '../load.ts';
import { cpuMs } from '../processes.ts';
import { Site, type Target } from '../site.ts';
import { storeStats } from '../store-stats.ts';
import { throughput } from '../throughput.ts';
import type { Case } from './case.ts';

const connections = 64;
const path = '/v1/sessions';
/** A bound that minting at full speed never reaches. */
const unbounded = { SESSIONS_PER_MINUTE: '1000000', SESSION_STORE_BYTES: '1073741824' };

/** A page's session compared with the user's token, and what making a session costs. */
export const sessions: Case = async ({ rounds, seconds }) => {
  const site = await Site.start();
  try {
    const upstream = await site.cannedUpstream();
    const token = { ...(await site.tollgate(upstream, { env: unbounded })), name: 'a token' };
    const chats = [token, { ...token, name: 'a session', headers: await sessionOf(token) }];
    const what = { rounds, seconds, path: chatPath, body: shortChat, connections };
    const measured = await throughput(chats, what);
    const rows = [];
    for (const target of chats) {
      const { calls } = await costs(site, {
        target,
        path: chatPath,
        body: shortChat,
        connections: 1,
        seconds: 2,
      });
      const { cpuUs, perSecond } = measured.get(target.name) ?? { cpuUs: Number.NaN, perSecond: Number.NaN };
      rows.push({ name: `chat with ${target.name}`, figures: [cpuUs, perSecond, calls] });
    }
    const { cpuUs, perSecond } = await costs(site, { target: token, path, body: '{}', connections, seconds });
    const { calls } = await costs(site, { target: token, path, body: '{}', connections: 1, seconds: 2 });
    rows.push({ name: 'making a session', figures: [cpuUs, perSecond, calls] });
    return {
      title: 'Sessions, 64 connections; calls of the store with one',
      columns: ['CPU µs a request', 'requests/s', 'calls of the store'],
      rows,
    };
  } finally {
    await site.close();
  }
};

async function costs(
  site: Site,
  what: Parameters<typeof load>[0],
): Promise<{ cpuUs: number; perSecond: number; calls: number }> {
  const before = { ...(await storeStats(site)), ownMs: await cpuMs(what.target.pid) };
  const { requests, perSecond, failed } = await load(what);
  if (failed > 0) throw new Error(`${failed} of ${requests} requests failed.`);
  const after = { ...(await storeStats(site)), ownMs: await cpuMs(what.target.pid) };
  return {
    cpuUs: ((after.ownMs - before.ownMs) * 1_000) / requests,
    perSecond,
    calls: (after.calls - before.calls) / requests,
  };
}

async function sessionOf({ url, headers }: Target): Promise<Record<string, string>> {
  const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: '{"expires_in":3600}' });
  const { token } = (await answer.json()) as { token: string };
  return { authorization: `Bearer ${token}` };
}
