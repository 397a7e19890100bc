import type { Clock } from '../base/clock.ts';
import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { RedisStore } from '../store/redis.ts';
import { infoField, storeCondition, type StoreCondition } from '../store/store-condition.ts';
import { nowMsOf } from '../store/store.ts';

const liveProcesses = loadScript(new URL('./live_processes.lua', import.meta.url));

/** What a server says of itself. Null: it does not say. */
export interface StoreFacts {
  readonly server: 'Redis' | 'Valkey';
  readonly version: string | null;
  /** How long a command took. */
  readonly answersInMs: number;
  /** By how much its clock is ahead of this machine's; negative: behind. */
  readonly aheadMs: number;
  readonly condition: StoreCondition;
  readonly memory: { readonly usedBytes: number; readonly maxBytes: number };
  readonly clients: { readonly now: number | null; readonly max: number | null };
  readonly isReplica: boolean;
  readonly isCluster: boolean;
  /** How many gateway processes are alive, as a script counted them; or why none runs. */
  readonly processes: number | { readonly refused: string };
}

/** Reads them. Rejects with `StoreUnavailable`. */
export async function storeFacts(
  store: RedisStore,
  { keys, leaseMs, clock }: { keys: Keys; leaseMs: number; clock: Clock },
): Promise<StoreFacts> {
  const { answersInMs, aheadMs } = await timed(store, clock);
  const [info, condition, memory, processes] = await Promise.all([
    store.client.info().catch(() => ''),
    storeCondition(store),
    store.memory(),
    store.run(liveProcesses, [keys.processes], [leaseMs]).then(Number, refusedBy),
  ]);
  const isValkey = infoField(info, 'server_name') === 'valkey';
  return {
    server: isValkey ? 'Valkey' : 'Redis',
    version: infoField(info, isValkey ? 'valkey_version' : 'redis_version'),
    answersInMs,
    aheadMs,
    condition,
    memory,
    clients: { now: figureIn(info, 'connected_clients'), max: figureIn(info, 'maxclients') },
    isReplica: infoField(info, 'role') === 'slave',
    isCluster: infoField(info, 'cluster_enabled') === '1',
    processes,
  };
}

/** The store's clock beside this machine's, in the middle of the quickest of three round trips. */
async function timed(store: RedisStore, clock: Clock): Promise<Pick<StoreFacts, 'answersInMs' | 'aheadMs'>> {
  let best = { answersInMs: Infinity, aheadMs: 0 };
  for (let round = 0; round < 3; round += 1) {
    const [beganMs, atMs] = [clock.monotonic(), clock.now()];
    const storeMs = nowMsOf(await store.attempt((client) => client.time()));
    const answersInMs = clock.monotonic() - beganMs;
    if (answersInMs < best.answersInMs) best = { answersInMs, aheadMs: storeMs - atMs - answersInMs / 2 };
  }
  return best;
}

function figureIn(info: string, name: string): number | null {
  const text = infoField(info, name);
  return text === null ? null : Number(text);
}

function refusedBy(error: unknown): { refused: string } {
  return { refused: error instanceof Error ? error.message : String(error) };
}
