import { DrainedStore } from '../../src/records/drained-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import { waitFor } from './wait-for.ts';

/** Resolves when Postgres has all that a Redis has to be drained. */
export async function untilDrained({ url }: { url: string }): Promise<void> {
  const redis = new RedisStore({ url, verifyTls: false, commandTimeoutMs: 10_000 });
  redis.connect();
  await redis.whenReady(10_000);
  const store = new DrainedStore(redis, keysUnder('tollgate:'));
  try {
    const isDrained = async (): Promise<boolean> => {
      const { entries, refusals, audit } = await store.backlog();
      return entries + refusals + audit === 0;
    };
    await waitFor(isDrained, { what: 'the store to be drained' });
  } finally {
    redis.close();
  }
}
