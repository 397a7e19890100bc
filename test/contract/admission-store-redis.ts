import { createHash } from 'node:crypto';
import { RedisAdmissionStore } from '../../src/limits/admission-store.ts';
import { type Keys, keysUnder } from '../../src/store/keys.ts';
import { RedisStore, type Script } from '../../src/store/redis.ts';
import { RedisLedger } from '../../src/ledger/ledger-reader.ts';
import type { RedisServer } from '../support/redis-server.ts';
import { lastSecondMs, leaseMs, type StoreUnderTest } from './admission-store-samples.ts';

const clockKey = 'turned-clock';
const serversClock = "redis.call('TIME')";
const turnedClock = `redis.call('HMGET', '${clockKey}', 's', 'us')`;

/** A script that looks the time up in `turned-clock`, a hash of seconds (`s`) and microseconds (`us`). */
export function turned(script: Script): Script {
  const source = script.source.replaceAll(serversClock, turnedClock);
  return { ...script, source, sha: createHash('sha1').update(source).digest('hex') };
}

/** Runs the real scripts, but for where they look the time up: a clock that tests can turn. */
export class TurnedRedis extends RedisStore {
  override run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    return super.run(turned(script), keys, args);
  }

  async turnTo(nowMs: number): Promise<void> {
    const seconds = Math.floor(nowMs / 1_000);
    const micros = (nowMs - seconds * 1_000) * 1_000;
    await this.client.hset(clockKey, { s: seconds, us: micros });
  }
}

/** What scripts must say for `TurnedRedis` to turn them. */
export const saysTime = (source: string): boolean => source.includes(serversClock);

export function connectTo(server: RedisServer): TurnedRedis {
  const redis = new TurnedRedis({ url: server.url, verifyTls: false, commandTimeoutMs: 5_000 });
  redis.connect();
  return redis;
}

/** An empty store on this Redis, its clock at `lastSecondMs`. */
export async function emptyRedisStore(redis: TurnedRedis, keys: Keys = keysUnder('t:')): Promise<Turned> {
  await redis.client.flushall();
  await redis.turnTo(lastSecondMs);
  const store = new RedisAdmissionStore(redis, keys, { leaseMs, maxEntries: 5_000, retentionDays: 400 });
  const readCounters = store.counters.bind(store);
  // The one command that asks the server itself for the time.
  store.counters = async (team, ids) => {
    const [seconds, micros] = await redis.client.hmget(clockKey, 's', 'us');
    return { ...(await readCounters(team, ids)), nowMs: Number(seconds) * 1_000 + Number(micros) / 1_000 };
  };
  return {
    store,
    ledger: new RedisLedger(redis, keys),
    turnTo: (nowMs) => redis.turnTo(nowMs),
    setEpoch: async (team, epoch) => {
      await redis.client.hset(keys.epochs, team, epoch);
    },
  };
}

interface Turned extends StoreUnderTest {
  store: RedisAdmissionStore;
}
