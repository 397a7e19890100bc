import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../src/base/clock.ts';
import { noCharge, type ForwardOutcome } from '../src/base/outcome.ts';
import { AdmissionStore } from '../src/limits/admission-store.ts';
import type { Grant } from '../src/limits/grant.ts';
import { encodeOpen, type OpenRequest } from '../src/limits/open-record.ts';
import { settlementOf } from '../src/limits/settlement.ts';
import type { AdmitRequest } from '../src/limits/store.ts';
import { emptyCounter } from '../src/limits/window.ts';
import { Database } from '../src/records/database.ts';
import { DrainedStore } from '../src/records/drained-store.ts';
import { Records } from '../src/records/records.ts';
import { keysUnder } from '../src/store/keys.ts';
import { RedisStore } from '../src/store/redis.ts';
import { scriptOf } from '../src/store/script.ts';
import { startPostgres } from '../test/support/postgres-server.ts';
import { startRedis } from '../test/support/redis-server.ts';

/*
 * What a day without Postgres does to a store of 25 MB, at 10 requests a second and with the defaults; then how fast it is
 * drained, and how soon an entry is in Postgres at a moderate load: the figures of docs/records.md. `npm run measure:records`
 */

const keys = keysUnder('tollgate:');
const processId = 'measure00001';
const storeBytes = 25 * 1_048_576;
const backlogBytes = 8 * 1_048_576;
const maxEntries = 10_000;
const requestsADay = 10 * 86_400;
const perCall = 200;
const models = ['claude-4-5-sonnet', 'claude-4-sonnet', 'claude-3-5-haiku', 'nova-pro', 'gpt-oss-120b'];
const limits = (['day', 'month'] as const).map((window) => ({
  scoped: {
    scope: 'team' as const,
    limit: { metric: 'tokens' as const, window, max: 1_000_000_000_000, id: `lim_${window}00000` },
  },
  applied: { id: `lim_${window}00000`, span: window, amount: 5_096, max: 1_000_000_000_000 },
  counter: emptyCounter,
}));
const answered: ForwardOutcome = {
  ending: 'answered',
  status: 200,
  outcome: 'ok',
  errorCode: null,
  usage: { inputTokens: 1_234, outputTokens: 567 },
  unreportedTokens: 0,
  accepted: true,
  upstream: { status: 200, headMs: 800 },
  sentTo: null,
  durationMs: 2_345,
  ttfbMs: 812,
};

const redis = await startRedis({
  args: ['--maxmemory', String(storeBytes), '--maxmemory-policy', 'noeviction'],
});
const store = new RedisStore({ url: redis.url, verifyTls: false, commandTimeoutMs: 60_000 });
await store.connected();
const admission = new AdmissionStore(store, keys, {
  leaseMs: 3_600_000,
  maxEntries,
  retentionDays: 92,
  backlogBytes: () => backlogBytes,
});
const makeTeam = scriptOf(
  'make_team',
  `redis.call('HSET', KEYS[1], 'team-0', 'e1') redis.call('HSET', KEYS[2], 'team-0', '{"id":"team-0"}') return 1`,
);
await store.run(makeTeam, [keys.epochs, keys.teams], []);
const { incarnation } = await admission.beat(processId);
let made = 0;

function nextGrant(): Grant {
  const n = made++;
  const request: OpenRequest = {
    requestId: randomUUID(),
    team: 'team-0',
    user: `user-${n % 50}`,
    tokenId: `tok_${String(n % 100).padStart(12, '0')}`,
    sessionId: null,
    endUser: null,
    tags: '',
    nanoUsd: null,
    endpoint: '/v1/chat/completions',
    model: models[n % models.length] ?? '',
    modelKnown: true,
    stream: true,
    ...noCharge,
    requests: 1,
    inputTokens: 1_000,
    outputTokens: 4_096,
    slots: [],
    held: limits.map(({ applied }) => `${applied.id} ${applied.span === 'day' ? 'd' : 'M'} 5096;`).join(''),
    keyed: '',
  };
  return {
    id: `${processId}-${n.toString(36)}`,
    incarnation,
    admittedAtMs: Date.now(),
    limits,
    request,
    attempts: [],
    price: null,
    key: null,
  };
}

async function settle(count: number): Promise<string[]> {
  const grants = Array.from({ length: count }, nextGrant);
  const asks = grants.map(({ id, request }): AdmitRequest => ({
    grant: id,
    team: 'team-0',
    epoch: 'e1',
    notAfterMs: Number.MAX_SAFE_INTEGER,
    expiresAtMs: Infinity,
    record: encodeOpen(request),
    session: null,
    limits: limits.map(({ applied }) => applied),
  }));
  const reply = await admission.admit(processId, asks);
  if (reply.kind !== 'decided' || reply.decisions.some(({ kind }) => kind !== 'admitted')) {
    throw new Error(`The store refuses: ${JSON.stringify(reply).slice(0, 200)}`);
  }
  await admission.settle(
    processId,
    grants.map((grant) => settlementOf({ ...grant, admittedAtMs: reply.nowMs }, answered).settlement),
  );
  return grants.map(({ id }) => id);
}

const megabytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MB`;

/** Drains to a Postgres while `work` runs. */
async function draining<Result>(url: string, work: () => Promise<Result>): Promise<Result> {
  const records = new Records({
    settings: { url, tls: null, retentionDays: 400, backlogBytes },
    store,
    keys,
    maxEntries,
    usageRetentionDays: 92,
    process: processId,
    clock: systemClock,
    log: { info: () => undefined, warn: console.warn, error: () => undefined },
    onGap: () => undefined,
  });
  records.start();
  try {
    return await work();
  } finally {
    await records.stop();
  }
}

const postgres = await startPostgres();
const url = await postgres.database();
const database = new Database({ url, tls: null });
const recorded = async (): Promise<number> => {
  const [row] = await database.query<{ added: number }>(
    "SELECT added FROM checkpoints WHERE stream = 'entries'",
  );
  return row?.added ?? 0;
};

async function untilRecorded(count: number): Promise<void> {
  while ((await recorded().catch(() => 0)) < count) await sleep(20);
}

// Records have begun before Postgres goes away.
await settle(perCall);
await draining(url, () => untilRecorded(perCall));

console.log(`A day at 10 requests a second without Postgres, a store of ${megabytes(storeBytes)}:`);
for (let tenth = 1; tenth <= 10; tenth += 1) {
  const calls = (requestsADay * tenth) / 10 / perCall - made / perCall;
  for (let n = 0; n < calls; n += 1) await settle(perCall);
  const [length, bytes, { usedBytes }] = await Promise.all([
    store.client.xlen(keys.entries),
    store.client.memory('USAGE', keys.entries, 'SAMPLES', 0),
    store.memory(),
  ]);
  const each = ((bytes ?? 0) / length).toFixed(0);
  console.log(
    `${(tenth * 2.4).toFixed(1).padStart(4)} h: ${length} entries of ${each} bytes, ${megabytes(bytes ?? 0)}; store ${megabytes(usedBytes)}`,
  );
}

const { entries: backlog } = await new DrainedStore(store, keys).backlog();
const left = await store.client.xlen(keys.entries);
const startedMs = performance.now();
await draining(url, () => untilRecorded(made));
const seconds = (performance.now() - startedMs) / 1_000;
const [figures] = await database.query<{ entries: number; missing: number; bytes: number }>(
  `SELECT (SELECT count(*) FROM entries) AS entries, (SELECT sum(missing) FROM gaps) AS missing,
     (SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'entries'::regclass) AS bytes`,
);
console.log(
  `Drained ${left} of ${backlog} in ${seconds.toFixed(1)} s: ${Math.round(left / seconds)} entries a second.`,
);
const { entries = 0, missing = 0, bytes = 0 } = figures ?? {};
console.log(
  `Postgres has ${entries} entries and a gap of ${missing}, together ${entries + missing} of ${made}; ${Math.round(bytes / entries)} bytes an entry with its indexes.`,
);

const delays: number[] = [];
await draining(url, async () => {
  await untilRecorded(made);
  for (let n = 0; n < 40; n += 1) {
    await settle(10);
    const settledMs = performance.now();
    await untilRecorded(made);
    delays.push(performance.now() - settledMs);
    await sleep(Math.random() * 200);
  }
});
delays.sort((a, b) => a - b);
const at = (share: number): string =>
  `${Math.round(delays[Math.floor(share * (delays.length - 1))] ?? 0)} ms`;
console.log(`From settling to Postgres: half within ${at(0.5)}, 95 % within ${at(0.95)}, at most ${at(1)}.`);

store.close();
await database.close();
await postgres.stop();
await redis.stop();
