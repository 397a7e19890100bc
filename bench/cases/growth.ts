import { noFigures } from '../../src/base/figures.ts';
import { Redis } from 'ioredis';
import { encodeEntry } from '../../src/ledger/entry-text.ts';
import { encodeTotalsRow } from '../../src/ledger/totals.ts';
import type { EntryRecord } from '../../src/ledger/entry.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { chatPath, shortChat } from '../bodies.ts';
import { load } from '../load.ts';
import { cpuMs, residentBytes } from '../processes.ts';
import { adminKey, Site, type Target } from '../site.ts';
import type { Case } from './case.ts';

const keys = keysUnder('tollgate:');
const dayMs = 86_400_000;
const perPipeline = 5_000;
const sizes = [
  { name: '1 team', teams: 1, tokens: 10, entries: 1_000 },
  { name: '100 teams', teams: 100, tokens: 1_000, entries: 100_000 },
  { name: '1,000 teams, 10,000 tokens, 1,000,000 entries', teams: 1_000, tokens: 10_000, entries: 1_000_000 },
];

/** Whether a request costs the same however large the store is, and while a month's usage is read. */
export const growth: Case = async ({ seconds, say }) => {
  const rows: { name: string; figures: number[] }[] = [];
  for (const size of sizes) {
    const site = await Site.start();
    try {
      const upstream = await site.cannedUpstream();
      const env = { LEDGER_MAX_ENTRIES: '2000000' };
      const target = await site.tollgate(upstream, { env });
      say(`filling with ${size.name}`);
      await fill(site, size);
      const what = { target, path: chatPath, body: shortChat, connections: 64 };
      await load({ ...what, seconds: 6 });
      const alone = await cost(site, target, () => load({ ...what, seconds }));
      const reading = readUsage(target, seconds);
      const meanwhile = await cost(site, target, () => load({ ...what, seconds }));
      rows.push({
        name: size.name,
        figures: [
          alone.us,
          alone.storeUs,
          meanwhile.storeUs,
          await reading,
          (await residentBytes(site.redis.pid)) / 1e6,
        ],
      });
    } finally {
      await site.close();
    }
  }
  return {
    title: 'Growth',
    columns: [
      'CPU µs a request',
      'of the store',
      '… while usage is read',
      'a month of usage, ms',
      'store MB',
    ],
    rows,
  };
};

async function cost(
  site: Site,
  target: Target,
  work: () => ReturnType<typeof load>,
): Promise<{ us: number; storeUs: number }> {
  const [before, storeBefore] = [await cpuMs(target.pid), await cpuMs(site.redis.pid)];
  const { requests } = await work();
  const [after, storeAfter] = [await cpuMs(target.pid), await cpuMs(site.redis.pid)];
  return {
    us: ((after - before) * 1_000) / requests,
    storeUs: ((storeAfter - storeBefore) * 1_000) / requests,
  };
}

/** Reads a month's usage by user, day and model once a second. Gives the longest time of one reading, ms. */
async function readUsage({ url }: Target, seconds: number): Promise<number> {
  const from = new Date(Date.now() - 30 * dayMs).toISOString().slice(0, 10);
  let slowestMs = 0;
  for (let n = 0; n < Math.max(1, seconds - 1); n += 1) {
    const startedMs = performance.now();
    const answer = await fetch(`${url}/admin/usage?group_by=user,day,model&from=${from}`, {
      headers: { authorization: `Bearer ${adminKey}` },
    });
    await answer.arrayBuffer();
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  return slowestMs;
}

async function fill(site: Site, { teams, tokens, entries }: (typeof sizes)[number]): Promise<void> {
  const client = new Redis(site.redis.url);
  try {
    for (let from = 0; from < tokens; from += perPipeline) {
      const batch = client.pipeline();
      for (let n = from; n < Math.min(tokens, from + perPipeline); n += 1) {
        const team = `other-${n % teams}`;
        const id = `tok_${String(n).padStart(12, '0')}`;
        const record = JSON.stringify({
          id,
          team,
          user: 'ana',
          name: 'x',
          limits: [],
          created_at: new Date().toISOString(),
        });
        batch.hset(keys.tokens(team), id, record);
        batch.hset(keys.secrets, `hash-of-a-secret-of-43-characters-${n}`, `${team}/${id}`);
      }
      await batch.exec();
    }
    for (let from = 0; from < entries; from += perPipeline) {
      const batch = client.pipeline();
      for (let n = from; n < Math.min(entries, from + perPipeline); n += 1)
        batch.xadd(keys.entries, '*', 'e', encodeEntry(entry(n, teams)));
      await batch.exec();
    }
    // A month of 50 users × 10 models.
    for (let day = 1; day <= 30; day += 1) {
      const date = new Date(Date.now() - day * dayMs).toISOString().slice(0, 10);
      const totals = Array.from({ length: 500 }, (_, n) => [
        encodeTotalsRow({
          team: `other-${n % teams}`,
          user: `user-${n % 50}`,
          token: `tok_${n % 100}`,
          model: `model-${n % 10}`,
          endpoint: chatPath,
        }),
        '12 3456 7890 0 1 2 0',
      ]);
      await client.hset(keys.totals(date), Object.fromEntries(totals) as Record<string, string>);
    }
  } finally {
    client.disconnect();
  }
}

function entry(n: number, teams: number): EntryRecord {
  return {
    id: `growth000000-${n.toString(36)}`,
    request_id: '5b3c0b3e-6f5c-4d56-9f0e-2c1d7b8a9e10',
    admittedAtMs: Date.now(),
    team: `other-${n % teams}`,
    user: 'ana',
    token_id: 'tok_000000000000',
    session_id: null,
    end_user: null,
    tags: '',
    endpoint: chatPath,
    model: 'claude-4-5-haiku',
    model_requested: null,
    model_accepted: true,
    status: 200,
    outcome: 'ok',
    error_code: null,
    ...noFigures,
    inputTokens: 14,
    outputTokens: 51,
    costNanoUsd: null,
    usage: 'reported',
    stream: false,
    duration_ms: 812,
    ttfb_ms: 799,
  };
}
