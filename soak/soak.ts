import { randomBytes } from 'node:crypto';
import { administrationOf } from '../test/support/gateway.ts';
import { untilDrained } from '../test/support/drained.ts';
import { startPostgres, type PostgresServer } from '../test/support/postgres-server.ts';
import { startRedis, type RedisServer } from '../test/support/redis-server.ts';
import { readSnapshot, untilQuiet } from './store-snapshot.ts';
import { Callers } from './callers.ts';
import type { Call } from './calls.ts';
import { checkEntries } from './check-entries.ts';
import { checkLimits } from './check-limits.ts';
import { checkProcesses } from './check-processes.ts';
import { checkTotals } from './check-totals.ts';
import { type Evidence, gather } from './evidence.ts';
import { differences, printed } from './findings.ts';
import { Fleet } from './fleet.ts';
import { Random } from './random.ts';
import { readRecords } from './records-snapshot.ts';
import type { Settings } from './settings.ts';
import { makeTeams } from './teams.ts';
import { Trouble } from './trouble.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const processes = 4;
const callersEach = 2;

/** Runs the soak and prints the results. Resolves with true if all counts agree. */
export async function soak(settings: Settings, say: (text: string) => void): Promise<boolean> {
  const { seconds, seed, leaseMs } = settings;
  say(`Soak: ${seconds} s, SOAK_SEED=${seed}, ${processes} processes, a lease of ${leaseMs / 1_000} s.`);
  const store = await startRedis();
  const postgres = await startPostgres();
  const databaseUrl = await postgres.database();
  const upstream = await startUpstream();
  const adminKey = randomBytes(24).toString('hex');
  const fleet = new Fleet(environment({ store, databaseUrl, upstream, adminKey, leaseMs }));
  try {
    await fleet.start(processes);
    const ran = await run({ settings, store, postgres, databaseUrl, fleet, upstream, adminKey });
    const tables = [
      checkLimits(ran.evidence),
      checkTotals(ran.evidence),
      checkEntries(ran.evidence),
      checkProcesses(fleet.instances, ran.evidence),
    ].flat();
    say(`\n${happened(ran)}\n`);
    for (const table of tables) say(printed(table));
    const differing = differences(tables);
    if (differing.length === 0) say('All counts agree.');
    else say(`Counts DIFFER (repeat with SOAK_SEED=${seed}):\n${differing.join('\n')}`);
    return differing.length === 0;
  } finally {
    store.resume();
    for (const { gateway } of fleet.instances) gateway.kill('SIGKILL');
    await upstream.close();
    await store.stop();
    await postgres.stop();
  }
}

interface Ran {
  evidence: Evidence;
  trouble: Trouble;
}

async function run(options: {
  settings: Settings;
  store: RedisServer;
  postgres: PostgresServer;
  databaseUrl: string;
  fleet: Fleet;
  upstream: Upstream;
  adminKey: string;
}): Promise<Ran> {
  const { settings, store, postgres, databaseUrl, fleet, upstream, adminKey } = options;
  const { seconds, seed, leaseMs } = settings;
  const administration = (): ReturnType<typeof administrationOf> =>
    administrationOf(fleet.healthy[0]?.url ?? '', adminKey);
  const tokens = await makeTeams(administration(), seconds);
  const callers = new Callers({ tokens, fleet, seed, each: callersEach });
  const longestPauseMs = Math.min(3_000, leaseMs / 2);
  const trouble = new Trouble({ fleet, store, postgres, random: new Random(seed), longestPauseMs });
  callers.start();
  await trouble.make(performance.now() + seconds * 1_000);
  await callers.stop();
  await fleet.whole();
  // A process counts as dead after a lease. One that was interrupted itself waits for another lease before it sweeps.
  await untilQuiet(store.url, 3 * leaseMs + 20_000);
  await untilDrained(store);
  const snapshot = await readSnapshot(store.url, administration());
  const records = await readRecords(databaseUrl);
  await fleet.close();
  return { evidence: gather({ snapshot, records, calls: callers.calls, seen: upstream.seen }), trouble };
}

function environment(options: {
  store: RedisServer;
  databaseUrl: string;
  upstream: Upstream;
  adminKey: string;
  leaseMs: number;
}): Record<string, string> {
  const { store, databaseUrl, upstream, adminKey, leaseMs } = options;
  return {
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
    ADMIN_KEY: adminKey,
    REDIS_URL: store.url,
    DATABASE_URL: databaseUrl,
    INFERENCE_URL: upstream.url,
    INFERENCE_KEY: 'inf-00000000-0000-4000-8000-000000000000',
    LEASE_MS: String(leaseMs),
    SHUTDOWN_GRACE_MS: '300', // so that some streams are ended by it
    LEDGER_MAX_ENTRIES: '10000000', // so that none is trimmed before it is compared
  };
}

function happened({ evidence: { calls, seen, snapshot }, trouble }: Ran): string {
  const ways = new Map<string, number>();
  for (const call of calls) ways.set(endOf(call), (ways.get(endOf(call)) ?? 0) + 1);
  const lines = (counts: ReadonlyMap<string, number>): string =>
    [...counts].map(([what, count]) => `  ${String(count).padStart(6)}  ${what}`).join('\n');
  const outcomes = new Map<string, number>();
  for (const { outcome } of snapshot.entries) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  return [
    `Trouble:\n${lines(trouble.counts)}`,
    `${calls.length} calls, by how they ended for their callers:\n${lines(ways)}`,
    `${seen.length} requests reached the upstream; ${snapshot.entries.length} entries:\n${lines(outcomes)}`,
  ].join('\n');
}

function endOf({ ended }: Call): string {
  if (ended === null) return 'without an end';
  return ended.how === 'refused' ? `refused: ${ended.status} ${ended.code}` : ended.how;
}
