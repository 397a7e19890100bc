import { setInterval } from 'node:timers';
import { systemClock } from '../../src/base/clock.ts';
import { Records } from '../../src/records/records.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';

/* A process that does nothing but drain: to be killed, and stopped. Arguments: Redis, Postgres, its name. */

const [redisUrl = '', postgresUrl = '', owner = ''] = process.argv.slice(2);
const store = new RedisStore({ url: redisUrl, verifyTls: false, commandTimeoutMs: 10_000 });
store.connect();
await store.whenReady(60_000);
const records = new Records({
  settings: { url: postgresUrl, tls: null, retentionDays: 400, backlogBytes: 8_000_000 },
  store,
  keys: keysUnder('t:'),
  maxEntries: 20,
  usageRetentionDays: 92,
  process: owner,
  clock: systemClock,
  log: { info: () => undefined, warn: console.warn, error: console.error },
  onGap: (stream, missing) => console.error('gap', stream, missing),
});
records.start();
process.once('SIGTERM', () => void records.stop().then(() => process.exit(0)));
setInterval(() => undefined, 60_000); // until it is killed
