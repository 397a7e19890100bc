import { compareIds, noCheckpoint, streamNames } from '../../src/records/checkpoint.ts';
import { DrainedStore } from '../../src/records/drained-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import { waitFor } from './wait-for.ts';

/** Resolves when Postgres has all that is in a Redis now. */
export async function untilDrained({ url }: { url: string }): Promise<void> {
  const redis = new RedisStore({ url, verifyTls: false, commandTimeoutMs: 10_000 });
  redis.connect();
  await redis.whenReady(10_000);
  const keys = keysUnder('tollgate:');
  const nothing = { entries: noCheckpoint, refusals: noCheckpoint, audit: noCheckpoint };
  try {
    const { streams } = await new DrainedStore(redis, keys).read(nothing, 1);
    const isDrained = async (): Promise<boolean> => {
      const drained = await redis.attempt((client) => client.hmget(keys.records, ...streamNames));
      return streamNames.every((name, n) => compareIds(drained[n] ?? '0-0', streams[name].lastId) >= 0);
    };
    await waitFor(isDrained, { what: 'the store to be drained' });
  } finally {
    redis.close();
  }
}
